"""Writes tests/reference: python reference.py REPOSITORY_ROOT OUT"""

from __future__ import annotations

import hashlib
import shutil
import sys
import warnings
from pathlib import Path

from common import single_thread, write_json


def name(model: Path, root: Path, out: Path) -> str:
    """Where a model is, or would be, in the repository."""
    if model.is_relative_to(out):
        return f"tests/reference/{model.relative_to(out).as_posix()}"
    return model.relative_to(root).as_posix()


def main() -> None:
    """All reference values, made from the committed samples."""
    root, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", category=UserWarning)
    single_thread()
    import ref_explained
    import ref_global
    import ref_groups
    import ref_lime
    import ref_lime_parts
    import ref_linear
    import ref_metrics
    import ref_owen
    import ref_predictions
    import ref_shap
    import ref_surrogate
    import ref_text

    for folder in ("models", "trees", "shap", "lime", "metrics", "predictions", "global", "explained"):
        shutil.rmtree(out / folder, ignore_errors=True)
    cases = ref_shap.write(root, out)
    ref_explained.write(out)
    ref_linear.write(out)
    ref_groups.write(out)
    ref_predictions.write(root, out, cases)
    ref_lime.write(out, cases[-1])
    ref_lime_parts.write(out)
    ref_metrics.write(root, out, cases)
    ref_owen.write(out)
    ref_global.write(out)
    ref_surrogate.write(out)
    ref_text.write(out)
    models = sorted([*(root / "assets/samples").rglob("*.onnx"), *(out / "models").glob("*.onnx")])
    digests = {name(m, root, out): hashlib.sha256(m.read_bytes()).hexdigest() for m in models}
    write_json(out / "made_from.json", dict(sorted(digests.items())))
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    print(f"reference: {size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
