#!/usr/bin/env python3
"""Writes src/operators.tsv: the operators that ONNX defines, each with the opset that introduced it.

Run it with the `onnx` package that the table should know: python scripts/operators.py > src/operators.tsv
The domain `ai.onnx` is written as an empty text, as in model files. Operators of training and preview
domains are left out: inference does not need them.
"""

import onnx
from onnx import defs

DOMAINS = ["", "ai.onnx.ml"]

print(f"# from onnx {onnx.__version__}")
print(f"ir\t\t{onnx.IR_VERSION}")
for domain in DOMAINS:
    print(f"opset\t{domain}\t{defs.onnx_opset_version() if not domain else max(s.since_version for s in defs.get_all_schemas() if s.domain == domain)}")
first = {}
for schema in defs.get_all_schemas_with_history():
    if schema.domain in DOMAINS:
        key = (schema.domain, schema.name)
        first[key] = min(first.get(key, schema.since_version), schema.since_version)
for (domain, name), since in sorted(first.items()):
    print(f"{name}\t{domain}\t{since}")
