"""The contract suite: ``check_strategy(my_rule)`` says whether a rule can be trusted in the lab and the engine.

Every check is named after the promise that it tests. Rules may *declare* more than the contract asks, in a class
variable ``declares``; what is declared is checked too, see :data:`DECLARABLE`.

>>> from persona_lab.strategies.ewma import Ewma
>>> check_strategy(Ewma(rate=0.2))
"""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import PersonaLabError
from persona_lab.feedback import (
    LANES,
    NO_OPTION,
    BoolArray,
    Feedback,
    FloatArray,
    Kind,
    feedback,
    named_option,
    select,
)
from persona_lab.protocols import State, UpdateStrategy
from persona_lab.randomness import generator

STEPS = 40
OPTIONS = (2, 4)
ROUNDING = 1e-9
"""Beliefs may differ by this where the contract holds to rounding, far above 400 steps of float64 error."""


class ContractError(PersonaLabError, AssertionError):
    """A rule breaks the contract; ``failures`` maps the name of each failed check to what was seen."""

    def __init__(self, strategy: object, failures: dict[str, str]) -> None:
        self.failures = failures
        lines = [f"  {name}: {seen}" for name, seen in failures.items()]
        super().__init__("\n".join([f"{strategy!r} breaks {len(failures)} of the contract's promises:", *lines]))


def check_strategy(strategy: UpdateStrategy) -> None:
    """Check a rule against the contract of :class:`persona_lab.protocols.UpdateStrategy`.

    Parameters
    ----------
    strategy
        The rule: a frozen dataclass with ``init``, ``update`` and ``belief``.

    Raises
    ------
    ContractError
        Naming every promise that the rule breaks, with what was seen.
    """
    failures = find_failures(strategy)
    if failures:
        raise ContractError(strategy, failures)


def find_failures(strategy: UpdateStrategy) -> dict[str, str]:
    """Return name of the failed check to what was seen, empty if none; stops at a broken foundation."""
    declared: frozenset[str] = getattr(strategy, "declares", frozenset())
    failures = {
        name: f"is declared but unknown; declarable: {', '.join(DECLARABLE)}"
        for name in sorted(declared - DECLARABLE.keys())
    }
    for name, check in {**CHECKS, **DECLARABLE}.items():
        if name in DECLARABLE and name not in declared:
            continue
        try:
            check(strategy)
        except Exception as failure:  # a rule that raises breaks the promise under test, whatever it raises
            failures[name] = str(failure) or type(failure).__name__
            if name in FOUNDATIONS:
                break
    return failures


class _Run(NamedTuple):
    """States and beliefs after each step, the first entry before any feedback."""

    states: list[State]
    beliefs: list[FloatArray]


def _history(streams: int, options: int, purpose: str = "history") -> list[Feedback]:
    """Return ``STEPS`` feedbacks of every kind, weight, gap, session and source; padded lanes look like silence."""
    chance = generator(0, f"checks/{purpose}", options)
    proposed = chance.integers(0, options, (STEPS, streams))
    wanted = chance.integers(0, options, (STEPS, streams))
    kinds = np.where(wanted == proposed, Kind.ACCEPTED, Kind.CORRECTED)
    kinds = np.where((wanted != proposed) & (chance.random((STEPS, streams)) < 0.2), Kind.DECLINED, kinds)
    kinds = np.where(chance.random((STEPS, streams)) < 0.15, Kind.SILENT, kinds)
    confidence = chance.choice([0.0, 0.3, 0.4, 0.9, 1.0, 1.0], (STEPS, streams))
    elapsed = chance.choice([0.0, 0.1, 1.0, 30.0], (STEPS, streams))
    elapsed[0] = 0.0
    session = np.cumsum(elapsed >= 1.0, axis=0)
    source = chance.integers(0, 3, (STEPS, streams))
    return [
        feedback(
            proposed=proposed[t],
            kind=kinds[t],
            corrected=np.where(kinds[t] == Kind.CORRECTED, wanted[t], NO_OPTION),
            confidence=confidence[t],
            elapsed=elapsed[t],
            session=session[t],
            source=source[t],
        )
        for t in range(STEPS)
    ]


