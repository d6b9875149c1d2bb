"""The sixteen cells: every policy on the same people and luck, as a share of the clairvoyant's utility.

Two laws of tolerance x four pairs of costs x static or drifting. Shares are expected utilities (the luck of single
answers removed) pooled over people, against the clairvoyant on the very same people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from persona_lab.contracts import Move
from persona_lab.metrics import proactive as metrics
from persona_lab.policies.acceptance_map import ACCEPTANCE_MAP
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.baselines import Fixed
from persona_lab.policies.calibrators import Calibrated
from persona_lab.policies.curious import Curious
from persona_lab.policies.expected_utility import DiscountedBeta, Explore
from persona_lab.policies.thresholds import ApprovalRule
from persona_lab.policies.told_bayes import ToldBayes
from persona_lab.protocols import StreamPolicy
from persona_lab.simulate.opportunities import (
    COST_SETTINGS,
    STEPS,
    WORLDS,
    AcceptanceWorld,
    CostSetting,
    clairvoyant_value,
    play,
)
from persona_lab.simulate.opportunity_limits import Solver

Builder = Callable[[AcceptanceWorld], StreamPolicy]
"""A policy for a world: only the told references look at their argument."""

TOLD_LEVELS = 40
"""Grid points of the told filter in the redraw world."""

PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "always suggest": (61, 62, -4),
    "approval >= .8 act, else suggest": (53, 52, -23),
    "approval >= .8 act, else nothing": (36, 7, -8),
    "approval >= .8 act, >= .5 suggest, else nothing": (70, 21, -7),
    "discounted Beta .97": (95, 82, 52),
    "myopic Bayes, told": (77, 73, 0),
    "Bayes told hazard and prior": (98, 88, 74),
    "optimum (two-state)": (99, 86, 74),
}
"""Static mean, drifting mean, worst of 16 in per cent of the clairvoyant's utility, as published in LIMITS."""


def told(world: AcceptanceWorld, explore: Explore) -> ToldBayes:
    """Return the Bayes filter that is told this world's law, levels and hazard."""
    from scipy.special import betainc

    if world.law == "two_state":
        return ToldBayes((world.low, world.high), (0.5, 0.5), world.hazard, "toggle", explore)
    levels = tuple(float(x) for x in (np.arange(TOLD_LEVELS) + 0.5) / TOLD_LEVELS)
    edges = betainc(world.extremes, world.extremes, np.linspace(0.0, 1.0, TOLD_LEVELS + 1))
    return ToldBayes(levels, tuple(float(x) for x in np.diff(edges)), world.hazard, "redraw", explore)


def policies() -> dict[str, Builder]:
    """Return the policies of the table by name, controls first."""
    plain: dict[str, StreamPolicy] = {
        "never": Fixed(Move.SILENT),
        "always suggest": Fixed(Move.SUGGEST),
        "always act": Fixed(Move.ACT),
        "approval >= .8 act, else nothing": ApprovalRule("else_silent"),
        "approval >= .8 act, else suggest": ApprovalRule("else_suggest"),
        "approval >= .8 act, >= .5 suggest, else nothing": ApprovalRule("three_way"),
        "approval .8 / .5, last 20 answers": ApprovalRule("three_way", window=20),
        "approval .8 / .5, Wilson bound": ApprovalRule("three_way", wilson=True),
        "discounted Beta .97": DiscountedBeta(),
        "discounted Beta .97, 90 % quantile": DiscountedBeta(explore="quantile"),
        "discounted Beta .97, Thompson": DiscountedBeta(explore="thompson"),
        "adaptive Bayes, told nothing": AdaptiveBayes(),
        "adaptive Bayes, calibrated on others": Calibrated(AdaptiveBayes(), ACCEPTANCE_MAP),
        "Bayes learnt from others": SHIPPED_BELIEF,
        "Bayes learnt from others, curious": Curious(),
    }
    built = {name: _whatever_the_world(policy) for name, policy in plain.items()}
    built["myopic Bayes, told"] = lambda world: told(world, "mean")
    built["Bayes told, Thompson"] = lambda world: told(world, "thompson")
    built["Bayes told hazard and prior"] = lambda world: told(world, "quantile")
    return built


