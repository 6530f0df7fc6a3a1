"""A model with large weights in a file beside it: python bench_large_model.py MEGABYTES FOLDER"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

megabytes, folder = int(sys.argv[1]), Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
width = 1024
length = megabytes * (1 << 20) // (4 * width)
rng = np.random.default_rng(5)
with open(folder / "weights.bin", "wb") as file:
    block = 1 << 12
    for start in range(0, length, block):
        rng.standard_normal((min(block, length - start), width), dtype=np.float32).tofile(file)
weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[length, width])
weights.data_location = TensorProto.EXTERNAL
for key, value in {"location": "weights.bin", "offset": "0", "length": str(length * width * 4)}.items():
    weights.external_data.add(key=key, value=value)
graph = helper.make_graph(
    [
        helper.make_node("Gather", ["weights", "token"], ["rows"], axis=0),
        helper.make_node("ReduceMean", ["rows"], ["mean"], axes=[1], keepdims=0),
    ],
    "embedding",
    [helper.make_tensor_value_info("token", TensorProto.INT64, ["batch"])],
    [helper.make_tensor_value_info("mean", TensorProto.FLOAT, ["batch"])],
    [weights],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(model, folder / "model.onnx")
