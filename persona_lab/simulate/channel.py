"""How opinion becomes feedback: noise, patience, what an answer names, and what bends all of that over time.

The law of one answer, in order: (1) the person expresses the wanted option, or with probability ``noise`` a uniform
other one; (2) the proposal *matches* where it is the expressed option, or where the person acquiesces; (3) the person
answers with probability ``patience_accept`` where it matches and ``patience_wrong`` where it does not, times trust,
times one minus fatigue, else stays silent; (4) an answer to a match accepts, any other names the expressed option with
probability ``names_option`` and is a bare decline otherwise; (5) the answer may arrive late, or twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from persona_lab.errors import ConfigurationError
from persona_lab.simulate.paths import probability


@dataclass(frozen=True, slots=True)
class Weights:
    """Confidence weights of the events (LIMITS, "Weights variants").

    Parameters
    ----------
    meaning
        ``"informative"`` (the careful events carry the high weight), ``"shuffled"`` (weights say nothing) or
        ``"inverted"`` (the careful events carry the low weight).
    careful_share
        Share of events at the low noise.
    careful_noise, careless_noise
        Noise of either kind of event; they replace the channel's noise.
    high, low
        The two reported weights.
    """

    meaning: str
    careful_share: float = 0.6
    careful_noise: float = 0.04
    careless_noise: float = 0.44
    high: float = 0.9
    low: float = 0.4

    def __post_init__(self) -> None:
        if self.meaning not in ("informative", "shuffled", "inverted"):
            raise ConfigurationError("Weights", "meaning", self.meaning, "informative, shuffled or inverted")
        for name in ("careful_share", "careful_noise", "careless_noise", "high", "low"):
            probability(self, name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class BadDays:
    """Whole sessions of noise: batches of rejects on one bad day.

    Parameters
    ----------
    share
        Share of sessions that are bad.
    noise
        Noise throughout a bad session, in the place of the channel's.
    """

    share: float
    noise: float

    def __post_init__(self) -> None:
        probability(self, "share", self.share)
        probability(self, "noise", self.noise)


@dataclass(frozen=True, slots=True)
class Trust:
    """Willingness to answer that moves with outcomes: trust += gain * (1 - trust), or trust -= loss * trust.

    It moves only where the person engaged: up when the proposal was what the person wanted, down when it was not.

    Parameters
    ----------
    start
        Trust at the first interaction.
    gain, loss
        Share of the way towards 1 after a good outcome, towards 0 after a bad one.
    """

    start: float
    gain: float
    loss: float

    def __post_init__(self) -> None:
        for name in ("start", "gain", "loss"):
            probability(self, name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Fatigue:
    """Weariness of correcting: it rises with every correction or decline given, and wears off.

    Parameters
    ----------
    per_correction
        Share of the way towards complete fatigue that one correction moves.
    recovery
        Share of the fatigue that wears off per interaction.
    """

    per_correction: float
    recovery: float

    def __post_init__(self) -> None:
        probability(self, "per_correction", self.per_correction)
        probability(self, "recovery", self.recovery)


@dataclass(frozen=True, slots=True)
class Delay:
    """Answers that arrive late, and so out of order.

    Parameters
    ----------
    share
        Share of answers that are late.
    longest
        A late answer arrives U{1..longest} interactions after its own; one still under way at the end is lost.
    """

    share: float
    longest: int

    def __post_init__(self) -> None:
        probability(self, "share", self.share)
        if isinstance(self.longest, bool) or not 1 <= self.longest <= 100:
            raise ConfigurationError("Delay", "longest", self.longest, "1 to 100 interactions")


@dataclass(frozen=True, slots=True)
class Channel:
    """How opinion becomes feedback; the law is in the module's docstring.

    Parameters
    ----------
    noise
        Probability that the expressed option is a uniform other one than the wanted option.
    patience_accept, patience_wrong
        Probability that the person answers a proposal that matches, or does not match, the expressed option.
    names_option
        Probability that a correction names the option; else it is a bare decline.
    weights
        Confidence weights, None = every event at confidence 1.
    acquiescence
        Probability that the person takes any proposal for a match.
    duplicates
        Probability that an event arrives twice.
    bad_days, trust, fatigue, delay
        See their classes; None = none of it.
    """

    noise: float
    patience_accept: float = 1.0
    patience_wrong: float = 1.0
    names_option: float = 1.0
    weights: Weights | None = None
    acquiescence: float = 0.0
    duplicates: float = 0.0
    bad_days: BadDays | None = None
    trust: Trust | None = None
    fatigue: Fatigue | None = None
    delay: Delay | None = None

    def __post_init__(self) -> None:
        for name in ("noise", "patience_accept", "patience_wrong", "names_option", "acquiescence", "duplicates"):
            probability(self, name, getattr(self, name))

    @property
    def full(self) -> bool:
        """Whether every answer arrives and names its option: learning then does not depend on the proposal."""
        return (
            self.patience_accept == self.patience_wrong == self.names_option == 1.0
            and self.acquiescence == 0.0
            and not self.moves
        )

    @property
    def moves(self) -> bool:
        """Whether willingness to answer depends on what happened before."""
        return self.trust is not None or self.fatigue is not None

    @property
    def arrives_in_order(self) -> bool:
        """Whether every answer arrives once, before the next proposal."""
        return self.delay is None and self.duplicates == 0.0
