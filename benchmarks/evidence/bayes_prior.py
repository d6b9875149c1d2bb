"""The game behind the prior of hierarchical Bayes, and the bound that it proves: no rule meets all of target A.

An adversary holds multipliers over the target's inequalities (every cell's ratio, both means, every cell's regret); the
filter answers with the Bayes rule for the mixture of worlds in which each cell weighs what its multipliers say. By weak
duality the multipliers' value is a lower bound on what any rule that sees one person can reach, since the law of every
cell is a world of the grid.
Multipliers are found on training people, the bound is then measured on fresh ones, where nothing was chosen: an
estimate without bias of chosen multipliers, with a standard error over people. Errors are expectations given what was
heard, on people that are scored nowhere else.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, Kind, feedback
from persona_lab.simulate.limit import limit
from persona_lab.simulate.people import live
from persona_lab.strategies.grid_priors import CORE_DYNAMICS, CORE_OBSERVERS, CORE_PRIOR
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.studies.targets import core_cells, drifts

SEED = 20_260_101
TEST_SEED = 20_260_102
STEADY, MOVING = 1_500, 250
"""People of a cell: where preferences stay the limit errs so rarely that a few hundred people say little."""

ROUNDS = 80
SPARE = 0.02
"""Share of the prior spread evenly over worlds that are no cell."""

TARGET = {"worst": 1.40, "mean": 1.18, "worst drifting": 1.20, "mean drifting": 1.10, "regret": 1.5}
AIM = {"worst": 1.385, "mean": 1.18, "worst drifting": 1.195, "mean drifting": 1.123, "regret": 1.5}
"""What the shipped prior is played for: all of the target but the mean over drifting cells, which the bound rules out,
with a little room for the luck of other people."""

WORLD = {
    "stable": 0,
    "slow": 2,
    "fast": 4,
    "exceptions": 6,
    "slow_exceptions": 7,
    "fast_exceptions": 8,
    "recurring": 10,
    "volatility_shift": 12,
}
CELLS = core_cells()
Array = NDArray[np.float32]


class Heard(NamedTuple):
    """One cell: the filter's weights (moments, options, worlds), loss (moments, options) over the limit.

    ``errors`` and ``moments`` (people,): the limit's expected errors of each person, and how many moments were scored.
    """

    weights: Array
    loss: Array
    errors: NDArray[np.float64]
    moments: NDArray[np.int64]

    @property
    def of_limit(self) -> float:
        """Moments per error of the limit: what an error rate is multiplied by to be a ratio."""
        return float(self.moments.sum() / self.errors.sum())


def place(cell_id: str) -> tuple[int, int]:
    """Return (row, column) of the world that is this cell's law."""
    name, noise = cell_id.removesuffix("_v1").split("_noise")
    return WORLD[name], {"02": 0, "10": 2, "25": 4}[noise]


def listen(seed: int) -> list[Heard]:
    flat = tuple(tuple(1.0 for _ in row) for row in CORE_PRIOR)
    rule = HierarchicalBayes(CORE_DYNAMICS, CORE_OBSERVERS, flat, single=True)
    heard = []
    for scenario in CELLS:
        users = MOVING if drifts(scenario) else STEADY
        lives = live(scenario, seed=seed, users=(0, users))
        told = limit(scenario, lives).strategy
        state, known = rule.init(4, users), told.init(4, users)
        steps = scenario.interactions
        weights = np.empty((steps, users, 4, rule_size()), np.float32)
        loss = np.empty((steps, users, 4), np.float32)
        errors = np.zeros(users)
        for step in range(steps):
            now = rule.weights(state).reshape(4, -1, users)
            weights[step] = (now / now.sum(axis=(0, 1))).transpose(2, 0, 1)
            truth, free = told.belief(known), ~lives.in_exception[step]
            loss[step] = ((truth.max(axis=0) - truth) * free).T
            errors += (1 - truth.max(axis=0)) * free
            given = feedback(proposed=NO_OPTION, kind=np.full(users, Kind.CORRECTED), corrected=lives.expressed[step])
            state, known = rule.update(state, given), told.update(known, given)
        moments = (~lives.in_exception).sum(axis=0, dtype=np.int64)
        heard.append(Heard(weights.reshape(-1, 4, rule_size()), loss.reshape(-1, 4), errors, moments))
    return heard


def rule_size() -> int:
    return len(CORE_DYNAMICS) * len(CORE_OBSERVERS)


