"""Metrics by scikit-learn, on the samples and on the awkward cases."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
from sklearn import metrics as m
from sklearn.calibration import calibration_curve

import ref_models
import sample_digits
from common import write_json
from ref_predictions import run


def maybe(value):
    """NaN, and what scikit-learn refuses, is null."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return float(value())
    except ValueError:
        return None


def classification(classes: list, truth: list, proba: np.ndarray, positive=None, dtype="float64") -> dict:
    """Everything for one table of probabilities; the prediction is the first class with the largest one.

    Log loss depends on the type that the probabilities have: they are clipped to its precision."""
    own = np.asarray(proba, dtype=dtype)
    proba = own.astype(np.float64)
    truth, names = np.asarray(truth), np.asarray(classes)
    found = names[proba.argmax(1)]
    expected = {
        "accuracy": m.accuracy_score(truth, found),
        "balanced_accuracy": maybe(lambda: m.balanced_accuracy_score(truth, found)),
        "matthews": m.matthews_corrcoef(truth, found),
        "kappa": maybe(lambda: m.cohen_kappa_score(truth, found, labels=classes)),
        "confusion": m.confusion_matrix(truth, found, labels=classes),
        "log_loss": maybe(lambda: m.log_loss(truth, own, labels=classes)),
    }
    each = m.precision_recall_fscore_support(truth, found, labels=classes, zero_division=0)
    expected["per_class"] = dict(zip(("precision", "recall", "f1", "support"), each))
    for average in ("macro", "micro", "weighted"):
        p, r, f, _ = m.precision_recall_fscore_support(
            truth, found, labels=classes, average=average, zero_division=0
        )
        expected[average] = {"precision": p, "recall": r, "f1": f}
    expected["auc_one_vs_rest"] = [maybe(lambda c=c, i=i: m.roc_auc_score(truth == c, proba[:, i]))
                                   for i, c in enumerate(classes)]
    if len(classes) > 2:
        for how in ("ovr", "ovo"):
            for average in ("macro", "weighted"):
                expected[f"auc_{how}_{average}"] = maybe(
                    lambda: m.roc_auc_score(truth, proba, multi_class=how, average=average, labels=classes)
                )
    else:
        expected.update(binary(classes, truth, proba, found, positive))
    return {
        "kind": "classification",
        "source": f"scikit-learn {sklearn.__version__}",
        "classes": classes,
        "positive": positive,
        **({} if dtype == "float64" else {"dtype": dtype}),
        "truth": truth,
        "probabilities": proba,
        "expected": expected,
    }


def binary(classes: list, truth: np.ndarray, proba: np.ndarray, found: np.ndarray, positive) -> dict:
    """What only two classes have."""
    hit, score = truth == positive, proba[:, classes.index(positive)]
    p, r, f, _ = m.precision_recall_fscore_support(hit, found == positive, average="binary", zero_division=0)
    edges = np.linspace(0, 1, 11)
    places = np.searchsorted(edges[1:-1], score)
    share, mean = calibration_curve(hit, score, n_bins=10, strategy="uniform")
    return {
        "precision": p,
        "recall": r,
        "f1": f,
        "auc": maybe(lambda: m.roc_auc_score(hit, score)),
        "average_precision": maybe(lambda: m.average_precision_score(hit, score)),
        "brier": m.brier_score_loss(hit, score, pos_label=True),
        "calibration": {
            "note": "uniform bins (a, b], the first one [0, 0.1]; empty bins are left out of share and mean",
            "counts": np.bincount(places, minlength=10),
            "share_positive": share,
            "mean_score": mean,
        },
    }


def regression(truth, found) -> dict:
    """Everything for one column of numbers."""
    truth, found = np.asarray(truth, np.float64), np.asarray(found, np.float64)
    return {
        "kind": "regression",
        "source": f"scikit-learn {sklearn.__version__}",
        "truth": truth,
        "predictions": found,
        "expected": {
            "mse": m.mean_squared_error(truth, found),
            "rmse": m.root_mean_squared_error(truth, found),
            "mae": m.mean_absolute_error(truth, found),
            "median_absolute_error": m.median_absolute_error(truth, found),
            "max_error": m.max_error(truth, found),
            "mape": m.mean_absolute_percentage_error(truth, found),
            "r2": maybe(lambda: m.r2_score(truth, found)),
            "explained_variance": maybe(lambda: m.explained_variance_score(truth, found)),
        },
    }


def several(truth: np.ndarray, found: np.ndarray) -> dict:
    """Several numbers a row: of each, and the plain means."""
    def both(metric):
        each = metric(truth, found, multioutput="raw_values")
        return {"each": each, "average": float(metric(truth, found, multioutput="uniform_average"))}

    return {
        "kind": "several-regressions",
        "source": f"scikit-learn {sklearn.__version__}",
        "truth": truth,
        "predictions": found,
        "expected": {
            "mse": both(m.mean_squared_error),
            "rmse": both(m.root_mean_squared_error),
            "mae": both(m.mean_absolute_error),
            "median_absolute_error": both(m.median_absolute_error),
            "mape": both(m.mean_absolute_percentage_error),
            "r2": both(m.r2_score),
            "explained_variance": both(m.explained_variance_score),
        },
    }


