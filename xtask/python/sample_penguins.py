"""Sample 2: penguins, a pipeline with numeric and text columns, one ONNX input for each, with ZipMap."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from palmerpenguins import load_penguins
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from common import OPSETS, save_onnx, write_text

TARGET = "species"
TEXT = ["island", "sex"]
NUMBERS = ["bill_depth_mm", "flipper_length_mm", "body_mass_g"]
COLUMNS = TEXT + NUMBERS


def split() -> tuple[pd.DataFrame, pd.Series, pd.DataFrame, pd.Series]:
    """Training and held-out rows: 70 and 30 percent, stratified by species."""
    table = load_penguins().dropna(subset=NUMBERS).reset_index(drop=True)
    for column in [*TEXT, TARGET]:
        table[column] = table[column].astype(object).where(table[column].notna(), "unknown")
    for column in NUMBERS:
        table[column] = table[column].astype(np.float64)
    labels = table[TARGET]
    train, held = train_test_split(np.arange(len(table)), test_size=0.3, random_state=7, stratify=labels)
    return table.loc[train, COLUMNS], labels.loc[train], table.loc[held, COLUMNS], labels.loc[held]


def background(train: pd.DataFrame) -> pd.DataFrame:
    """100 training rows drawn with a fixed seed."""
    return train.sample(100, random_state=7)


def train_pipeline() -> Pipeline:
    """Scaled numbers, one-hot text, multinomial logistic regression."""
    table, labels, _, _ = split()
    prepare = ColumnTransformer(
        [("text", OneHotEncoder(handle_unknown="ignore"), TEXT), ("numbers", StandardScaler(), NUMBERS)]
    )
    return Pipeline([("prepare", prepare), ("classify", LogisticRegression(max_iter=1000))]).fit(table, labels)


def write(folder: Path) -> dict:
    """Writes the sample and says what it is."""
    table, _, held, held_labels = split()
    pipeline = train_pipeline()
    types = [(c, StringTensorType([None, 1])) for c in TEXT] + [(c, FloatTensorType([None, 1])) for c in NUMBERS]
    onnx_model = to_onnx(pipeline, initial_types=types, target_opset=OPSETS)
    save_onnx(
        folder / "model.onnx",
        onnx_model,
        "Which penguin species is it?",
        {"feature_names": json.dumps(COLUMNS), "target": TARGET},
    )
    pd.concat([held, held_labels], axis=1).to_csv(folder / "heldout.csv", index=False)
    background(table).to_csv(folder / "background.csv", index=False)
    proba = pipeline.predict_proba(held)
    found = pipeline.classes_[proba.argmax(1)]
    score = (
        accuracy_score(held_labels, found),
        f1_score(held_labels, found, average="macro"),
        log_loss(held_labels, proba, labels=pipeline.classes_),
    )
    write_text(folder / "card.md", card(len(table), len(held), score))
    return {
        "name": "penguins",
        "title": "Penguin species, a pipeline with text and number columns",
        "task": "classification",
        "models": ["model.onnx"],
        "data": "heldout.csv",
        "background": "background.csv",
        "target": TARGET,
        "positive": None,
    }


def card(train_rows: int, held_rows: int, score: tuple) -> str:
    """The model card."""
    return f"""
# Penguins: a pipeline with text and number columns

**Question.** Is a penguin seen near Palmer Station an Adelie, a Chinstrap or a Gentoo, from its island, sex,
bill depth, flipper length and body mass? (With the length of the bill the answer would be nearly always
right; it is left out, so that there are errors to look at.)

**Data.** Palmer Penguins: Gorman, Williams and Fraser, 2014, PLoS ONE 9(3): e90081,
https://doi.org/10.1371/journal.pone.0090081; Palmer Station Long Term Ecological Research Program. Licence:
CC0. Taken from the Python package `palmerpenguins`. Changes: two rows without measures are left out, a sex
that was not noted is `unknown`.

**Split.** {train_rows} rows for training, {held_rows} held out (`heldout.csv`), stratified, seed 7.
`background.csv` holds 100 of the training rows.

**Training.** scikit-learn pipeline: `OneHotEncoder` for {", ".join(TEXT)}; `StandardScaler` for
{", ".join(NUMBERS)}; `LogisticRegression`. Exported by skl2onnx with one input for each column ([batch, 1], text
or float32) and with ZipMap: `output_label` (text) and `output_probability`, a list with one map from class to
probability for each row.

**Score on the held-out rows.** Accuracy {score[0]:.3f}, macro F1 {score[1]:.3f}, log loss {score[2]:.3f}.

**Intended use.** To try Modeldesk on mixed columns.

**Regenerate.** `cargo xtask samples`; with the pinned packages the same bytes come out.
"""
