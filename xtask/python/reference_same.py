"""Makes the reference values again in a scratch folder and compares: python reference_same.py ROOT SCRATCH

Prints one line that begins with `same`, `skipped` or `DIFFERS`; ends with 1 only for the last.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

# Sums in another order on another processor differ in the last digits.
RELATIVE, ABSOLUTE = 1e-7, 1e-9


def differences(old, new, where):
    """Where two JSON values differ by more than the tolerance."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
        for key in old:
            yield from differences(old[key], new[key], f"{where}.{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, (a, b) in enumerate(zip(old, new)):
            yield from differences(a, b, f"{where}[{i}]")
    elif isinstance(old, float) or isinstance(new, float):
        numbers = all(isinstance(v, (int, float)) for v in (old, new))
        if not numbers or not math.isclose(old, new, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            yield f"{where}: {old} and now {new}"
    elif old != new:
        yield f"{where}: {old!r} and now {new!r}"


def main() -> int:
    root, scratch = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    here = Path(__file__).resolve().parent
    made = subprocess.run([sys.executable, here / "reference.py", root, scratch], capture_output=True, text=True)
    if made.returncode:
        print("DIFFERS: the reference values could not be made again", made.stderr, sep="\n")
        return 1
    kept = root / "tests/reference"
    old, new = (json.loads((folder / "made_from.json").read_text()) for folder in (kept, scratch))
    other = sorted(name for name in old | new if old.get(name) != new.get(name))
    if other:
        # Another processor may train other trees from the same seed; their values cannot be compared.
        print(f"skipped: training gives other models on this machine ({', '.join(other)})")
        return 0
    found, files = [], 0
    for path in sorted(scratch.rglob("*.json")):
        name = path.relative_to(scratch)
        files += 1
        former = json.loads((kept / name).read_text()) if (kept / name).is_file() else None
        found.extend(differences(former, json.loads(path.read_text()), name.as_posix()))
    if found:
        print("DIFFERS:", *found[:20], sep="\n  ")
        return 1
    print(f"same: {files} files of reference values, within {RELATIVE:g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
