"""What text understanding costs: the same people, answers and rules, told in fields or in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.catalog import STRATEGIES
from persona_lab.contracts import Stance, Statement
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, IntArray, Kind, feedback, padded, select
from persona_lab.metrics.tracking import error_rate, tally
from persona_lab.protocols import State, UpdateStrategy
from persona_lab.randomness import generator, uniforms
from persona_lab.simulate.loop import propose
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.phrases import CONTEXTS, families_for, render
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.simulate.statements import held_out_families
from persona_lab.strategies.mixed_prior import MIXED
from persona_lab.strategies.population_bayes import fit
from persona_lab.strategies.worlds import Observer
from persona_lab.text.interpreter import TextInterpreter

SCENARIO_IDS = ("slow_noise10_v1", "fast_noise10_v1", "slow_exceptions_noise10_v1")
RULES = ("last-write-wins", "ewma-0.2", "ewma-0.2-by-confidence", "population-bayes")

LEARNT = "population-bayes, learnt here"
"""Its prior, confidence included, is learnt from other people's logs of the same channel, as its users are told to."""

SLOPES = (0.0, 3.0, 6.0)
"""Logits of noise per unit of confidence that the learnt rule considers; calibrated near .8 means about 6."""

TRAINING_PEOPLE, TRAINING_STEPS = 64, 100
TRAINING_SEED_OFFSET = 7_000
CONTEXT = "reminder_channel"
"""What the simulated people speak of: four options, as in the core suite."""

POOL = 40
"""Statements per option and stance; every one of a phrasing family that the interpreter was not fitted on."""


class Hearing(NamedTuple):
    """What is made of an interpreted statement.

    Attributes
    ----------
    weighted
        Whether the interpreter's confidence is the event's weight; else 1.
    sure_of_refusal
        Confidence below which a refusal counts as no answer: a wish misread as a refusal does the most harm.
    announced
        Answers that an announced change of mind counts for: nobody announces a slip.
    """

    weighted: bool = True
    sure_of_refusal: float = 0.95
    announced: int = 3


CHANNELS: dict[str, Hearing | None] = {
    "fields": None,
    "words": Hearing(),
    "words, weight 1": Hearing(weighted=False, sure_of_refusal=0.0),
    "words, change unheard": Hearing(announced=1),
}
"""None is told in fields. The numbers of ``Hearing`` were chosen on training families, each read by an interpreter
fitted on the others, and on other people than those scored (``benchmarks/evidence/words_choices.py``)."""

STANCES = (Stance.WANTS, Stance.CHANGED_MIND, Stance.ONLY_ONCE)
FRESH = 3
"""Interactions after a switch in which a person says that they changed their mind."""


class Pool(NamedTuple):
    """What each statement of the pool says and how it was read; arrays (options, stances, POOL).

    ``option`` is ``NO_OPTION`` where no option was read, ``stance`` indexes the members of :class:`Stance`.
    """

    text: NDArray[np.str_]
    option: IntArray
    stance: IntArray
    confidence: NDArray[np.float64]


ALL_STANCES = tuple(Stance)


def read_pool(interpreter: TextInterpreter, *, seed: int, among: Collection[str] | None = None) -> Pool:
    """Return statements about ``CONTEXT`` of the families ``among`` (default: held out) and their interpretations.

    The client knows what it asked about, so the context comes as metadata; option and stance are in the words alone.
    """
    options, names = CONTEXTS[CONTEXT], held_out_families() if among is None else among
    texts: list[str] = []
    for number, option in enumerate(options):
        for place, stance in enumerate(STANCES):
            chance = generator(seed, "text pool", number, place)
            families = [family for family in families_for(CONTEXT, option, stance) if family.name in names]
            texts += [
                render(chance, families[int(chance.integers(len(families)))], CONTEXT, option).text for _ in range(POOL)
            ]
    read = interpreter.interpret([Statement(text, {"context": CONTEXT}) for text in texts], {CONTEXT: options})
    shape = (len(options), len(STANCES), POOL)
    place_of = {option: number for number, option in enumerate(options)}
    return Pool(
        np.array(texts).reshape(shape),
        np.array([place_of.get(one.option or "", NO_OPTION) for one in read], dtype=np.int8).reshape(shape),
        np.array([ALL_STANCES.index(one.stance) for one in read], dtype=np.int8).reshape(shape),
        np.array([one.weight() for one in read]).reshape(shape),
    )


