"""Proactive alignment at full size: the sixteen cells, risk control, stated confidence, coderec, each with a target."""

import json
import os
from pathlib import Path

import polars as pl

from persona_lab.simulate.opportunities import COST_SETTINGS, AcceptanceWorld
from persona_lab.studies.coderec import replay_coderec
from persona_lab.studies.proactive import optimum_cells, policies, run_cells, summarise
from persona_lab.studies.proactive_checks import risk_cells
from persona_lab.studies.proactive_confidence import LIMIT, MAPPED, RAW, SHIPPED, confidence_study

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
    few = max(people // 5, 50)
    stated = confidence_study(seed=FRESH_SEED, people=few, training_seed=TRAINING_SEED, training_people=few // 2)
    strange = _honesty_elsewhere(few // 2)
    elsewhere = _elsewhere(few)
    print(stated.worlds, strange, elsewhere, flush=True)

    record: dict[str, object] = {
        "people": people,
        "seed": SEED,
        "summary": table.to_dicts(),
        "targets": {
            "static mean >= 96": ours["static"],
            "drifting mean >= 85": ours["drifting"],
            "worst of 16 >= 70": {"value": ours["worst"], "standard_error": 100 * worst["share_se"]},
            "risk: unwanted <= alpha + 2 SE, every cell": bool(
                (risk["unwanted"] <= risk["alpha"] + 2 * risk["unwanted_se"]).all()
            ),
            "risk: acting >= .8 of the bounded clairvoyant, worst cell": _least_acting(risk),
            "confidence as shipped, all worlds together: ECE <= .02": _ece(stated.worlds, SHIPPED, "all"),
            "confidence as shipped, least honest world: ECE <= .02": max(
                _ece(stated.worlds, SHIPPED, world) for world in stated.worlds["world"].unique()
            ),
            "confidence as shipped, by world": {
                world: {name: _ece(stated.worlds, name, world) for name in (RAW, MAPPED, SHIPPED, LIMIT)}
                for world in stated.worlds["world"].unique(maintain_order=True)
            },
            "confidence as shipped, after a change: answers until ECE <= .05": {
                law: _answers_until(stated.after, SHIPPED, law)
                for law in stated.after["law"].unique(maintain_order=True)
            },
        },
        "risk": risk.to_dicts(),
        "confidence": stated.worlds.to_dicts(),
        "confidence_after_change": stated.after.to_dicts(),
        "confidence_in_worlds_never_fitted_on": strange.to_dicts(),
        "worlds_never_tuned_on": elsewhere.to_dicts(),
        "coderec": _coderec(),
    }
    (out / "proactive.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record["targets"], indent=2))


def _least_acting(risk: pl.DataFrame) -> dict[str, object]:
    columns = ("acting", "acting_se", "alpha", "law", "drifting", "interruption", "harm")
    return risk.drop_nulls("acting").sort("acting").select(columns).row(0, named=True)


def _ece(worlds: pl.DataFrame, name: str, world: str) -> float:
    return float(worlds.filter((pl.col("map") == name) & (pl.col("world") == world))["ece"][0])


def _answers_until(after: pl.DataFrame, name: str, law: str, target: float = 0.05) -> int | None:
    """Return the answers since a change from which on the ECE stays at or below the target."""
    rows = after.filter((pl.col("map") == name) & (pl.col("law") == law)).sort("answers")
    above = rows.filter(pl.col("ece") > target)["answers"]
    later = rows.filter(pl.col("answers") > (above.max() if len(above) else -1))["answers"]
    return int(later.min()) if len(later) else None  # type: ignore[arg-type]  # a column of counts


def _shown(world: AcceptanceWorld) -> str:
    return f"{world.law} hazard {world.hazard:g} levels {world.low:g}/{world.high:g} answered {world.answer_rate:g}"


def _honesty_elsewhere(people: int) -> pl.DataFrame:
    parts = []
    for world in ELSEWHERE:
        found = confidence_study(
            seed=FRESH_SEED, people=people, training_seed=TRAINING_SEED, training_people=people // 2, worlds=[world]
        )
        rows = found.worlds.filter(pl.col("world") != "all").with_columns(world=pl.lit(_shown(world)))
        parts.append(rows.filter(pl.col("map") != LIMIT))
    return pl.concat(parts)


def _elsewhere(people: int) -> pl.DataFrame:
    chosen = {name: policies()[name] for name in (OURS, "discounted Beta .97", "Bayes told hazard and prior")}
    parts = []
    for world in ELSEWHERE:
        cells = run_cells(chosen, seed=SEED, people=people, worlds=[world], settings=COST_SETTINGS)
        parts.append(
            cells.group_by("policy", maintain_order=True)
            .agg(mean=100 * pl.col("share").mean(), worst=100 * pl.col("share").min())
            .with_columns(world=pl.lit(_shown(world)))
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
