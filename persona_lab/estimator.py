"""The scikit-learn face: any update strategy as an incremental classifier of what a person will choose next."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, unique_labels
from sklearn.utils.validation import check_is_fitted, validate_data

from persona_lab.feedback import NO_OPTION, Feedback, FloatArray, Kind, feedback, padded, select
from persona_lab.protocols import State, UpdateStrategy
from persona_lab.strategies.ewma import Ewma

MOST_CLASSES = 127
"""Options are numbered in int8."""

PARTS = ("init", "update", "belief")
"""What makes an update strategy."""


class PreferenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn is untyped
    """Predict each person's next choice from the choices before, with any update strategy.

    Rows are choices in order of time: the label is what the person chose, one column says who the person is.
    Use it to put a strategy into the pipelines, searches and cross-validators of scikit-learn. It learns from the order
    of rows, so shuffle people, never rows: ``GroupKFold`` or ``TimeSeriesSplit``. For closed loops, where the
    proposal decides what is learnt, use :func:`persona_lab.studies.runner.run_study` instead.

    Parameters
    ----------
    strategy
        The rule, None for ``Ewma(0.1)``.
    stream_column
        Column of X whose value names the stream (person, or person and context).
    elapsed_column
        Column with days since the person's previous row, >= 0, None for one day.
    confidence_column
        Column with the weight of the row, 0 to 1, None for 1.

    Raises
    ------
    ValueError
        From ``fit``, ``partial_fit`` and ``predict_proba``: for days below 0, weights outside [0, 1], a column that X
        does not have, more than 127 classes, and whatever scikit-learn itself refuses (NaN, infinities).
    TypeError
        From the same: for a column that is no whole number, a strategy that is none (its name, for instance).

    Attributes
    ----------
    classes_
        Labels, sorted.
    streams_
        Values of the stream column seen in training, in order of appearance.
    strategy_
        The rule that learnt what was learnt; another ``strategy`` set later counts from the next ``fit``.
    n_features_in_
        Number of columns of X.

    Examples
    --------
    >>> X = [[1.0], [1.0], [2.0], [2.0]]
    >>> model = PreferenceClassifier(Ewma(0.5)).fit(X, ["tea", "tea", "coffee", "coffee"])
    >>> model.predict([[1.0], [2.0]]).tolist()
    ['tea', 'coffee']
    """

    classes_: NDArray[Any]
    streams_: NDArray[np.float64]
    state_: State
    strategy_: UpdateStrategy

    def __init__(
        self,
        strategy: UpdateStrategy | None = None,
        *,
        stream_column: int = 0,
        elapsed_column: int | None = None,
        confidence_column: int | None = None,
    ) -> None:
        self.strategy = strategy
        self.stream_column = stream_column
        self.elapsed_column = elapsed_column
        self.confidence_column = confidence_column

    def __sklearn_tags__(self) -> Any:
        """Say that features other than the stream are not used, so that scores on new streams are poor."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> PreferenceClassifier:
        """Learn from scratch.

        Parameters
        ----------
        X
            (rows, columns), oldest row first.
        y
            (rows,) labels: what the person chose.

        Returns
        -------
        The estimator itself.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self._check(rows)
        return self._restart(unique_labels(labels))._learn(rows, labels)

    def partial_fit(self, X: ArrayLike, y: ArrayLike, classes: ArrayLike | None = None) -> PreferenceClassifier:
        """Learn from later rows.

        Parameters
        ----------
        X, y
            As in :meth:`fit`.
        classes
            Every label that may ever come; needed by the first call.

        Returns
        -------
        The estimator itself.

        Raises
        ------
        ValueError
            If the first call has no ``classes``, or a label is not among them.
        """
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit: every label that may ever come.")
        rows, labels = validate_data(self, X, y, dtype=np.float64, reset=first)
        check_classification_targets(labels)
        self._check(rows)
        if first:
            self._restart(unique_labels(classes))
        elif classes is not None and not np.array_equal(unique_labels(classes), self.classes_):
            raise ValueError(f"classes {classes!r} differ from those of the first call, {self.classes_.tolist()!r}.")
        if not np.isin(labels, self.classes_).all():
            unknown = sorted(set(labels.tolist()) - set(self.classes_.tolist()))
            raise ValueError(f"labels {unknown!r} are not among classes {self.classes_.tolist()!r}.")
        return self._learn(rows, labels)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return (rows, classes) beliefs about the next choice of each row's stream; the prior for unseen streams."""
        check_is_fitted(self, "classes_")
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        self._check(rows)
        if len(self.classes_) == 1:
            return np.ones((len(rows), 1))
        known = self._numbers(rows)
        prior = self.strategy_.belief(self.strategy_.init(len(self.classes_), padded(1)))[:, 0]
        lane = np.where(known < 0, 0, known)
        if self.elapsed_column is None:
            told = self.strategy_.belief(self.state_)[:, lane]
        else:
            told = np.stack([self._read(lane[i], rows[i, self.elapsed_column]) for i in range(len(rows))], axis=1)
        probabilities: NDArray[np.float64] = np.where(known < 0, prior[:, np.newaxis], told).T
        return probabilities

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the likeliest next choice of each row's stream, the first of the tied."""
        check_is_fitted(self, "classes_")
        labels: NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return labels

    def _rule(self) -> UpdateStrategy:
        rule = Ewma() if self.strategy is None else self.strategy
        if isinstance(rule, type) or not all(callable(getattr(rule, part, None)) for part in PARTS):
            raise TypeError(
                f"strategy is {rule!r}: expected an update strategy, an object with init, update and belief. "
                "Those with names are in persona_lab.catalog.STRATEGIES."
            )
        return rule

    def _check(self, rows: FloatArray) -> None:
        """Refuse numbers that no strategy is meant to see."""
        for name, low, high in (
            ("stream_column", -np.inf, np.inf),
            ("elapsed_column", 0.0, np.inf),
            ("confidence_column", 0.0, 1.0),
        ):
            column = getattr(self, name)
            if column is None and name != "stream_column":
                continue
            if isinstance(column, bool) or not isinstance(column, Integral):
                raise TypeError(f"{name} is {column!r}: expected the number of a column of X, from 0.")
            if not -rows.shape[1] <= column < rows.shape[1]:
                raise ValueError(f"{name} is {column}, but X has {rows.shape[1]} columns.")
            odd = rows[(rows[:, column] < low) | (rows[:, column] > high), column]
            if odd.size:
                expected = "days, 0 or more" if name == "elapsed_column" else "weights from 0 to 1"
                raise ValueError(f"column {column} ({name}) holds {float(odd[0])!r}: expected {expected}.")

    def _restart(self, classes: NDArray[Any]) -> PreferenceClassifier:
        if len(classes) > MOST_CLASSES:
            raise ValueError(f"{len(classes)} classes: at most {MOST_CLASSES} options are told apart.")
        rule = self._rule()
        self.classes_ = classes
        self.streams_ = np.empty(0)
        self.strategy_ = rule
        self.state_ = rule.init(max(2, len(classes)), padded(1))
        return self

    def _numbers(self, rows: FloatArray) -> NDArray[np.int64]:
        """Return the number of each row's stream, -1 for an unseen one."""
        if not len(self.streams_):
            return np.full(len(rows), -1)
        order = np.argsort(self.streams_, kind="stable")
        names = rows[:, self.stream_column]
        place = np.minimum(np.searchsorted(self.streams_, names, sorter=order), len(order) - 1)
        numbers: NDArray[np.int64] = np.where(self.streams_[order[place]] == names, order[place], -1)
        return numbers

    def _read(self, lane: int, elapsed: float) -> FloatArray:
        belief: FloatArray = self.strategy_.belief(self.state_, elapsed)[:, lane]
        return belief

    def _learn(self, rows: FloatArray, labels: NDArray[Any]) -> PreferenceClassifier:
        """Update in rounds: the n-th round takes every stream's n-th row."""
        unseen = rows[self._numbers(rows) < 0, self.stream_column]
        _, where = np.unique(unseen, return_index=True)
        self.streams_ = np.concatenate([self.streams_, unseen[np.sort(where)]])
        options, lanes = max(2, len(self.classes_)), padded(len(self.streams_))
        rule, old = self.strategy_, self.state_
        state = _widened(old, rule.init(options, lanes))
        number, chosen = self._numbers(rows), np.searchsorted(self.classes_, labels)
        order = np.argsort(number, kind="stable")
        start = np.searchsorted(number[order], np.arange(len(self.streams_)))
        turn = np.empty(len(rows), dtype=np.int64)
        turn[order] = np.arange(len(rows)) - start[number[order]]
        by_turn = np.argsort(turn, kind="stable")
        for group in np.split(by_turn, np.flatnonzero(np.diff(turn[by_turn])) + 1):
            lane = number[group]
            active = np.zeros(lanes, dtype=bool)
            active[lane] = True
            state = select(active, rule.update(state, self._round(rows[group], chosen[group], lane, lanes)), state)
        self.state_ = state
        return self

    def _round(self, rows: FloatArray, chosen: NDArray[Any], lane: NDArray[Any], lanes: int) -> Feedback:
        """Return one unprompted choice per row, silence in the other lanes."""

        def spread(column: int | None, default: float) -> FloatArray:
            values = np.full(lanes, default)
            if column is not None:
                values[lane] = rows[:, column]
            return values

        kind, named = np.full(lanes, Kind.SILENT), np.full(lanes, NO_OPTION)
        kind[lane], named[lane] = Kind.CORRECTED, chosen
        return feedback(
            proposed=NO_OPTION,
            kind=kind,
            corrected=named,
            elapsed=spread(self.elapsed_column, 1.0),
            confidence=spread(self.confidence_column, 1.0),
        )


def _widened(old: State, fresh: State) -> State:
    """Return ``fresh`` with the streams of ``old`` in their places."""
    if isinstance(fresh, tuple):
        return type(fresh)(*(_widened(a, b) for a, b in zip(old, fresh, strict=True)))
    array = np.array(fresh)
    array[..., : old.shape[-1]] = old
    return array