def run_cells(
    builders: Mapping[str, Builder],
    *,
    seed: int,
    people: int,
    steps: int = STEPS,
    worlds: Sequence[AcceptanceWorld] = WORLDS,
    settings: Sequence[CostSetting] = COST_SETTINGS,
) -> pl.DataFrame:
    """Play every policy in every cell; one row per policy and cell.

    Columns: ``policy``, ``law``, ``drifting``, ``interruption``, ``harm``, ``share`` of the clairvoyant's utility with
    ``share_se``, ``acceptance`` (null where nothing was proposed), ``proposal``, ``act``, ``missed_need``,
    ``unwanted``, ``net_utility`` per 100 opportunities, ``people``.
    """
    rows: list[dict[str, object]] = []
    for name, build in builders.items():
        for world in worlds:
            for setting in settings:
                seen = play(build(world), world, setting.costs, seed=seed, people=people, steps=steps)
                paid = seen.costs(setting.costs)
                earned = metrics.utility(move=seen.move, wanted=seen.tolerance, costs=paid)
                share = metrics.share_of_limit(utility=earned, limit=clairvoyant_value(seen.tolerance, paid))
                rows.append(
                    {
                        "policy": name,
                        "law": world.law,
                        "drifting": world.hazard > 0,
                        "interruption": setting.interruption,
                        "harm": setting.harm,
                        "share": share.value,
                        "share_se": share.standard_error,
                        "acceptance": metrics.acceptance_rate(kind=seen.kind).value,
                        "proposal": metrics.proposal_rate(move=seen.move).value,
                        "act": metrics.act_rate(move=seen.move).value,
                        "missed_need": metrics.missed_need(move=seen.move, wanted=seen.tolerance).value,
                        "unwanted": metrics.unwanted_acts(move=seen.move, wanted=seen.tolerance).value,
                        "net_utility": float(100.0 * earned.mean()),
                        "people": people,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def optimum_cells(
    *, worlds: Sequence[AcceptanceWorld] = WORLDS, settings: Sequence[CostSetting] = COST_SETTINGS
) -> pl.DataFrame:
    """Return the exact optimum's share in the two-state cells (no people needed)."""
    rows = [
        {
            "policy": "optimum (two-state)",
            "law": world.law,
            "drifting": world.hazard > 0,
            "interruption": setting.interruption,
            "harm": setting.harm,
            "share": Solver().solve(world, setting.costs).share,
        }
        for world in worlds
        if world.law == "two_state"
        for setting in settings
    ]
    return pl.DataFrame(rows)


def summarise(cells: pl.DataFrame) -> pl.DataFrame:
    """Return one row per policy: ``static`` and ``drifting`` mean share and ``worst`` cell, in per cent.

    Where :data:`PUBLISHED` knows the policy, its figures stand beside.
    """
    beside = ("acceptance", "proposal", "act", "missed_need", "unwanted", "net_utility")
    table = cells.group_by("policy", maintain_order=True).agg(
        (100 * pl.col("share").filter(~pl.col("drifting")).mean()).alias("static"),
        (100 * pl.col("share").filter(pl.col("drifting")).mean()).alias("drifting"),
        (100 * pl.col("share").min()).alias("worst"),
        *[pl.col(name).mean() for name in beside if name in cells.columns],
    )
    known = pl.DataFrame(
        [(name, *figures) for name, figures in PUBLISHED.items()],
        schema=["policy", "published_static", "published_drifting", "published_worst"],
        orient="row",
    )
    return table.join(known, on="policy", how="left", maintain_order="left")


def _whatever_the_world(policy: StreamPolicy) -> Builder:
    def build(world: AcceptanceWorld) -> StreamPolicy:
        return policy

    return build
