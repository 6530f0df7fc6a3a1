"""The peer of `modeldesk predict`: pandas and onnxruntime, as one would write it: MODEL DATA.csv OUT.csv"""

import sys

import numpy as np
import onnxruntime
import pandas as pd

model, data, out = sys.argv[1:4]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
table = pd.read_csv(data).to_numpy(np.float32)
labels, proba = [], []
for start in range(0, len(table), 65536):
    label, p = session.run(None, {"X": table[start : start + 65536]})
    labels.append(label)
    proba.append(p)
proba = np.concatenate(proba)
result = pd.DataFrame({"label": np.concatenate(labels), "benign": proba[:, 0], "malignant": proba[:, 1]})
result.to_csv(out, index=False)
