"""Answers of ONNX Runtime, inputs and outputs in the shape of `desk_core::NamedTensor`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd

import ref_models
from common import quiet_session, write_json

ROWS = 20


def tensor(name: str, array: np.ndarray, labels: list | None = None) -> dict:
    """One named tensor."""
    kind = "string" if array.dtype.kind in "OUS" else array.dtype.name
    result = {"name": name, "tensor": {"shape": list(array.shape), "data": {"type": kind, "values": array.ravel()}}}
    return result if labels is None else {**result, "labels": [str(x) for x in labels]}


def run(path: Path, inputs: dict[str, np.ndarray]) -> list[dict]:
    """The outputs; ZipMap's list of maps becomes a table whose labels are the keys."""
    session = quiet_session(path)
    outputs = []
    for info, value in zip(session.get_outputs(), session.run(None, inputs)):
        if isinstance(value, list):
            keys = list(value[0])
            outputs.append(tensor(info.name, np.array([[row[k] for k in keys] for row in value], np.float32), keys))
        else:
            outputs.append(tensor(info.name, value))
    return outputs


def write_case(out: Path, name: str, root: Path, model: str, inputs: dict[str, np.ndarray]) -> None:
    """Runs a model and writes what went in and what came out."""
    write_json(
        out / "predictions" / f"{name}.json",
        {
            "made_with": f"onnxruntime {onnxruntime.__version__} CPUExecutionProvider",
            "model": model,
            "rows": len(next(iter(inputs.values()))),
            "inputs": [tensor(k, v) for k, v in inputs.items()],
            "outputs": run(root / model, inputs),
        },
    )


def write(root: Path, out: Path, cases: list[ref_models.Case]) -> None:
    """The samples on all held-out rows (digits: the first 20), the test models on 20 rows without gaps."""
    samples = root / "assets/samples"
    held = pd.read_csv(samples / "tumour/heldout.csv").drop(columns="diagnosis").to_numpy(np.float32)
    for version in ("v1", "v2"):
        write_case(out, f"tumour_{version}", root, f"assets/samples/tumour/{version}.onnx", {"X": held})
    table = pd.read_csv(samples / "penguins/heldout.csv").drop(columns="species")
    columns = {
        c: table[[c]].to_numpy(np.float32 if table[c].dtype.kind == "f" else object) for c in table.columns
    }
    write_case(out, "penguins", root, "assets/samples/penguins/model.onnx", columns)
    images = np.load(samples / "digits/heldout.npz")["image"][:ROWS]
    write_case(out, "digits", root, "assets/samples/digits/model.onnx", {"image": images})
    for case in cases:
        rows = case.held[~np.isnan(case.held).any(1)][:ROWS]
        write_case(out, case.name, root, case.path, {"X": rows})
