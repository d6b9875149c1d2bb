"""How a preferred option moves: one frozen dataclass per path, and the law of the core suite.

The law (LIMITS, "Law in full"), in the order of one interaction t of one stream: (1) if no burst is on and t >= 1, the
preference switches with the path's hazard to a uniform other option; (2) if no burst is on, an exception starts with
probability ``rate`` and lasts U{1..longest} interactions, this one included, wanting one uniform other option; (3) the
person wants the exception's option while it lasts, else the preferred one. A burst may follow a burst at once, as the
interaction after its last is free again. This reading (the hazard before the burst) reproduces the published errors of
the limit in all nine columns, see ``benchmarks/evidence/world.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

from persona_lab.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Stable:
    """The preference never moves."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Abrupt switches to a uniform other option with probability ``hazard`` per interaction."""

    hazard: float

    def __post_init__(self) -> None:
        probability(self, "hazard", self.hazard)


@dataclass(frozen=True, slots=True)
class Exceptions:
    """Bursts of 1 to ``longest`` interactions that want another option, then back: not drift.

    Parameters
    ----------
    rate
        Probability that a burst starts, per interaction outside a burst.
    longest
        A burst lasts U{1..longest} interactions; ignored where ``lengths`` is given.
    hazard
        Probability of a true switch, per interaction outside a burst.
    lengths
        Probabilities of lengths 1, 2, ... where they are not uniform.
    """

    rate: float
    longest: int = 5
    hazard: float = 0.0
    lengths: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        probability(self, "rate", self.rate)
        probability(self, "hazard", self.hazard)
        if self.longest < 1:
            raise ConfigurationError("Exceptions", "longest", self.longest, "at least 1 interaction")
        if self.lengths is not None and (min(self.lengths) < 0 or abs(sum(self.lengths) - 1.0) > 1e-9):
            raise ConfigurationError("Exceptions", "lengths", self.lengths, "probabilities that sum to 1")

    @property
    def law(self) -> tuple[float, ...]:
        """Probability that a burst lasts 1, 2, ... interactions."""
        return self.lengths or (1.0 / self.longest,) * self.longest


@dataclass(frozen=True, slots=True)
class Recurring:
    """Two habits, a random pair of options, trade places with probability ``hazard`` per interaction."""

    hazard: float

    def __post_init__(self) -> None:
        probability(self, "hazard", self.hazard)


@dataclass(frozen=True, slots=True)
class VolatilityShift:
    """Hazard ``calm`` and ``restless`` in alternating blocks of ``block`` interactions, calm first."""

    calm: float
    restless: float
    block: int

    def __post_init__(self) -> None:
        probability(self, "calm", self.calm)
        probability(self, "restless", self.restless)
        if self.block < 1:
            raise ConfigurationError("VolatilityShift", "block", self.block, "at least 1 interaction")

    def hazard_at(self, step: int) -> float:
        """Return the hazard at interaction ``step``."""
        return self.restless if (step // self.block) % 2 else self.calm


@dataclass(frozen=True, slots=True)
class Gradual:
    """Utilities of the options drift as Ornstein-Uhlenbeck processes; the choice is a softmax of them.

    Parameters
    ----------
    tau
        Correlation time of a utility, interactions.
    sd
        Stationary standard deviation of a utility, logits.
    """

    tau: float
    sd: float

    def __post_init__(self) -> None:
        for name, value in (("tau", self.tau), ("sd", self.sd)):
            if not value > 0.0:
                raise ConfigurationError("Gradual", name, value, "a number above 0")


@dataclass(frozen=True, slots=True)
class Mixed:
    """People of all kinds, drawn per person (LIMITS, "Mixed people").

    Parameters
    ----------
    never
        Share of people whose hazard is 0; the others' log10 hazard is uniform in ``log10_hazard``.
    log10_hazard
        Range of log10 hazard per interaction.
    noise_beta, noise_range
        Noise is Beta(a, b) clipped to the range.
    with_exceptions
        Share of people (recurring ones apart) who have exceptions, their rate uniform in ``exception_rate``.
    exception_rate
        Range of the rate of bursts per interaction.
    recurring
        Share of people with two habits, whose hazard is that of their toggling.
    longest
        A burst lasts U{1..longest} interactions.
    """

    never: float = 0.3
    log10_hazard: tuple[float, float] = (-2.7, -1.2)
    noise_beta: tuple[float, float] = (1.6, 10.0)
    noise_range: tuple[float, float] = (0.01, 0.35)
    with_exceptions: float = 0.5
    exception_rate: tuple[float, float] = (0.01, 0.08)
    recurring: float = 0.2
    longest: int = 5

    def __post_init__(self) -> None:
        for name in ("never", "with_exceptions", "recurring"):
            probability(self, name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Types:
    """A mixture of kinds of people, such as a fit to a log yields: each person is of one kind, drawn by share.

    Parameters
    ----------
    shares
        Share of each kind; they sum to 1.
    hazards, noises, exception_rates
        Parameters of each kind, aligned with ``shares``; the noise replaces the channel's.
    longest
        A burst lasts U{1..longest} interactions.
    """

    shares: tuple[float, ...]
    hazards: tuple[float, ...]
    noises: tuple[float, ...]
    exception_rates: tuple[float, ...]
    longest: int = 5

    def __post_init__(self) -> None:
        for name in ("hazards", "noises", "exception_rates"):
            values = getattr(self, name)
            if len(values) != len(self.shares):
                raise ConfigurationError("Types", name, values, f"{len(self.shares)} numbers, one per share")
            for value in values:
                probability(self, name, value)
        if not self.shares or min(self.shares) < 0.0 or abs(sum(self.shares) - 1.0) > 1e-6:
            raise ConfigurationError("Types", "shares", self.shares, "shares >= 0 that sum to 1")
        if self.longest < 1:
            raise ConfigurationError("Types", "longest", self.longest, "at least 1 interaction")


Path = Stable | Switch | Exceptions | Recurring | VolatilityShift | Gradual | Mixed | Types


def probability(owner: object, field: str, value: float) -> None:
    """Raise ConfigurationError unless ``value`` is a probability."""
    if isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise ConfigurationError(type(owner).__name__, field, value, "a probability in [0, 1]")
