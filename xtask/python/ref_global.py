"""Importance and dependence by scikit-learn, and by what the definitions say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import sklearn
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import partial_dependence, permutation_importance

from common import write_json


class Network(ClassifierMixin, BaseEstimator):
    """The network of `shap/network.json`, whose weights a test can evaluate."""

    def __init__(self, weights=None):
        self.weights = weights

    def fit(self, x, y):
        """Nothing is fitted; scikit-learn wants to see it so."""
        self.classes_ = np.array([0, 1])
        self.fitted_ = True
        return self

    def predict_proba(self, x):
        """Probabilities of both classes."""
        w = {name: np.asarray(self.weights[name]) for name in ("mean", "scale", "w1", "b1", "w2")}
        hidden = np.tanh((np.asarray(x) - w["mean"]) / w["scale"] @ w["w1"] + w["b1"])
        second = expit(hidden @ w["w2"] + self.weights["b2"])
        return np.stack([1 - second, second], 1)

    def predict(self, x):
        """The class."""
        return (self.predict_proba(x)[:, 1] > 0.5).astype(int)


def log_scores(model: Network, x: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The logarithm of the truth's probability in each row."""
    return np.log(model.predict_proba(x)[np.arange(len(x)), truth])


def expected_importance(model: Network, x: np.ndarray, truth: np.ndarray, feature: int) -> float:
    """The mean over all permutations: every row with every row's value."""
    losses = []
    for value in x[:, feature]:
        changed = x.copy()
        changed[:, feature] = value
        losses.append(log_scores(model, x, truth) - log_scores(model, changed, truth))
    return float(np.mean(losses))


def centred(model: Network, x: np.ndarray, features: list[int]) -> np.ndarray:
    """The partial dependence at each row's own values of the features, less its mean over the rows."""
    means = []
    for row in x:
        changed = x.copy()
        changed[:, features] = row[features]
        means.append(model.predict_proba(changed)[:, 1].mean())
    return np.array(means) - np.mean(means)


def interaction(model: Network, x: np.ndarray, one: int, other: int) -> dict:
    """Friedman's H (Friedman and Popescu 2008, equation 44, its root), and the root mean square of its numerator."""
    both = centred(model, x, [one, other])
    left = both - centred(model, x, [one]) - centred(model, x, [other])
    return {"h": float(np.sqrt((left**2).sum() / (both**2).sum())), "size": float(np.sqrt((left**2).mean()))}


def write(out: Path) -> None:
    """`global/network.json`."""
    weights = json.loads((out / "shap" / "network.json").read_text())
    rows = np.asarray(weights["background"])
    model = Network(weights).fit(rows, None)
    # A truth that the model mostly, not always, finds.
    truth = (model.predict_proba(rows)[:, 1] + 0.35 * np.sin(np.arange(len(rows)) * 2.7) > 0.5).astype(int)
    partial = []
    for feature in range(rows.shape[1]):
        found = partial_dependence(model, rows, [feature], kind="both", grid_resolution=20, method="brute")
        partial.append({"grid": found["grid_values"][0], "mean": found["average"][0], "curves": found["individual"][0][:5]})
    pairs = []
    for features in ([0, 1], [7, 2]):
        found = partial_dependence(model, rows, [tuple(features)], kind="average", grid_resolution=8, method="brute")
        pairs.append({"features": features, "grids": found["grid_values"], "mean": found["average"][0], **interaction(model, rows, *features)})
    importance = []
    for score in ("accuracy", "neg_log_loss"):
        found = permutation_importance(model, rows, truth, scoring=score, n_repeats=400, random_state=0)
        importance.append({"score": score, "mean": found.importances_mean, "std": found.importances_std})
    expected = [expected_importance(model, rows, truth, feature) for feature in range(rows.shape[1])]
    write_json(
        out / "global" / "network.json",
        {
            "source": f"scikit-learn {sklearn.__version__} partial_dependence (brute) and permutation_importance",
            "weights": "tests/reference/shap/network.json",
            "truth": truth,
            "partial": partial,
            "pairs": pairs,
            "importance": importance,
            "repeats": 400,
            "expected_neg_log_loss": expected,
        },
    )
