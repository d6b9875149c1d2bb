"""Is stated confidence honest? Calibration of the belief of acceptance on fresh people, by world and after a change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray, Kind, padded
from persona_lab.metrics import proactive as metrics
from persona_lab.policies.acceptance_map import ACCEPTANCE_MAP
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.calibrators import Calibrator, fit_isotonic
from persona_lab.protocols import StreamPolicy
from persona_lab.simulate.opportunities import COST_SETTINGS, STEPS, WORLDS, AcceptanceWorld, Play, play
from persona_lab.studies.proactive import told

MAP_SEED, MAP_PEOPLE = 201, 500
"""People on whose answers the shipped map was fitted, per world and pair of costs; never scored."""

RAW, MAPPED, SHIPPED, PER_WORLD, LIMIT = "knows nobody", "one map", "as shipped", "a map per world", "told the worlds"
"""What is scored: :class:`~persona_lab.policies.adaptive.AdaptiveBayes` itself; the same through the map that comes
with the package; the belief that states confidence (:data:`~persona_lab.policies.acceptance_prior.SHIPPED_BELIEF`); one
map for each world, which nobody could know; and the limit of honesty: the exact forecast of somebody told all four
worlds, though not which one it is."""

BLOCK = 64
"""People who are filtered at once."""


class ConfidenceStudy(NamedTuple):
    """Calibration on fresh people: ``worlds`` (one row per world and map), ``after`` a change by answers heard."""

    worlds: pl.DataFrame
    after: pl.DataFrame


def gather(
    policy: StreamPolicy,
    *,
    seed: int,
    people: int,
    steps: int = STEPS,
    worlds: Sequence[AcceptanceWorld] = WORLDS,
) -> dict[AcceptanceWorld, Play]:
    """Play a policy in every world under all four pairs of costs; the people of a world stand side by side."""
    found = {}
    for world in worlds:
        plays = [play(policy, world, s.costs, seed=seed, people=people, steps=steps) for s in COST_SETTINGS]
        found[world] = Play(*(np.concatenate(parts, axis=1) for parts in zip(*plays, strict=True)))
    return found


def fit_acceptance_map(
    *, seed: int = MAP_SEED, people: int = MAP_PEOPLE, policy: StreamPolicy | None = None
) -> Calibrator:
    """Fit one isotonic map on the answers of people of all four worlds; the defaults give the shipped one."""
    return _fitted(list(gather(policy or AdaptiveBayes(), seed=seed, people=people).values()))


def confidence_study(
    *,
    seed: int,
    people: int,
    training_seed: int,
    training_people: int,
    steps: int = STEPS,
    worlds: Sequence[AcceptanceWorld] = WORLDS,
) -> ConfidenceStudy:
    """Measure how honest stated confidence is on answered steps, in plays of ``AdaptiveBayes``.

    ``worlds`` has one row per map and world and one over all: ``ece`` beside ``ece_perfect`` (a perfect forecaster's at
    this n), ``brier``, and ``person_deviation``, the root mean square over people of (accepted - stated) in a perfect
    forecaster's standard errors: 1 if nobody is systematically over- or underestimated. ``after`` has the ECE by
    answers heard since a change (:func:`~persona_lab.metrics.proactive.calibration_after_change`), by map and law.

    Parameters
    ----------
    seed, people, steps
        The people scored.
    training_seed, training_people
        Other people, for the map of each world.
    worlds
        Worlds to score.

    Raises
    ------
    ConfigurationError
        If the people scored are those on whom a map was fitted.
    """
    if seed in (training_seed, MAP_SEED):
        raise ConfigurationError("confidence_study", "seed", seed, "another seed than the maps were fitted on")
    belief = AdaptiveBayes()
    training = gather(belief, seed=training_seed, people=training_people, steps=steps, worlds=worlds)
    maps: dict[str, Mapping[AcceptanceWorld, Callable[[Play], FloatArray]]] = {
        RAW: {world: _through(Calibrator()) for world in worlds},
        MAPPED: {world: _through(ACCEPTANCE_MAP) for world in worlds},
        SHIPPED: dict.fromkeys(worlds, shipped_forecasts),
        PER_WORLD: {world: _through(_fitted([training[world]])) for world in worlds},
        LIMIT: dict.fromkeys(worlds, told_forecasts),
    }
    fresh = gather(belief, seed=seed, people=people, steps=steps, worlds=worlds)
    rows: list[tuple[object, ...]] = []
    after = []
    for name, by_world in maps.items():
        everyone = []
        for world, seen in fresh.items():
            stated, heard = by_world[world](seen), seen.kind != Kind.SILENT
            found = metrics.calibration(stated=stated[heard], happened=seen.wanted[heard])
            each = metrics.person_calibration(stated=stated, wanted=seen.wanted, kind=seen.kind)
            spread = float(np.sqrt(np.mean(each["deviation"].to_numpy() ** 2)))
            rows.append((name, world.name, found.ece.value, found.ece_perfect, found.brier.value, spread, found.ece.n))
            everyone.append((stated[heard], seen.wanted[heard]))
            if world.hazard > 0:
                table = metrics.calibration_after_change(
                    stated=stated, wanted=seen.wanted, kind=seen.kind, changed=seen.changed
                )
                after.append(table.with_columns(map=pl.lit(name), law=pl.lit(world.law)))
        pooled = metrics.calibration(
            stated=np.concatenate([s for s, _ in everyone]), happened=np.concatenate([y for _, y in everyone])
        )
        rows.append((name, "all", pooled.ece.value, pooled.ece_perfect, pooled.brier.value, None, pooled.ece.n))
    columns = ["map", "world", "ece", "ece_perfect", "brier", "person_deviation", "n"]
    table = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
    return ConfidenceStudy(table, pl.concat(after) if after else pl.DataFrame())


def shipped_forecasts(seen: Play) -> FloatArray:
    """Return what the shipped belief states before every answer, (steps, people), from the answers alone."""
    steps, people = seen.kind.shape
    width = -(-people // BLOCK) * BLOCK
    kinds, moves = (np.pad(array, ((0, 0), (0, width - people))) for array in (seen.kind, seen.move))
    stated, nothing = np.empty((steps, width)), np.zeros(BLOCK)
    for first in range(0, width, BLOCK):
        block = slice(first, first + BLOCK)
        state = SHIPPED_BELIEF.init(BLOCK)
        for step in range(steps):
            stated[step, block] = SHIPPED_BELIEF.acceptance(state, nothing).mean
            state = SHIPPED_BELIEF.update(state, moves[step, block], kinds[step, block])
    return stated[:, :people]


def told_forecasts(seen: Play, worlds: Sequence[AcceptanceWorld] = WORLDS) -> FloatArray:
    """Return the probabilities of acceptance, (steps, people), for whoever is told the worlds but not which it is.

    The exact filters of all worlds run over the answers that were given, each weighed by how likely it makes them.
    """
    steps, people = seen.kind.shape
    width = padded(people)
    kind, move = (np.pad(array, ((0, 0), (0, width - people))) for array in (seen.kind, seen.move))
    filters = [told(world, "mean") for world in worlds]
    states = [one.init(width) for one in filters]
    likely = np.zeros((len(filters), width))
    forecast = np.empty((steps, people))
    nothing = np.zeros(width)
    for step in range(steps):
        mean = np.stack([one.acceptance(state, nothing).mean for one, state in zip(filters, states, strict=True)])
        weight = np.exp(likely - likely.max(axis=0))
        forecast[step] = ((weight * mean).sum(axis=0) / weight.sum(axis=0))[:people]
        answer = kind[step]
        likely = likely + np.log(np.where(answer == Kind.ACCEPTED, mean, np.where(answer == 0, 1.0, 1.0 - mean)))
        states = [one.update(state, move[step], answer) for one, state in zip(filters, states, strict=True)]
    return forecast


def _through(calibrator: Calibrator) -> Callable[[Play], FloatArray]:
    return lambda seen: calibrator(seen.stated)


def _fitted(plays: Sequence[Play]) -> Calibrator:
    heard = [one.kind != Kind.SILENT for one in plays]
    stated = np.concatenate([one.stated[here] for one, here in zip(plays, heard, strict=True)])
    wanted = np.concatenate([one.wanted[here] for one, here in zip(plays, heard, strict=True)])
    return fit_isotonic(stated, wanted)
