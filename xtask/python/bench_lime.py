"""lime's own time on a picture and on a text, with models that take hardly any: python bench_lime.py

The picture has 224 x 224 pixels in three channels, in 49 square segments, and 1,000 samples; the text 600 different words,
and 5,000 samples. Prints one JSON line for each, the median of three runs.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np
from lime.lime_image import LimeImageExplainer
from lime.lime_text import LimeTextExplainer

SIDE, SEGMENT = 224, 32


def median(run) -> float:
    """Seconds, the middle one of three."""
    seconds = []
    for seed in range(3):
        start = time.perf_counter()
        run(seed)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def picture(seed: int) -> None:
    """Every tenth row of pixels decides."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    image = np.random.default_rng(1).uniform(size=(SIDE, SIDE, 3))

    def answers(images):
        p = np.asarray(images)[:, ::10].mean(axis=(1, 2, 3))
        return np.stack([1 - p, p], axis=1)

    segments = rows // SEGMENT * (SIDE // SEGMENT) + columns // SEGMENT
    explainer = LimeImageExplainer(random_state=seed)
    explainer.explain_instance(image, answers, labels=(1,), top_labels=None, num_samples=1000,
                               segmentation_fn=lambda _: segments)


def text(seed: int) -> None:
    """The length of a text decides."""
    words = " ".join(f"word{i}" for i in range(600))

    def answers(texts):
        p = np.array([len(text) for text in texts]) / len(words)
        return np.stack([1 - p, p], axis=1)

    LimeTextExplainer(random_state=seed).explain_instance(words, answers, labels=(1,), num_samples=5000)


def main() -> None:
    """Both."""
    sys.stderr = open("/dev/null", "w")  # lime draws a progress bar
    for name, run in (("picture", picture), ("text", text)):
        print(json.dumps({"what": name, "seconds": median(run)}), flush=True)


if __name__ == "__main__":
    main()
