"""Records: one tidy table of figures and one manifest that can rebuild the run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import persona_lab
from persona_lab.measurement import Measurement

SCHEMA: Mapping[str, Any] = {
    "scenario": pl.String,
    "strategy": pl.String,
    "parameters": pl.String,
    "seed": pl.Int64,
    "metric": pl.String,
    "value": pl.Float64,
    "standard_error": pl.Float64,
    "n": pl.Int64,
    "reason": pl.String,
}

DEPENDENCIES = ("numpy", "scipy", "polars", "pandera", "pydantic", "plotly", "scikit-learn")


def parameters(component: object) -> dict[str, Any]:
    """Return the configuration of a component, defaults resolved, nested components included.

    Arrays are given as their shape and hash, so that a manifest stays small.
    """
    described = _plain(component)
    if isinstance(described, dict):
        return described
    return {"type": type(component).__name__}


def parameters_json(component: object) -> str:
    """Return :func:`parameters` as JSON with sorted keys."""
    return json.dumps(parameters(component), sort_keys=True)


def record(
    *, scenario: str, strategy: str, parameters: str, seed: int, metric: str, figure: Measurement
) -> dict[str, Any]:
    """Return one row of the records table."""
    return {
        "scenario": scenario,
        "strategy": strategy,
        "parameters": parameters,
        "seed": seed,
        "metric": metric,
        "value": figure.value,
        "standard_error": figure.standard_error,
        "n": figure.n,
        "reason": figure.reason,
    }


def table(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return the rows as a frame in canonical order (scenario, strategy, metric, seed)."""
    return pl.DataFrame(rows, schema=dict(SCHEMA), orient="row").sort(
        "scenario", "strategy", "metric", "seed", maintain_order=True
    )


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame so that readers never see half of it: temporary name, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        frame.write_parquet(temporary, compression="zstd", statistics=True)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write text under a temporary name, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def environment() -> dict[str, Any]:
    """Return what the figures depend on besides the plan: package, git revision, interpreter, dependency versions."""
    return {
        "persona_lab": persona_lab.__version__,
        "git_revision": _git_revision(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "dependencies": {name: _version(name) for name in DEPENDENCIES},
    }


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except OSError:
        return None
    return found.stdout.strip() or None if found.returncode == 0 else None


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        return {"array": list(value.shape), "sha256": hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, (frozenset, set)):
        return sorted(_plain(item) for item in value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return {"type": type(value).__name__}