def interpreted_study(
    pool: Pool,
    *,
    seed: int,
    people: int,
    interactions: int = 200,
    scenario_ids: Sequence[str] = SCENARIO_IDS,
    rules: Mapping[str, UpdateStrategy] | None = None,
    learnt: bool = False,
    channels: Mapping[str, Hearing | None] = MappingProxyType(CHANNELS),
) -> pl.DataFrame:
    """Return error rates by scenario, rule and channel, each with its ratio to structured feedback.

    ``channels`` default to ``CHANNELS``: told in fields (status and option), in words, in words with the confidence
    thrown away, in words with announced changes counted once. Every answer names an option, in a correction or a
    confirmation;
    exceptions are announced in words half of the time, which the fields cannot say: words may therefore win.
    Ratios are of pooled errors; their standard error is the delta method over people. ``learnt`` adds population Bayes
    with its prior learnt from other people's logs of the same channel (minutes).
    """
    rows: list[dict[str, object]] = []
    chosen = {name: STRATEGIES[name] for name in RULES} if rules is None else dict(rules)
    if learnt:
        chosen[LEARNT] = MIXED
    for scenario_id in scenario_ids:
        scenario = replace(SCENARIOS[scenario_id], interactions=interactions)
        lives = live(scenario, seed=seed, users=(0, people))
        said = _said(lives, seed)
        for name, rule in chosen.items():
            errors: dict[str, NDArray[np.float64]] = {}
            for channel, hearing in channels.items():
                used = rule
                if name == LEARNT:
                    used = _learnt(scenario_id, pool, hearing, seed)
                proposed = _loop(used, lives, pool, said, hearing, seed, scenario.options)
                counts = tally(preferred=lives.preferred, proposed=proposed, in_exception=lives.in_exception)
                rate = error_rate(counts=counts)
                wrong = (proposed != lives.preferred) & ~lives.in_exception
                errors[channel] = wrong.sum(axis=0).astype(np.float64)
                ratio, ratio_error = _ratio(errors[channel], errors["fields"])
                rows.append(
                    {
                        "scenario": scenario_id,
                        "update": name,
                        "feedback": channel,
                        "error_rate": rate.value,
                        "standard_error": rate.standard_error,
                        "ratio": ratio,
                        "ratio_se": ratio_error,
                        "n": rate.n,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


class _Said(NamedTuple):
    """Which statement of the pool answers each step: stance and number, (interactions, people)."""

    stance: IntArray
    number: IntArray


def _said(lives: Lives, seed: int) -> _Said:
    steps, people = lives.preferred.shape
    luck = uniforms(seed, "which words", steps=(0, steps), streams=(0, people))
    announces = uniforms(seed, "announces the exception", steps=(0, steps), streams=(0, people)) < 0.5
    since = np.full(people, FRESH)
    fresh: BoolArray = np.zeros((steps, people), dtype=bool)
    for step in range(1, steps):
        since = np.where(lives.preferred[step] != lives.preferred[step - 1], 0, since + 1)
        fresh[step] = since < FRESH
    right = lives.expressed == lives.preferred
    stance = np.where(lives.in_exception & announces, 2, np.where(fresh & right, 1, 0)).astype(np.int8)
    return _Said(stance, (luck * POOL).astype(np.int8))


def _learnt(scenario_id: str, pool: Pool, hearing: Hearing | None, seed: int) -> UpdateStrategy:
    """Return population Bayes with its prior learnt from other people's answers in this channel."""
    observers = tuple(Observer(seen.noise, slope) for slope in SLOPES for seen in MIXED.observers)
    rows = tuple(tuple(weight / len(SLOPES) for _ in SLOPES for weight in row) for row in MIXED.prior)
    base = replace(MIXED, observers=observers, prior=rows)
    scenario = replace(SCENARIOS[scenario_id], interactions=TRAINING_STEPS)
    others = seed + TRAINING_SEED_OFFSET
    lives = live(scenario, seed=others, users=(0, TRAINING_PEOPLE))
    log: list[Feedback] = []
    _loop(STRATEGIES["ewma-0.2"], lives, pool, _said(lives, others), hearing, others, scenario.options, log)
    return fit(base, log, options=scenario.options)


def _loop(
    rule: UpdateStrategy,
    lives: Lives,
    pool: Pool,
    said: _Said,
    hearing: Hearing | None,
    seed: int,
    options: int,
    log: list[Feedback] | None = None,
) -> IntArray:
    """Return the proposals (interactions, people) of the closed loop; feedback is appended to ``log``."""
    steps, people = lives.preferred.shape
    lanes = padded(people)
    state = rule.init(options, lanes)
    last: IntArray = np.full(lanes, NO_OPTION, dtype=np.int8)
    proposals = np.empty((steps, people), dtype=np.int8)
    for step in range(steps):
        elapsed = np.zeros(lanes) if step == 0 else np.ones(lanes)
        last = propose(rule.belief(state, elapsed), last, seed=seed, step=step, streams=(0, lanes))
        proposals[step] = last[:people]
        told = lives.expressed[step]
        weight = np.ones(people)
        silent: BoolArray = np.zeros(people, dtype=bool)
        refused: BoolArray = np.zeros(people, dtype=bool)
        announced: BoolArray = np.zeros(people, dtype=bool)
        if hearing is not None:
            at = (told, said.stance[step], said.number[step])
            told, stance = pool.option[at], pool.stance[at]
            refused = stance == ALL_STANCES.index(Stance.DOES_NOT_WANT)
            # "Not that" about something that was not proposed says nothing that a feedback can carry.
            silent = (told == NO_OPTION) | (refused & (told != last[:people]))
            silent |= np.isin(stance, [ALL_STANCES.index(Stance.NOTHING), ALL_STANCES.index(Stance.ONLY_ONCE)])
            silent |= refused & (pool.confidence[at] < hearing.sure_of_refusal)
            weight = pool.confidence[at] if hearing.weighted else weight
            announced = (stance == ALL_STANCES.index(Stance.CHANGED_MIND)) & ~silent
        accepted = told == last[:people]
        answered = np.where(accepted, Kind.ACCEPTED, Kind.CORRECTED)
        kind = np.where(silent, Kind.SILENT, np.where(refused, Kind.DECLINED, answered))
        given = feedback(
            proposed=last,
            kind=_wide(kind.astype(np.int8), lanes, Kind.SILENT),
            corrected=_wide(np.where(kind == Kind.CORRECTED, told, NO_OPTION).astype(np.int8), lanes, NO_OPTION),
            confidence=_wide(weight, lanes, 1.0),
            elapsed=elapsed,
            session=step,
        )
        if log is not None:
            log.append(given)
        state = rule.update(state, given)
        for _ in range(hearing.announced - 1 if hearing else 0):
            state = _again(rule, state, given, _wide(announced, lanes, 0).astype(bool), _wide(told, lanes, NO_OPTION))
    return proposals


def _again(rule: UpdateStrategy, state: State, given: Feedback, who: BoolArray, told: IntArray) -> State:
    """Return the state after ``who`` said once more, unprompted, what they want."""
    again = feedback(
        proposed=NO_OPTION,
        kind=np.where(who, Kind.CORRECTED, Kind.SILENT),
        corrected=np.where(who, told, NO_OPTION),
        confidence=given.confidence,
        elapsed=0.0,
        session=given.session,
    )
    return select(who, rule.update(state, again), state)


def _wide(array: NDArray[Any], lanes: int, fill: float) -> NDArray[Any]:
    padded_out = np.full(lanes, fill, dtype=array.dtype)
    padded_out[: len(array)] = array
    return padded_out


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> tuple[float | None, float | None]:
    total = below.sum()
    if total == 0:
        return None, None
    ratio = float(above.sum() / total)
    residual = above - ratio * below
    return ratio, float(np.sqrt(len(below) / (len(below) - 1) * (residual**2).sum()) / total)