def extra_errors(cell: Heard, prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected errors beyond the limit's of each person, (people,), for the filter with this prior."""
    choice = (cell.weights @ prior.reshape(-1).astype(np.float32)).argmax(axis=1)
    lost = np.take_along_axis(cell.loss, choice[:, np.newaxis], 1)
    return lost.reshape(-1, cell.errors.size).sum(axis=0, dtype=np.float64)


def excess(heard: list[Heard], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the extra error rate of the filter with this prior in every cell."""
    return np.array([extra_errors(cell, prior).sum() / cell.moments.sum() for cell in heard])


def inequalities(heard: list[Heard], target: dict[str, float]) -> NDArray[np.float64]:
    """Return (inequalities, cells): the target is met where every row times the excess is at most 1."""
    of_limit = np.array([cell.of_limit for cell in heard])
    moving = np.array([drifts(cell) for cell in CELLS])
    each = np.diag(of_limit)
    return np.concatenate(
        [
            each / (target["worst"] - 1),
            each[moving] / (target["worst drifting"] - 1),
            (of_limit / len(CELLS) / (target["mean"] - 1))[np.newaxis],
            (moving * of_limit / moving.sum() / (target["mean drifting"] - 1))[np.newaxis],
            np.eye(len(CELLS)) * 100 / target["regret"],
        ]
    )


class Game(NamedTuple):
    """What a game found: the prior of least violation; multipliers and their Bayes prior, of the highest bound."""

    prior: NDArray[np.float64]
    bound: float
    multiplier: NDArray[np.float64]
    answer: NDArray[np.float64]


def play(heard: list[Heard], target: dict[str, float], *, spare: float) -> Game:
    """Play; with nothing to ``spare`` each answer is the exact Bayes rule, and the bound is one.

    A violation is an average over the moments of a cell, so a person of a cell with fewer scored moments weighs more.
    The shipped prior was played without that correction.
    """
    rows = inequalities(heard, target)
    multiplier = np.full(len(rows), 1 / len(rows))
    places = [place(cell.id) for cell in CELLS]
    shape = (len(CORE_DYNAMICS), len(CORE_OBSERVERS))
    rest = np.ones(shape)
    for at in places:
        rest[at] = 0
    best, found = np.inf, Game(rest, -np.inf, multiplier, rest)
    for turn in range(ROUNDS):
        mixture = np.zeros(shape)
        for at, weight in zip(places, multiplier @ rows, strict=True):
            mixture[at] = weight
        if not spare:
            for at, cell in zip(places, heard, strict=True):
                mixture[at] /= cell.moments.mean()
        mixture = (1 - spare) * mixture / mixture.sum() + spare * rest / rest.sum()
        violation = rows @ excess(heard, mixture)
        if (bound := float(multiplier @ violation)) > found.bound:
            found = found._replace(bound=bound, multiplier=multiplier.copy(), answer=mixture)
        if violation.max() < best:
            best, found = float(violation.max()), found._replace(prior=mixture)
        multiplier = multiplier * np.exp(2.0 / (1 + turn / 10) * (violation - violation.max()))
        multiplier /= multiplier.sum()
    return found


def bound_on(heard: list[Heard], target: dict[str, float], game: Game) -> dict[str, float]:
    """Return the bound that the game's multipliers prove, measured on people that the game never saw."""
    weight = game.multiplier @ inequalities(heard, target)
    value, variance = 0.0, 0.0
    for cell, share in zip(heard, weight, strict=True):
        extra = extra_errors(cell, game.answer)
        rate = extra.sum() / cell.moments.sum()
        value += share * rate
        # the weight of a cell is nearly all 1 / its limit's error rate: the ratio's influence, person by person
        influence = extra - extra.sum() / cell.errors.sum() * cell.errors
        variance += (share / cell.moments.mean()) ** 2 * influence.var(ddof=1) / influence.size
    return {"value": value, "standard_error": float(np.sqrt(variance))}


def summary(heard: list[Heard], prior: NDArray[np.float64]) -> dict[str, float]:
    found = excess(heard, prior)
    ratio = 1 + found * np.array([cell.of_limit for cell in heard])
    moving = np.array([drifts(cell) for cell in CELLS])
    return {
        "worst": float(ratio.max()),
        "mean": float(ratio.mean()),
        "worst drifting": float(ratio[moving].max()),
        "mean drifting": float(ratio[moving].mean()),
        "regret": float(100 * found.max()),
    }


MEANS = (1.10, 1.11, 1.12)
"""Means over drifting cells that the bound is computed for, the other four targets as they are."""


def run(out: Path) -> None:
    started = time.perf_counter()
    heard = listen(SEED)
    prior = play(heard, AIM, spare=SPARE).prior
    games = {mean: play(heard, {**TARGET, "mean drifting": mean}, spare=0.0) for mean in MEANS}
    record = {
        "prior": [[round(float(weight), 5) for weight in row] for row in prior],
        "aim": AIM,
        "target": TARGET,
        "bound_means": "every rule misses some inequality of the target by at least this factor of its slack over 1",
        "people_per_cell": {"steady": STEADY, "moving": MOVING},
        "bound_on_training_people": {mean: game.bound for mean, game in games.items()},
        "on_training_people": summary(heard, prior),
        "shipped_differs_by": float(np.abs(np.array(CORE_PRIOR) - prior).max()),
    }
    del heard
    fresh = listen(TEST_SEED)
    record["bound_by_mean_drifting"] = {
        mean: bound_on(fresh, {**TARGET, "mean drifting": mean}, game) for mean, game in games.items()
    }
    record["on_fresh_people"] = summary(fresh, prior)
    print(json.dumps(record, indent=1), f"{time.perf_counter() - started:.0f} s")
    (out / "bayes_prior.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