def _run(strategy: UpdateStrategy, options: int, history: list[Feedback]) -> _Run:
    state = strategy.init(options, len(history[0].kind))
    states, beliefs = [state], [strategy.belief(state)]
    for given in history:
        state = strategy.update(state, given)
        states.append(state)
        beliefs.append(strategy.belief(state))
    return _Run(states, beliefs)


def _arrays(state: State) -> Iterator[NDArray[Any]]:
    """Yield the arrays of a named tuple, nested ones too."""
    if isinstance(state, tuple):
        for part in state:
            yield from _arrays(part)
    else:
        yield np.asarray(state)


def _same(left: State, right: State, streams: BoolArray | slice = slice(None)) -> bool:
    """Return whether two states are the same bit for bit (NaN equals NaN) in the given streams."""
    pairs = zip(_arrays(left), _arrays(right), strict=True)
    return all(a.dtype == b.dtype and a[..., streams].tobytes() == b[..., streams].tobytes() for a, b in pairs)


def _demand(condition: bool, seen: str) -> None:
    if not condition:
        raise AssertionError(seen)


def configuration_is_frozen(strategy: UpdateStrategy) -> None:
    """The configuration is a frozen dataclass."""
    _demand(dataclasses.is_dataclass(strategy), "it is no dataclass: decorate the class with @dataclass(frozen=True)")
    parameters = getattr(type(strategy), "__dataclass_params__", None)
    _demand(bool(getattr(parameters, "frozen", False)), "its dataclass is not frozen: use @dataclass(frozen=True)")


def configuration_round_trips(strategy: UpdateStrategy) -> None:
    """Building it again from its fields, and pickling it, gives an equal configuration with an equal hash."""
    values: Any = strategy
    again = type(strategy)(**{f.name: getattr(values, f.name) for f in dataclasses.fields(values) if f.init})
    _demand(bool(again == strategy), f"built again from its own fields it is {again!r}, not {strategy!r}")
    _demand(hash(again) == hash(strategy), "equal configurations have different hashes")
    restored = pickle.loads(pickle.dumps(strategy))
    _demand(bool(restored == strategy), f"pickled and restored it is {restored!r}, not {strategy!r}")


def state_is_arrays_over_streams(strategy: UpdateStrategy) -> None:
    """The state is a named tuple of arrays whose last axis is the stream, of unchanging shapes and types."""
    history = _history(LANES, 4)
    run = _run(strategy, 4, history)
    for state in run.states:
        _demand(isinstance(state, tuple), f"the state is a {type(state).__name__}, not a named tuple of arrays")
        shapes = [(array.shape, array.dtype) for array in _arrays(state)]
        expected = [(array.shape, array.dtype) for array in _arrays(run.states[0])]
        _demand(shapes == expected, f"shapes and types changed from {expected} to {shapes}")
        for shape, _ in shapes:
            _demand(len(shape) > 0 and shape[-1] == LANES, f"an array of shape {shape} does not end in {LANES} streams")


def update_is_pure(strategy: UpdateStrategy) -> None:
    """Updating changes neither the state nor the feedback that it was given."""
    state = strategy.init(4, LANES)
    for given in _history(LANES, 4):
        before, heard = copy.deepcopy(state), copy.deepcopy(given)
        after = strategy.update(state, given)
        _demand(_same(before, state), "update wrote into the state that it was given")
        _demand(_same(heard, given), "update wrote into the feedback that it was given")
        state = after


def reading_changes_nothing(strategy: UpdateStrategy) -> None:
    """Reading the belief, twice or as of any moment, changes nothing; one elapsed time equals an array of it."""
    for state in _run(strategy, 4, _history(LANES, 4)).states[::8]:
        before = copy.deepcopy(state)
        first, later = strategy.belief(state, 0.0).copy(), strategy.belief(state, 7.5).copy()
        _demand(_same(first, strategy.belief(state, 0.0)), "reading twice gave two beliefs")
        _demand(_same(later, strategy.belief(state, np.full(LANES, 7.5))), "an array of elapsed times reads otherwise")
        _demand(_same(before, state), "belief wrote into the state")


