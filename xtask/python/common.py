"""What the sample and reference scripts share: writing files the same way each time."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import onnx

OPSETS = {"": 18, "ai.onnx.ml": 3}


def plain(value):
    """A value as JSON holds it: NaN and infinities have no number there, so NaN becomes null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if math.isinf(value):
            raise ValueError("an infinity has no place in a reference file")
    return value


def brief(values: np.ndarray) -> np.ndarray:
    """Numbers with as few digits as say them: float32 as such, float64 by twelve digits; other cells as they are."""
    def number(value):
        if isinstance(value, np.float32):
            return float(str(value))
        return float(f"{value:.12g}") if isinstance(value, float) else value

    return np.array([number(value) for value in values.ravel()], object).reshape(values.shape)


def write_json(path: Path, value: dict) -> None:
    """One line for each member of the top object, so that changes can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    members = [f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in plain(value).items()]
    path.write_text("{\n" + ",\n".join(members) + "\n}\n", encoding="utf-8")


def write_text(path: Path, text: str) -> None:
    """Text with one newline at its end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.strip() + "\n", encoding="utf-8")


def name_batch(model: onnx.ModelProto, name: str = "batch") -> None:
    """Gives the open first dimension of every tensor input and output a name."""
    for info in [*model.graph.input, *model.graph.output]:
        if info.type.HasField("tensor_type") and info.type.tensor_type.shape.dim:
            first = info.type.tensor_type.shape.dim[0]
            if not first.HasField("dim_value"):
                first.dim_param = name


def save_onnx(path: Path, model: onnx.ModelProto, doc: str, metadata: dict[str, str]) -> None:
    """Checks the model and writes it, the same bytes for the same model."""
    name_batch(model)
    model.doc_string = doc
    del model.metadata_props[:]
    for key in sorted(metadata):
        entry = model.metadata_props.add()
        entry.key, entry.value = key, metadata[key]
    opsets = sorted((o.domain, o.version) for o in model.opset_import)
    del model.opset_import[:]
    model.opset_import.extend(onnx.helper.make_opsetid(*o) for o in opsets)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def single_thread() -> None:
    """Sums in one order: numerical libraries on one thread, so that a machine repeats itself."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)


def quiet_session(path: Path):
    """A session on the CPU that reports errors only: onnxmltools states a wrong shape for LightGBM's labels."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
