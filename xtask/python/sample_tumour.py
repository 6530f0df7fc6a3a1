"""Sample 1: breast tumours, gradient-boosted trees, a weak first and a better second version."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split

from common import OPSETS, save_onnx, write_text

TARGET = "diagnosis"
POSITIVE = "malignant"
VERSIONS = {
    "v1": {"n_estimators": 12, "max_depth": 2, "learning_rate": 0.1},
    "v2": {"n_estimators": 150, "max_depth": 2, "learning_rate": 0.1, "subsample": 0.5, "max_features": 6},
}


def split() -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.Series]:
    """Training and held-out rows: 70 and 30 percent, the share of tumours equal in both."""
    source = load_breast_cancer()
    names = [name.replace(" ", "_") for name in source.feature_names]
    table = pd.DataFrame(source.data, columns=names)
    labels = pd.Series(np.where(source.target == 0, POSITIVE, "benign"), name=TARGET)
    train, held = train_test_split(np.arange(len(table)), test_size=0.3, random_state=7, stratify=labels)
    held = in_story_order(table, labels, train, held)
    return table.iloc[train], labels.iloc[train], table.iloc[held], labels.iloc[held]


def in_story_order(table: pd.DataFrame, labels: pd.Series, train: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Rows 4 and 5 are two that v1 gets wrong and v2 right; which rows are held out stays the same."""
    values = table.to_numpy(np.float32)
    first, second = (fit(version, values[train], labels.iloc[train]).predict(values[held]) for version in VERSIONS)
    truth = labels.iloc[held].to_numpy()
    story = np.flatnonzero((first != truth) & (second == truth))[:2]
    rest = np.setdiff1d(np.arange(len(held)), story)
    return held[np.concatenate([rest[:3], story, rest[3:]])]


def fit(version: str, values: np.ndarray, labels: pd.Series) -> GradientBoostingClassifier:
    """Trains with the settings of one version."""
    return GradientBoostingClassifier(random_state=0, **VERSIONS[version]).fit(values, labels)


def background(train: pd.DataFrame) -> pd.DataFrame:
    """100 training rows drawn with a fixed seed."""
    return train.sample(100, random_state=7)


def train_version(version: str) -> GradientBoostingClassifier:
    """The model of one version; it sees float32 values, as the ONNX file does."""
    table, labels, _, _ = split()
    return fit(version, table.to_numpy(np.float32), labels)


def write(folder: Path) -> dict:
    """Writes the sample and says what it is."""
    table, _, held, held_labels = split()
    names = list(table.columns)
    scores = {}
    for version, settings in VERSIONS.items():
        model = train_version(version)
        proba = model.predict_proba(held.to_numpy(np.float32))
        scores[version] = (
            accuracy_score(held_labels, model.classes_[proba.argmax(1)]),
            roc_auc_score(held_labels == POSITIVE, proba[:, 1]),
            log_loss(held_labels, proba, labels=model.classes_),
        )
        onnx_model = to_onnx(
            model,
            initial_types=[("X", FloatTensorType([None, len(names)]))],
            options={"zipmap": False},
            target_opset=OPSETS,
        )
        metadata = {"feature_names": json.dumps(names), "target": TARGET, "training": json.dumps(settings)}
        save_onnx(folder / f"{version}.onnx", onnx_model, "Is a breast tumour benign or malignant?", metadata)
    pd.concat([held, held_labels], axis=1).to_csv(folder / "heldout.csv", index=False)
    background(table).to_csv(folder / "background.csv", index=False)
    write_text(folder / "card.md", card(len(table), len(held), scores))
    return {
        "name": "tumour",
        "title": "Breast tumours, gradient-boosted trees",
        "task": "classification",
        "models": ["v1.onnx", "v2.onnx"],
        "data": "heldout.csv",
        "background": "background.csv",
        "target": TARGET,
        "positive": POSITIVE,
    }


def card(train_rows: int, held_rows: int, scores: dict) -> str:
    """The model card."""
    table = "\n".join(f"| {v} | {a:.3f} | {auc:.3f} | {loss:.3f} |" for v, (a, auc, loss) in scores.items())
    settings = "\n".join(f"- {v}: " + ", ".join(f"{k} {x}" for k, x in s.items()) for v, s in VERSIONS.items())
    return f"""
# Breast tumours: gradient-boosted trees, two versions

**Question.** Is a breast tumour benign or malignant, from 30 measures of cell nuclei in an image of a
fine needle aspirate?

**Data.** Breast Cancer Wisconsin (Diagnostic): Wolberg, Mangasarian, Street and Street, 1995, UCI Machine
Learning Repository, https://doi.org/10.24432/C5DW2B. Licence: CC BY 4.0. Taken from the copy inside
scikit-learn (`sklearn.datasets.load_breast_cancer`). Changes: spaces in column names became underscores, and
the classes are written as `benign` and `malignant` in the column `{TARGET}`.

**Split.** {train_rows} rows for training, {held_rows} held out (`heldout.csv`), stratified, seed 7. Its
rows 4 and 5 were moved there because v1 gets them wrong and v2 right; the others keep their order.
`background.csv` holds 100 of the training rows.

**Training.** scikit-learn `GradientBoostingClassifier`, log loss, seed 0, exported by skl2onnx without ZipMap:
input `X` float32 [batch, 30], outputs `label` (text) and `probabilities` float32 [batch, 2].
{settings}

**Score on the held-out rows**

| version | accuracy | ROC AUC | log loss |
| --- | --- | --- | --- |
{table}

**Intended use.** To try Modeldesk: v1 is weak on purpose, so that v2 is worth deploying and a rollback has
something to show. Not for medical decisions.

**Regenerate.** `cargo xtask samples`; with the pinned packages the same bytes come out.
"""
