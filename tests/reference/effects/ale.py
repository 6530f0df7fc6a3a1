"""Accumulated local effects by alibi 0.9.6: python ale.py; writes ale.json beside this file.

Made by hand, for alibi wants older packages than the rest: pip install --no-deps alibi==0.9.6, then "numpy<2",
"pandas<3", scipy, "scikit-learn<1.6", matplotlib, attrs, blis, dill, requests, tqdm, Pillow, scikit-image. Of spaCy, which
texts need, only the name has to be there.
"""

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np

for absent in ("spacy", "spacy.cli", "spacy.language", "spacy.tokens", "spacy.util"):
    sys.modules[absent] = MagicMock()

import alibi
from alibi.explainers.ale import ALE

HERE = Path(__file__).resolve().parent
EDGES = 12


def main() -> None:
    """Effects of each feature of the reference network on its background rows."""
    network = json.loads((HERE.parent / "shap" / "network.json").read_text())
    rows = np.asarray(network["background"])
    w = {name: np.asarray(network[name]) for name in ("mean", "scale", "w1", "b1", "w2")}

    def probability(x):
        hidden = np.tanh((x - w["mean"]) / w["scale"] @ w["w1"] + w["b1"])
        return 1 / (1 + np.exp(-(hidden @ w["w2"] + network["b2"])))

    edges = {f: np.unique(np.quantile(rows[:, f], np.linspace(0, 1, EDGES))) for f in range(rows.shape[1])}
    found = ALE(probability).explain(rows, grid_points=edges)
    value = {
        "source": f"alibi {alibi.__version__} ALE, grid_points at {EDGES} quantiles (numpy's default)",
        "weights": "tests/reference/shap/network.json",
        "points": EDGES,
        "edges": [list(map(float, grid)) for grid in found.feature_values],
        "effects": [list(map(float, effects[:, 0])) for effects in found.ale_values],
    }
    members = [f"{json.dumps(name)}: {json.dumps(member)}" for name, member in value.items()]
    (HERE / "ale.json").write_text("{\n" + ",\n".join(members) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
