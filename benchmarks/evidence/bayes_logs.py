"""Real logs forecast by a Bayes filter that was never told the hazard, fitted on other people."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.measurement import Measurement
from persona_lab.strategies.rate_filter import RateFilter
from persona_lab.studies.forecasts import Outcomes, absolute_error, cross_fitted, log_loss
from persona_lab.studies.nested_forecasts import Candidate, nested

TARGETS = {
    "ada_learn": {"log_loss": 0.634, "mae": 0.140},
    "kaist_distraction": {"log_loss": 0.450},
    "coderec": {"log_loss": 0.615},
}
IDEAL = "ideal_observer_estimate"
"""Column of the exact Bayesian observer that the data set ships, told the hazard; printed beside ours."""

RULE = RateFilter(event=1)
"""One grid for all three logs; only the prior over its worlds is learnt, from the other people of the same log. The
grid was settled on after its scores on these logs had been seen: the nested rows are the figures to quote."""

HAZARDS = ((0.0001,), RULE.hazards, (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3))
MEANS = (RULE.means, tuple(round(0.1 * tenth, 1) for tenth in range(1, 10)))
STRENGTHS = (RULE.strengths, (*RULE.strengths, 128.0, 256.0))
STUBBORNNESS = (1.0, 0.3, 3.0)
CANDIDATES = tuple(
    Candidate(RateFilter(event=1, hazards=hazards, means=means, strengths=strengths), kept)
    for hazards in HAZARDS
    for means in MEANS
    for strengths in STRENGTHS
    for kept in STUBBORNNESS
)
"""What nested cross-fitting chooses from, on other people only: no jumps, jumps, or jumps of finer paces; coarse or
fine means; laws up to almost certain; how far the even prior is kept."""

GROUPS = {"ada_learn": 11, "kaist_distraction": 34, "coderec": 11}
"""Groups of people left out in turn: one person each, but five of ada_learn's 55."""


def data_folder() -> Path:
    return Path(os.environ.get("PERSONA_LAB_DATA", Path(__file__).resolve().parents[2] / "../shared/data"))


def side_by_side(
    frame: pl.DataFrame, stream: list[str], person: str, value: str, sequence: str | None = None
) -> tuple[Outcomes, NDArray[np.int64]]:
    """Return outcomes (steps, streams) of a frame in order, and the first row of each stream."""
    groups = (
        frame.with_row_index("row")
        .group_by(stream, maintain_order=True)
        .agg(
            pl.col(value),
            pl.col(person).first().alias("person"),
            pl.col(sequence or "row").first().alias("sequence"),
            pl.col("row"),
        )
    )
    longest = max(len(values) for values in groups[value])
    happened = np.full((longest, groups.height), -1, dtype=np.int8)
    row = np.full((longest, groups.height), -1, dtype=np.int64)
    for column, (values, rows) in enumerate(zip(groups[value], groups["row"], strict=True)):
        happened[: len(values), column] = values.to_numpy()
        row[: len(values), column] = rows.to_numpy()
    people = np.unique(groups["person"].to_numpy(), return_inverse=True)[1]
    return Outcomes(happened, people.astype(np.int64), groups["sequence"].to_numpy().astype(np.int64)), row


def load(name: str) -> tuple[Outcomes, NDArray[np.float64] | None]:
    """Return the outcomes of a log and, for ada_learn, the true rate and the ideal observer's after each."""
    folder = data_folder() / name
    if name == "ada_learn":
        frame = pl.read_parquet(folder / "prob.parquet").sort("run_id", "session", "trial")
        outcomes, row = side_by_side(frame, ["run_id", "session"], "user_id", "outcome", "sequence_id")
        return outcomes, np.stack([frame[name].to_numpy()[row] for name in ("true_parameter", IDEAL)])
    if name == "coderec":
        frame = pl.read_parquet(folder / "decisions.parquet").sort("user_id", "seq")
        return side_by_side(frame, ["user_id"], "user_id", "accepted")[0], None
    text = (folder / "dataset.csv").read_bytes().decode("cp949")
    frame = pl.read_csv(io.StringIO(text), infer_schema_length=None).with_columns(
        pl.col("start_time").str.strip_chars().cast(pl.Int64),
        unwelcome=(pl.col("perceived_distraction") >= 3).cast(pl.Int8),
    )
    return side_by_side(frame.sort("pid", "start_time", maintain_order=True), ["pid"], "pid", "unwelcome")[0], None


def figure(name: str, metric: str, found: Measurement) -> dict[str, object]:
    target = TARGETS[name][metric]
    return {
        "log": name,
        "metric": metric,
        "value": found.value,
        "standard_error": found.standard_error,
        "people": found.n,
        "target": target,
        "met": found.value is not None and found.value <= target,
    }


def run(out: Path) -> None:
    rows: list[dict[str, object]] = []
    for name in TARGETS:
        if not (data_folder() / name).exists():
            rows.append({"log": name, "reason": "the data set is not here: set PERSONA_LAB_DATA"})
            continue
        outcomes, truth = load(name)
        forecasts = cross_fitted(outcomes, RULE)
        fixed = {"by": "grid fixed, after its scores had been seen"}
        rows.append({**fixed, **figure(name, "log_loss", log_loss(outcomes=outcomes, before=forecasts.before))})
        if truth is not None:
            true, ideal = truth
            before = np.vstack([np.full((1, ideal.shape[1]), 0.5), ideal[:-1]])
            error = absolute_error(outcomes=outcomes, after=forecasts.after, truth=true)
            rows.append({**fixed, **figure(name, "mae", error)})
            rows += [
                {"by": IDEAL, **figure(name, "log_loss", log_loss(outcomes=outcomes, before=before))},
                {"by": IDEAL, **figure(name, "mae", absolute_error(outcomes=outcomes, after=ideal, truth=true))},
            ]
        found = nested(outcomes, CANDIDATES, groups=GROUPS[name])
        used = [CANDIDATES[place] for place in sorted(set(found.chosen))]
        about = {
            "by": "grid chosen by nested cross-fitting",
            "candidates": len(CANDIDATES),
            "groups": GROUPS[name],
            "chosen": [
                {
                    "hazards": candidate.base.hazards,
                    "means": len(candidate.base.means),
                    "strengths": len(candidate.base.strengths),
                    "stubbornness": candidate.stubbornness,
                    "groups": sum(CANDIDATES[place] == candidate for place in found.chosen),
                }
                for candidate in used
            ],
        }
        loss = log_loss(outcomes=outcomes, before=found.forecasts.before)
        rows.append({**about, **figure(name, "log_loss", loss)})
        if truth is not None:
            error = absolute_error(outcomes=outcomes, after=found.forecasts.after, truth=true)
            rows.append({**about, **figure(name, "mae", error)})
        for row in rows:
            if row["log"] == name:
                print("   " + json.dumps({key: row.get(key) for key in ("log", "by", "metric", "value")}), flush=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / "bayes_logs.json").write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    run(Path(sys.argv[1] if len(sys.argv) > 1 else "reports/evidence"))
