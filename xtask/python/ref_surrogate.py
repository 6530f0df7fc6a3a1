"""Small regression trees by scikit-learn, for the surrogate tree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sklearn
from sklearn.tree import DecisionTreeRegressor

from common import write_json

LEAST = 6


def grown(x: np.ndarray, y: np.ndarray, depth: int) -> dict:
    """The nodes of the tree, which must not depend on the order in which features are looked at: no two cuts are alike."""
    trees = [
        DecisionTreeRegressor(max_depth=depth, min_samples_leaf=LEAST, random_state=seed).fit(x, y).tree_
        for seed in range(5)
    ]
    first = trees[0]
    for other in trees[1:]:
        assert np.array_equal(first.feature, other.feature) and np.array_equal(first.threshold, other.threshold)
    return {
        "left": first.children_left,
        "right": first.children_right,
        "feature": first.feature,
        # Where all with a value go left, the threshold is infinite, which JSON has no word for.
        "threshold": [None if np.isinf(t) else t for t in first.threshold],
        "missing_left": first.missing_go_to_left,
        "rows": first.n_node_samples,
        "value": first.value[:, :, 0],
        "impurity": first.impurity,
    }


def write(out: Path) -> None:
    """`global/surrogate.json`."""
    rng = np.random.default_rng(11)
    cases = []
    for name, rows, width, depth, gaps in (("one", 240, 6, 4, 0.0), ("two", 300, 5, 3, 0.0), ("missing", 320, 4, 4, 0.2)):
        # scikit-learn looks at float32.
        x = rng.normal(size=(rows, width)).astype(np.float32).astype(np.float64)
        x[rng.random(x.shape) < gaps] = np.nan
        full = np.nan_to_num(x, nan=1.5)
        y = np.tanh(full[:, 0] * full[:, 1]) + np.where(full[:, 2] > 0.3, 2.0, full[:, 3]) + 0.1 * rng.normal(size=rows)
        y = y[:, None] if name != "two" else np.stack([y, np.sin(full[:, 4]) + 0.3 * y**2], 1)
        case = {"name": name, "width": width, "outputs": y.shape[1], "depth": depth, "least": LEAST}
        cases.append({**case, "x": x.ravel(), "y": y.ravel(), "tree": grown(x, y, depth)})
    write_json(
        out / "global" / "surrogate.json",
        {"source": f"scikit-learn {sklearn.__version__} DecisionTreeRegressor", "cases": cases},
    )
