"""A text pipeline in ONNX, and what its words are worth: Shapley values by enumeration, LIME's means of many runs."""

from __future__ import annotations

import itertools
from math import factorial
from pathlib import Path

import numpy as np
from lime.lime_text import IndexedString, LimeTextExplainer
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from common import OPSETS, quiet_session, save_onnx, write_json

GOOD = "good great fine warm quick cheap".split()
BAD = "late cold slow dirty rude dear".split()
REST = "the train coffee was and hotel staff again very room".split()
TEXTS = [
    "the train was late and the coffee was cold",
    "great staff: warm, quick and good! the room was not dear",
    "very very very good room",
]
RUNS, SAMPLES = 30, 1000


def corpus(count: int) -> tuple[list[str], np.ndarray]:
    """Reviews of drawn words, `good` where more of them praise than complain."""
    rng = np.random.default_rng(3)
    texts, truth = [], []
    for _ in range(count):
        mood, words = rng.uniform(), []
        for _ in range(rng.integers(4, 15)):
            kind = GOOD if rng.uniform() < 0.4 * mood else BAD if rng.uniform() < 0.3 else REST
            words.append(str(rng.choice(kind)))
        texts.append(" ".join(words))
        praise = sum((w in GOOD) - (w in BAD) for w in words)
        truth.append("good" if praise > 0 else "bad")
    return texts, np.array(truth)


def shapley(text: str, bag: bool, answer) -> dict:
    """Shapley values of the words for the second class, absent ones removed: the definition."""
    indexed = IndexedString(text, bow=bag, mask_string="")
    n = indexed.num_words()
    masks = list(itertools.product([False, True], repeat=n))
    texts = [indexed.inverse_removing([i for i in range(n) if not on[i]]) if not all(on) else text for on in masks]
    values = dict(zip(masks, answer(texts)))
    shares = np.zeros(n)
    for on, value in values.items():
        size = sum(on)
        for i in range(n):
            if on[i]:
                shares[i] += factorial(size - 1) * factorial(n - size) / factorial(n) * value
            else:
                shares[i] -= factorial(size) * factorial(n - size - 1) / factorial(n) * value
    return {"words": [indexed.word(i) for i in range(n)], "base": values[masks[0]], "prediction": values[masks[-1]],
            "values": shares}


def lime_means(text: str, probabilities) -> dict:
    """Means of the weights over runs, with standard errors."""
    runs = []
    for seed in range(RUNS):
        explainer = LimeTextExplainer(feature_selection="none", random_state=seed)
        found = explainer.explain_instance(text, probabilities, labels=(1,), num_samples=SAMPLES)
        weights = np.zeros(len(found.local_exp[1]))
        for part, weight in found.local_exp[1]:
            weights[part] = weight
        runs.append(weights)
    runs = np.array(runs)
    return {"coefficients": runs.mean(axis=0), "errors": runs.std(axis=0, ddof=1) / np.sqrt(RUNS), "runs": RUNS,
            "samples": SAMPLES}


def write(out: Path) -> None:
    """The model, and what its words are worth."""
    texts, truth = corpus(400)
    vectorizer = TfidfVectorizer(lowercase=False, token_pattern="[a-zA-Z0-9_]+")
    model = make_pipeline(vectorizer, LogisticRegression(C=5)).fit(texts, truth)
    converted = to_onnx(model, initial_types=[("review", StringTensorType([None, 1]))], options={"zipmap": False},
                        target_opset=OPSETS)
    path = out / "models" / "text.onnx"
    save_onnx(path, converted, "Whether a review is good, by its words", {})
    session = quiet_session(path)

    def probabilities(texts: list[str]) -> np.ndarray:
        return session.run(None, {"review": np.array(texts, object)[:, None]})[1]

    def answer(texts: list[str]) -> np.ndarray:
        return probabilities(texts)[:, 1].astype(np.float64)

    assert np.abs(probabilities(texts) - model.predict_proba(texts)).max() < 1e-6
    write_json(out / "lime" / "pipeline.json", {
        "source": "enumeration of all sets of words, and lime 0.2.0.1 LimeTextExplainer, feature_selection none; both of "
                  "tests/reference/models/text.onnx", "tolerance": 1e-9, "texts": TEXTS,
        "bag": [shapley(text, True, answer) for text in TEXTS],
        "places": [shapley(text, False, answer) for text in TEXTS],
        "lime": [lime_means(text, probabilities) for text in TEXTS],
    })
