"""Writes assets/samples: python samples.py OUT [NAME ...]"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import sample_digits
import sample_penguins
import sample_tumour
from common import single_thread, write_json

SAMPLES = {"tumour": sample_tumour, "penguins": sample_penguins, "digits": sample_digits}


def main() -> None:
    """All samples, or those that were named."""
    out = Path(sys.argv[1])
    single_thread()
    entries = []
    for name, module in SAMPLES.items():
        if len(sys.argv) > 2 and name not in sys.argv[2:]:
            continue
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
        entries.append(module.write(out / name))
        size = sum(f.stat().st_size for f in (out / name).rglob("*") if f.is_file())
        print(f"{name}: {size / 1000:.0f} kB", flush=True)
    if len(entries) == len(SAMPLES):
        write_json(out / "samples.json", {"schema": 1, "samples": entries})


if __name__ == "__main__":
    main()
