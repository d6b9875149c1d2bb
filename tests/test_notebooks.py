"""Every notebook runs from top to bottom at small scale, ends in assertions, and is committed without outputs."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TIMEOUT = 240
"""Seconds per cell."""


def _cells(path: Path, kind: str) -> list[str]:
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == kind]


def _by_name(path: Path) -> str:
    return path.stem


def test_there_are_notebooks():
    assert NOTEBOOKS, "notebooks/ is empty: the tests below would pass without looking at anything"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=_by_name)
def test_is_committed_without_outputs(path):
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs"), "clear the outputs before committing"
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=_by_name)
def test_last_code_cell_asserts_the_claims(path):
    tree = ast.parse(_cells(path, "code")[-1])
    asserted = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert asserted
    assert not any(isinstance(node.test, ast.Constant) for node in asserted), "an assertion that is always true"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=_by_name)
def test_every_figure_is_explained(path):
    shown = "\n".join(_cells(path, "markdown")).count("Reading this figure")
    assert shown >= 1


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=_by_name)
def test_runs_from_top_to_bottom(path, monkeypatch, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="the extra 'notebooks' is not installed")
    nbformat = pytest.importorskip("nbformat", reason="the extra 'notebooks' is not installed")
    pytest.importorskip("ipykernel", reason="the extra 'notebooks' is not installed")
    monkeypatch.delenv("PERSONA_LAB_SCALE", raising=False)
    # ipykernel reads its settings from here: a user's own must not decide whether a test passes.
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    # The kernel is another process: it does not see pytest's "warnings are errors".
    client = nbclient.NotebookClient(
        notebook,
        timeout=TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute(env=dict(os.environ))
    failed = [cell for cell in notebook.cells if any(out.output_type == "error" for out in cell.get("outputs", []))]
    assert not failed
