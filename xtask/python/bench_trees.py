"""Peers at Shapley values of tree ensembles, each on one core: bench_trees.py TREES DEPTH FOLDER [--quick]

Trains XGBoost on 20,000 x 30 synthetic float32, writes its trees (ensemble.json) and the rows (rows.f32) to FOLDER,
with what shap answers for the first rows (shap.f64).
Prints one JSON line for each measurement: the seconds of the whole call, preparation included.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import shap
import xgboost
from woodelf import WoodelfExplainer

FEATURES = 30
trees, depth, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
quick = "--quick" in sys.argv
# What woodelf is asked, background and rows: it takes nearly as long for one row as for all.
ASKED = [(100, 1), (100, 2_000)] if quick else [(100, 1), (100, 2_000), (100, 20_000), (10_000, 20_000)]
BACKGROUNDS = (100,) if quick else (100, 10_000)
# Seconds for a peer whose time is a multiple of the rows; its rate is that of the rows it gets through.
PATIENCE = 2.0


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, FEATURES)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3:8].sum(1) * (x[:, 8] > 0) + np.abs(x[:, 9:20]).sum(1)
         + 0.3 * rng.normal(size=len(x)))
    return x, y > np.median(y)


def ensemble():
    """The trees of the model's own dump, in the shape of `desk_core::trees::TreeEnsemble`."""
    forest = [tree(json.loads(text)) for text in booster.get_dump(dump_format="json")]
    return {"n_features": FEATURES, "n_outputs": 1, "base_values": [0.0], "trees": forest, "aggregate": "Sum",
            "post": "none", "binary_from_one": False, "labels": None}


def tree(root):
    nodes = []

    def visit(node):
        at = len(nodes)
        nodes.append(None)
        if "leaf" in node:
            nodes[at] = {"Leaf": [[0, node["leaf"]]]}
            return at
        children = {child["nodeid"]: child for child in node["children"]}
        yes, no = visit(children[node["yes"]]), visit(children[node["no"]])
        nodes[at] = {"Split": {"feature": int(node["split"][1:]), "mode": "Lt", "threshold": node["split_condition"],
                               "missing_yes": node["missing"] == node["yes"], "yes": yes, "no": no}}
        return at

    visit(root)
    return {"nodes": nodes}


def timed(call):
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def report(method, background, rows, seconds):
    print(json.dumps({"method": method, "background": background, "rows": rows, "seconds": seconds}), flush=True)


def per_row(method, background, call):
    """A peer that takes its rows one after the other: as many as it does within the patience."""
    first, _ = timed(lambda: call(1))
    count = max(1, min(2_000, int(PATIENCE / first)))
    if count > 1:
        first, _ = timed(lambda: call(count))
    report(method, background, count, first)


x, y = data()
model = xgboost.XGBClassifier(n_estimators=trees, max_depth=depth, n_jobs=2).fit(x, y)
booster = model.get_booster()
booster.set_param({"nthread": 1})
(folder / "ensemble.json").write_text(json.dumps(ensemble()))
x.tofile(folder / "rows.f32")

contribs = lambda count: booster.predict(xgboost.DMatrix(x[:count], nthread=1), pred_contribs=True)
per_row("xgboost", None, contribs)
for size in BACKGROUNDS:
    # A masker of its own: given an array, shap keeps 100 rows of it.
    masker = shap.maskers.Independent(x[:size], max_samples=size)
    explainer = shap.TreeExplainer(model, masker, feature_perturbation="interventional")
    if size == BACKGROUNDS[0]:
        explainer.shap_values(x[:4], check_additivity=False).astype(np.float64).tofile(folder / "shap.f64")
    per_row("shap", size, lambda count: explainer.shap_values(x[:count], check_additivity=False))
frame = pd.DataFrame(x, columns=[f"f{i}" for i in range(FEATURES)])
booster.feature_names = list(frame.columns)
for size, count in ASKED:
    call = lambda: WoodelfExplainer(model, frame[:size]).shap_values(frame[:count], verbose=False)
    report("woodelf", size, count, timed(call)[0])
