"""LIME for tables: lime's own sampled neighbourhood and its ridge solution on it."""

from __future__ import annotations

from pathlib import Path

import lime
import numpy as np
from lime.lime_tabular import LimeTabularExplainer
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

import ref_models
from common import write_json

SAMPLES = 300


def write(out: Path, network: ref_models.Case) -> None:
    """One row, with and without discretisation, every feature kept."""
    train, row = network.train.astype(np.float64), network.held[3].astype(np.float64)
    for discretize in (False, True):
        explainer = LimeTabularExplainer(
            train,
            feature_names=network.names,
            class_names=["benign", "malignant"],
            discretize_continuous=discretize,
            feature_selection="none",
            random_state=ref_models.SEED,
        )
        kept = {}

        def predict(x, kept=kept):
            kept["inverse"] = x
            return network.model.predict_proba(x)

        kernel = explainer.base.explain_instance_with_data

        def spy(data, labels, distances, *args, kernel=kernel, kept=kept, **more):
            kept.update(data=data, labels=labels, distances=distances)
            return kernel(data, labels, distances, *args, **more)

        explainer.base.explain_instance_with_data = spy
        found = explainer.explain_instance(row, predict, num_features=len(network.names), num_samples=SAMPLES)
        data, labels, distances = kept["data"], kept["labels"][:, 1], kept["distances"]
        width = np.sqrt(train.shape[1]) * 0.75
        weights = np.sqrt(np.exp(-(distances**2) / width**2))
        ridge = Ridge(alpha=1, fit_intercept=True).fit(data, labels, sample_weight=weights)
        coefficients = np.zeros(len(network.names))
        for feature, weight in found.local_exp[1]:
            coefficients[feature] = weight
        assert np.abs(coefficients - ridge.coef_).max() < 1e-12
        assert np.abs(distances - pairwise_distances(data, data[:1]).ravel()).max() < 1e-12
        write_json(
            out / "lime" / ("discretized.json" if discretize else "continuous.json"),
            {
                "source": f"lime {getattr(lime, '__version__', '0.2.0.1')} LimeTabularExplainer, feature_selection none",
                "network": "tests/reference/shap/network.json",
                "tolerance": 1e-9,
                "feature_names": network.names,
                "row": row,
                "training_mean": explainer.scaler.mean_ if not discretize else None,
                "training_scale": explainer.scaler.scale_ if not discretize else None,
                "bins": {str(k): v for k, v in quartiles(train).items()} if discretize else None,
                "kernel_width": width,
                "ridge_alpha": 1.0,
                "distances": distances,
                "weights": weights,
                "coefficients": coefficients,
                "intercept": found.intercept[1],
                "local_prediction": found.local_pred[0],
                "r2": found.score,
                "labels": labels,
                "data": data,
                "perturbed": kept["inverse"] if not discretize else None,
            },
        )


def quartiles(train: np.ndarray) -> dict[int, np.ndarray]:
    """The cuts of lime's QuartileDiscretizer."""
    return {j: np.unique(np.percentile(train[:, j], [25, 50, 75])) for j in range(train.shape[1])}
