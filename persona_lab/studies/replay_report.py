"""A replay in files: results.parquet (one row per figure), replay.json, summary.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
from scipy.special import stdtr

from persona_lab.measurement import Measurement
from persona_lab.metrics.forecast import LEVEL, Interval
from persona_lab.studies.records import environment, file_hash, write_parquet, write_text
from persona_lab.studies.replay import BASELINE, METRICS, Replay, ReplayRow
from persona_lab.studies.statistics import holm

ALPHA = 0.05
"""A difference is called one where its adjusted p is below this."""

HEADINGS = {
    "log_loss": "log-loss",
    "brier": "Brier",
    "accuracy": "accuracy",
    "auc": "AUC",
    "ece": "ECE",
    "perfect_ece": "ECE if perfect",
    "mae": "MAE",
    "rmse": "RMSE",
}
_SCHEMA = {
    "log": pl.String,
    "recipe": pl.String,
    "kind": pl.String,
    "strategy": pl.String,
    "parameters": pl.String,
    "seed": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "standard_error": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "n": pl.Int64,
    "reason": pl.String,
}


def protocol_line(made: Replay) -> str:
    """Return the protocol in one line: what every table must print beside its figures."""
    return (
        f"{made.scored} events scored of {made.events}, {made.users} users, {made.streams} streams; "
        f"probabilities clipped to [{made.clip:g}, {1 - made.clip:g}]; prior and first forecast in the table; "
        f"{LEVEL:.0%} intervals from {made.resamples} resamples of users, seed {made.seed}."
    )


def as_json(made: Replay) -> dict[str, Any]:
    """Return the replay as plain data; undefined figures are null, with their reason under ``reasons``."""
    adjusted = adjusted_p(made)
    return {
        "log": {
            "file": Path(made.log.file).name,
            "sha256": file_hash(Path(made.log.file)),
            "recipe": made.log.recipe,
            "title": made.log.title,
            "events": made.events,
            "scored": made.scored,
            "users": made.users,
            "streams": made.streams,
            "duplicates": made.log.duplicates,
            "renamed": len(made.log.renamed),
            "skipped_rows": [bad.row for bad in made.log.skipped],
        },
        "protocol": {
            "scheme": "prequential: predict, then learn",
            "clip": [made.clip, 1.0 - made.clip],
            "seed": made.seed,
            "resamples": made.resamples,
            "level": LEVEL,
            "baseline": BASELINE,
        },
        "strategies": [_row_json(row, adjusted.get(row.name)) for row in made.strategies],
        "references": [_row_json(row, None) for row in made.references],
        "notes": list(made.notes),
    }


def as_frame(made: Replay) -> pl.DataFrame:
    """Return one row per figure, in a fixed order; paired differences are metrics named ``log_loss_minus_...``."""
    rows: list[dict[str, Any]] = []
    for kind, group in (("strategy", made.strategies), ("reference", made.references)):
        for row in group:
            about = {
                "log": Path(made.log.file).name,
                "recipe": made.log.recipe,
                "kind": kind,
                "strategy": row.name,
                "parameters": json.dumps(row.parameters, sort_keys=True),
                "seed": made.seed,
            }
            for metric, figure in row.figures.items():
                rows.append(about | _flat(metric, figure, row.intervals.get(metric)))
            for metric, (figure, interval) in row.versus_baseline.items():
                rows.append(about | _flat(f"{metric}_minus_{BASELINE.replace('-', '_')}", figure, interval))
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return frame.sort("kind", "strategy", "metric", descending=[True, False, False], maintain_order=True)


def as_markdown(made: Replay) -> str:
    """Return the summary as Markdown: verdict, table, how to read it."""
    metrics = shown_metrics(made)
    head = ["strategy", "parameters", "first forecast", *(HEADINGS[metric] for metric in metrics)]
    head += [f"log-loss minus {BASELINE}"]
    lines = [
        f"# Replay of {Path(made.log.file).name}",
        "",
        made.log.title,
        "",
        verdict(made),
        "",
        protocol_line(made),
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    for row in (*made.strategies, *made.references):
        first = "" if row.first_forecast is None else f"{row.first_forecast:.3f}"
        cells = [row.name, settings(row), first, *(cell(row, metric) for metric in metrics), versus(row)]
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in cells) + " |")
    undefined = {figure.reason for row in made.strategies for figure in row.figures.values() if figure.reason}
    lines += ["", *(f"- {note}" for note in made.notes), *(f"- null: {reason}." for reason in sorted(undefined)), ""]
    return "\n".join(lines)


def write_replay(made: Replay, folder: Path) -> list[Path]:
    """Write results.parquet, replay.json and summary.md; each appears whole or not at all."""
    frame, text = as_frame(made), as_markdown(made)
    described = as_json(made) | {"environment": environment()}
    document = json.dumps(described, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_parquet(frame, folder / "results.parquet")
    write_text(document, folder / "replay.json")
    write_text(text, folder / "summary.md")
    return [folder / "results.parquet", folder / "replay.json", folder / "summary.md"]


def verdict(made: Replay) -> str:
    """Return who forecasts these users best, and whether that is more than luck against the running count."""
    best = made.strategies[0]
    value = best.figures["log_loss"].value
    if value is None:
        return "Nothing could be scored."
    said = f"On these {made.users} users {best.name} forecasts best: log-loss {value:.3f}"
    if best.name == BASELINE or "log_loss" not in best.versus_baseline:
        return said + "."
    difference, interval = best.versus_baseline["log_loss"]
    if difference.value is None or interval.low is None or interval.high is None:
        return said + f", {difference.value:+.3f} against the running count (one user: no interval)."
    adjusted = adjusted_p(made)
    p, many = adjusted[best.name], len(adjusted)
    family = "" if many == 1 else f" after Holm's correction for the {many} rules compared with it"
    sure = "" if p < ALPHA else ": no difference that luck would not explain"
    return (
        said
        + f", {difference.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}] against the running count, "
        + f"p {_probability(p)}{family}{sure}. It is the best of {len(made.strategies)} rules on these very users, "
        "chosen in hindsight: on new people expect a little less."
    )


def adjusted_p(made: Replay) -> dict[str, float]:
    """Return, for every rule compared with the running count, the two-sided p of its log-loss, adjusted by Holm.

    A t test of the paired difference on its user-level standard error, users - 1 degrees of freedom.
    """
    found: dict[str, float] = {}
    for row in made.strategies:
        difference = row.versus_baseline["log_loss"][0] if "log_loss" in row.versus_baseline else None
        if difference is None or difference.value is None or difference.standard_error is None:
            continue
        if difference.standard_error == 0.0:
            found[row.name] = 1.0 if difference.value == 0.0 else 0.0
        else:
            found[row.name] = 2.0 * float(stdtr(made.users - 1, -abs(difference.value / difference.standard_error)))
    return dict(zip(found, holm(list(found.values())), strict=True))


def _probability(p: float) -> str:
    return "< .001" if p < 0.001 else f"= {p:.3f}".replace("0.", ".")


def shown_metrics(made: Replay) -> list[str]:
    """Return the metrics that are defined for at least one rule."""
    rows = (*made.strategies, *made.references)
    return [metric for metric in METRICS if any(row.figures[metric].value is not None for row in rows)]


def settings(row: ReplayRow) -> str:
    """Return the configuration in short: ``rate=0.1``."""
    plain = {key: value for key, value in row.parameters.items() if key != "type"}
    shown = ", ".join(f"{key}={_short(value)}" for key, value in plain.items())
    return shown if len(shown) <= 60 else shown[:57] + "..."


def cell(row: ReplayRow, metric: str) -> str:
    """Return a figure with its interval."""
    figure, interval = row.figures[metric], row.intervals.get(metric)
    if figure.value is None:
        return "-"
    text = f"{figure.value:.3f}"
    if interval is None or interval.low is None or metric not in ("log_loss", "mae"):
        return text
    return f"{text} [{interval.low:.3f}, {interval.high:.3f}]"


def versus(row: ReplayRow) -> str:
    """Return the paired difference in log-loss to the running count."""
    if "log_loss" not in row.versus_baseline:
        return "-"
    difference, interval = row.versus_baseline["log_loss"]
    if difference.value is None:
        return "-"
    text = f"{difference.value:+.3f}"
    return text if interval.low is None else f"{text} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _row_json(row: ReplayRow, adjusted: float | None) -> dict[str, Any]:
    figures = row.figures
    return {
        "name": row.name,
        "parameters": row.parameters,
        "prior": row.parameters.get("prior"),
        "first_forecast": row.first_forecast,
        **{metric: figures[metric].value for metric in (*METRICS, "perfect_ece")},
        "n": figures["log_loss"].n,
        "standard_errors": {metric: figure.standard_error for metric, figure in figures.items()},
        "intervals": {metric: [interval.low, interval.high] for metric, interval in row.intervals.items()},
        "versus_running_count": {
            metric: {
                "difference": figure.value,
                "standard_error": figure.standard_error,
                "low": interval.low,
                "high": interval.high,
            }
            for metric, (figure, interval) in row.versus_baseline.items()
        },
        "log_loss_p_holm": adjusted,
        "reasons": {metric: figure.reason for metric, figure in figures.items() if figure.reason is not None},
    }


def _flat(metric: str, figure: Measurement, interval: Interval | None) -> dict[str, Any]:
    return {
        "metric": metric,
        "value": figure.value,
        "standard_error": figure.standard_error,
        "low": None if interval is None else interval.low,
        "high": None if interval is None else interval.high,
        "n": figure.n,
        "reason": figure.reason,
    }


def _short(value: object) -> str:
    if isinstance(value, dict):
        inner = {key: item for key, item in value.items() if key != "type"}
        return f"{value.get('type', '')}({', '.join(f'{key}={_short(item)}' for key, item in inner.items())})"
    if isinstance(value, list) and len(value) > 3:
        return f"({len(value)} values)"
    if isinstance(value, list):
        return f"({', '.join(_short(item) for item in value)})"
    return f"{value:g}" if isinstance(value, float) else str(value)
