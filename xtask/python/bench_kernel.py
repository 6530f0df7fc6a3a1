"""The peers of `modeldesk explain` for a model that is asked: python bench_kernel.py FOLDER

Writes a forest of 100 trees and a network, both on 30 features (forest.onnx, network.onnx), rows.csv and background.csv (100
rows), and for `kernel_accuracy` ensemble.json and rows.json. Prints a JSON line for each measurement:
- how near shap's KernelExplainer comes to the exact values of the forest with 2,048 coalitions, its own settings and with the
  full regression: the mean and largest relative error;
- seconds for each row of shap's KernelExplainer and of lime's LimeTabularExplainer, which ask a session of ONNX Runtime;
- seconds for each row of a million that the session alone is given in batches.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import shap
from lime.lime_tabular import LimeTabularExplainer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ref_models
import ref_trees
from common import quiet_session, save_onnx, write_json

SAMPLES, BATCH = 2048, 4096


def accuracy(forest, rows: np.ndarray, background: np.ndarray) -> None:
    """How far shap's estimate is from the exact values."""
    trees = shap.TreeExplainer(forest, background, feature_perturbation="interventional", model_output="raw")
    exact = trees.shap_values(rows, check_additivity=False)[:, :, 1]
    kernel = shap.KernelExplainer(lambda x: forest.predict_proba(x)[:, 1], background)
    for name, l1_reg in (("default", "num_features(10)"), ("full regression", False)):
        found = kernel.shap_values(rows, nsamples=SAMPLES, l1_reg=l1_reg, silent=True)
        error = np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)
        print(json.dumps({"what": name, "relative_error": error.mean(), "largest": error.max()}), flush=True)


def answers_of(session: onnxruntime.InferenceSession):
    """The probability of each class, as a table."""
    def answers(rows: np.ndarray) -> np.ndarray:
        return session.run(["probabilities"], {"X": np.asarray(rows, np.float32)})[0]

    return answers


def seconds_of(what, count: int) -> float:
    """Seconds for each of `count`, the middle one of three runs."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        what()
        taken.append(time.perf_counter() - start)
    return sorted(taken)[1] / count


def speed(name: str, path: Path, rows: np.ndarray, background: np.ndarray) -> None:
    """What explaining a row takes the peers, and what the session takes for a row in a batch."""
    answers = answers_of(quiet_session(path))

    def session() -> None:
        table = np.resize(background, (50 * BATCH, background.shape[1])).astype(np.float32)
        for start in range(0, len(table), BATCH):
            answers(table[start:start + BATCH])

    def kernel() -> None:
        explainer = shap.KernelExplainer(lambda x: answers(x)[:, 1], background)
        explainer.shap_values(rows[:2], nsamples=SAMPLES, silent=True)

    def lime() -> None:
        explainer = LimeTabularExplainer(background, random_state=1)
        for row in rows[:5]:
            explainer.explain_instance(row, answers, num_features=background.shape[1])

    for what, run, count in (("session", session, 50 * BATCH), ("kernel", kernel, 2), ("lime", lime, 5)):
        print(json.dumps({"what": what, "model": name, "seconds": seconds_of(run, count)}), flush=True)


def main() -> None:
    """All of it."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.filterwarnings("ignore")
    source = load_breast_cancer()
    train, held, y, _ = ref_models.cut(source.data, source.target, True)
    forest = RandomForestClassifier(100, max_depth=8, random_state=ref_models.SEED).fit(train, y)
    network = make_pipeline(StandardScaler(), MLPClassifier((64, 64), random_state=ref_models.SEED)).fit(train, y)
    background = train[np.random.default_rng(ref_models.SEED).permutation(len(train))[:100]]
    for name, model in (("forest", forest), ("network", network)):
        converted = ref_models.convert_sklearn(model, train.shape[1])
        save_onnx(folder / f"{name}.onnx", converted, "For a benchmark", {})
    write_json(folder / "ensemble.json", ref_trees.read(folder / "forest.onnx", train.shape[1]))
    write_json(folder / "rows.json", {"rows": held[:5], "background": background})
    names = [str(name).replace(" ", "_") for name in source.feature_names]
    pd.DataFrame(held[:20], columns=names).to_csv(folder / "rows.csv", index=False)
    pd.DataFrame(background, columns=names).to_csv(folder / "background.csv", index=False)
    accuracy(forest, held[:5], background)
    for name in ("forest", "network"):
        speed(name, folder / f"{name}.onnx", held, background)


if __name__ == "__main__":
    main()
