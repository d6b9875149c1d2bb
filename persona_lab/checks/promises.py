"""The promises of an update strategy, each a check named after it that raises AssertionError with what it saw."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_lab.checks.probes import arrays_of, demand, feedback_history, identical, run_through
from persona_lab.feedback import LANES, NO_OPTION, Feedback, Kind, feedback, named_option, select
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import generator

OPTIONS = (2, 4)
ROUNDING = 1e-9
"""Beliefs may differ by this where the contract holds to rounding, far above 400 steps of float64 error."""


def configuration_is_frozen(strategy: UpdateStrategy) -> None:
    """The configuration is a frozen dataclass."""
    demand(not isinstance(strategy, type), "it is a class: pass one of its instances, with its knobs set")
    demand(dataclasses.is_dataclass(strategy), "it is no dataclass: decorate the class with @dataclass(frozen=True)")
    parameters = getattr(type(strategy), "__dataclass_params__", None)
    demand(bool(getattr(parameters, "frozen", False)), "its dataclass is not frozen: use @dataclass(frozen=True)")


def configuration_round_trips(strategy: UpdateStrategy) -> None:
    """Building it again from its fields, and pickling it, gives an equal configuration with an equal hash."""
    values: Any = strategy
    again = type(strategy)(**{f.name: getattr(values, f.name) for f in dataclasses.fields(values) if f.init})
    demand(bool(again == strategy), f"built again from its own fields it is {again!r}, not {strategy!r}")
    demand(hash(again) == hash(strategy), "equal configurations have different hashes")
    restored = pickle.loads(pickle.dumps(strategy))
    demand(bool(restored == strategy), f"pickled and restored it is {restored!r}, not {strategy!r}")


def state_is_arrays_over_streams(strategy: UpdateStrategy) -> None:
    """The state is a named tuple of arrays whose last axis is the stream, of unchanging shapes and types."""
    history = feedback_history(LANES, 4)
    run = run_through(strategy, 4, history)
    for state in run.states:
        demand(isinstance(state, tuple), f"the state is a {type(state).__name__}, not a named tuple of arrays")
        shapes = [(array.shape, array.dtype) for array in arrays_of(state)]
        expected = [(array.shape, array.dtype) for array in arrays_of(run.states[0])]
        demand(shapes == expected, f"shapes and types changed from {expected} to {shapes}")
        for shape, _ in shapes:
            demand(len(shape) > 0 and shape[-1] == LANES, f"an array of shape {shape} does not end in {LANES} streams")


def update_is_pure(strategy: UpdateStrategy) -> None:
    """Updating changes neither the state nor the feedback that it was given."""
    state = strategy.init(4, LANES)
    for given in feedback_history(LANES, 4):
        before, heard = copy.deepcopy(state), copy.deepcopy(given)
        after = strategy.update(state, given)
        demand(identical(before, state), "update wrote into the state that it was given")
        demand(identical(heard, given), "update wrote into the feedback that it was given")
        state = after


def reading_changes_nothing(strategy: UpdateStrategy) -> None:
    """Reading the belief, twice or as of any moment, changes nothing; one elapsed time equals an array of it."""
    for state in run_through(strategy, 4, feedback_history(LANES, 4)).states[::8]:
        before = copy.deepcopy(state)
        first, later = strategy.belief(state, 0.0).copy(), strategy.belief(state, 7.5).copy()
        demand(identical(first, strategy.belief(state, 0.0)), "reading twice gave two beliefs")
        demand(
            identical(later, strategy.belief(state, np.full(LANES, 7.5))), "an array of elapsed times reads otherwise"
        )
        demand(identical(before, state), "belief wrote into the state")


def same_feedback_same_state(strategy: UpdateStrategy) -> None:
    """The same feedback gives the same state, also with another equal configuration."""
    history = feedback_history(LANES, 4)
    first = run_through(strategy, 4, history)
    for again in (strategy, pickle.loads(pickle.dumps(strategy))):
        second = run_through(again, 4, history)
        for t, (a, b) in enumerate(zip(first.states, second.states, strict=True)):
            demand(identical(a, b), f"a second run of the same feedback has another state after step {t}")


def zero_weight_carries_no_evidence(strategy: UpdateStrategy) -> None:
    """What an answer of confidence 0 says makes no difference, then or later."""
    history = feedback_history(LANES, 4)
    state = run_through(strategy, 4, history[:20]).states[-1]
    kinds = (Kind.ACCEPTED, Kind.DECLINED, Kind.CORRECTED)
    said = [
        feedback(proposed=1, kind=np.full(LANES, kind), corrected=3 if kind == Kind.CORRECTED else -1, confidence=0.0)
        for kind in kinds
    ]
    named = [f"a {kind.name}" for kind in kinds]
    said.append(feedback(proposed=2, kind=np.full(LANES, Kind.ACCEPTED), confidence=0.0))
    named.append("an ACCEPTED of another option")
    ends = [strategy.update(state, given) for given in said]
    for later in history[20:25]:
        beliefs = [strategy.belief(end) for end in ends]
        for name, belief in zip(named, beliefs, strict=True):
            gap = float(np.abs(belief - beliefs[0]).max())
            demand(gap == 0.0, f"{name} of confidence 0 moved the belief by {gap:.3g} from an ACCEPTED one's")
        ends = [strategy.update(end, later) for end in ends]


def beliefs_are_probabilities(strategy: UpdateStrategy) -> None:
    """Beliefs are (options, streams), finite, in [0, 1] and sum to 1 over the options, at any moment."""
    for options in OPTIONS:
        for state in run_through(strategy, options, feedback_history(LANES, options)).states:
            for elapsed in (0.0, 1.0, 1e4):
                belief = strategy.belief(state, elapsed)
                demand(belief.shape == (options, LANES), f"the belief's shape is {belief.shape}")
                demand(bool(np.isfinite(belief).all()), "the belief is not finite")
                low, high = float(belief.min()), float(belief.max())
                demand(low >= 0.0 and high <= 1.0 + ROUNDING, f"beliefs reach from {low} to {high}")
                off = float(np.abs(belief.sum(axis=0) - 1.0).max())
                demand(off <= ROUNDING, f"beliefs sum to 1 only within {off:.3g}")


def unseen_stream_is_prior(strategy: UpdateStrategy) -> None:
    """A stream without feedback has the belief of a new one, whatever its place and whatever came for the others."""
    prior = strategy.belief(strategy.init(4, LANES))[:, :1]
    state = strategy.init(4, 2 * LANES)
    seen = np.arange(2 * LANES) % 3 > 0
    for given in feedback_history(2 * LANES, 4):
        state = select(seen, strategy.update(state, given), state)
    unseen = strategy.belief(state)[:, ~seen]
    gap = float(np.abs(unseen - prior).max())
    demand(gap == 0.0, f"the belief of unseen streams is up to {gap:.3g} away from a new stream's")


def one_stream_never_moves_another(strategy: UpdateStrategy) -> None:
    """Other feedback in one stream leaves every other stream's state as it is, bit for bit."""
    history, other = feedback_history(LANES, 4), feedback_history(LANES, 4, "other")
    changed = np.arange(LANES) == 5
    mixed: list[Feedback] = [select(changed, b, a) for a, b in zip(history, other, strict=True)]
    left, right = run_through(strategy, 4, history), run_through(strategy, 4, mixed)
    for t, (a, b) in enumerate(zip(left.states, right.states, strict=True)):
        demand(identical(a, b, ~changed), f"other feedback in one stream moved another one at step {t}")


