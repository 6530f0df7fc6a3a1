"""Owen values of columns in a tree of pairs: shap's PartitionExplainer with evaluations enough to be exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shap
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from common import write_json

FEATURES = 7


def answers(x: np.ndarray) -> np.ndarray:
    """Products and bends, so that the order in which columns join matters."""
    x = np.asarray(x, float)
    bent = np.tanh(x[:, 0] * x[:, 1] + 0.5 * x[:, 2] - x[:, 3] * x[:, 4])
    return bent + x[:, 5] * x[:, 0] * x[:, 3] + 0.25 * x[:, 6] ** 2 * x[:, 2]


def unions(tree: np.ndarray) -> set[frozenset[int]]:
    """The columns of each union of a tree."""
    of = [frozenset([column]) for column in range(len(tree) + 1)]
    for one, other, *_ in tree:
        of.append(of[int(one)] | of[int(other)])
    return set(of)


def write(out: Path) -> None:
    """One table whose columns go together by twos and threes."""
    rng = np.random.default_rng(18)
    base = rng.normal(size=(28, FEATURES))
    base[:, 3] = 0.9 * base[:, 0] + 0.3 * base[:, 3]
    base[:, 5] = -0.8 * base[:, 0] + 0.5 * base[:, 5]
    base[:, 4] = 0.7 * base[:, 1] + 0.6 * base[:, 4]
    background, rows = base[:24], base[24:]
    distances = 1 - np.abs(np.corrcoef(background.T))
    np.fill_diagonal(distances, 0)
    tree = linkage(squareform(distances, checks=False), "average")
    # Another linkage would be seen.
    others = (linkage(squareform(distances, checks=False), way) for way in ("single", "complete"))
    assert all(unions(other) != unions(tree) for other in others)
    masker = shap.maskers.Partition(background, max_samples=len(background), clustering=tree)
    found = shap.PartitionExplainer(answers, masker)(rows, max_evals=100_000)
    write_json(out / "shap" / "owen.json", {
        "source": f"shap {shap.__version__} PartitionExplainer over scipy's average linkage of 1 - |r|; the model is answers of "
                  "ref_owen.py",
        "tolerance": 1e-9, "background": background, "rows": rows, "linkage": tree,
        "base": float(np.ravel(found.base_values)[0]), "predictions": answers(rows), "values": found.values,
    })
