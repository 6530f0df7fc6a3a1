"""A forest over one-hot and date columns, and exact Shapley values with such columns as one player."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ref_models
from common import quiet_session, write_json
from ref_exact import shapley

ROWS = 8
JUDGED, REPEATS = 120, 300
NAMES = ["age", "fare", "class_first", "class_second", "class_third", "sex_female", "sex_male"]
NAMES += ["boarded_year", "boarded_month", "boarded_day_of_week"]
PLAYERS = {"age": [0], "fare": [1], "class": [2, 3, 4], "sex": [5, 6], "boarded": [7, 8, 9]}


def passengers(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Made-up passengers and whether they were saved; levels and parts of the date act together."""
    rng = np.random.default_rng(ref_models.SEED)
    age, fare = rng.uniform(1, 80, count), rng.gamma(2.0, 15.0, count)
    rank, woman = rng.integers(0, 3, count), rng.integers(0, 2, count)
    year, month, day = rng.integers(1910, 1914, count), rng.integers(1, 13, count), rng.integers(0, 7, count)
    summer = ((month > 4) & (month < 9)) ^ (year > 1911)
    score = 4.0 * (summer == (woman == 1)) * (rank != 1) + 0.8 * (rank == 0) - (day < 2)
    score += 0.01 * fare - 0.02 * age - 1.4
    saved = rng.random(count) < 1 / (1 + np.exp(-score))
    columns = [age, fare, *(np.eye(3)[rank].T), woman, 1 - woman, year, month, day]
    return np.stack(columns, 1).astype(np.float32), saved.astype(int)


def with_players(predict, row: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Base values and attributions of the players, by all their coalitions: the judge plays with flags for them."""
    members = list(PLAYERS.values())

    def of_flags(flags: np.ndarray) -> np.ndarray:
        answers = []
        for plays in flags:
            mixed = background.copy()
            for player, columns in enumerate(members):
                if plays[player]:
                    mixed[:, columns] = row[columns]
            answers.append(predict(mixed).mean(0))
        return np.stack(answers)

    return shapley(of_flags, np.ones(len(members)), np.zeros((1, len(members))))


def over_rows(case: ref_models.Case) -> dict:
    """What the players matter, and the mean answer along the categories, over a pipeline that has one raw column each.

    A raw column holds the number of the row whose cells the player has: shuffling it shuffles them together.
    """
    rows, truth = case.held[-JUDGED:], case.truth[-JUDGED:]
    members = list(PLAYERS.values())

    def columns_of(raw: np.ndarray) -> np.ndarray:
        wide = np.empty((len(raw), len(NAMES)), np.float32)
        for player, columns in enumerate(members):
            wide[:, columns] = rows[np.ix_(raw[:, player].astype(int), columns)]
        return wide

    raw = np.repeat(np.arange(JUDGED)[:, None], len(members), 1)
    pipeline = make_pipeline(FunctionTransformer(columns_of).fit(raw), case.model)
    importance = []
    for score in ("accuracy", "neg_log_loss"):
        found = permutation_importance(pipeline, raw, truth, scoring=score, n_repeats=REPEATS, random_state=0)
        importance.append({"score": score, "mean": found.importances_mean, "std": found.importances_std})
    levels = {}
    for player in ("class", "sex"):
        means = []
        for level in PLAYERS[player]:
            changed = rows.copy()
            changed[:, PLAYERS[player]] = 0
            changed[:, level] = 1
            means.append(case.model.predict_proba(changed)[:, 1])
        levels[player] = {"mean": np.mean(means, 1), "of_first_row": [answers[0] for answers in means]}
    return {"rows": rows, "truth": truth, "repeats": REPEATS, "importance": importance, "levels": levels}


def write(out: Path) -> None:
    """The model, and its values with players and without."""
    rows, saved = passengers(1200)
    model = RandomForestClassifier(25, max_depth=7, random_state=ref_models.SEED).fit(rows[:900], saved[:900])
    case = ref_models.Case("groups", model, NAMES, rows[:900], rows[900:], saved[900:], classes=[0, 1])
    ref_models.save(case, out / "models", "tests/reference/models")
    held = case.held[:ROWS]
    answer = quiet_session(out / "models" / "groups.onnx").run(None, {"X": held})[-1]
    assert np.abs(answer - model.predict_proba(held)).max() < 1e-6
    together = [with_players(model.predict_proba, row, case.background) for row in held]
    apart = np.stack([shapley(model.predict_proba, row, case.background)[1] for row in held])
    values = np.stack([values for _, values in together])
    sums = np.stack([apart[:, columns].sum(1) for columns in PLAYERS.values()], 1)
    furthest = np.abs(values - sums).max()
    assert furthest > 0.01, "groups that do nothing together show nothing"
    write_json(
        out / "shap" / "groups.json",
        {
            "source": "all coalitions of players, scikit-learn's predict_proba in float64",
            "model": case.path,
            "tolerance": 1e-6,
            "space": "probability",
            "feature_names": NAMES,
            "players": PLAYERS,
            "output_names": ["0", "1"],
            "rows": held,
            "background": case.background,
            "base_values": together[0][0],
            "predictions": model.predict_proba(held),
            "values": values,
            "values_of_columns": apart,
            "furthest_from_sums": furthest,
        },
    )
    write_json(
        out / "global" / "groups.json",
        {
            "source": f"scikit-learn {sklearn.__version__} permutation_importance of a pipeline with one raw column for each "
            "player; mean answers by their definition",
            "model": case.path,
            "feature_names": NAMES,
            "players": PLAYERS,
            **over_rows(case),
        },
    )
