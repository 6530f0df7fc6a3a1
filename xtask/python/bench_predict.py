"""The peer of `modeldesk predict`: pandas and onnxruntime, as one would write it: MODEL DATA OUT (csv or parquet)"""

import sys

import numpy as np
import onnxruntime
import pandas as pd

model, data, out = sys.argv[1:4]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
frame = pd.read_parquet(data) if data.endswith(".parquet") else pd.read_csv(data)
table = frame.to_numpy(np.float32)
labels, proba = [], []
for start in range(0, len(table), 65536):
    label, p = session.run(None, {"X": table[start : start + 65536]})
    labels.append(label)
    proba.append(p)
proba = np.concatenate(proba)
result = pd.DataFrame({"label": np.concatenate(labels), "benign": proba[:, 0], "malignant": proba[:, 1]})
if out.endswith(".parquet"):
    result.to_parquet(out, index=False)
else:
    result.to_csv(out, index=False)