def same_feedback_same_state(strategy: UpdateStrategy) -> None:
    """The same feedback gives the same state, also with another equal configuration."""
    history = _history(LANES, 4)
    first = _run(strategy, 4, history)
    for again in (strategy, pickle.loads(pickle.dumps(strategy))):
        second = _run(again, 4, history)
        for t, (a, b) in enumerate(zip(first.states, second.states, strict=True)):
            _demand(_same(a, b), f"a second run of the same feedback has another state after step {t}")


def zero_weight_carries_no_evidence(strategy: UpdateStrategy) -> None:
    """What an answer of confidence 0 says makes no difference, then or later."""
    history = _history(LANES, 4)
    state = _run(strategy, 4, history[:20]).states[-1]
    kinds = (Kind.ACCEPTED, Kind.DECLINED, Kind.CORRECTED)
    said = [
        feedback(proposed=1, kind=np.full(LANES, kind), corrected=3 if kind == Kind.CORRECTED else -1, confidence=0.0)
        for kind in kinds
    ]
    ends = [strategy.update(state, given) for given in said]
    for later in history[20:25]:
        beliefs = [strategy.belief(end) for end in ends]
        for kind, belief in zip(kinds, beliefs, strict=True):
            gap = float(np.abs(belief - beliefs[0]).max())
            _demand(gap == 0.0, f"a {kind.name} of confidence 0 moved the belief by {gap:.3g} from an ACCEPTED one's")
        ends = [strategy.update(end, later) for end in ends]


def beliefs_are_probabilities(strategy: UpdateStrategy) -> None:
    """Beliefs are (options, streams), finite, in [0, 1] and sum to 1 over the options, at any moment."""
    for options in OPTIONS:
        for state in _run(strategy, options, _history(LANES, options)).states:
            for elapsed in (0.0, 1.0, 1e4):
                belief = strategy.belief(state, elapsed)
                _demand(belief.shape == (options, LANES), f"the belief's shape is {belief.shape}")
                _demand(bool(np.isfinite(belief).all()), "the belief is not finite")
                low, high = float(belief.min()), float(belief.max())
                _demand(low >= 0.0 and high <= 1.0 + ROUNDING, f"beliefs reach from {low} to {high}")
                off = float(np.abs(belief.sum(axis=0) - 1.0).max())
                _demand(off <= ROUNDING, f"beliefs sum to 1 only within {off:.3g}")


def unseen_stream_is_prior(strategy: UpdateStrategy) -> None:
    """A stream without feedback has the belief of a new one, whatever its place and whatever came for the others."""
    prior = strategy.belief(strategy.init(4, LANES))[:, :1]
    state = strategy.init(4, 2 * LANES)
    seen = np.arange(2 * LANES) % 3 > 0
    for given in _history(2 * LANES, 4):
        state = select(seen, strategy.update(state, given), state)
    unseen = strategy.belief(state)[:, ~seen]
    gap = float(np.abs(unseen - prior).max())
    _demand(gap == 0.0, f"the belief of unseen streams is up to {gap:.3g} away from a new stream's")


def one_stream_never_moves_another(strategy: UpdateStrategy) -> None:
    """Other feedback in one stream leaves every other stream's state as it is, bit for bit."""
    history, other = _history(LANES, 4), _history(LANES, 4, "other")
    changed = np.arange(LANES) == 5
    mixed: list[Feedback] = [select(changed, b, a) for a, b in zip(history, other, strict=True)]
    left, right = _run(strategy, 4, history), _run(strategy, 4, mixed)
    for t, (a, b) in enumerate(zip(left.states, right.states, strict=True)):
        _demand(_same(a, b, ~changed), f"other feedback in one stream moved another one at step {t}")


def permuting_options_permutes_beliefs(strategy: UpdateStrategy) -> None:
    """Options have no rank: calling them by other indices permutes the beliefs, to rounding."""
    for options in OPTIONS:
        history = _history(LANES, options)
        renamed = generator(0, "checks/names", options).permutation(options)
        if (renamed == np.arange(options)).all():
            renamed = renamed[::-1]
        table = np.append(renamed, NO_OPTION).astype(np.int8)  # NO_OPTION = -1 finds itself at the end
        permuted = [
            given._replace(proposed=table[given.proposed], corrected=table[given.corrected]) for given in history
        ]
        left, right = _run(strategy, options, history), _run(strategy, options, permuted)
        gap = max(float(np.abs(b[renamed] - a).max()) for a, b in zip(left.beliefs, right.beliefs, strict=True))
        _demand(gap <= ROUNDING, f"with the {options} options renamed, beliefs differ by up to {gap:.3g}")


