"""Every simple rule on three real logs, at its default and tuned on the other people; the controls beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.evidence.bayes_logs import data_folder, load
from persona_lab.catalog import STRATEGIES
from persona_lab.datasets.log import load_log
from persona_lab.protocols import UpdateStrategy
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.studies.forecasts import CLIP, Outcomes, log_loss
from persona_lab.studies.replay import BASELINE, replay
from persona_lab.studies.replay_report import adjusted_p
from persona_lab.studies.replay_strategies import SETTINGS

FILES = {
    "ada_learn": "prob.parquet",
    "kaist_distraction": "dataset.csv",
    "coderec": "decisions.parquet",
}
SEED = 20_263
RATES = np.geomspace(0.005, 0.8, 25)
STRENGTHS = np.geomspace(0.25, 250.0, 25)
"""Settings of the two rules that start from the other people's rate: the range of EWMA's knob, and of a prior's."""


def run(out: Path) -> None:
    """Write ``simple_rules_logs.json``.

    Filters over worlds are not simple, and made for one option at a time rather than for rates: ``bayes_logs.json`` has
    the filter for those.
    """
    rules: dict[str, UpdateStrategy] = {
        name: rule for name, rule in STRATEGIES.items() if not isinstance(rule, HierarchicalBayes)
    }
    rules[BASELINE] = SETTINGS[BASELINE]
    logs, rows = {}, []
    for name, file in FILES.items():
        path = data_folder() / name / file
        if not path.exists():
            logs[name] = {"reason": "the data set is not here: set PERSONA_LAB_DATA"}
            continue
        log = load_log(path, name)
        made = replay(log, rules, seed=SEED, tuned=True, sequence=_sequences(path, log.frame))
        logs[name] = {"people": made.users, "events": made.scored, "clip": CLIP, "notes": list(made.notes)}
        adjusted = adjusted_p(made)
        for row in (*made.strategies, *made.references):
            difference = row.versus_baseline["log_loss"] if row.versus_baseline else None
            rows.append(
                {
                    "log": name,
                    "rule": row.name if row in made.strategies else f"{row.name} (in the log)",
                    "parameters": row.parameters if row.name.endswith("(tuned)") else None,
                    **_figure("log_loss", row.figures["log_loss"], row.intervals["log_loss"]),
                    **_figure("accuracy", row.figures["accuracy"], None),
                    **_figure("mae", row.figures["mae"], None),
                    **({} if difference is None else _figure("against_running_count", *difference)),
                    "p_holm": adjusted.get(row.name),
                }
            )
        outcomes, _ = load(name)
        for started in ("ewma", "running-count"):
            before, used = from_others(outcomes, started)
            found = log_loss(outcomes=outcomes, before=before)
            rows.append(
                {
                    "log": name,
                    "rule": f"{started} from the others' rate (tuned)",
                    "parameters": {"settings": sorted({round(float(value), 4) for value in used})},
                    **_figure("log_loss", found, None),
                }
            )
        best = sorted((row for row in rows if row["log"] == name), key=lambda row: row["log_loss"])[:6]
        print("   " + name + ": " + ", ".join(f"{row['rule']} {row['log_loss']:.4f}" for row in best), flush=True)
    record = {"seed": SEED, "logs": logs, "rows": rows}
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    text = json.dumps({key: value for key, value in record.items() if key != "rows"}, indent=1)[:-2]
    (out / "simple_rules_logs.json").write_text(f'{text},\n "rows": [\n  {lines}\n ]\n}}\n')


def _figure(name: str, found: Any, interval: Any) -> dict[str, Any]:
    """Return a figure with its standard error over people, and its bootstrap interval where there is one."""
    given = {name: found.value, f"{name}_standard_error": found.standard_error}
    return given if interval is None else given | {f"{name}_interval": [interval.low, interval.high]}


def _sequences(path: Path, frame: pl.DataFrame) -> NDArray[np.int64] | None:
    """Return which shown sequence each row belongs to, where people were shown the same ones."""
    if path.suffix != ".parquet" or "sequence_id" not in pl.read_parquet_schema(path):
        return None
    shown = pl.read_parquet(path, columns=["sequence_id"])["sequence_id"].rank("dense").cast(pl.Int64).to_numpy()
    numbers: NDArray[np.int64] = shown[frame["row"].to_numpy() - 1]
    return numbers


def from_others(outcomes: Outcomes, rule: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Forecast every person starting from the other people's rate, with the setting best for them.

    The catalogue's rules start at even odds, while the Bayes filter of ``bayes_logs.json`` learns where to start from
    other people: these two controls may too. Returns (steps, streams) forecasts, and the setting of each person.
    """
    settings = RATES if rule == "ewma" else STRENGTHS
    forecasts = np.full(outcomes.happened.shape, np.nan)
    used = []
    for person in np.unique(outcomes.person):
        own = outcomes.person == person
        others = ~own & ~np.isin(outcomes.sequence, outcomes.sequence[own])
        heard = outcomes.happened[:, others]
        start = float((heard == 1).sum() / (heard >= 0).sum())
        said = _followed(heard, rule, settings, start)
        chance = np.where(heard == 1, said, 1.0 - said).clip(CLIP, 1.0 - CLIP)
        losses = np.where(heard >= 0, -np.log(chance), 0.0).sum(axis=(1, 2))
        best = settings[int(losses.argmin())]
        used.append(best)
        forecasts[:, own] = _followed(outcomes.happened[:, own], rule, np.array([best]), start)[0]
    return forecasts, np.array(used)


def _followed(
    happened: NDArray[np.int8], rule: str, settings: NDArray[np.float64], start: float
) -> NDArray[np.float64]:
    """Return (settings, steps, streams) forecasts before each outcome."""
    said = np.empty((len(settings), *happened.shape))
    rate = np.full((len(settings), happened.shape[1]), start)
    seen = np.zeros(happened.shape[1])
    for step, outcome in enumerate(happened):
        said[:, step] = rate
        gain = settings[:, np.newaxis] if rule == "ewma" else 1.0 / (settings[:, np.newaxis] + seen + 1.0)
        rate = np.where(outcome >= 0, rate + gain * (outcome - rate), rate)
        seen += outcome >= 0
    return said
