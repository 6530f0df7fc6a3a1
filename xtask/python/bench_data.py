"""Rows like those of the tumour sample: python bench_data.py ROWS OUT.csv"""

import sys

import numpy as np
import pyarrow as pa
from pyarrow import csv

import sample_tumour

rows, out = int(sys.argv[1]), sys.argv[2]
_, _, held, _ = sample_tumour.split()
rng = np.random.default_rng(1)
picked = held.to_numpy()[rng.integers(0, len(held), rows)]
noisy = np.abs(picked * rng.normal(1, 0.05, picked.shape))
# Five significant digits, as in the original measurements.
noisy = np.round(noisy, 5)
csv.write_csv(pa.table({name: noisy[:, j] for j, name in enumerate(held.columns)}), out)
