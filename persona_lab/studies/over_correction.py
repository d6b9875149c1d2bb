"""Over-correction, measured: frontiers swept by one knob per family, impulse responses, what weights are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from persona_lab.measurement import Measurement
from persona_lab.metrics import tracking
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.metrics.tracking import Tally, tally
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.scenarios import SCENARIOS, Scenario
from persona_lab.simulate.twins import ImpulseResponse, impulse_response, price_of_noise
from persona_lab.strategies.baselines import ConfidenceAverage, LastWriteWins, RunningCount
from persona_lab.strategies.bounded_step import BoundedStep
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.debounce import Debounce
from persona_lab.strategies.evidence import ByConfidence
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.exact_filter import Answering, ExactFilter
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.strategies.forgetting import ForgettingCount
from persona_lab.strategies.grid_priors import ATTENTIVE, DEFAULT
from persona_lab.strategies.sliding_window import SlidingWindow
from persona_lab.studies.compared import Judge, errors_together

LIMIT_FAMILY = "the limit"

SWEEPS: dict[str, tuple[str, dict[float | None, UpdateStrategy]]] = {
    "EWMA": ("rate", {rate: Ewma(rate) for rate in (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)}),
    "bounded step": ("step", {step: BoundedStep(step) for step in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)}),
    "sliding window": ("answers", {n: SlidingWindow(length=n) for n in (3, 5, 9, 15, 25)}),
    "debounce": ("in a row", {k: Debounce(repeats=k) for k in (2, 3, 4, 5, 6)}),
    "fixed share": (
        "assumed hazard",
        {h: FixedShare(hazard=h, noise=0.15) for h in (0.0003, 0.001, 0.003, 0.01, 0.05)},
    ),
}
"""Family -> (knob with its unit, setting -> rule)."""

POINTS: dict[str, UpdateStrategy] = {"last-write-wins": LastWriteWins(), "hierarchical-bayes": DEFAULT}
"""Rules without a knob, drawn as points."""

SHIPPABLE: dict[str, UpdateStrategy] = {
    "running count": RunningCount(),
    "last-write-wins": LastWriteWins(),
    "hierarchical-bayes": DEFAULT,
}
"""What stands beside the families where one rule is to be shipped."""

MEANINGS = ("informative", "shuffled", "inverted")
WEIGHT_PATHS = ("slow", "fast", "slow_exceptions")

WEIGHT_RULES: dict[str, UpdateStrategy] = {
    "ignore them (EWMA .2)": Ewma(0.2),
    "weight by them (EWMA .2)": Composed(
        memory=ForgettingCount(keep=0.8, half_life=None, prior=0.05), weight=ByConfidence()
    ),
    "average by them (vendor)": ConfidenceAverage(),
    "take them for probabilities": ExactFilter(
        Answering(0.2, noise_by_confidence=((0.9, 0.1), (0.4, 0.6))), hazard=0.01
    ),
    "ignore them (Bayes)": DEFAULT,
    "learn what they mean (Bayes)": ATTENTIVE,
}
"""Ways to use a confidence weight. The second has the arg max of EWMA .2 where all weights are 1; the vendor's average
never forgets."""

LIMIT_FACTORS = (0.03, 0.1, 0.3, 1.0, 1.3, 1.7, 2.2, 3.0, 10.0, 30.0)
"""Hazards that the limit is told, as multiples of the truth: finer than a study's, so that its frontier has no gap."""


