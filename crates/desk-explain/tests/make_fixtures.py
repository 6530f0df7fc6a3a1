"""Makes tests/fixtures/*.json: what shap says of trees that the shared reference values do not have.

Run with shap 0.51, XGBoost, scikit-learn and numpy:  python make_fixtures.py
"deep_forest": a random forest of unlimited depth, paths of more than 12 different features, three classes.
"path_forest" and "path_boosted": path-dependent values with the covers of training, of extra trees up to 20 splits deep
and of XGBoost with squared error and missing values; the background holds the training rows.
"boosted_log_odds": boosted trees of depth 10, the same features again and again on a path.
Thresholds are rounded down to float32, which changes no decision on float32 rows; leaf values are rounded to
float32 in scikit-learn's own trees before shap reads them.
"""

import json
import pathlib

import numpy as np
import shap
import xgboost
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier

FOLDER = pathlib.Path(__file__).parent / "fixtures"


def down(threshold):
    t = np.float32(threshold)
    return float(t if t <= threshold else np.nextafter(t, np.float32(-np.inf)))


def nodes(tree, weights):
    """Nodes of a scikit-learn tree, depth first, as desk_core::trees::Tree; weights(i) are a leaf's."""
    out = []

    def visit(i):
        at = len(out)
        out.append(None)
        if tree.children_left[i] < 0:
            out[at] = {"Leaf": [[k, float(w)] for k, w in enumerate(weights(i))]}
        else:
            yes, no = visit(tree.children_left[i]), visit(tree.children_right[i])
            out[at] = {"Split": {"feature": int(tree.feature[i]), "mode": "Leq", "threshold": down(tree.threshold[i]),
                                 "missing_yes": False, "yes": yes, "no": no}}
        return at

    visit(0)
    return {"nodes": out}


def ensemble(trees, features, base, aggregate, post, labels):
    return {"n_features": features, "n_outputs": len(base), "base_values": base, "trees": trees,
            "aggregate": aggregate, "post": post, "binary_from_one": False, "labels": labels}


def plain(rows):
    """Rows of numbers as JSON has them; NaN is null."""
    return [[None if np.isnan(value) else float(value) for value in row] for row in rows]


