"""Tree ensembles of ONNX files as plain JSON, in the shape of `desk_core::trees::TreeEnsemble`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

MODES = {
    "BRANCH_LEQ": "Leq",
    "BRANCH_LT": "Lt",
    "BRANCH_GTE": "Gte",
    "BRANCH_GT": "Gt",
    "BRANCH_EQ": "Eq",
    "BRANCH_NEQ": "Neq",
}
COMPARE = {
    "Leq": np.less_equal,
    "Lt": np.less,
    "Gte": np.greater_equal,
    "Gt": np.greater,
    "Eq": np.equal,
    "Neq": np.not_equal,
}


def read(path: Path, n_features: int) -> dict:
    """The one tree node of a model."""
    graph = onnx.load(path).graph
    node = next(n for n in graph.node if n.op_type in ("TreeEnsembleClassifier", "TreeEnsembleRegressor"))
    a = {attr.name: onnx.helper.get_attribute_value(attr) for attr in node.attribute}
    classifier = node.op_type == "TreeEnsembleClassifier"
    side = "class" if classifier else "target"
    labels = None
    if classifier:
        texts = [s.decode() for s in a.get("classlabels_strings", [])]
        labels = texts or [str(i) for i in a["classlabels_int64s"]]
    ids = [int(i) for i in a[f"{side}_ids"]]
    from_one = classifier and len(labels) == 2 and len(set(ids)) == 1
    outputs = 1 if from_one else len(labels) if classifier else int(a.get("n_targets", 1))
    base = [float(b) for b in a.get("base_values", [])]
    if from_one and len(base) == 2:
        base = base[1:]
    weights: dict[tuple[int, int], list] = {}
    for tree, leaf, output, weight in zip(a[f"{side}_treeids"], a[f"{side}_nodeids"], ids, a[f"{side}_weights"]):
        weights.setdefault((tree, leaf), []).append([0 if from_one else output, float(weight)])
    return {
        "n_features": n_features,
        "n_outputs": outputs,
        "base_values": base or [0.0] * outputs,
        "trees": trees(a, weights),
        "aggregate": a.get("aggregate_function", b"SUM").decode().capitalize(),
        "post": a.get("post_transform", b"NONE").decode().lower().replace("_", "-"),
        "binary_from_one": from_one,
        "labels": labels,
    }


def trees(a: dict, weights: dict) -> list[dict]:
    """Nodes renumbered depth first, so that a parent stands before its children."""
    places = {(t, n): i for i, (t, n) in enumerate(zip(a["nodes_treeids"], a["nodes_nodeids"]))}
    missing = a.get("nodes_missing_value_tracks_true") or [0] * len(places)
    result = []
    for tree in sorted(set(a["nodes_treeids"])):
        nodes: list = []

        def add(number: int, tree=tree, nodes=nodes) -> int:
            place = places[tree, number]
            mode = a["nodes_modes"][place].decode()
            mine = len(nodes)
            nodes.append(None)
            if mode == "LEAF":
                nodes[mine] = {"Leaf": weights.get((tree, number), [])}
                return mine
            split = {
                "feature": int(a["nodes_featureids"][place]),
                "mode": MODES[mode],
                "threshold": float(np.float32(a["nodes_values"][place])),
                "missing_yes": bool(missing[place]),
            }
            split["yes"] = add(a["nodes_truenodeids"][place])
            split["no"] = add(a["nodes_falsenodeids"][place])
            nodes[mine] = {"Split": split}
            return mine

        children = {(t, c) for t, m, y, n in zip(a["nodes_treeids"], a["nodes_modes"], a["nodes_truenodeids"],
                    a["nodes_falsenodeids"]) if m != b"LEAF" for c in (y, n)}
        add(next(n for t, n in places if t == tree and (t, n) not in children))
        result.append({"nodes": nodes})
    return result


def evaluate(ensemble: dict, rows: np.ndarray) -> np.ndarray:
    """Sums before the post transform, in float64: [rows, outputs]."""
    rows = rows.astype(np.float32)
    out = np.tile(np.array(ensemble["base_values"], dtype=np.float64), (len(rows), 1))
    for tree in ensemble["trees"]:
        pending = [(0, np.arange(len(rows)))]
        while pending:
            number, who = pending.pop()
            if not len(who):
                continue
            kind, body = next(iter(tree["nodes"][number].items()))
            if kind == "Leaf":
                for output, weight in body:
                    out[who, output] += weight
                continue
            x = rows[who, body["feature"]]
            yes = np.where(np.isnan(x), body["missing_yes"], COMPARE[body["mode"]](x, np.float32(body["threshold"])))
            pending += [(body["yes"], who[yes]), (body["no"], who[~yes])]
    return out