def awkward() -> dict[str, dict]:
    """Ties, constants, absent classes, certainty that is wrong, single rows."""
    rng = np.random.default_rng(11)
    yes_no = ["no", "yes"]

    def two(scores):
        scores = np.asarray(scores, np.float64)
        return np.stack([1 - scores, scores], 1)

    truth = np.array(yes_no)[rng.integers(0, 2, 60)]
    ties = np.round(rng.random(60) * 5) / 5
    three = ["a", "b", "c"]
    many = rng.dirichlet([0.7, 0.7, 0.7], 90)
    many_truth = np.array(three)[[rng.choice(3, p=0.7 * p + 0.1) for p in many]]
    only_two = np.where(many_truth == "c", "a", many_truth)
    edges = np.tile(np.arange(11) / 10, 4)
    return {
        "ties": classification(yes_no, truth, two(ties), "yes"),
        "constant_scores": classification(yes_no, truth, two(np.full(60, 0.3)), "yes"),
        "one_class_only": classification(yes_no, ["yes"] * 5, two([0.9, 0.8, 0.4, 0.6, 0.5]), "yes"),
        "certain_and_wrong": classification(yes_no, ["yes", "no", "yes", "no"], two([0.0, 1.0, 1.0, 0.0]), "yes"),
        "perfect": classification(yes_no, ["yes", "no", "yes"], two([0.8, 0.1, 0.9]), "yes"),
        "single_row": classification(yes_no, ["no"], two([0.25]), "yes"),
        "bin_edges": classification(yes_no, np.array(yes_no)[np.arange(44) % 2], two(edges), "yes"),
        "positive_first": classification(yes_no, truth, two(ties), "no"),
        **float32(rng=np.random.default_rng(13)),
        "three_classes": classification(three, many_truth, many),
        "absent_in_truth": classification(three, only_two, many),
        "absent_in_prediction": classification(three, many_truth, np.column_stack([many[:, 0] + many[:, 2], many[:, 1], 0 * many[:, 2]])),
        "regression_noise": regression(rng.normal(5, 2, 50), rng.normal(5, 2, 50)),
        "regression_constant_truth": regression([3.0] * 6, [3.0, 2.5, 3.5, 3.0, 2.0, 3.0]),
        "regression_constant_perfect": regression([3.0] * 4, [3.0] * 4),
        "regression_zero_truth": regression([0.0, 1.0, -2.0, 0.0], [0.1, 1.0, -1.0, 0.0]),
        "regression_single_row": regression([2.0], [3.0]),
        "three_numbers": several(*np.random.default_rng(12).normal([[[1, 5, -40]]], [[[1, 3, 20]]], (2, 30, 3))),
        "regression_large_offset": regression(1e9 + rng.normal(0, 1, 40), 1e9 + rng.normal(0, 1, 40)),
    }


def float32(rng: np.random.Generator) -> dict[str, dict]:
    """Probabilities as most models give them, exact 0 and 1 among them, some of those wrong."""
    sure = np.where(np.arange(40) % 4 == 0, np.arange(40) % 8 == 0, rng.random(40)).astype(np.float32)
    three = rng.dirichlet([0.05, 0.05, 0.05], 60).astype(np.float32)
    names = np.array(["a", "b", "c"])
    return {
        "float32_two": classification(
            ["no", "yes"], np.where(rng.random(40) < 0.5, "no", "yes"), np.stack([1 - sure, sure], 1), "yes", "float32"
        ),
        "float32_three": classification(names.tolist(), names[rng.integers(0, 3, 60)], three, dtype="float32"),
    }


def write(root: Path, out: Path, cases: list[ref_models.Case]) -> None:
    """One file for each case."""
    results = awkward()
    samples = root / "assets/samples"
    held = pd.read_csv(samples / "tumour/heldout.csv")
    values = held.drop(columns="diagnosis").to_numpy(np.float32)
    for version in ("v1", "v2"):
        proba = numbers(run(samples / "tumour" / f"{version}.onnx", {"X": values})[1])
        results[f"tumour_{version}"] = classification(
            ["benign", "malignant"], held.diagnosis.tolist(), proba, "malignant"
        )
    table = pd.read_csv(samples / "penguins/heldout.csv")
    columns = {
        c: table[[c]].to_numpy(np.float32 if table[c].dtype.kind == "f" else object)
        for c in table.columns.drop("species")
    }
    answer = run(samples / "penguins/model.onnx", columns)[1]
    results["penguins"] = classification(answer["labels"], table.species.tolist(), numbers(answer))
    _, _, pixels, digits = sample_digits.split()
    proba = numbers(run(samples / "digits/model.onnx", {"image": sample_digits.scaled(pixels)})[1])
    results["digits"] = classification([str(d) for d in range(10)], [str(d) for d in digits], proba)
    forest = next(c for c in cases if c.name == "forest_diabetes")
    results["forest_diabetes"] = regression(forest.truth, numbers(run(root / forest.path, {"X": forest.held})[0])[:, 0])
    for name, result in results.items():
        write_json(out / "metrics" / f"{name}.json", result)


def numbers(output: dict) -> np.ndarray:
    """The table of a written tensor."""
    tensor = output["tensor"]
    return np.asarray(tensor["data"]["values"], np.float64).reshape(tensor["shape"])
