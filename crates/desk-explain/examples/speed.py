"""Measures the tree method beside shap on one machine, in one run.

  python speed.py path/to/examples/speed      (built with --release; needs shap, xgboost, numpy)

Trains XGBoost on 20,000 x 30 float32, times shap's interventional TreeExplainer on one thread with a background
of 100 rows, then runs the Rust example on the same trees, rows and background.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
import shap
import xgboost

MODELS = [(100, 6), (500, 6), (1000, 8)]


def tree(dump):
    out = []

    def visit(node):
        at = len(out)
        out.append(None)
        if "leaf" in node:
            out[at] = {"Leaf": [[0, float(np.float32(node["leaf"]))]]}
            return at
        children = {child["nodeid"]: child for child in node["children"]}
        yes, no = visit(children[node["yes"]]), visit(children[node["no"]])
        out[at] = {"Split": {"feature": int(node["split"][1:]), "mode": "Lt",
                             "threshold": float(np.float32(node["split_condition"])),
                             "missing_yes": node["missing"] == node["yes"], "yes": yes, "no": no}}
        return at

    visit(dump)
    return {"nodes": out}


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 30)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + x[:, 3:8].sum(1) * (x[:, 8] > 0) + np.abs(x[:, 9:20]).sum(1)
         + 0.3 * rng.normal(size=len(x)))
    background = x[:100]
    for trees, depth in MODELS:
        model = xgboost.XGBRegressor(n_estimators=trees, max_depth=depth, base_score=0.0, n_jobs=2,
                                     learning_rate=0.1).fit(x, y)
        dumps = [json.loads(text) for text in model.get_booster().get_dump(dump_format="json")]
        ensemble = {"n_features": 30, "n_outputs": 1, "base_values": [0.0], "trees": [tree(d) for d in dumps],
                    "aggregate": "Sum", "post": "none", "binary_from_one": False, "labels": None}
        leaves = sum(1 for t in ensemble["trees"] for n in t["nodes"] if "Leaf" in n) / trees
        explainer = shap.TreeExplainer(model, background, feature_perturbation="interventional")
        count = max(20, 20_000 // (trees * depth // 3))
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            values = explainer.shap_values(x[:count], check_additivity=False)
            best = min(best, time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "model.json"
            file.write_text(json.dumps({"ensemble": ensemble, "rows": x.tolist(), "background": background.tolist(),
                                        "values": values.tolist()}))
            ours = json.loads(subprocess.run([sys.argv[1], str(file)], check=True, capture_output=True).stdout)
        print(f"{trees} trees of depth {depth}, {leaves:.1f} leaves each, background 100; "
              f"shap {shap.__version__}: {count / best:.0f} rows/s")
        for line in ours:
            ratio = line["rows_per_second"] * best / count
            print(f"  {line['threads']} thread(s), {line['rows']:6} rows: {line['rows_per_second']:9.0f} rows/s "
                  f"({line['ms']:.1f} ms), {ratio:.0f} x shap, max difference {line['difference_from_shap']:.1e}")


if __name__ == "__main__":
    main()
