"""Attributions of many kinds of models, by enumeration and, where it can, by shap: what `modeldesk explain` must say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shap

import ref_trees
from common import brief, quiet_session, save_onnx, write_json
from ref_exact import shapley, tree_shapley
from ref_kinds import Kind, kinds
from ref_path import path_shapley
from ref_shap import off_runtime, on_a_threshold

ROWS = 6
ROWS_OF_NO_TREES = 4


def by_shap(kind: Kind, ensemble: dict, rows: np.ndarray) -> str:
    """Asks shap's interventional TreeExplainer, where it can answer: it must agree with the enumeration.

    It is asked with the rows of the background that have no value on, or next to, a threshold (`on_a_threshold`).
    """
    if kind.no_shap:
        return f"shap {shap.__version__} is not asked: {kind.no_shap}"
    background = kind.background[~on_a_threshold(ensemble, kind.background)]
    exact = np.stack([tree_shapley(ensemble, row, background)[1] for row in rows])
    explainer = shap.TreeExplainer(
        kind.model, data=background, feature_perturbation="interventional", model_output="raw"
    )
    values = np.asarray(explainer.shap_values(rows, check_additivity=False), dtype=np.float64)
    values = values[..., None] if values.ndim == 2 else values
    # The last of two classes where shap gives one of them only.
    furthest = np.abs(values[..., -exact.shape[2] :] - exact[..., -values.shape[2] :]).max()
    assert furthest < 1e-6 * np.abs(exact).max(), (kind.name, furthest)
    return f"shap {shap.__version__} agrees, interventional TreeExplainer, {len(background)} rows of the background"


def case(method: str, judge: str, found: list, predictions: np.ndarray, **more) -> dict:
    """One method's numbers; the base value is the same for every row."""
    values = np.stack([phi for _, phi in found])
    base = found[0][0]
    scale = np.abs(values).max()
    assert np.abs(base + values.sum(1) - predictions).max() < 1e-9 * max(1.0, np.abs(predictions).max()), method
    return {"method": method, "judge": judge, "scale": scale, "base_values": base, "predictions": brief(predictions),
            "values": brief(values), **more}


def of_trees(kind: Kind, path: Path) -> tuple[np.ndarray, list[dict], str]:
    """Rows, and both methods for trees: the game with rows of the background, and that of the trees' own covers."""
    ensemble = ref_trees.read(path, len(kind.columns))
    rows = kind.held[~on_a_threshold(ensemble, kind.held)][:ROWS]
    raw = ref_trees.evaluate(ensemble, rows)
    assert off_runtime(ensemble, path, rows, raw) < 1e-6 * max(1.0, np.abs(raw).max()), kind.name
    exact = [tree_shapley(ensemble, row, kind.background) for row in rows]
    if len(kind.columns) <= 10:
        _, judged = shapley(lambda x: ref_trees.evaluate(ensemble, x), rows[0], kind.background)
        assert np.abs(judged - exact[0][1]).max() < 1e-10 * max(1.0, np.abs(raw).max()), kind.name
    told = by_shap(kind, ensemble, rows)
    recounted = [path_shapley(ensemble, row, kind.background) for row in rows]
    shares = ensemble["post"] == "none" and ensemble["labels"] is not None
    return rows, [
        case("tree", "enumeration leaf by leaf", exact, raw, space="probability" if shares else "raw"),
        case("path", "enumeration leaf by leaf, covers recounted", recounted, raw,
             space="probability" if shares else "raw"),
    ], told


def of_answers(kind: Kind, path: Path) -> tuple[np.ndarray, list[dict], str]:
    """Rows, and all coalitions of the columns by the model's answers in float64."""
    rows = kind.held[:ROWS_OF_NO_TREES]
    wide = (lambda x: x) if kind.apart else (lambda x: x.astype(np.float64))

    def answer(table: np.ndarray) -> np.ndarray:
        return np.asarray(kind.answer(wide(table)), np.float64).reshape(len(table), -1)

    told = answer(rows)
    session = quiet_session(path)
    inputs = {"X": rows}
    if kind.apart:
        inputs = {i.name: rows[:, [at]] for at, i in enumerate(session.get_inputs())}
        inputs = {name: x.astype(np.float32) if isinstance(x[0, 0], float | np.floating) else x
                  for name, x in inputs.items()}
    ran = session.run(None, inputs)[-1].astype(np.float64).reshape(len(rows), -1)[:, -told.shape[1]:]
    off = np.abs(ran - told).max() / max(1.0, np.abs(told).max())
    print(f"  {kind.name}: the file is {off:.1e} from scikit-learn", flush=True)
    assert off < 1e-5, kind.name
    found = [shapley(answer, row, kind.background) for row in rows]
    return rows, [case("exact", "enumeration of all coalitions", found, told)], "all coalitions by the definition"


def write(out: Path) -> None:
    """Models and what is right about them."""
    for kind in kinds():
        path = out / "models" / f"{kind.name}.onnx"
        kind.onnx.graph.name = kind.name
        save_onnx(path, kind.onnx, "A model for tests", {})
        assert path.stat().st_size < 300_000, kind.name
        rows, cases, told = (of_trees if kind.answer is None else of_answers)(kind, path)
        print(f"{kind.name}: {path.stat().st_size} bytes; {told}", flush=True)
        write_json(
            out / "explained" / f"{kind.name}.json",
            {
                "model": f"tests/reference/models/{kind.name}.onnx",
                "made_with": told,
                "columns": kind.columns,
                "input": None if kind.apart else kind.onnx.graph.input[0].name,
                "rows": brief(rows),
                "background": brief(kind.background),
                "cases": cases,
            },
        )
