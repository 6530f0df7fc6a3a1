"""The peer of `modeldesk explain --method tree`: shap on the sample's second version: DATA.csv BACKGROUND.csv"""

import json
import sys
import time

import numpy as np
import pandas as pd
import shap

import sample_tumour

rows, background = (pd.read_csv(path).to_numpy(np.float32) for path in sys.argv[1:3])
model = sample_tumour.train_version("v2")
start = time.perf_counter()
explainer = shap.TreeExplainer(model, data=background, feature_perturbation="interventional", model_output="raw")
values = explainer.shap_values(rows, check_additivity=False)
print(json.dumps({"seconds": time.perf_counter() - start, "rows": len(values)}))
