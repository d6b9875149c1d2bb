"""Scenarios: populations as frozen, versioned data. Changed data gets a new version, never the old name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from persona_lab.errors import ConfigurationError
from persona_lab.simulate.paths import (
    Exceptions,
    Gradual,
    Mixed,
    Path,
    Recurring,
    Stable,
    Switch,
    VolatilityShift,
    probability,
)


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
class Channel:
    """How opinion becomes feedback.

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
    """

    noise: float
    patience_accept: float = 1.0
    patience_wrong: float = 1.0
    names_option: float = 1.0
    weights: Weights | None = None

    def __post_init__(self) -> None:
        for name in ("noise", "patience_accept", "patience_wrong", "names_option"):
            probability(self, name, getattr(self, name))

    @property
    def full(self) -> bool:
        """Whether every answer arrives and names its option: learning then does not depend on the proposal."""
        return self.patience_accept == self.patience_wrong == self.names_option == 1.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A population: path, channel, options, length.

    Parameters
    ----------
    id
        Name with its version, such as ``slow_noise10_v1``.
    path, channel
        How preferences move and how opinion becomes feedback.
    options
        Options per context, 2 to 6.
    interactions
        Interactions per person.
    days_between
        Days between two interactions of a stream.
    tags
        Labels by which studies pick scenarios.
    description
        One line for people.

    Raises
    ------
    ConfigurationError
        If a value is out of range.
    """

    id: str
    path: Path
    channel: Channel
    options: int = 4
    interactions: int = 400
    days_between: float = 0.25
    tags: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if not 2 <= self.options <= 6:
            raise ConfigurationError("Scenario", "options", self.options, "2 to 6 options")
        if self.interactions < 1:
            raise ConfigurationError("Scenario", "interactions", self.interactions, "at least 1")
        if not self.days_between >= 0.0:
            raise ConfigurationError("Scenario", "days_between", self.days_between, "days, 0 or more")


CORE_PATHS: dict[str, tuple[Path, str]] = {
    "stable": (Stable(), "people who never change"),
    "slow": (Switch(1 / 200), "a change of mind every 200 interactions"),
    "fast": (Switch(1 / 40), "a change of mind every 40 interactions"),
    "recurring": (Recurring(1 / 30), "two habits that take turns every 30 interactions"),
    "exceptions": (Exceptions(0.05), "bursts of 1 to 5 exceptions, no change"),
    "slow_exceptions": (Exceptions(0.05, hazard=1 / 200), "exceptions, and a change every 200 interactions"),
    "fast_exceptions": (Exceptions(0.05, hazard=1 / 40), "exceptions, and a change every 40 interactions"),
    "volatility_shift": (VolatilityShift(0.001, 0.05, 100), "calm and restless stretches of 100 interactions"),
    "gradual": (Gradual(100.0, 2.0), "tastes that drift slowly"),
}

REPORTED = ("stable", "slow", "fast", "recurring", "exceptions", "slow_exceptions")
"""Paths of the default report, at noise .1."""

CHANNELS: dict[str, tuple[Channel, str]] = {
    "sparse": (Channel(0.1, patience_accept=0.3, patience_wrong=0.3), "30 % answer"),
    "partial": (Channel(0.1, names_option=0.3), "30 % of corrections name the option"),
    "thumbs": (Channel(0.1, names_option=0.0), "corrections never name the option"),
    "silent": (Channel(0.1, patience_accept=0.1, patience_wrong=0.9), "satisfied people stay silent"),
}

MEANINGS = ("informative", "shuffled", "inverted")


def _core() -> list[Scenario]:
    made = []
    for name, (path, words) in CORE_PATHS.items():
        for noise in (0.02, 0.1, 0.2 if name == "gradual" else 0.25):
            tags = ("core", "report") if noise == 0.1 and name in REPORTED else ("core",)
            percent = round(100 * noise)
            made.append(
                Scenario(
                    id=f"{name}_noise{percent:02d}_v1",
                    path=path,
                    channel=Channel(noise),
                    tags=tags,
                    description=f"{words}; noise {percent} %",
                )
            )
    return made


def _variants() -> list[Scenario]:
    made = []
    for name in ("stable", "slow", "fast", "slow_exceptions"):
        path, words = CORE_PATHS[name]
        made += [
            Scenario(
                id=f"{name}_noise10_{variant}_v1",
                path=path,
                channel=channel,
                tags=("variant", "feedback"),
                description=f"{words}; noise 10 %; {how}",
            )
            for variant, (channel, how) in CHANNELS.items()
        ]
    for name in ("slow", "fast", "slow_exceptions"):
        path, words = CORE_PATHS[name]
        made += [
            Scenario(
                id=f"{name}_weights_{meaning}_v1",
                path=path,
                channel=Channel(0.2, weights=Weights(meaning)),
                tags=("variant", "weights"),
                description=f"{words}; confidence weights {meaning}",
            )
            for meaning in MEANINGS
        ]
        made += [
            Scenario(
                id=f"{name}_noise10_k{options}_v1",
                path=path,
                channel=Channel(0.1),
                options=options,
                tags=("variant", "options"),
                description=f"{words}; noise 10 %; {options} options",
            )
            for options in (3, 6)
        ]
    return made


MIXED = Scenario(
    id="mixed_v1",
    path=Mixed(),
    channel=Channel(0.0),
    tags=("mixed", "report"),
    description="people of all kinds: some never change, some often; noise and exceptions differ",
)

SCENARIOS: dict[str, Scenario] = {scenario.id: scenario for scenario in [*_core(), *_variants(), MIXED]}
"""Every scenario by id: the 27 core cells, the variants, mixed people."""


def with_interactions(scenario: Scenario, interactions: int) -> Scenario:
    """Return the scenario with another length of life."""
    return replace(scenario, interactions=interactions)
