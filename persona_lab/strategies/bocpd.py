"""Bayesian online change point detection as an update rule, mixed over hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.evidence import Equal, Votes, require, whole


class RunLengths(NamedTuple):
    """State: P(hazard, run) of shape (hazards, runs, streams), and votes in each run (runs, options, streams)."""

    probability: FloatArray
    votes: FloatArray


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """Weigh every "since when" by Bayes' rule, and average the counts since then.

    Assumes that a person's rates are redrawn at unknown times and constant in between; the time between is learnt
    from several candidates. Use it where switches are abrupt and neither their pace nor the noise is known. It fails
    in bursts of exceptions, each of which looks like two changes, and it costs ``longest`` counts per stream where
    :class:`~persona_lab.strategies.fixed_share.FixedShare` costs one.

    Parameters
    ----------
    hazards
        Candidate probabilities of a change per answer, each in (0, 1), equally likely at first.
    concentration
        Dirichlet prior pseudo-count of every option after a change, in answers (> 0). Below 1 it expects people with
        a clear favourite.
    longest
        Run length, in answers, beyond which runs are merged (>= 2).

    Notes
    -----
    Adams & MacKay (2007), "Bayesian online changepoint detection", algorithm 1, with the Dirichlet-multinomial
    predictive; the mixture over hazards is the hierarchical version of Wilson, Nassar & Gold (2010) on a grid.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    hazards: tuple[float, ...] = (0.002, 0.01, 0.05)
    concentration: float = 0.25
    longest: int = 60

    def __post_init__(self) -> None:
        require(self, "hazards", _are_probabilities, "a tuple of probabilities in (0, 1)")
        require(self, "concentration", lambda value: value > 0.0, "a pseudo-count > 0")
        require(self, "longest", lambda value: whole(value, 2), "a whole number of answers >= 2")

    def init(self, options: int, streams: int) -> RunLengths:
        """Return the state before any feedback: a run of length 0, any hazard."""
        probability = np.zeros((len(self.hazards), self.longest, streams))
        probability[:, 0] = 1.0 / len(self.hazards)
        return RunLengths(probability, np.zeros((self.longest, options, streams)))

    def update(self, state: RunLengths, given: Feedback) -> RunLengths:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.votes.shape[1]), Equal()(given), given.elapsed)

    def absorb(self, state: RunLengths, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> RunLengths:
        """Return the run lengths, one longer or begun anew, weighed by their prediction of the evidence."""
        rates = self._rates(state.votes)
        predicted = rates[:, 0] * evidence[0]
        for option in range(1, len(evidence)):
            predicted += rates[:, option] * evidence[option]
        joint = state.probability * np.where(weight == 1.0, predicted, predicted**weight)
        hazard = np.array(self.hazards)[:, np.newaxis]
        probability = np.empty_like(joint)
        probability[:, 0] = hazard * _fold_runs(joint)
        probability[:, 1:] = (1.0 - hazard)[:, np.newaxis] * joint[:, :-1]
        votes = np.empty_like(state.votes)
        votes[0] = 0.0
        votes[1:] = state.votes[:-1] + weight * evidence
        # The longest run takes in the run that outgrows it; their votes average by probability.
        stay = (1.0 - hazard) * joint[:, -1]
        probability[:, -1] += stay
        staying, all_here = fold(stay), fold(probability[:, -1])
        share = staying / np.where(all_here > 0.0, all_here, 1.0)
        votes[-1] += share * (state.votes[-1] + weight * evidence - votes[-1])
        probability /= fold(_fold_runs(probability))
        heard = weight > 0.0
        if heard.all():
            return RunLengths(probability, votes)
        return RunLengths(np.where(heard, probability, state.probability), np.where(heard, votes, state.votes))

    def belief(self, state: RunLengths, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities of the next answer."""
        runs = fold(state.probability)
        return fold(runs[:, np.newaxis] * self._rates(state.votes))

    def _rates(self, votes: FloatArray) -> FloatArray:
        """Return the mean rates since each run began, (runs, options, streams)."""
        total = votes[:, 0].copy()
        for option in range(1, votes.shape[1]):
            total += votes[:, option]
        total += votes.shape[1] * self.concentration
        return (votes + self.concentration) / total[:, np.newaxis]


def _fold_runs(probability: FloatArray) -> FloatArray:
    """Return the sum over run lengths, (hazards, streams), in fixed order."""
    return fold(np.moveaxis(probability, 1, 0))


def _are_probabilities(values: tuple[float, ...]) -> bool:
    return isinstance(values, tuple) and bool(values) and all(0.0 < value < 1.0 for value in values)
