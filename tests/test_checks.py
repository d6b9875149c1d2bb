"""The contract suite finds nothing in the catalogue, and each deliberately broken rule by the promise it breaks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.checks import CHECKS, DECLARABLE, ContractError, check_strategy, find_failures
from persona_lab.feedback import fold
from persona_lab.strategies.baselines import Shares, uniform
from persona_lab.strategies.evidence import Equal, Votes


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_strategy_of_the_catalogue_keeps_the_contract(name: str) -> None:
    check_strategy(STRATEGIES[name])


class _Sound:
    """A sound EWMA whose parts the broken rules replace; only here, to break one thing at a time."""

    rate = 0.2

    def init(self, options: int, streams: int) -> Any:
        return Shares(uniform(options, streams))

    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        return share + self.rate * weight * (votes - share)

    def update(self, state: Any, given: Any) -> Any:
        return Shares(self.absorb(state.share, Votes()(given, state.share.shape[0]), Equal()(given)))

    def belief(self, state: Any, elapsed: Any = 0.0) -> Any:
        return state.share


@dataclass(frozen=True)
class Sound(_Sound):
    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})


@dataclass
class Thawed(_Sound):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thawed)

    def __hash__(self) -> int:
        return 1


@dataclass(frozen=True)
class Drifting(_Sound):
    knob: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "knob", self.knob / 2)


@dataclass(frozen=True)
class Dictionary(_Sound):
    def init(self, options: int, streams: int) -> Any:
        return {"share": uniform(options, streams)}

    def update(self, state: Any, given: Any) -> Any:
        return {"share": super().update(Shares(state["share"]), given).share}

    def belief(self, state: Any, elapsed: Any = 0.0) -> Any:
        return state["share"]


class Clocked(NamedTuple):
    share: Any
    steps: Any


@dataclass(frozen=True)
class OneClockForAll(_Sound):
    def init(self, options: int, streams: int) -> Any:
        return Clocked(uniform(options, streams), np.zeros(1))

    def update(self, state: Any, given: Any) -> Any:
        return Clocked(super().update(Shares(state.share), given).share, state.steps + 1)


@dataclass(frozen=True)
class InPlace(_Sound):
    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        share += self.rate * weight * (votes - share)
        return share


@dataclass(frozen=True)
class ForgetsOnReading(_Sound):
    def belief(self, state: Any, elapsed: Any = 0.0) -> Any:
        read = state.share.copy()
        state.share[...] = 0.9 * state.share + 0.1 / state.share.shape[0]
        return read


_CLOCK = itertools.count()


@dataclass(frozen=True)
class HiddenClock(_Sound):
    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        return share + self.rate / (1 + 1e-3 * next(_CLOCK)) * weight * (votes - share)


@dataclass(frozen=True)
class DeafToWeight(_Sound):
    def update(self, state: Any, given: Any) -> Any:
        return super().update(state, given._replace(confidence=np.ones_like(given.confidence)))


@dataclass(frozen=True)
class HearsItsOwnEcho(_Sound):
    def update(self, state: Any, given: Any) -> Any:
        heard = super().update(state, given)
        own = np.arange(len(heard.share))[:, None] == given.proposed
        return Shares(np.where(given.proposed >= 0, heard.share + 0.01 * (own - heard.share), heard.share))


@dataclass(frozen=True)
class Unnormalised(_Sound):
    def belief(self, state: Any, elapsed: Any = 0.0) -> Any:
        return 0.9 * state.share


@dataclass(frozen=True)
class BelowZero(_Sound):
    def belief(self, state: Any, elapsed: Any = 0.0) -> Any:
        return state.share + 2.0 * (state.share - 1.0 / state.share.shape[0])


@dataclass(frozen=True)
class PriorByPlace(_Sound):
    def init(self, options: int, streams: int) -> Any:
        start = uniform(options, streams)
        start[0] += np.linspace(0.0, 0.1, streams)
        return Shares(start / fold(start))


@dataclass(frozen=True)
class CrowdFollower(_Sound):
    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        moved = super().absorb(share, votes, weight)
        return 0.99 * moved + 0.01 * moved.mean(axis=1, keepdims=True)


@dataclass(frozen=True)
class FirstOptionFirst(_Sound):
    def belief(self, state: Any, elapsed: Any = 0.0) -> Any:
        tilted = state.share * (np.arange(state.share.shape[0])[:, None] + 5.0)
        return tilted / fold(tilted)


@dataclass(frozen=True)
class WideBlocksRoundOtherwise(_Sound):
    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        step = self.rate * weight
        return share + step * (votes - share) if share.shape[1] > 64 else (1 - step) * share + step * votes


@dataclass(frozen=True)
class Contrarian(_Sound):
    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice"})

    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        return super().absorb(share, (1 - votes) / (len(votes) - 1), weight)


@dataclass(frozen=True)
class FadesAnyway(_Sound):
    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    def absorb(self, share: Any, votes: Any, weight: Any) -> Any:
        return super().absorb(0.99 * share + 0.01 / len(share), votes, weight)


@dataclass(frozen=True)
class Leaper(_Sound):
    declares: ClassVar[frozenset[str]] = frozenset({"bounded_step"})
    step: float = 0.05


@dataclass(frozen=True)
class DeclaresByName(_Sound):
    declares: ClassVar[str] = "bounded_step"
    step: float = 0.05


@dataclass(frozen=True)
class Boaster(_Sound):
    declares: ClassVar[frozenset[str]] = frozenset({"never_wrong"})


# Every check that must name the fault; some faults break more than one promise, and all of them are listed.
BROKEN: list[tuple[Callable[[], Any], set[str]]] = [
    (Thawed, {"configuration_is_frozen"}),
    (Drifting, {"configuration_round_trips"}),
    (Dictionary, {"state_is_arrays_over_streams"}),
    (OneClockForAll, {"state_is_arrays_over_streams"}),
    (InPlace, {"update_is_pure"}),
    (ForgetsOnReading, {"reading_changes_nothing"}),
    (HiddenClock, {"same_feedback_same_state"}),
    (DeafToWeight, {"zero_weight_carries_no_evidence"}),
    (HearsItsOwnEcho, {"zero_weight_carries_no_evidence"}),
    (Unnormalised, {"beliefs_are_probabilities"}),
    (BelowZero, {"beliefs_are_probabilities"}),
    (PriorByPlace, {"unseen_stream_is_prior", "permuting_options_permutes_beliefs", "batch_equals_streams"}),
    (CrowdFollower, {"one_stream_never_moves_another", "batch_equals_streams"}),
    (FirstOptionFirst, {"permuting_options_permutes_beliefs"}),
    (WideBlocksRoundOtherwise, {"batch_equals_streams"}),
    (Contrarian, {"agreement_never_lowers_the_choice"}),
    (FadesAnyway, {"zero_weight_is_a_no_op"}),
    (Leaper, {"bounded_step"}),
    (DeclaresByName, {"bounded_step"}),
    (Boaster, {"never_wrong"}),
]


def test_the_sound_rule_passes() -> None:
    check_strategy(Sound())


@pytest.mark.parametrize(("broken", "names"), BROKEN, ids=lambda value: getattr(value, "__name__", None))
def test_a_broken_rule_is_caught_by_the_check_that_names_its_fault(broken: Callable[[], Any], names: set[str]) -> None:
    assert set(find_failures(broken())) == names
    with pytest.raises(ContractError, match=min(names)):
        check_strategy(broken())


def test_a_class_is_told_from_its_instances() -> None:
    with pytest.raises(ContractError, match="pass one of its instances"):
        check_strategy(Sound)  # type: ignore[arg-type] # what is tested


def test_every_check_catches_some_broken_rule() -> None:
    caught = set().union(*(names for _, names in BROKEN))
    assert caught - {"never_wrong"} == set(CHECKS) | set(DECLARABLE)
