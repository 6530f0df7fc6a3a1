"""Writes an ONNX model that is a long chain of blocks with branches: bench_graph.py NODES OUT."""

import sys

from onnx import TensorProto, helper, save

nodes, out = int(sys.argv[1]), sys.argv[2]
weights = helper.make_tensor("w", TensorProto.FLOAT, [4], [1.0] * 4)
blocks = max(nodes // 3, 1)
name = lambda i: "x" if i == 0 else "y" if i == blocks else f"v{i}"
chain = []
for i in range(blocks):
    chain += [
        helper.make_node("Relu", [name(i)], [f"l{i}"], name=f"/block.{i}/Relu"),
        helper.make_node("Mul", [name(i), "w"], [f"r{i}"], name=f"/block.{i}/Mul"),
        helper.make_node("Add", [f"l{i}", f"r{i}"], [name(i + 1)], name=f"/block.{i}/Add"),
    ]
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 4])
graph = helper.make_graph(chain, "chain", [value("x")], [value("y")], [weights])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), out)
