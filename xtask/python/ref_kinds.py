"""Small models of many kinds, each trained on the 100 rows that are its background: trees recount their own covers."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from skl2onnx import to_onnx
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR

import ref_models
from common import OPSETS

SEED, BACKGROUND = ref_models.SEED, ref_models.BACKGROUND


@dataclass
class Kind:
    """A model, its ONNX form, the rows it was trained on and rows that are explained."""

    name: str
    model: object
    onnx: onnx.ModelProto
    columns: list[str]
    background: np.ndarray
    held: np.ndarray
    # The answer in float64: rows to [rows, outputs]. None: its trees are read from the file.
    answer: object = None
    # One input for each column, instead of one for all.
    apart: bool = False
    # shap's reason not to explain it, or what it gets wrong.
    no_shap: str | None = None


def tumours(columns: int = 10, gaps: bool = False) -> tuple:
    """Measures of tumours: names, training rows, held rows, truth of the training rows."""
    names, train, held, y, _ = ref_models.ten_measures()
    train, held = train[:BACKGROUND, :columns], held[:, :columns]
    if gaps:
        train, held = ref_models.with_gaps(train), ref_models.with_gaps(held)
    return names[:columns], train, held, y[:BACKGROUND]


def wines(columns: int = 13) -> tuple:
    """Three kinds of wine."""
    source = load_wine()
    train, held, y, _ = ref_models.cut(source.data, source.target, True)
    names = [n.replace("/", "_") for n in source.feature_names]
    return names[:columns], train[:BACKGROUND, :columns], held[:, :columns], y[:BACKGROUND]


def patients(gaps: bool = False) -> tuple:
    """Diabetes a year later, as a number."""
    source = load_diabetes(scaled=False)
    train, held, y, _ = ref_models.cut(source.data, source.target)
    train = train[:BACKGROUND]
    if gaps:
        train, held = ref_models.with_gaps(train), ref_models.with_gaps(held)
    return list(source.feature_names), train, held, y[:BACKGROUND]


def convert(model, width: int) -> onnx.ModelProto:
    """skl2onnx 1.20, whose NumPy scalars in attributes onnx 1.23 refuses, given as numbers."""
    add = ModelComponentContainer.add_node

    def plain(value):
        if isinstance(value, (bool, np.bool_, np.integer)):
            return int(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "biu":
            return value.astype(np.int64)
        return [plain(v) for v in value] if isinstance(value, list) else value

    def add_plain(self, *args, **attributes):
        return add(self, *args, **{key: plain(value) for key, value in attributes.items()})

    ModelComponentContainer.add_node = add_plain
    try:
        return ref_models.convert_sklearn(model, width)
    finally:
        ModelComponentContainer.add_node = add


def trees(name: str, model, data: tuple, **more) -> Kind:
    """An ensemble of scikit-learn."""
    columns, train, held, y = data
    model.fit(train, y)
    return Kind(name, model, convert(model, len(columns)), columns, train, held, **more)


def of_sklearn() -> list[Kind]:
    """Extra trees, gradient boosting in both forms, two outputs."""
    boosting = {"max_depth": 3, "random_state": SEED}
    histogram = {"max_iter": 15, "max_leaf_nodes": 8, "min_samples_leaf": 5, "early_stopping": False}
    columns, train, held, y = patients()
    # The third measure is predicted too, and not looked at.
    looked = [i for i in range(len(columns)) if i != 2]
    two = ([columns[i] for i in looked], train[:, looked], held[:, looked], np.stack([y, train[:, 2]], 1))
    several = "its GradientBoostingClassifier is for two classes only"
    return [
        trees("extra_trees_wine", ExtraTreesClassifier(12, max_depth=4, random_state=SEED), wines()),
        trees("boosting_tumour", GradientBoostingClassifier(n_estimators=20, **boosting), tumours()),
        trees("boosting_wine", GradientBoostingClassifier(n_estimators=6, **boosting), wines(), no_shap=several),
        trees("boosting_diabetes", GradientBoostingRegressor(n_estimators=20, **boosting), patients()),
        trees("histogram_missing", HistGradientBoostingClassifier(random_state=SEED, **histogram), tumours(gaps=True)),
        trees("histogram_diabetes", HistGradientBoostingRegressor(random_state=SEED, **histogram), patients(True)),
        trees("forest_two_outputs", RandomForestRegressor(12, max_depth=4, random_state=SEED), two),
    ]


def of_others() -> list[Kind]:
    """LightGBM with three classes, CatBoost with missing values and with three classes."""
    import catboost
    import lightgbm

    columns, train, held, y = wines()
    light = lightgbm.LGBMClassifier(
        n_estimators=6, num_leaves=6, random_state=SEED, n_jobs=1, verbose=-1, deterministic=True, force_col_wise=True
    ).fit(train, y)
    found = [Kind("lightgbm_wine", light, ref_models.convert_boosted(light, len(columns)), columns, train, held)]
    settings = {"random_seed": SEED, "thread_count": 1, "verbose": False, "allow_writing_files": False}
    wrong = "of CatBoost with three classes it gives values of another shape that do not add up"
    for name, data, kind, reason in (
        ("catboost_missing", tumours(gaps=True), catboost.CatBoostClassifier, None),
        ("catboost_wine", wines(), catboost.CatBoostClassifier, wrong),
        ("catboost_diabetes", patients(), catboost.CatBoostRegressor, None),
    ):
        columns, train, held, y = data
        model = kind(iterations=12, depth=4, **settings).fit(train, y)
        with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
            model.save_model(file.name, format="onnx")
            found.append(Kind(name, model, onnx.load(file.name), columns, train, held, no_shap=reason))
    return found


def two_scores(vectors):
    """The two scores as skl2onnx writes an SVC without probabilities: the decision for the second class stands first."""
    return lambda rows: np.stack([vectors.decision_function(rows), -vectors.decision_function(rows)], 1)


def of_no_trees() -> list[Kind]:
    """Support vectors, networks: their answers in float64 by scikit-learn."""
    found = []
    columns, train, held, y = tumours(8)
    vectors = make_pipeline(StandardScaler(), SVC(C=2.0)).fit(train, y)
    found.append(Kind("vectors_tumour", vectors, convert(vectors, 8), columns, train, held, two_scores(vectors)))
    columns, train, held, y = patients()
    vectors = make_pipeline(StandardScaler(), SVR(C=30.0)).fit(train, y)
    found.append(Kind("vectors_diabetes", vectors, convert(vectors, 10), columns, train, held, vectors.predict))
    columns, train, held, y = wines(8)
    network = make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3000, random_state=SEED)).fit(train, y)
    found.append(Kind("network_wine", network, convert(network, 8), columns, train, held, network.predict_proba))
    columns, train, held, y = patients()
    settings = {"activation": "tanh", "max_iter": 3000, "random_state": SEED}
    network = make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(8, 6), **settings)).fit(train, y / 100)
    found.append(Kind("network_diabetes", network, convert(network, 10), columns, train, held, network.predict))
    return found


def mixed() -> Kind:
    """Rents by city, heating and two numbers: one-hot texts and a forest behind them, one input for each column."""
    rng = np.random.default_rng(SEED)
    count = BACKGROUND + 40
    city = rng.choice(np.array(["Bergen", "Oslo", "Tromsø"], object), count)
    heating = rng.choice(np.array(["electric", "district", "wood", "none"], object), count)
    area, age = (rng.uniform(low, high, count).astype(np.float32) for low, high in ((20, 120), (0, 90)))
    rent = 3 + area * (0.09 + 0.05 * (city == "Oslo")) + 2 * (heating == "district") * (age < 30) - 0.02 * age
    table = np.empty((count, 4), object)
    for at, column in enumerate((city, heating, area, age)):
        table[:, at] = column
    texts = ColumnTransformer([("texts", OneHotEncoder(sparse_output=False), [0, 1])], remainder="passthrough")
    train, held = table[:BACKGROUND], table[BACKGROUND:]
    forest = RandomForestRegressor(12, max_depth=5, random_state=SEED)
    model = make_pipeline(texts, forest).fit(train, rent[:BACKGROUND])
    columns = ["city", "heating", "area", "age"]
    types = [StringTensorType([None, 1])] * 2 + [FloatTensorType([None, 1])] * 2
    written = to_onnx(model, initial_types=list(zip(columns, types)), target_opset=OPSETS)
    return Kind("rents_mixed", model, written, columns, train, held, model.predict, apart=True)


def kinds() -> list[Kind]:
    """All of them."""
    return [*of_sklearn(), *of_others(), *of_no_trees(), mixed()]
