"""Small models for tests only: forests, LightGBM and XGBoost with missing values, a regressor, a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from onnx import ModelProto
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from common import OPSETS, save_onnx

SEED = 7
BACKGROUND = 100


@dataclass
class Case:
    """A trained model, its ONNX form, and rows to explain against a background of 100 training rows."""

    name: str
    model: object
    names: list[str]
    train: np.ndarray
    held: np.ndarray
    truth: np.ndarray
    path: str = ""
    classes: list | None = None
    background: np.ndarray = field(init=False)

    def __post_init__(self):
        self.draw_background(np.ones(len(self.train), bool))

    def draw_background(self, fit: np.ndarray) -> None:
        """100 of the training rows that are fit for it."""
        rows = self.train[fit]
        self.background = rows[np.random.default_rng(SEED).permutation(len(rows))[:BACKGROUND]]


def ten_measures() -> tuple:
    """The ten mean measures of the tumours; 1 is malignant."""
    source = load_breast_cancer()
    names = [str(n).replace(" ", "_") for n in source.feature_names[:10]]
    return names, *cut(source.data[:, :10], 1 - source.target, True)


def with_gaps(table: np.ndarray, share: float = 0.08) -> np.ndarray:
    """A copy with NaN in `share` of the cells."""
    holes = np.random.default_rng(SEED).random(table.shape) < share
    return np.where(holes, np.float32(np.nan), table)


def cut(table, truth, stratify=False):
    """Training and held-out rows as float32."""
    table = table.astype(np.float32)
    return train_test_split(
        table, truth, test_size=0.3, random_state=SEED, stratify=truth if stratify else None
    )


def convert_sklearn(model, width: int) -> ModelProto:
    """skl2onnx with one input `X`, no ZipMap."""
    options = None if not hasattr(model, "classes_") else {"zipmap": False}
    types = [("X", FloatTensorType([None, width]))]
    return to_onnx(model, initial_types=types, options=options, target_opset=OPSETS)


def convert_boosted(model, width: int) -> ModelProto:
    """onnxmltools for LightGBM and XGBoost."""
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType as Floats

    types = [("X", Floats([None, width]))]
    if type(model).__module__.startswith("lightgbm"):
        return onnxmltools.convert_lightgbm(model, initial_types=types, zipmap=False, target_opset=15)
    return onnxmltools.convert_xgboost(model, initial_types=types, target_opset=15)


def forests() -> list[Case]:
    """Random forests: two classes, three classes, a regression."""
    names, train, held, y, truth = ten_measures()
    binary = RandomForestClassifier(15, max_depth=5, random_state=SEED).fit(train, y)
    wine = load_wine()
    wine_names = [n.replace("/", "_") for n in wine.feature_names]
    w_train, w_held, w_y, w_truth = cut(wine.data, wine.target, True)
    three = RandomForestClassifier(10, max_depth=4, random_state=SEED).fit(w_train, w_y)
    diabetes = load_diabetes(scaled=False)
    d_train, d_held, d_y, d_truth = cut(diabetes.data, diabetes.target)
    regressor = RandomForestRegressor(12, max_depth=4, random_state=SEED).fit(d_train, d_y)
    return [
        Case("forest_binary", binary, names, train, held, truth, classes=[0, 1]),
        Case("forest_wine", three, wine_names, w_train, w_held, w_truth, classes=[0, 1, 2]),
        Case("forest_diabetes", regressor, list(diabetes.feature_names), d_train, d_held, d_truth),
    ]


def boosted() -> list[Case]:
    """LightGBM and XGBoost, with missing values in training and in the rows that are explained."""
    import lightgbm
    import xgboost

    names, train, held, y, truth = ten_measures()
    train, held = with_gaps(train), with_gaps(held)
    light = lightgbm.LGBMClassifier(
        n_estimators=20, num_leaves=8, random_state=SEED, n_jobs=1, verbose=-1, deterministic=True, force_col_wise=True
    ).fit(train, y)
    settings = {"random_state": SEED, "n_jobs": 1, "tree_method": "exact"}
    xgb = xgboost.XGBClassifier(n_estimators=20, max_depth=3, **settings).fit(train, y)
    wine = load_wine()
    w_train, w_held, w_y, w_truth = cut(wine.data, wine.target, True)
    # Without a stated base score XGBoost 3 fits one for each class, which shap 0.51 leaves out of its base values.
    three = xgboost.XGBClassifier(n_estimators=6, max_depth=3, base_score=0.5, **settings).fit(w_train, w_y)
    diabetes = load_diabetes(scaled=False)
    d_train, d_held, d_y, d_truth = cut(diabetes.data, diabetes.target)
    d_train, d_held = with_gaps(d_train), with_gaps(d_held)
    regressor = xgboost.XGBRegressor(n_estimators=20, max_depth=3, learning_rate=0.2, **settings).fit(d_train, d_y)
    wine_names = [n.replace("/", "_") for n in wine.feature_names]
    return [
        Case("lightgbm_missing", light, names, train, held, truth, classes=[0, 1]),
        Case("xgboost_missing", xgb, names, train, held, truth, classes=[0, 1]),
        Case("xgboost_wine", three, wine_names, w_train, w_held, w_truth, classes=[0, 1, 2]),
        Case("xgboost_diabetes", regressor, list(diabetes.feature_names), d_train, d_held, d_truth),
    ]


def network() -> Case:
    """A network of ten inputs, standardised, eight tanh units."""
    names, train, held, y, truth = ten_measures()
    mlp = MLPClassifier((8,), activation="tanh", alpha=0.1, max_iter=2000, random_state=SEED)
    model = make_pipeline(StandardScaler(), mlp).fit(train.astype(np.float64), y)
    return Case("network", model, names, train, held, truth, classes=[0, 1])


def save(case: Case, folder: Path, shown: str) -> None:
    """Writes the ONNX file of a case."""
    width = len(case.names)
    native = type(case.model).__module__.split(".")[0]
    model = convert_sklearn(case.model, width) if native == "sklearn" else convert_boosted(case.model, width)
    model.graph.name = case.name
    save_onnx(folder / f"{case.name}.onnx", model, "A model for tests", {})
    case.path = f"{shown}/{case.name}.onnx"
