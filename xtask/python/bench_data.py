"""Rows like those of the tumour sample: python bench_data.py ROWS OUT.csv|OUT.parquet"""

import sys

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

import sample_tumour

CHUNK = 1_000_000

rows, out = int(sys.argv[1]), sys.argv[2]
_, _, held, _ = sample_tumour.split()
rng = np.random.default_rng(1)


def chunk(rows):
    picked = held.to_numpy()[rng.integers(0, len(held), rows)]
    noisy = np.abs(picked * rng.normal(1, 0.05, picked.shape))
    # Five significant digits, as in the original measurements.
    noisy = np.round(noisy, 5)
    return pa.table({name: noisy[:, j] for j, name in enumerate(held.columns)})


schema = chunk(1).schema
writer = parquet.ParquetWriter(out, schema) if out.endswith(".parquet") else csv.CSVWriter(out, schema)
with writer:
    for start in range(0, rows, CHUNK):
        part = chunk(min(CHUNK, rows - start))
        if out.endswith(".parquet"):
            # Row groups of the size that pandas and Spark users meet.
            writer.write_table(part, row_group_size=122_880)
        else:
            writer.write_table(part)
