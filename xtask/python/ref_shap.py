"""Attributions by shap, each checked here against the model's own answer and, up to ten features, by enumeration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shap
from scipy.special import expit, softmax

import ref_models
import ref_trees
import sample_penguins
import sample_tumour
from common import brief, quiet_session, write_json
from ref_exact import shapley, tree_shapley
from ref_path import path_shapley

ROWS = 12
EXACT_LIMIT = 10


def tumour_cases() -> list[ref_models.Case]:
    """The two versions of the tumour sample."""
    table, _, held, truth = sample_tumour.split()
    cases = []
    for version in sample_tumour.VERSIONS:
        case = ref_models.Case(
            f"tumour_{version}",
            sample_tumour.train_version(version),
            list(table.columns),
            table.to_numpy(np.float32),
            held.to_numpy(np.float32),
            truth,
            path=f"assets/samples/tumour/{version}.onnx",
            classes=["benign", "malignant"],
        )
        cases.append(case)
    return cases


def off_runtime(ensemble: dict, path: Path, rows: np.ndarray, raw: np.ndarray) -> float:
    """Largest difference between ONNX Runtime's answer and the plain trees with their post transform."""
    session = quiet_session(path)
    answer = session.run(None, {session.get_inputs()[0].name: rows})[-1]
    if isinstance(answer, list):
        # A ZipMap: one map of class to probability for each row.
        answer = np.array([list(row.values()) for row in answer])
    answer = answer.astype(np.float64).reshape(len(rows), -1)
    ours = {"none": lambda x: x, "logistic": expit, "softmax": lambda x: softmax(x, axis=1)}[ensemble["post"]](raw)
    return np.abs(answer[:, -raw.shape[1] :] - ours).max()


def on_a_threshold(ensemble: dict, rows: np.ndarray) -> np.ndarray:
    """Rows with a value on a threshold, or next to it: shap rounds thresholds to float32 and may then send the
    value to the other side than the model does."""
    found = np.zeros(len(rows), bool)
    for tree in ensemble["trees"]:
        for node in tree["nodes"]:
            if split := node.get("Split"):
                t = np.float32(split["threshold"])
                near = [np.nextafter(t, np.float32(-np.inf)), t, np.nextafter(t, np.float32(np.inf))]
                found |= np.isin(rows[:, split["feature"]], near)
    return found


def tree_case(case: ref_models.Case, root: Path, out: Path) -> None:
    """shap's interventional TreeExplainer; raw output; the whole background (100 rows, shap's silent limit).

    `path_values` are those of the trees' own covers, recounted from the background, by enumeration.
    """
    path = root / case.path
    ensemble = ref_trees.read(path, len(case.names))
    write_json(out / "trees" / f"{case.name}.json", ensemble)
    rows = case.held[~on_a_threshold(ensemble, case.held)][:ROWS]
    case.draw_background(~on_a_threshold(ensemble, case.train))
    assert len(case.background) == 100
    explainer = shap.TreeExplainer(
        case.model, data=case.background, feature_perturbation="interventional", model_output="raw"
    )
    values = np.asarray(explainer.shap_values(rows, check_additivity=False), dtype=np.float64)
    values = values[..., None] if values.ndim == 2 else values
    base = np.atleast_1d(np.asarray(explainer.expected_value, dtype=np.float64))
    if ensemble["binary_from_one"]:
        values, base = values[..., -1:], base[-1:]
    width = values.shape[2]
    space = "probability" if case.name.startswith("forest_") and case.classes else "raw"
    if case.classes and space == "raw":
        space = "log-odds"

    raw = ref_trees.evaluate(ensemble, rows)
    residual = np.abs(values.sum(1) + base - raw).max()
    scale = max(1.0, np.abs(raw).max())
    off_onnx = off_runtime(ensemble, path, rows, raw)
    exact = [tree_shapley(ensemble, row, case.background) for row in rows]
    off_exact = max(np.abs(phi - v).max() for (_, phi), v in zip(exact, values))
    if len(case.names) <= EXACT_LIMIT:
        _, judged = shapley(lambda x: ref_trees.evaluate(ensemble, x), rows[0], case.background)
        assert np.abs(judged - exact[0][1]).max() < 1e-10 * scale, case.name
    paths = [path_shapley(ensemble, row, case.background) for row in rows]
    print(f"{case.name}: {space}, residual {residual:.1e}, onnx {off_onnx:.1e}, exact {off_exact:.1e}", flush=True)
    assert off_exact < 2e-6 * scale, case.name
    assert residual < 2e-6 * scale and off_onnx < 2e-6 * scale, case.name
    write_json(
        out / "shap" / f"{case.name}.json",
        {
            "source": f"shap {shap.__version__} TreeExplainer, feature_perturbation interventional, model_output raw",
            "model": case.path,
            "trees": f"tests/reference/trees/{case.name}.json",
            "space": space,
            "feature_names": case.names,
            "output_names": [str(c) for c in case.classes[-width:]] if case.classes else ["target"],
            "tolerance": float(f"{max(1e-6 * scale, 4 * residual):.1e}"),
            "base_values": base,
            "predictions": raw,
            "rows": rows,
            "values": values,
            "path_base_values": paths[0][0],
            "path_values": brief(np.stack([phi for _, phi in paths])),
            "background": case.background,
        },
    )


