"""Summaries at full size: six strategies and two controls, on three update rules, in four kinds of population."""

from pathlib import Path

import polars as pl

from persona_lab.studies.summaries import crossed_study

PEOPLE = 60
SEED = 9102
"""People of this seed chose nothing."""


def run(out: Path, people: int = PEOPLE) -> None:
    """Measure and write the record."""
    table = crossed_study(seed=SEED, people=people)
    table.write_parquet(out / "summaries.parquet")
    reader = table.filter(pl.col("metric") == "reader's error rate")
    print(reader.pivot(on="update", index=["scenario", "summary"], values="value"), flush=True)
