"""The scikit-learn face keeps scikit-learn's contract, and learns what the strategy learns."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.utils.estimator_checks import check_estimator

from persona_lab.catalog import STRATEGIES
from persona_lab.estimator import PreferenceClassifier
from persona_lab.feedback import NO_OPTION, Kind, feedback
from persona_lab.strategies.baselines import RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.forgetting import ForgettingCount
from persona_lab.strategies.kalman import Kalman


@pytest.mark.parametrize("name", [None, *STRATEGIES])
def test_it_passes_scikit_learns_own_suite_around_every_rule(name: str | None) -> None:
    results = check_estimator(PreferenceClassifier(STRATEGIES[name] if name else None), on_skip=None)
    assert sum(row["status"] == "passed" for row in results) > 30
    assert {row["check_name"]: row["exception"] for row in results if row["status"] not in ("passed", "skipped")} == {}


def _log(rows: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)  # a test's own luck
    return rng.integers(0, 70, (rows, 1)).astype(float), rng.choice(["morning", "noon", "night"], rows)


def test_beliefs_are_those_of_the_strategy_one_stream_at_a_time() -> None:
    rows, labels = _log()
    model = PreferenceClassifier(Ewma(0.3)).fit(rows, labels)
    rule = Ewma(0.3)
    for stream in (0.0, 17.0, 69.0):
        state = rule.init(3, 64)
        for label in labels[rows[:, 0] == stream]:
            option = int(np.searchsorted(model.classes_, label))
            state = rule.update(state, feedback(proposed=NO_OPTION, kind=[Kind.CORRECTED] * 64, corrected=option))
        assert model.predict_proba([[stream]])[0].tobytes() == rule.belief(state)[:, 0].tobytes()


def test_learning_in_parts_is_learning_at_once_and_unseen_streams_have_the_prior() -> None:
    rows, labels = _log()
    whole = PreferenceClassifier(Kalman()).fit(rows, labels)
    parts = PreferenceClassifier(Kalman())
    for first in range(0, 300, 75):
        parts.partial_fit(rows[first : first + 75], labels[first : first + 75], classes=["morning", "night", "noon"])
    assert whole.predict_proba(rows).tobytes() == parts.predict_proba(rows).tobytes()
    assert whole.predict_proba([[1e6]])[0].tolist() == [1 / 3] * 3


def test_time_and_confidence_columns_reach_the_strategy() -> None:
    rule = ForgettingCount(keep=1.0, half_life=10.0, prior=1.0)
    model = PreferenceClassifier(rule, elapsed_column=1, confidence_column=2)
    model.fit([[0, 0, 1.0], [0, 0, 0.0]], ["a", "b"])
    assert model.predict_proba([[0, 0, 1.0], [0, 10, 1.0]])[:, 0].tolist() == [2 / 3, 1.5 / 2.5]


def test_it_works_in_a_search_and_says_what_is_wrong() -> None:
    rows, labels = _log()
    search = GridSearchCV(
        PreferenceClassifier(), {"strategy": [Ewma(0.1), Ewma(0.5), RunningCount()]}, cv=TimeSeriesSplit(3)
    ).fit(rows, labels)
    assert search.best_params_["strategy"] in (Ewma(0.1), Ewma(0.5), RunningCount())
    fresh = clone(search.best_estimator_)
    with pytest.raises(ValueError, match="classes must be passed"):
        fresh.partial_fit(rows, labels)
    with pytest.raises(ValueError, match="not among classes"):
        fresh.partial_fit(rows, labels, classes=["morning", "noon"])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("elapsed_column", -1.0, "days, 0 or more"), ("confidence_column", 1.5, "weights from 0 to 1"),
     ("confidence_column", -0.1, "weights from 0 to 1"), ("confidence_column", np.nan, "NaN")],
)  # fmt: skip
def test_numbers_that_no_rule_is_meant_to_see_are_refused_wherever_they_enter(
    column: str, value: float, said: str
) -> None:
    good, odd = [[0.0, 1.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, value]]
    model = PreferenceClassifier(**{column: 1}).fit(good, ["a", "b"])
    for enter in (
        lambda: clone(model).fit(odd, ["a", "b"]),
        lambda: clone(model).partial_fit(odd, ["a", "b"], classes=["a", "b"]),
        lambda: model.predict_proba(odd),
    ):
        with pytest.raises(ValueError, match=said):
            enter()


def test_missing_columns_and_too_many_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="stream_column is 7, but X has 1 columns"):
        PreferenceClassifier(stream_column=7).fit([[0.0], [1.0]], ["a", "b"])
    labels = np.repeat(np.arange(128), 3)
    with pytest.raises(ValueError, match="at most 127"):
        PreferenceClassifier().fit(np.zeros((len(labels), 1)), labels)
    many = PreferenceClassifier(RunningCount()).fit(np.zeros((127 * 3, 1)), np.repeat(np.arange(127), 3))
    assert many.predict_proba([[0.0]])[0] == pytest.approx(np.full(127, 1 / 127))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stream_column": 0.5}, "stream_column is 0.5: expected the number of a column"),
        ({"stream_column": None}, "stream_column is None"),
        ({"elapsed_column": "days"}, "elapsed_column is 'days'"),
        ({"confidence_column": True}, "confidence_column is True"),
        ({"strategy": "ewma-0.1"}, "strategy is 'ewma-0.1': expected an update strategy"),
        ({"strategy": Ewma}, "expected an update strategy, an object"),
    ],
)
def test_columns_and_strategies_of_another_type_are_refused_with_what_was_expected(
    arguments: dict[str, object], said: str
) -> None:
    with pytest.raises(TypeError, match=said):
        PreferenceClassifier(**arguments).fit([[0.0, 1.0], [0.0, 1.0]], ["a", "b"])


def test_another_strategy_set_later_counts_from_the_next_fit() -> None:
    rows, labels = _log()
    model = PreferenceClassifier(Ewma(0.3)).fit(rows[:150], labels[:150])
    model.set_params(strategy=Kalman()).partial_fit(rows[150:], labels[150:])
    assert model.strategy_ == Ewma(0.3)
    one = PreferenceClassifier(Ewma(0.3)).fit(rows, labels)
    assert model.predict_proba(rows).tobytes() == one.predict_proba(rows).tobytes()
    other = PreferenceClassifier(Kalman()).fit(rows, labels)
    assert model.fit(rows, labels).predict_proba(rows).tobytes() == other.predict_proba(rows).tobytes()
