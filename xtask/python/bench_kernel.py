"""A forest of 100 trees on 30 features for `kernel_accuracy`, and how near shap comes to it: python bench_kernel.py FOLDER

Writes ensemble.json and rows.json (5 rows, 100 background rows); prints a JSON line for each way of asking shap's
KernelExplainer for 2048 coalitions: the mean and largest relative error against the exact values.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import shap
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier

import ref_models
import ref_trees
from common import save_onnx, single_thread, write_json

SAMPLES = 2048


def main() -> None:
    """All of it."""
    folder = Path(sys.argv[1])
    warnings.filterwarnings("ignore")
    single_thread()
    source = load_breast_cancer()
    train, held, y, _ = ref_models.cut(source.data, source.target, True)
    forest = RandomForestClassifier(100, max_depth=8, random_state=ref_models.SEED).fit(train, y)
    background = train[np.random.default_rng(ref_models.SEED).permutation(len(train))[:100]]
    rows = held[:5]
    save_onnx(folder / "forest.onnx", ref_models.convert_sklearn(forest, train.shape[1]), "For a benchmark", {})
    write_json(folder / "ensemble.json", ref_trees.read(folder / "forest.onnx", train.shape[1]))
    write_json(folder / "rows.json", {"rows": rows, "background": background})
    trees = shap.TreeExplainer(forest, background, feature_perturbation="interventional", model_output="raw")
    exact = trees.shap_values(rows, check_additivity=False)[:, :, 1]
    kernel = shap.KernelExplainer(lambda x: forest.predict_proba(x)[:, 1], background)
    for name, l1_reg in (("default", "num_features(10)"), ("full regression", False)):
        found = kernel.shap_values(rows, nsamples=SAMPLES, l1_reg=l1_reg, silent=True)
        error = np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)
        print(json.dumps({"shap": shap.__version__, "way": name, "coalitions": SAMPLES,
                          "relative_error": error.mean(), "largest": error.max()}))


if __name__ == "__main__":
    main()
