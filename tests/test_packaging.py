"""What a newcomer relies on: light imports, README blocks that run, layers that hold, one place for chance."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "persona_lab").rglob("*.py"))


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT)


def test_importing_the_package_takes_under_half_a_second_of_cpu_and_loads_nothing_heavy():
    code = (
        "import time; start = time.process_time(); import persona_lab; spent = time.process_time() - start;"
        "import sys, json; print(json.dumps([spent, 'torch' in sys.modules, 'sklearn' in sys.modules]))"
    )
    spent, torch, sklearn = min(json.loads(run_python(code).stdout) for _ in range(3))
    assert spent < 0.5
    assert not torch
    assert not sklearn


def test_the_parts_load_neither_torch_nor_scikit_learn():
    code = (
        "import sys, persona_lab.catalog, persona_lab.studies.runner, persona_lab.text, persona_lab.checks;"
        "print([name for name in ('torch', 'sklearn', 'sentence_transformers', 'plotly') if name in sys.modules])"
    )
    ran = run_python(code)
    assert ran.stdout.strip() == "[]", ran.stdout + ran.stderr


def test_the_readme_blocks_run_as_they_stand():
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 2
    ran = run_python("\n".join(blocks))
    assert ran.returncode == 0, ran.stderr
    assert 0.0 < float(ran.stdout.split()[-1]) < 0.5


def test_the_readme_recipe_reads_the_log_that_it_describes(tmp_path):
    from persona_lab.datasets.log import load_log

    recipe = re.search(r"```toml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    (tmp_path / "my_log.toml").write_text(recipe, encoding="utf-8")
    (tmp_path / "my_log.csv").write_text(
        "person,when,topic,suggestion,answer,instead\n"
        'ada,2026-01-05T09:00:00Z,meeting_time,morning,"no, rather",afternoon\n'
        "ada,2026-01-06T09:00:00Z,meeting_time,afternoon,yes,\n",
        encoding="utf-8",
    )
    log = load_log(tmp_path / "my_log.csv", tmp_path / "my_log.toml")
    assert log.frame["kind"].to_list() == ["corrected", "accepted"]


def test_the_layers_hold():
    found = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout


def test_components_never_import_one_another():
    families = ("strategies", "detectors", "summaries", "policies", "text")
    for family in families:
        for file in (ROOT / "persona_lab" / family).glob("*.py"):
            imported = set(re.findall(r"from persona_lab\.(\w+)", file.read_text(encoding="utf-8")))
            assert not imported & (set(families) - {family}), file


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\bnp\.random\.(?!Generator\b)", "chance has one owner"),
        (r"\bdatetime\.now\(|\bdate\.today\(|\btime\.time\(", "time is a function of the log, not of the wall clock"),
    ],
)
def test_chance_and_time_have_one_owner(pattern, why):
    owners = {"randomness.py"}
    for file in SOURCES:
        if file.name in owners or "cli" in file.parts:
            continue
        assert not re.search(pattern, file.read_text(encoding="utf-8")), f"{file}: {why}"


def test_the_top_level_datasets_folder_holds_no_python():
    assert not list((ROOT / "datasets").rglob("*.py"))


def test_every_installed_version_is_pinned_by_name_and_version_alone():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    assert "torch==2.13.0" in lines
    pinned = {line.partition("==")[0].lower().replace("_", "-") for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = project["dependencies"] + [
        item for extra, items in project["optional-dependencies"].items() if extra != "all" for item in items
    ]
    names = {re.match(r"[A-Za-z0-9_-]+", item).group().lower().replace("_", "-") for item in wanted}
    assert names <= pinned
