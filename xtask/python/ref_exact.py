"""Exact interventional Shapley values by enumeration of all coalitions: slow, simple, the judge of the rest."""

from __future__ import annotations

from math import factorial

import numpy as np

from ref_trees import COMPARE


def shapley(predict, row: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Base values [outputs] and attributions [features, outputs] of one row.

    `predict` takes rows and gives [rows, outputs]. A coalition's worth is the mean answer over the background
    with the coalition's columns taken from the row (Shapley 1953; Lundberg and Lee 2017, eq. 4 with the
    marginal expectation).
    """
    d = len(row)
    worth = []
    for mask in range(1 << d):
        mixed = background.copy()
        inside = [j for j in range(d) if mask >> j & 1]
        mixed[:, inside] = row[inside]
        worth.append(mixed)
    worth = predict(np.concatenate(worth)).reshape(1 << d, len(background), -1).mean(1)
    phi = np.zeros((d, worth.shape[1]))
    for mask in range(1 << d):
        size = mask.bit_count()
        for j in range(d):
            if not mask >> j & 1:
                weight = factorial(size) * factorial(d - size - 1) / factorial(d)
                phi[j] += weight * (worth[mask | 1 << j] - worth[mask])
    return worth[0], phi


def tree_shapley(ensemble: dict, row: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same for trees with any number of features, leaf by leaf: base values and [features, outputs].

    A leaf answers a mixed row only if each feature on its path agrees, taken from the row or from the background
    row. With p features that agree for the row alone and q for the background row alone, a feature of the first
    sort gets v (p-1)! q! / (p+q)! and one of the second -v p! (q-1)! / (p+q)!.
    """
    row, background = row.astype(np.float32), background.astype(np.float32)
    base = np.array(ensemble["base_values"], np.float64)
    phi = np.zeros((ensemble["n_features"], ensemble["n_outputs"]))
    for tree in ensemble["trees"]:
        pending = [(0, {})]
        while pending:
            number, agree = pending.pop()
            kind, body = next(iter(tree["nodes"][number].items()))
            if kind == "Split":
                column = np.append(background[:, body["feature"]], row[body["feature"]])
                yes = decide(body, column)
                for child, holds in ((body["yes"], yes), (body["no"], ~yes)):
                    former = agree.get(body["feature"], True)
                    pending.append((child, {**agree, body["feature"]: former & holds}))
                continue
            value = np.zeros(ensemble["n_outputs"])
            for output, weight in body:
                value[output] += weight
            features = list(agree)
            held = np.array([agree[f] for f in features]).reshape(len(features), -1)
            from_row, from_background = held[:, -1:], held[:, :-1]
            possible = (from_row | from_background).all(0)
            base += value * (from_background.all(0)).mean()
            mine, theirs = from_row & ~from_background, ~from_row & from_background
            p, q = mine.sum(0), theirs.sum(0)
            fact = np.array([float(factorial(i)) for i in range(len(features) + 2)])
            whole = fact[p + q]
            gain = np.where(p > 0, fact[np.maximum(p - 1, 0)] * fact[q] / whole, 0) * possible
            loss = np.where(q > 0, fact[p] * fact[np.maximum(q - 1, 0)] / whole, 0) * possible
            share = (mine * gain - theirs * loss).mean(1)
            for feature, s in zip(features, share):
                phi[feature] += s * value
    return base, phi


def decide(split: dict, column: np.ndarray) -> np.ndarray:
    """Which values go to `yes`."""
    holds = COMPARE[split["mode"]](column, np.float32(split["threshold"]))
    return np.where(np.isnan(column), split["missing_yes"], holds)
