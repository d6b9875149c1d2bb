"""Scenarios: populations as frozen, versioned data. Changed data gets a new version, never the old name."""

from __future__ import annotations

from dataclasses import dataclass, replace

from persona_lab.errors import ConfigurationError
from persona_lab.simulate.channel import BadDays, Channel, Delay, Fatigue, Trust, Weights
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
from persona_lab.simulate.routine import Routine


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
        Days between two interactions of a stream, where there is no routine; a session is a day.
    routine
        Daily and weekly routine that times the interactions; None = evenly spaced.
    contexts
        Contexts per person; each is a stream of its own.
    together
        Probability that a switch in one context is part of a life event that moves all contexts of the person (a new
        job changes meeting times *and* tone). Every context still switches with the hazard of its path.
    users
        People that a study of a scenario file takes unless told otherwise.
    context, option_names
        Names on the wire, for the logs made from this population; empty = made up.
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
    routine: Routine | None = None
    contexts: int = 1
    together: float = 0.0
    users: int = 1000
    context: str = ""
    option_names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""

    def __post_init__(self) -> None:
        if not 2 <= self.options <= 6:
            raise ConfigurationError("Scenario", "options", self.options, "2 to 6 options")
        if self.interactions < 1:
            raise ConfigurationError("Scenario", "interactions", self.interactions, "at least 1")
        if not self.days_between >= 0.0:
            raise ConfigurationError("Scenario", "days_between", self.days_between, "days, 0 or more")
        if not 1 <= self.contexts <= 20:
            raise ConfigurationError("Scenario", "contexts", self.contexts, "1 to 20 contexts per person")
        probability(self, "together", self.together)
        if self.together > 0.0 and not isinstance(self.path, Switch):
            raise ConfigurationError("Scenario", "together", self.together, "0, as only switch paths move together")
        if self.users < 1:
            raise ConfigurationError("Scenario", "users", self.users, "at least 1 person")
        if self.option_names and len(self.option_names) != self.options:
            raise ConfigurationError("Scenario", "option_names", self.option_names, f"{self.options} names")


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
"""What confidence weights may mean."""


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

SLOW = Switch(1 / 200)

TROUBLED: dict[str, tuple[Channel, str]] = {
    "acquiescent": (Channel(0.1, acquiescence=0.3), "30 % of proposals are accepted whatever they are"),
    "delayed": (Channel(0.1, delay=Delay(0.3, 10)), "30 % of answers arrive 1 to 10 interactions late"),
    "duplicated": (Channel(0.1, duplicates=0.2), "20 % of answers arrive twice"),
    "bad_days": (Channel(0.05, bad_days=BadDays(0.1, 0.6)), "on every tenth day most answers are wrong"),
    "trusting": (Channel(0.1, trust=Trust(0.8, 0.1, 0.2)), "willingness to answer follows outcomes"),
    "tired": (Channel(0.1, fatigue=Fatigue(0.3, 0.05)), "correcting tires"),
}
"""Channels beyond LIMITS, on slow switchers."""


def _life() -> list[Scenario]:
    made = [
        Scenario(id=f"slow_{name}_v1", path=SLOW, channel=channel, tags=("life",), description=f"slow switchers; {how}")
        for name, (channel, how) in TROUBLED.items()
    ]
    made.append(
        Scenario(
            id="slow_together_v1",
            path=SLOW,
            channel=Channel(0.1),
            contexts=3,
            together=0.7,
            tags=("life",),
            description="three contexts per person; 70 % of changes move all of them",
        )
    )
    made.append(
        Scenario(
            id="slow_routine_v1",
            path=SLOW,
            channel=Channel(0.1),
            routine=Routine(),
            tags=("life",),
            description="slow switchers whose interactions follow a daily and weekly routine in five time zones",
        )
    )
    return made


SCENARIOS: dict[str, Scenario] = {scenario.id: scenario for scenario in [*_core(), *_variants(), MIXED, *_life()]}
"""Every scenario by id: the 27 core cells, the variants, mixed people, the troubles of life."""


def with_interactions(scenario: Scenario, interactions: int) -> Scenario:
    """Return the scenario with another length of life."""
    return replace(scenario, interactions=interactions)
