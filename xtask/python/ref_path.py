"""Path-dependent Shapley values of trees with recounted covers, leaf by leaf over all sets: slow, simple, a judge."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np

from ref_exact import decide


def path_shapley(ensemble: dict, row: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Base values [outputs] and attributions [features, outputs] of one row.

    A node that splits on an absent feature sends the share of the background rows of its node that went there to
    each side (Lundberg et al. 2020, algorithm 1). For a leaf that is a product over the features of its path: of
    those shares for an absent feature, of 1 or 0 for a present one as the row agrees or not.
    """
    row, background = row.astype(np.float32), background.astype(np.float32)
    base = np.array(ensemble["base_values"], np.float64)
    phi = np.zeros((ensemble["n_features"], ensemble["n_outputs"]))
    for tree in ensemble["trees"]:
        pending = [(0, {}, np.ones(len(background), bool))]
        while pending:
            number, path, here = pending.pop()
            kind, body = next(iter(tree["nodes"][number].items()))
            if kind == "Split":
                feature = body["feature"]
                column = np.append(background[:, feature], row[feature])
                yes = decide(body, column)
                for child, holds in ((body["yes"], yes), (body["no"], ~yes)):
                    there = here & holds[:-1]
                    # Below a node without rows there is nothing to count: one half to each side.
                    share = there.sum() / here.sum() if here.any() else 0.5
                    agrees, cover = path.get(feature, (1.0, 1.0))
                    step = (agrees * float(holds[-1]), cover * share)
                    pending.append((child, {**path, feature: step}, there))
                continue
            value = np.zeros(ensemble["n_outputs"])
            for output, weight in body:
                value[output] += weight
            for feature, share in shares(path).items():
                phi[feature] += share * value
            base += value * np.prod([cover for _, cover in path.values()])
    return base, phi


def shares(path: dict) -> dict:
    """Shapley values of a product of factors, (present, absent) for each feature."""
    features = list(path)
    found = dict.fromkeys(features, 0.0)
    for size in range(len(features)):
        weight = factorial(size) * factorial(len(features) - size - 1) / factorial(len(features))
        for feature in features:
            present, absent = path[feature]
            others = [f for f in features if f != feature]
            for inside in combinations(others, size):
                product = np.prod([path[f][0 if f in inside else 1] for f in others])
                found[feature] += weight * product * (present - absent)
    return found
