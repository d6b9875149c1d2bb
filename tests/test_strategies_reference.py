"""The simple rules reproduce the published table, and the README's rule runs as it is printed."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.studies.reference import CELLS, RATIOS, reproduce

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.parametrize("cell", [cell for cell in CELLS if not cell.startswith("gradual")])
def test_simple_rules_reproduce_the_published_ratios(cell: str) -> None:
    # The gradual cell, whose limit is a particle filter, is in the evidence run.
    rows = reproduce([SCENARIOS[cell]], {name: STRATEGIES[name] for name in RATIOS}, seed=11, users=300)
    assert [row.rule for row in rows] == ["limit", *RATIOS]
    # 64 figures at 3 standard errors: about one in six such suites would break a bound of 3 by luck alone.
    assert {(row.rule, row.published, round(row.value, 3)) for row in rows if abs(row.z) > 3.0} == set()


def test_the_readme_strategy_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.S) if "Composed" in block]
    assert len(blocks) == 2
    script = tmp_path / "mine.py"
    script.write_text("\n".join(blocks))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="mine")
    assert 0.0 < float(capsys.readouterr().out) < 0.75
