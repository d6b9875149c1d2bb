"""Simulated beside real: figures of a log, and of people simulated from a population fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from persona_lab.datasets.streams import StreamBlock
from persona_lab.feedback import NO_OPTION, IntArray
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.strategies.baselines import LastWriteWins
from persona_lab.studies.fitting import LogPart, PopulationFit, fit_population
from persona_lab.studies.spread import Spread, fit_spread, to_scenario

LAGS = (1, 2, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Likeness:
    """Figures of a log beside those of its simulation; ``simulated`` has the mean and sd over repeated simulations.

    ``agreement`` figures are the chance that two answers of a person ``lag`` events apart name the same option.
    """

    real: dict[str, float]
    simulated: dict[str, float]
    deviation: dict[str, float]
    fitted: PopulationFit
    spread: Spread

    def distance(self, figure: str) -> float:
        """Return how many standard deviations of the simulation the real figure lies away."""
        apart = self.real[figure] - self.simulated[figure]
        return apart / self.deviation[figure] if self.deviation[figure] > 0 else float("inf") * np.sign(apart)


def part_of(block: StreamBlock) -> LogPart:
    """Return the streams of a block as a part of a log."""
    steps = range(block.named.shape[0])
    return LogPart([block.at(step) for step in steps], [block.active(step) for step in steps], len(block.options))


def likeness(block: StreamBlock, *, seed: int, repeats: int = 8, exceptions: bool = False) -> Likeness:
    """Fit a population to a block of streams, simulate such people as often and as long, and compare.

    Parameters
    ----------
    block
        Streams of 2 to 6 options whose events name an option.
    seed
        Luck of the simulations.
    repeats
        Simulations, each with as many streams and events as the log.
    exceptions
        Whether to try bursts of exceptions in the fit.
    """
    part = part_of(block)
    fitted = fit_population([part], exceptions=exceptions)
    spread = fit_spread([part], fitted)
    streams = len(block.streams)
    lengths = block.lengths[:streams]
    scenario = to_scenario(fitted, spread, name="alike_v1", interactions=int(lengths.max()), users=streams)
    runs = []
    for repeat in range(repeats):
        lives = live(scenario, seed=seed + repeat, users=(0, streams))
        seen = closed_loop(scenario, lives, LastWriteWins(), seed=seed + repeat, users=(0, streams))
        heard = np.arange(scenario.interactions)[:, np.newaxis] < lengths
        answered = np.where(seen.kind == 0, NO_OPTION, np.where(seen.corrected >= 0, seen.corrected, seen.proposed))
        runs.append(answer_figures(np.where(heard, answered, NO_OPTION), scenario.options))
    return Likeness(
        real=answer_figures(block.named[:, :streams], len(block.options)),
        simulated={name: float(np.mean([run[name] for run in runs])) for name in runs[0]},
        deviation={name: float(np.std([run[name] for run in runs], ddof=1)) for name in runs[0]},
        fitted=fitted,
        spread=spread,
    )


def answer_figures(named: IntArray, options: int) -> dict[str, float]:
    """Return figures of answers (steps, streams), ``NO_OPTION`` where none was given.

    The favourite of a person is the option that the person named most.
    """
    heard = named != NO_OPTION
    counts = np.stack([(named == option).sum(axis=0) for option in range(options)])
    total = np.maximum(counts.sum(axis=0), 1)
    favourite = counts.max(axis=0) / total
    first = counts[0] / total
    figures = {
        "share of the favourite, mean over people": float(favourite.mean()),
        "share of the first option, sd over people": float(first.std()),
    }
    for lag in LAGS:
        if lag < named.shape[0]:
            both = heard[lag:] & heard[:-lag]
            same = (named[lag:] == named[:-lag]) & both
            figures[f"agreement at lag {lag}"] = float(same.sum() / max(int(both.sum()), 1))
    return figures