def permuting_options_permutes_beliefs(strategy: UpdateStrategy) -> None:
    """Options have no rank: calling them by other indices permutes the beliefs, to rounding."""
    for options in OPTIONS:
        history = feedback_history(LANES, options)
        renamed = generator(0, "checks/names", options).permutation(options)
        if (renamed == np.arange(options)).all():
            renamed = renamed[::-1]
        table = np.append(renamed, NO_OPTION).astype(np.int8)  # NO_OPTION = -1 finds itself at the end
        permuted = [
            given._replace(proposed=table[given.proposed], corrected=table[given.corrected]) for given in history
        ]
        left, right = run_through(strategy, options, history), run_through(strategy, options, permuted)
        gap = max(float(np.abs(b[renamed] - a).max()) for a, b in zip(left.beliefs, right.beliefs, strict=True))
        demand(gap <= ROUNDING, f"with the {options} options renamed, beliefs differ by up to {gap:.3g}")


def batch_equals_streams(strategy: UpdateStrategy) -> None:
    """A batch equals its streams one by one, bit for bit, when both are padded to a multiple of LANES."""
    streams = 3 * LANES
    history = feedback_history(streams, 4)
    batch = run_through(strategy, 4, history)
    padding = feedback(proposed=NO_OPTION, kind=np.full(LANES, Kind.SILENT), elapsed=0.0)
    for stream in (0, 1, LANES - 1, LANES, 2 * LANES + 7, streams - 1):
        alone = []
        for given in history:
            lanes: list[NDArray[Any]] = [np.array(array) for array in padding]
            for lane, array in zip(lanes, given, strict=True):
                lane[0] = array[stream]
            alone.append(Feedback(*lanes))
        lone = run_through(strategy, 4, alone)
        for t, (a, b) in enumerate(zip(batch.beliefs, lone.beliefs, strict=True)):
            same = a[:, stream].tobytes() == b[:, 0].tobytes()
            gap = float(np.abs(a[:, stream] - b[:, 0]).max())
            demand(same, f"stream {stream} alone differs from the batch by {gap:.3g} at step {t}")


def agreement_never_lowers_the_choice(strategy: UpdateStrategy) -> None:
    """An answer that names an option never lowers that option's belief."""
    state = strategy.init(4, LANES)
    for given in feedback_history(LANES, 4):
        before = strategy.belief(state)
        state = strategy.update(state, given)
        named = named_option(given)
        rise = np.where(named >= 0, np.take_along_axis(strategy.belief(state) - before, named[None].clip(0), 0)[0], 0.0)
        demand(float(rise.min()) >= -ROUNDING, f"naming an option lowered its belief by {-float(rise.min()):.3g}")


def zero_weight_is_a_no_op(strategy: UpdateStrategy) -> None:
    """An answer of confidence 0 leaves the state as it was, bit for bit."""
    state = strategy.init(4, LANES)
    for given in feedback_history(LANES, 4):
        ignored = strategy.update(state, given._replace(confidence=np.zeros(LANES), elapsed=np.zeros(LANES)))
        demand(identical(state, ignored), "an answer of confidence 0 changed the state")
        state = strategy.update(state, given)


def bounded_step(strategy: UpdateStrategy) -> None:
    """No answer moves any option's belief by more than the rule's ``step``."""
    step = float(getattr(strategy, "step"))  # noqa: B009 (declared, not part of the protocol)
    run = run_through(strategy, 4, feedback_history(LANES, 4))
    moved = max(float(np.abs(b - a).max()) for a, b in zip(run.beliefs[:-1], run.beliefs[1:], strict=True))
    demand(moved <= step + ROUNDING, f"one answer moved a belief by {moved:.3g}, more than step = {step:.3g}")


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