def frontier(scenario: Scenario, *, users: int, seed: int) -> pl.DataFrame:
    """Sweep every family on one scenario, and the limit told wrong hazards.

    Returns
    -------
    One row per (family, knob, setting): over_correction_index, adaptation_delay, error_rate with their standard errors.
    """
    people = (0, users)
    lives = live(scenario, seed=seed, users=people)
    yardstick = _tally(scenario, lives, LastWriteWins(), seed, people)
    rules: list[tuple[str, str, float | None, UpdateStrategy]] = [
        (family, knob, setting, rule) for family, (knob, sweep) in SWEEPS.items() for setting, rule in sweep.items()
    ]
    rules += [(name, "", None, rule) for name, rule in POINTS.items()]
    for factor in LIMIT_FACTORS:
        told = limit(scenario, lives, hazard_factor=factor).strategy
        if told is not None:
            rules.append((LIMIT_FAMILY, "assumed / true hazard", factor, told))
    rows: list[dict[str, Any]] = []
    for family, knob, setting, rule in rules:
        counts = _tally(scenario, lives, rule, seed, people)
        figures = {
            "over_correction_index": tracking.over_correction_index(counts=counts, last_write_wins=yardstick),
            "adaptation_delay": tracking.adaptation_delay(counts=counts),
            "error_rate": tracking.error_rate(counts=counts),
        }
        row: dict[str, Any] = {"scenario": scenario.id, "family": family, "knob": knob, "setting": setting}
        for name, figure in figures.items():
            row |= {name: figure.value, f"{name}_se": figure.standard_error}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def which_to_ship(scenarios: Sequence[Scenario], *, users: int, seed: int) -> pl.DataFrame:
    """Choose one setting per simple family for all kinds of people on training people, and score it on others.

    Parameters
    ----------
    scenarios
        Kinds of people; full feedback.
    users
        People per kind, each time.
    seed
        Luck of those scored; the training people have the next one.

    Returns
    -------
    One row per family, best first: the setting with the smallest worst regret on training people, and on the others its
    mean and worst regret (extra errors per 100 over the limit), the worst one's standard error and kind of people.
    """
    training, scored = ([Judge(s, seed=luck, users=(0, users)) for s in scenarios] for luck in (seed + 1, seed))
    families: dict[str, tuple[str, dict[float | None, UpdateStrategy]]] = dict(SWEEPS)
    families |= {name: ("", {None: rule}) for name, rule in SHIPPABLE.items()}
    rows = []
    for family, (knob, sweep) in families.items():
        tried = {setting: _regrets(training, rule) for setting, rule in sweep.items()}
        setting = min(tried, key=lambda key: max(figure.value or 0.0 for figure in tried[key]))
        found = _regrets(scored, sweep[setting])
        values = [figure.value or 0.0 for figure in found]
        worst = max(range(len(values)), key=values.__getitem__)
        rows.append(
            {
                "family": family,
                "knob": knob,
                "setting": setting,
                "mean_regret": sum(values) / len(values),
                "worst_regret": values[worst],
                "worst_regret_se": found[worst].standard_error,
                "worst_for": scenarios[worst].id,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None).sort("worst_regret", "family")


def _regrets(judges: Sequence[Judge], rule: UpdateStrategy) -> list[Measurement]:
    """Return the extra errors per 100 over the limit's, by judge."""
    return [
        pooled_ratio(
            numerator=100.0 * (own.made - judge.best.made),
            denominator=own.scored,
            undefined_because="no interaction was scored",
        )
        for judge, own in zip(judges, errors_together(judges, rule), strict=True)
    ]


def impulses(
    strategies: Mapping[str, UpdateStrategy],
    *,
    users: int,
    seed: int,
    scenario: Scenario = SCENARIOS["slow_noise10_v1"],
    at: int = 60,
    lags: int = 30,
) -> dict[str, ImpulseResponse]:
    """Inject one wrong correction into clean twins of these people, and follow the belief gap of each rule.

    Where people never change (the path is stable) all twins are alike and the standard errors are 0.
    """
    lives = live(scenario, seed=seed, users=(0, users))
    return {
        name: impulse_response(scenario, lives, rule, seed=seed, users=(0, users), at=at, lags=lags)
        for name, rule in strategies.items()
    }


def noise_prices(
    strategies: Mapping[str, UpdateStrategy], scenarios: Sequence[str], *, users: int, seed: int
) -> pl.DataFrame:
    """Return the causal price of noise per rule and scenario: extra errors per 100 over the clean twins."""
    rows = []
    for scenario_id in scenarios:
        scenario = SCENARIOS[scenario_id]
        lives = live(scenario, seed=seed, users=(0, users))
        for name, rule in strategies.items():
            price = price_of_noise(scenario, lives, rule, seed=seed, users=(0, users))
            rows.append({"scenario": scenario_id, "strategy": name, "price": price.value, "se": price.standard_error})
    return pl.DataFrame(rows)


def weights(
    *,
    users: int,
    seed: int,
    rules: Mapping[str, UpdateStrategy] = WEIGHT_RULES,
    paths: Sequence[str] = WEIGHT_PATHS,
) -> pl.DataFrame:
    """Compare ways to use confidence weights that are informative, shuffled or inverted.

    Returns
    -------
    One row per (path, meaning, rule): ratio to the limit that knows what the weights mean, its standard error.
    """
    rows = []
    for path in paths:
        for meaning in MEANINGS:
            scenario = SCENARIOS[f"{path}_weights_{meaning}_v1"]
            people = (0, users)
            lives = live(scenario, seed=seed, users=people)
            told = limit(scenario, lives).strategy
            if told is None:
                raise AssertionError(f"{scenario.id} has a limit")
            best = _tally(scenario, lives, told, seed, people)
            for name, rule in rules.items():
                ratio = tracking.ratio_to_limit(counts=_tally(scenario, lives, rule, seed, people), limit=best)
                rows.append(
                    {"path": path, "meaning": meaning, "rule": name, "ratio": ratio.value, "se": ratio.standard_error}
                )
    return pl.DataFrame(rows)


def _tally(scenario: Scenario, lives: Lives, rule: UpdateStrategy, seed: int, users: tuple[int, int]) -> Tally:
    seen = closed_loop(scenario, lives, rule, seed=seed, users=users)
    return tally(preferred=lives.preferred, proposed=seen.proposed, in_exception=lives.in_exception)