def write(name, trees, x, background, base, values, predictions, space, source=None, tolerance=1e-6):
    out = {"source": source or f"shap {shap.__version__} TreeExplainer", "space": space, "tolerance": tolerance,
           "rows": plain(x), "background": plain(background), "base_values": base, "values": values,
           "predictions": predictions, "ensemble": trees}
    (FOLDER / f"{name}.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


def data(seed, classes, rows=400):
    x, y = make_classification(rows, 30, n_informative=20, n_classes=classes, random_state=seed)
    return x.astype(np.float32), y


def clear_of_thresholds(x, models):
    """shap 0.51 sends a value on a rounded threshold the other way: keep such rows out."""
    bad = np.zeros(len(x), bool)
    for model in models:
        for f, t in zip(model.tree_.feature, model.tree_.threshold):
            if f >= 0:
                bad |= np.abs(x[:, f] - t) < 1e-6
    return x[~bad]


def deep_forest():
    x, y = data(3, 3)
    forest = RandomForestClassifier(2, min_samples_leaf=1, max_features=1, random_state=0).fit(x, y)
    for model in forest.estimators_:
        model.tree_.value[:] = model.tree_.value.astype(np.float32)
    fresh = clear_of_thresholds(data(4, 3)[0], forest.estimators_)
    rows, background = fresh[:4], fresh[4:104]
    explainer = shap.TreeExplainer(forest, background, feature_perturbation="interventional")
    trees = [nodes(m.tree_, lambda i, m=m: m.tree_.value[i, 0]) for m in forest.estimators_]
    write("deep_forest", ensemble(trees, 30, [0.0] * 3, "Average", "none", ["0", "1", "2"]), rows, background,
          np.ravel(explainer.expected_value).tolist(), explainer.shap_values(rows).tolist(),
          forest.predict_proba(rows).tolist(), "probability")


def boosted_log_odds():
    x, y = data(5, 2)
    x = x[:, :5]
    boosted = GradientBoostingClassifier(n_estimators=4, max_depth=10, random_state=0, min_samples_leaf=3).fit(x, y)
    models = boosted.estimators_.ravel()
    for model in models:
        model.tree_.value[:] = (model.tree_.value * 0.1).astype(np.float32) / np.float64(0.1)
    fresh = clear_of_thresholds(data(6, 2)[0][:, :5], models)
    rows, background = fresh[:4], fresh[4:104]
    explainer = shap.TreeExplainer(boosted, background, feature_perturbation="interventional")
    trees = [nodes(m.tree_, lambda i, m=m: np.float32(m.tree_.value[i, 0] * 0.1)) for m in models]
    prior = float(boosted._raw_predict_init(rows)[0, 0])
    values = np.asarray(explainer.shap_values(rows))[..., None]
    write("boosted_log_odds", ensemble(trees, 5, [prior], "Sum", "logistic", None), rows, background,
          np.ravel(explainer.expected_value).tolist(), values.tolist(),
          boosted.decision_function(rows)[:, None].tolist(), "log-odds")


def path_forest():
    """Without bootstrap: covers of training are counts of the training rows."""
    x, y = make_classification(300, 24, n_informative=16, n_classes=3, random_state=12)
    x = x.astype(np.float32)
    forest = ExtraTreesClassifier(3, max_depth=20, max_features=1, random_state=0).fit(x, y)
    for model in forest.estimators_:
        model.tree_.value[:] = model.tree_.value.astype(np.float32)
    rows = x[:5] * np.float32(0.75)
    explainer = shap.TreeExplainer(forest, feature_perturbation="tree_path_dependent")
    trees = [nodes(m.tree_, lambda i, m=m: m.tree_.value[i, 0]) for m in forest.estimators_]
    write("path_forest", ensemble(trees, 24, [0.0] * 3, "Average", "none", ["0", "1", "2"]), rows, x,
          np.ravel(explainer.expected_value).tolist(), explainer.shap_values(rows).tolist(),
          forest.predict_proba(rows).tolist(), "probability")


def boosted_nodes(root):
    """Nodes of one tree of XGBoost's dump."""
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

    visit(root)
    return {"nodes": out}


def path_boosted():
    x, y = make_regression(300, 8, n_informative=6, random_state=2)
    x = x.astype(np.float32)
    x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    model = xgboost.XGBRegressor(n_estimators=20, max_depth=7, base_score=0.0, learning_rate=0.3).fit(x, y / y.std())
    booster = model.get_booster()
    rows = np.roll(x[:5], 1, axis=1)
    found = booster.predict(xgboost.DMatrix(rows), pred_contribs=True).astype(float)
    trees = [boosted_nodes(json.loads(text)) for text in booster.get_dump(dump_format="json")]
    write("path_boosted", ensemble(trees, 8, [0.0], "Sum", "none", None), rows, x, [found[0, -1]],
          found[:, :-1, None].tolist(), model.predict(rows)[:, None].tolist(), "raw",
          f"xgboost {xgboost.__version__} pred_contribs", 2e-5)


def lime_runs():
    """Means and standard errors over 200 runs of lime on a formula that tests repeat in Rust."""
    from lime.lime_tabular import LimeTabularExplainer

    def predict(x):
        score = x[:, 0] - 0.5 * x[:, 1] ** 2 + np.where(x[:, 2] == 1, 1.5, 0) + 0.3 * x[:, 0] * x[:, 3]
        p = 1 / (1 + np.exp(-score))
        return np.stack([1 - p, p], 1)

    rng = np.random.default_rng(11)
    background = np.round(np.column_stack([rng.normal(0, 1, 120), rng.exponential(1, 120), rng.integers(0, 3, 120),
                                           rng.integers(0, 6, 120)]), 3)
    rows = np.round(np.array([[0.4, 1.2, 1, 2], [-1.1, 0.2, 0, 5]]), 3)
    out = {"source": "lime 0.2.0.1 LimeTabularExplainer, feature_selection none, 200 runs of 5,000 samples",
           "rows": rows.tolist(), "background": background.tolist()}
    runs = 200
    for name, discretize in [("discretized", True), ("continuous", False)]:
        weights = np.zeros((runs, 2, 4))
        other = np.zeros((3, runs, 2))
        for run in range(runs):
            explainer = LimeTabularExplainer(background, feature_names=list("abcd"), categorical_features=[2],
                                             discretize_continuous=discretize, feature_selection="none",
                                             random_state=run)
            for r, row in enumerate(rows):
                e = explainer.explain_instance(row, predict, labels=(1,), num_features=4, num_samples=5000)
                for f, w in e.local_exp[1]:
                    weights[run, r, f] = w
                other[:, run, r] = e.intercept[1], e.local_pred[0], e.score
                if run == 0 and discretize and r == 0:
                    out["conditions"] = []
                if run == 0 and discretize:
                    names = dict(zip([f for f, _ in e.as_map()[1]], [text for text, _ in e.as_list(1)]))
                    out["conditions"].append([names[f] for f in range(4)])
        error = lambda v: (v.std(0, ddof=1) / np.sqrt(runs))
        out[name] = {"weights": weights.mean(0).tolist(), "weight_errors": error(weights).tolist()}
        for key, values in zip(["intercept", "local", "r2"], other):
            out[name][key] = np.stack([values.mean(0), error(values)], 1).tolist()
    (FOLDER / "lime.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    path_forest()
    path_boosted()
    lime_runs()
    deep_forest()
    boosted_log_odds()