def batch_equals_streams(strategy: UpdateStrategy) -> None:
    """A batch equals its streams one by one, bit for bit, when both are padded to a multiple of LANES."""
    streams = 3 * LANES
    history = _history(streams, 4)
    batch = _run(strategy, 4, history)
    padding = feedback(proposed=NO_OPTION, kind=np.full(LANES, Kind.SILENT), elapsed=0.0)
    for stream in (0, 1, LANES - 1, LANES, 2 * LANES + 7, streams - 1):
        alone = []
        for given in history:
            lanes: list[NDArray[Any]] = [np.array(array) for array in padding]
            for lane, array in zip(lanes, given, strict=True):
                lane[0] = array[stream]
            alone.append(Feedback(*lanes))
        lone = _run(strategy, 4, alone)
        for t, (a, b) in enumerate(zip(batch.beliefs, lone.beliefs, strict=True)):
            same = a[:, stream].tobytes() == b[:, 0].tobytes()
            gap = float(np.abs(a[:, stream] - b[:, 0]).max())
            _demand(same, f"stream {stream} alone differs from the batch by {gap:.3g} at step {t}")


def agreement_never_lowers_the_choice(strategy: UpdateStrategy) -> None:
    """An answer that names an option never lowers that option's belief."""
    state = strategy.init(4, LANES)
    for given in _history(LANES, 4):
        before = strategy.belief(state)
        state = strategy.update(state, given)
        named = named_option(given)
        rise = np.where(named >= 0, np.take_along_axis(strategy.belief(state) - before, named[None].clip(0), 0)[0], 0.0)
        _demand(float(rise.min()) >= -ROUNDING, f"naming an option lowered its belief by {-float(rise.min()):.3g}")


def zero_weight_is_a_no_op(strategy: UpdateStrategy) -> None:
    """An answer of confidence 0 leaves the state as it was, bit for bit."""
    state = strategy.init(4, LANES)
    for given in _history(LANES, 4):
        ignored = strategy.update(state, given._replace(confidence=np.zeros(LANES), elapsed=np.zeros(LANES)))
        _demand(_same(state, ignored), "an answer of confidence 0 changed the state")
        state = strategy.update(state, given)


def bounded_step(strategy: UpdateStrategy) -> None:
    """No answer moves any option's belief by more than the rule's ``step``."""
    step = float(getattr(strategy, "step"))  # noqa: B009 (declared, not part of the protocol)
    run = _run(strategy, 4, _history(LANES, 4))
    moved = max(float(np.abs(b - a).max()) for a, b in zip(run.beliefs[:-1], run.beliefs[1:], strict=True))
    _demand(moved <= step + ROUNDING, f"one answer moved a belief by {moved:.3g}, more than step = {step:.3g}")


Check = Callable[[UpdateStrategy], None]

CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        configuration_is_frozen,
        configuration_round_trips,
        state_is_arrays_over_streams,
        update_is_pure,
        reading_changes_nothing,
        same_feedback_same_state,
        zero_weight_carries_no_evidence,
        beliefs_are_probabilities,
        unseen_stream_is_prior,
        one_stream_never_moves_another,
        permuting_options_permutes_beliefs,
        batch_equals_streams,
    )
}
"""What every rule promises."""

FOUNDATIONS = frozenset(
    check.__name__
    for check in (state_is_arrays_over_streams, update_is_pure, reading_changes_nothing, same_feedback_same_state)
)
"""The other checks compare runs: without these promises they would report the same fault under other names."""

DECLARABLE: dict[str, Check] = {
    check.__name__: check for check in (agreement_never_lowers_the_choice, zero_weight_is_a_no_op, bounded_step)
}
"""What a rule may promise on top, by naming it in its class variable ``declares: ClassVar[frozenset[str]]``."""