def network_case(case: ref_models.Case, out: Path) -> None:
    """A network whose weights are in the file: shap's ExactExplainer in both spaces, agreed by enumeration."""
    rows, background = case.held[:6].astype(np.float64), case.background[:60].astype(np.float64)
    scaler, mlp = case.model[0], case.model[1]

    def probability(x):
        return case.model.predict_proba(x)[:, 1]

    def log_odds(x):
        hidden = np.tanh(scaler.transform(x) @ mlp.coefs_[0] + mlp.intercepts_[0])
        return (hidden @ mlp.coefs_[1] + mlp.intercepts_[1])[:, 0]

    spaces = {}
    for name, f in {"probability": probability, "log-odds": log_odds}.items():
        found = shap.ExactExplainer(f, shap.maskers.Independent(background, max_samples=len(background)))(rows)
        for i, row in enumerate(rows):
            base, phi = shapley(f, row, background)
            assert np.abs(phi[:, 0] - found.values[i]).max() < 1e-9
            assert abs(base[0] - found.base_values[i]) < 1e-9
        spaces[name] = {"base_value": found.base_values[0], "predictions": f(rows), "values": found.values}
    write_json(
        out / "shap" / "network.json",
        {
            "source": f"shap {shap.__version__} ExactExplainer, Independent masker, equal to enumeration within 1e-9",
            "model": case.path,
            "formula": "log-odds = tanh(((x - mean) / scale) . w1 + b1) . w2 + b2; probability = 1 / (1 + exp(-log-odds))",
            "tolerance": 1e-9,
            "feature_names": case.names,
            "mean": scaler.mean_,
            "scale": scaler.scale_,
            "w1": mlp.coefs_[0],
            "b1": mlp.intercepts_[0],
            "w2": mlp.coefs_[1][:, 0],
            "b2": mlp.intercepts_[1][0],
            "rows": rows,
            "background": background,
            "spaces": spaces,
        },
    )


def penguins_case(out: Path) -> None:
    """Text and number columns as five players, all three probabilities, by enumeration over the pipeline."""
    table, _, held, _ = sample_penguins.split()
    pipeline = sample_penguins.train_pipeline()
    background = sample_penguins.background(table)
    rows = held.head(8)
    columns = sample_penguins.COLUMNS

    def predict(cells):
        import pandas as pd

        frame = pd.DataFrame(cells, columns=columns)
        frame[sample_penguins.NUMBERS] = frame[sample_penguins.NUMBERS].astype(np.float64)
        return pipeline.predict_proba(frame)

    results = [shapley(predict, row, background.to_numpy(object)) for row in rows.to_numpy(object)]
    write_json(
        out / "shap" / "penguins.json",
        {
            "source": "enumeration of all coalitions over the scikit-learn pipeline in float64",
            "model": "assets/samples/penguins/model.onnx",
            "background_file": "assets/samples/penguins/background.csv",
            "space": "probability",
            "tolerance": 2e-6,
            "feature_names": columns,
            "output_names": list(pipeline.classes_),
            "base_values": results[0][0],
            "predictions": pipeline.predict_proba(rows),
            "rows": rows.to_numpy(object),
            "values": np.array([phi for _, phi in results]),
        },
    )


def linear_case(out: Path) -> None:
    """A linear model: the closed form w (x - mean of the background), by shap's LinearExplainer."""
    rng = np.random.default_rng(3)
    weights, intercept = rng.normal(size=6), 0.75
    background, rows = rng.normal(2, 3, (40, 6)), rng.normal(2, 3, (5, 6))
    explainer = shap.LinearExplainer((weights, intercept), shap.maskers.Independent(background, max_samples=40))
    values = explainer.shap_values(rows)
    assert np.abs(values - weights * (rows - background.mean(0))).max() < 1e-12
    write_json(
        out / "shap" / "linear.json",
        {
            "source": f"shap {shap.__version__} LinearExplainer, Independent masker",
            "tolerance": 1e-9,
            "weights": weights,
            "intercept": intercept,
            "base_value": explainer.expected_value,
            "background": background,
            "rows": rows,
            "predictions": rows @ weights + intercept,
            "values": values,
        },
    )


def write(root: Path, out: Path) -> list[ref_models.Case]:
    """All attributions; gives back the test models for the other scripts."""
    cases = [*ref_models.forests(), *ref_models.boosted()]
    network = ref_models.network()
    for case in [*cases, network]:
        ref_models.save(case, out / "models", "tests/reference/models")
    for case in [*tumour_cases(), *cases]:
        tree_case(case, root, out)
    network_case(network, out)
    penguins_case(out)
    linear_case(out)
    return [*cases, network]
