"""Proactive alignment at full size: the sixteen cells, risk control, stated confidence, coderec, each with a target."""

import json
import os
from pathlib import Path

import polars as pl

from persona_lab.simulate.opportunities import COST_SETTINGS, AcceptanceWorld
from persona_lab.studies.coderec import replay_coderec
from persona_lab.studies.proactive import optimum_cells, policies, run_cells, summarise
from persona_lab.studies.proactive_checks import confidence_study, risk_cells

OURS = "adaptive Bayes, told nothing"
PEOPLE = 5000
SEED = 9001
"""People of this seed were never used to choose a setting (those were 101, 102, 103)."""

TRAINING_SEED = 201
FRESH_SEED = 9002

ELSEWHERE = (
    AcceptanceWorld("two_state", 0.0025),
    AcceptanceWorld("two_state", 0.04),
    AcceptanceWorld("redraw", 0.0025),
    AcceptanceWorld("redraw", 0.04),
    AcceptanceWorld("two_state", 0.01, low=0.2, high=0.7),
    AcceptanceWorld("redraw", 0.01, answer_rate=0.3),
)
"""Worlds that no setting was chosen on: a quarter and four times the hazard, closer levels, few answers."""


def run(out: Path, people: int = PEOPLE) -> None:
    """Measure every target and write the record."""
    cells = pl.concat([run_cells(policies(), seed=SEED, people=people), optimum_cells()], how="diagonal")
    table = summarise(cells)
    print(table.select("policy", "static", "drifting", "worst", "published_static", "published_drifting"), flush=True)
    cells.write_parquet(out / "proactive_cells.parquet")

    ours = table.filter(pl.col("policy") == OURS).row(0, named=True)
    our_cells = cells.filter(pl.col("policy") == OURS)
    worst = our_cells.sort("share").row(0, named=True)
    risk = risk_cells(seed=SEED, people=max(people // 5, 50))
    print(risk, flush=True)
    stated = confidence_study(
        seed=FRESH_SEED, people=max(people // 5, 50), training_seed=TRAINING_SEED, training_people=max(people // 10, 50)
    )
    late = stated.after.filter(pl.col("answers") == 31)
    elsewhere = _elsewhere(max(people // 5, 50))
    print(stated.worlds, late, elsewhere, flush=True)

    record: dict[str, object] = {
        "people": people,
        "seed": SEED,
        "summary": table.to_dicts(),
        "targets": {
            "static mean >= 96": ours["static"],
            "drifting mean >= 85": ours["drifting"],
            "worst of 16 >= 70": {"value": ours["worst"], "standard_error": 100 * worst["share_se"]},
            "risk: unwanted <= alpha + 2 SE": bool((risk["unwanted"] <= risk["alpha"] + 2 * risk["unwanted_se"]).all()),
            "risk: acting >= .8 of the bounded clairvoyant, worst cell": risk["acting"].min(),
            "confidence, one map for all: ECE <= .02": stated.worlds.filter(
                (pl.col("map") == "one map") & (pl.col("world") == "all")
            )["ece"][0],
        },
        "risk": risk.to_dicts(),
        "confidence": stated.worlds.to_dicts(),
        "confidence_after_change": stated.after.to_dicts(),
        "worlds_never_tuned_on": elsewhere.to_dicts(),
        "coderec": _coderec(),
    }
    (out / "proactive.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record["targets"], indent=2))


def _elsewhere(people: int) -> pl.DataFrame:
    chosen = {name: policies()[name] for name in (OURS, "discounted Beta .97", "Bayes told hazard and prior")}
    parts = []
    for world in ELSEWHERE:
        cells = run_cells(chosen, seed=SEED, people=people, worlds=[world], settings=COST_SETTINGS)
        shown = (
            f"{world.law} hazard {world.hazard:g} levels {world.low:g}/{world.high:g} answered {world.answer_rate:g}"
        )
        parts.append(
            cells.group_by("policy", maintain_order=True)
            .agg(mean=100 * pl.col("share").mean(), worst=100 * pl.col("share").min())
            .with_columns(world=pl.lit(shown))
        )
    return pl.concat(parts)


def _coderec() -> dict[str, object]:
    folder = Path(os.environ.get("PERSONA_LAB_DATA", Path(__file__).resolve().parents[2] / "../shared/data"))
    path = folder / "coderec" / "decisions.parquet"
    if not path.exists():
        return {"reason": "the data set is not here: set PERSONA_LAB_DATA"}
    found = replay_coderec(pl.read_parquet(path))
    return {
        "log_loss": found.log_loss.value,
        "log_loss_se": found.log_loss.standard_error,
        "auc": found.auc,
        "slope": found.slope,
        "slope_interval": [found.slope_low, found.slope_high],
        "ece": found.calibration.ece.value,
        "ece_perfect": found.calibration.ece_perfect,
        "n": found.log_loss.n,
    }
