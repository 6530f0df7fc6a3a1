"""Linear models as exporters write them, and their attributions by shap's LinearExplainer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx.helper as h
import shap
from onnx import TensorProto as T
from onnx import numpy_helper
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import ref_models
from common import quiet_session, save_onnx, write_json

ROWS = 12


def cases() -> list[ref_models.Case]:
    """Two classes and three behind a scaler, and a regression."""
    names, train, held, y, truth = ref_models.ten_measures()
    wine = load_wine()
    w_train, w_held, w_y, w_truth = ref_models.cut(wine.data, wine.target, True)
    diabetes = load_diabetes(scaled=False)
    d_train, d_held, d_y, d_truth = ref_models.cut(diabetes.data, diabetes.target)
    two = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(train, y)
    three = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(w_train, w_y)
    ridge = make_pipeline(Ridge(1.0)).fit(d_train, d_y)
    wine_names = [n.replace("/", "_") for n in wine.feature_names]
    return [
        ref_models.Case("linear_binary", two, names, train, held, truth, classes=[0, 1]),
        ref_models.Case("linear_wine", three, wine_names, w_train, w_held, w_truth, classes=[0, 1, 2]),
        ref_models.Case("linear_diabetes", ridge, list(diabetes.feature_names), d_train, d_held, d_truth),
    ]


def layer(case: ref_models.Case, folder: Path, shown: str) -> ref_models.Case:
    """The model of two classes as a network's exporter would write it: one layer and a sigmoid."""
    scaler, last = case.model[0], case.model[-1]
    arrays = {
        "mean": scaler.mean_.astype(np.float32),
        "scale": scaler.scale_.astype(np.float32),
        "weight": last.coef_.astype(np.float32),
        "bias": last.intercept_.astype(np.float32),
    }
    nodes = [
        h.make_node("Sub", ["X", "mean"], ["centred"]),
        h.make_node("Div", ["centred", "scale"], ["scaled"]),
        h.make_node("Gemm", ["scaled", "weight", "bias"], ["score"], transB=1),
        h.make_node("Sigmoid", ["score"], ["probability"]),
    ]
    graph = h.make_graph(
        nodes,
        "linear_layer",
        [h.make_tensor_value_info("X", T.FLOAT, ["batch", len(case.names)])],
        [h.make_tensor_value_info("probability", T.FLOAT, ["batch", 1])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    save_onnx(folder / "linear_layer.onnx", model, "A model for tests", {})
    same = (case.names, case.train, case.held, case.truth)
    return ref_models.Case("linear_layer", case.model, *same, path=f"{shown}/linear_layer.onnx", classes=[0, 1])


def attributions(case: ref_models.Case, out: Path) -> None:
    """What the model's sum shares out, and a check that the ONNX file is that model."""
    last = case.model[-1]
    before = case.model[:-1] if len(case.model) > 1 else None
    scaled = (lambda x: before.transform(x)) if before else (lambda x: x)
    rows = case.held[:ROWS]
    wide = [x.astype(np.float64) for x in (rows, case.background)]
    masker = shap.maskers.Independent(scaled(wide[1]), max_samples=len(wide[1]))
    explainer = shap.LinearExplainer(last, masker)
    values = explainer.shap_values(scaled(wide[0])).reshape(len(rows), len(case.names), -1)
    base = np.atleast_1d(explainer.expected_value)
    raw = last.decision_function if hasattr(last, "decision_function") else last.predict
    predictions = raw(scaled(wide[0])).reshape(len(rows), -1)
    assert np.abs(base + values.sum(1) - predictions).max() < 1e-9
    path = out / "models" / f"{case.name}.onnx"
    answer = quiet_session(path).run(None, {"X": rows})[-1].reshape(len(rows), -1)
    want = case.model.predict_proba(wide[0]) if hasattr(last, "predict_proba") else predictions
    assert np.abs(answer - want[:, -answer.shape[1] :]).max() < 1e-4 * max(1, np.abs(want).max())
    write_json(
        out / "shap" / f"{case.name}.json",
        {
            "source": f"shap {shap.__version__} LinearExplainer, Independent masker",
            "model": case.path,
            "tolerance": 1e-6,
            "space": "log-odds" if case.classes else "raw",
            "feature_names": case.names,
            "output_names": [str(c) for c in case.classes] if case.classes else ["output"],
            "rows": rows,
            "background": case.background,
            "base_values": base,
            "predictions": predictions,
            "values": values,
        },
    )


def write(out: Path) -> None:
    """Models and attributions."""
    folder, shown = out / "models", "tests/reference/models"
    made = cases()
    for case in made:
        ref_models.save(case, folder, shown)
    for case in [*made, layer(made[0], folder, shown)]:
        attributions(case, out)
