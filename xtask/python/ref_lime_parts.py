"""LIME for pictures and for texts: lime's own neighbourhoods, its ridge solutions on them, and the means of many runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from lime.lime_image import LimeImageExplainer
from lime.lime_text import LimeTextExplainer

from common import write_json

SOURCE = "lime 0.2.0.1"
RUNS = 40
HEIGHT, WIDTH = 12, 16
TEXT = (
    "The train was late again and the coffee was cold. Café Zürich served good coffee, "
    "but the train was not good: late, late, late!"
)
SCORES = {"late": -1.25, "good": 1.0, "cold": -0.5, "coffee": 0.25, "Café": 0.75, "train": -0.125}


def picture_answers(pictures: np.ndarray) -> np.ndarray:
    """Two classes from the mean colours of the left, the middle and the right of pictures (n, height, width, 3)."""
    x = np.asarray(pictures, float)
    left, middle, right = (x[:, :, a:b].mean(axis=(1, 2)) for a, b in ((0, 5), (5, 11), (11, WIDTH)))
    score = 6 * left[:, 0] - 4 * middle[:, 1] + 12 * left[:, 2] * right[:, 2] - 2
    p = 1 / (1 + np.exp(-score))
    return np.stack([1 - p, p], axis=1)


def text_answers(texts: list[str]) -> np.ndarray:
    """Two classes from how often some words stand in a text, and from whether two of them do together."""

    def score(text: str) -> float:
        words = text.replace(".", " ").replace(",", " ").replace("!", " ").replace(":", " ").split()
        total = sum(SCORES.get(word, 0.0) for word in words)
        return total + (0.875 if "good" in words and "not" in words else 0.0) + 0.375

    p = 1 / (1 + np.exp(-np.array([score(text) for text in texts])))
    return np.stack([1 - p, p], axis=1)


def explained(explainer, explain, parts: int) -> dict:
    """One run: what lime perturbed, and the surrogate it found for the second class."""
    kept = {}
    kernel = explainer.base.explain_instance_with_data

    def spy(data, labels, distances, *args, **more):
        kept.update(data=data, labels=np.asarray(labels)[:, 1], distances=distances)
        return kernel(data, labels, distances, *args, **more)

    explainer.base.explain_instance_with_data = spy
    found = explain(explainer)
    coefficients = np.zeros(parts)
    for part, weight in found.local_exp[1]:
        coefficients[part] = weight
    weights = explainer.base.kernel_fn(kept["distances"])
    return {**kept, "weights": weights, "coefficients": coefficients, "intercept": found.intercept[1],
            "r2": found.score, "local_prediction": float(np.ravel(found.local_pred)[0])}


def means(runs: list[dict]) -> dict:
    """Means over runs, each with its standard error."""
    out = {}
    for key in ("coefficients", "intercept", "r2", "local_prediction"):
        all_of = np.array([run[key] for run in runs])
        out[key] = all_of.mean(axis=0)
        out[f"{key}_error"] = all_of.std(axis=0, ddof=1) / np.sqrt(len(runs))
    return out


def picture(out: Path) -> None:
    """A picture in blocks whose sides do not lie where the model's do."""
    rng = np.random.default_rng(11)
    image = rng.uniform(size=(HEIGHT, WIDTH, 3))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    segments = rows // 5 * 4 + columns // 4
    parts = len(np.unique(segments))

    def run(seed: int, samples: int, hide=None) -> dict:
        explainer = LimeImageExplainer(feature_selection="none", random_state=seed)
        return explained(explainer, lambda e: e.explain_instance(
            image, picture_answers, labels=(1,), top_labels=None, hide_color=hide, num_samples=samples,
            segmentation_fn=lambda _: segments), parts)

    write_json(out / "lime" / "picture.json", {
        "source": f"{SOURCE} LimeImageExplainer, feature_selection none; the model is picture_answers of ref_lime_parts.py",
        "tolerance": 1e-9, "height": HEIGHT, "width": WIDTH, "image": image, "segments": segments,
        "one": run(3, 150), "hidden_as": 0.25, "one_hidden": run(4, 60, 0.25),
        "samples": 1000, "runs": RUNS, "means": means([run(100 + seed, 1000) for seed in range(RUNS)]),
    })


def text(out: Path) -> None:
    """A text with words that come again, as a bag and by their places."""
    members = {"source": f"{SOURCE} LimeTextExplainer, feature_selection none, mask_string ''; the model is text_answers "
                         "of ref_lime_parts.py", "tolerance": 1e-9, "text": TEXT}
    for name, bag in (("bag", True), ("places", False)):
        spans: list = []

        def run(seed: int, samples: int, bag=bag, spans=spans) -> dict:
            explainer = LimeTextExplainer(bow=bag, mask_string="", feature_selection="none", random_state=seed)
            from lime.lime_text import IndexedString

            indexed = IndexedString(TEXT, bow=bag, mask_string="")
            spans[:] = [[indexed.word(i), np.ravel(indexed.string_position(i))] for i in range(indexed.num_words())]
            return explained(explainer, lambda e: e.explain_instance(
                TEXT, text_answers, labels=(1,), num_samples=samples), indexed.num_words())

        members[name] = {"one": run(5, 120), "words": spans, "samples": 2000, "runs": RUNS,
                         "means": means([run(200 + seed, 2000) for seed in range(RUNS)])}
    write_json(out / "lime" / "text.json", members)


def write(out: Path) -> None:
    """Both."""
    picture(out)
    text(out)
