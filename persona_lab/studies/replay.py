"""Prequential replay: on a real log, every strategy predicts each event and then learns from it (Dawid 1984).

What is scored is the *forecast* of the option that the event names. A log records answers to what its own agent
proposed: these figures say which rule knows the users best, not what would have happened under another agent (for
that, see off-policy evaluation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.datasets.log import Log
from persona_lab.datasets.streams import Streams, streams_of
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import FloatArray, IntArray
from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics import forecast
from persona_lab.metrics.forecast import CLIP, RESAMPLES, Forecasts, Interval, Resamples
from persona_lab.protocols import UpdateStrategy
from persona_lab.studies.cross_fitting import cross_fit, tunable
from persona_lab.studies.knobs import lattice
from persona_lab.studies.prequential import Said, reference, run, scored_rows
from persona_lab.studies.records import parameters

BASELINE = "running-count"
"""The rule that every other is paired against."""

TUNED = " (tuned)"
_TUNED_NOTE = (
    "Tuned rules: each user is forecast by the setting, of a lattice fixed beforehand, with the smallest log-loss on "
    "the other users; the settings shown are those in use."
)

METRICS = ("log_loss", "brier", "accuracy", "auc", "ece", "mae", "rmse")
PAIRED = ("log_loss", "brier", "accuracy", "mae")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One rule's figures.

    Attributes
    ----------
    name, parameters
        The rule, defaults resolved.
    first_forecast
        Probability of the last option before any event; None where streams differ in their number of options.
    figures, intervals
        By metric: log_loss, brier, accuracy, auc, ece (with perfect_ece), mae, rmse.
    versus_baseline
        By metric: paired difference to the running count, and its interval; empty for the running count itself.
    """

    name: str
    parameters: dict[str, Any]
    first_forecast: float | None
    figures: dict[str, Measurement]
    intervals: dict[str, Interval]
    versus_baseline: dict[str, tuple[Measurement, Interval]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replay:
    """A log's replay: strategies and the log's own forecasts, best log-loss first, and what to know to read them."""

    log: Log
    strategies: tuple[ReplayRow, ...]
    references: tuple[ReplayRow, ...]
    notes: tuple[str, ...]
    events: int
    scored: int
    users: int
    streams: int
    clip: float
    seed: int
    resamples: int


def replay(
    log: Log,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int = 0,
    clip: float = CLIP,
    resamples: int = RESAMPLES,
    tuned: bool = False,
    sequence: IntArray | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Replay a log through every strategy, and score the forecasts.

    Parameters
    ----------
    log
        From :func:`persona_lab.datasets.log.load_log`.
    strategies
        By name; the one called ``"running-count"`` is what the others are paired against.
    seed, resamples
        Of the bootstrap over users.
    clip
        Probabilities are clipped to [clip, 1 - clip] in the log-loss.
    tuned
        Whether to add every rule that has knobs once more, as ``NAME (tuned)``: each user is forecast by the setting
        that suits the other users best (:mod:`persona_lab.studies.cross_fitting`). Needs two users.
    sequence
        (events,) which sequence of outcomes each event belongs to, where users were shown the same ones; see
        :func:`persona_lab.studies.cross_fitting.cross_fit`.
    progress
        Called with (strategy, done, total).

    Returns
    -------
    Replay, where a rule that refuses to start on this log (ConfigurationError) has null figures with the reason.

    Raises
    ------
    InputError
        Where the log holds no feedback, or no event names an option.
    ConfigurationError
        Where ``clip`` is not in (0, .5), ``resamples`` is negative, or beliefs are no probabilities.
    """
    if not 0.0 < clip < 0.5:
        raise ConfigurationError("replay", "clip", clip, "a probability in (0, .5)")
    if resamples < 0:
        raise ConfigurationError("replay", "resamples", resamples, "a count >= 0")
    streams = streams_of(log)
    height = log.frame.height
    user = (log.frame["user_id"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    truth = log.frame["true_parameter"].fill_null(float("nan")).to_numpy()
    scored = scored_rows(streams, height)
    if not scored.any():
        raise InputError("no event names an option", file=log.file, cure="Map the column of what the user chose.")
    binary = all(len(block.options) == 2 for block in streams.blocks)
    drawn = forecast.resamples(users=int(user.max()) + 1, seed=seed, count=resamples)
    scoring = _Scoring(scored, user, truth, binary, clip, drawn)

    estimates = bool(np.isfinite(truth).any()) and binary
    rows: dict[str, ReplayRow] = {}
    lattices: set[tuple[UpdateStrategy, ...]] = set()
    base: Terms | None = None
    # The baseline goes first: each of the others is then paired with it and let go.
    for done, name in enumerate(sorted(strategies, key=lambda name: name != BASELINE)):
        strategy = strategies[name]
        if progress is not None:
            progress(name, done, len(strategies))
        refusal = _refusal(strategy, streams)
        if refusal is not None:
            rows[name] = _undefined_row(name, parameters(strategy), refusal)
            continue
        said = run(strategy, streams, height, estimates)
        first = _first_forecast(strategy, streams)
        rows[name], terms = scoring.row(name, parameters(strategy), first, said, base)
        base = terms if name == BASELINE else base
        if tuned and tunable(strategy) and drawn.weights.shape[1] > 1 and lattice(strategy)[1:] not in lattices:
            lattices.add(lattice(strategy)[1:])  # one rule listed at several settings is tuned once
            fitted = cross_fit(
                strategy, streams, user=user, scored=scored, clip=clip, estimates=estimates, sequence=sequence
            )
            about = {"type": type(strategy).__name__, **fitted.settings()}
            rows[f"{name}{TUNED}"], _ = scoring.row(f"{name}{TUNED}", about, first, fitted.said, base)
    references = [
        scoring.row(name, {"type": "forecast in the log"}, 0.5, reference(log, streams, name), base)[0]
        for name in (log.references if binary else ())
    ]
    if progress is not None:
        progress("", len(strategies), len(strategies))
    return Replay(
        log=log,
        strategies=tuple(sorted(rows.values(), key=_by_log_loss)),
        references=tuple(sorted(references, key=_by_log_loss)),
        notes=_notes(log, streams, scored, drawn) + (_TUNED_NOTE,) * bool(lattices),
        events=height,
        scored=int(scored.sum()),
        users=int(user.max()) + 1,
        streams=sum(len(block.streams) for block in streams.blocks),
        clip=clip,
        seed=seed,
        resamples=resamples,
    )


Terms = dict[str, tuple[FloatArray, IntArray]]
"""What is averaged, and the users, by metric."""


@dataclass(frozen=True, slots=True)
class _Scoring:
    scored: NDArray[np.bool_]
    user: IntArray
    truth: FloatArray
    binary: bool
    clip: float
    drawn: Resamples

    def forecasts(self, said: Said) -> Forecasts:
        rows = slice(None) if self.scored.all() else self.scored
        return Forecasts(
            named=said.named[rows],
            squared=said.squared[rows],
            hit=said.hit[rows],
            stated=said.stated[rows],
            occurred=said.occurred[rows],
            user=self.user[rows],
            binary=self.binary,
        )

    def row(
        self, name: str, given: dict[str, Any], first: float | None, said: Said, base: Terms | None
    ) -> tuple[ReplayRow, Terms]:
        """Return every figure of one rule, paired with the baseline's terms, and the rule's own."""
        made, user, drawn = self.forecasts(said), self.user, self.drawn
        truth = self.truth if self.binary else np.full_like(self.truth, np.nan)
        known = np.isfinite(truth)
        figures = {
            "log_loss": forecast.log_loss(forecasts=made, clip=self.clip),
            "brier": forecast.brier(forecasts=made),
            "accuracy": forecast.accuracy(forecasts=made),
            "auc": forecast.auc(forecasts=made),
            "ece": forecast.ece(forecasts=made),
            "perfect_ece": forecast.perfect_ece(forecasts=made),
            "mae": forecast.mean_absolute_error(estimate=said.after, truth=truth, user=user),
            "rmse": forecast.root_mean_squared_error(estimate=said.after, truth=truth, user=user),
        }
        terms: Terms = {
            "log_loss": (forecast.loss_terms(forecasts=made, clip=self.clip), made.user),
            "brier": (made.squared, made.user),
            "accuracy": (made.hit, made.user),
        }
        if known.any():
            terms["mae"] = (np.abs(said.after - truth)[known], user[known])
        intervals = {
            metric: forecast.mean_interval(terms=values, user=users, drawn=drawn)
            for metric, (values, users) in terms.items()
        }
        intervals["auc"] = forecast.auc_interval(forecasts=made, drawn=drawn)
        intervals["ece"] = forecast.ece_interval(forecasts=made, drawn=drawn)
        if known.any():
            squares = ((said.after - truth) ** 2)[known]
            intervals["rmse"] = forecast.mean_interval(terms=squares, user=user[known], drawn=drawn, root=True)
        versus = {
            metric: forecast.difference_interval(terms=values, other=base[metric][0], user=users, drawn=drawn)
            for metric, (values, users) in terms.items()
            if base is not None
        }
        return ReplayRow(name, given, first, figures, intervals, versus), terms


def _refusal(strategy: UpdateStrategy, streams: Streams) -> str | None:
    """Return why the rule cannot start on streams of these sizes, None where it can."""
    try:
        for block in streams.blocks:
            strategy.init(len(block.options), block.row.shape[1])
    except ConfigurationError as error:
        return f"the rule does not take this log: {error}"
    return None


def _undefined_row(name: str, given: dict[str, Any], reason: str) -> ReplayRow:
    figures = {metric: undefined(reason) for metric in (*METRICS, "perfect_ece")}
    nothing = {metric: Interval(None, None) for metric in METRICS}
    return ReplayRow(name, given, None, figures, nothing)


def _first_forecast(strategy: UpdateStrategy, streams: Streams) -> float | None:
    sizes = {len(block.options) for block in streams.blocks}
    if len(sizes) != 1:
        return None
    width = streams.blocks[0].row.shape[1]
    return float(strategy.belief(strategy.init(sizes.pop(), width), 0.0)[-1, 0])


def _by_log_loss(row: ReplayRow) -> tuple[float, str]:
    value = row.figures["log_loss"].value
    return (float("inf") if value is None else value, row.name)


def _notes(log: Log, streams: Streams, scored: NDArray[np.bool_], drawn: Resamples) -> tuple[str, ...]:
    notes = [
        "Figures score forecasts: each event is predicted from the stream's earlier events, then learnt from; "
        "intervals resample whole users."
    ]
    answered = log.frame.filter(pl.col("proposed").is_not_null() & pl.col("kind").is_not_null()).height
    if answered or log.target == "acceptance" or streams.acceptance:
        propensity = log.frame["propensity"].is_not_null().sum()
        known = f" ({propensity} events carry a propensity)" if propensity else ""
        notes.append(
            "The answers were given to what the log's own agent proposed" + known + ": which rule forecasts them best "
            "is not what would have happened under another agent; that needs off-policy evaluation."
        )
    feedback = log.frame["kind"].is_not_null().sum()
    unnamed = int(feedback - scored.sum())
    if unnamed:
        notes.append(f"{unnamed} answers name no option (declined or silent): learnt from, not scored.")
    if streams.activity:
        notes.append(f"{streams.activity} events are plain activity: neither learnt from nor scored.")
    if streams.acceptance:
        shown = ", ".join(streams.acceptance[:5]) + (", ..." if len(streams.acceptance) > 5 else "")
        notes.append(f"Acceptance (declined, accepted) is forecast in: {shown}.")
    if log.options is None and any(block.options != ("declined", "accepted") for block in streams.blocks):
        notes.append("The options of a context are those that the whole log mentions: rules are told them beforehand.")
    if len(drawn.weights) == 0:
        users = drawn.weights.shape[1]
        notes.append("No intervals: " + ("they need two users." if users < 2 else "no resamples were asked for."))
    if log.duplicates:
        notes.append(f"{log.duplicates} events came twice with the same id and content: counted once.")
    if log.renamed:
        notes.append(f"{len(log.renamed)} events reused an id with other content: kept under a suffixed id.")
    if log.skipped:
        rows = ", ".join(str(bad.row) for bad in log.skipped[:20]) + (", ..." if len(log.skipped) > 20 else "")
        notes.append(f"{len(log.skipped)} bad rows were left out: {rows}.")
    return tuple(notes)
