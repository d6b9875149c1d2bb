"""Scenario files: what is written is read back; each mistake gets one clear error."""

from dataclasses import replace

import pytest

from persona_lab.errors import InputError
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.paths import Types
from persona_lab.simulate.scenario_files import dump_scenario, load_scenario
from persona_lab.simulate.scenarios import SCENARIOS, Scenario

GOOD = """
id = "mine_v1"
options = 3
interactions = 50
[path]
kind = "switch"
hazard = 0.02
[channel]
noise = 0.1
"""


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.id)
def test_every_scenario_survives_a_file(scenario, tmp_path):
    file = tmp_path / "scenario.toml"
    file.write_text(dump_scenario(scenario, comment="made by a test\nin two lines"), encoding="utf-8")
    loaded = load_scenario(file)
    assert loaded == replace(scenario, tags=())


def test_a_mixture_of_kinds_survives_a_file(tmp_path):
    path = Types(shares=(0.25, 0.75), hazards=(0.0, 0.1), noises=(0.02, 0.2), exception_rates=(0.0, 0.05))
    file = tmp_path / "kinds.toml"
    file.write_text(dump_scenario(Scenario("kinds_v1", path, Channel(0.1))), encoding="utf-8")
    assert load_scenario(file).path == path


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("hazard = 0.02", "hazard = 1.5"), r"path\.hazard.*1\.5.*probability in \[0, 1\]"),
        (("hazard = 0.02", "hazard = true"), "no numbers"),
        (("hazard = 0.02", "hazard = nan"), "nan is no number"),
        (("hazard = 0.02", 'hazard = "often"'), "wrong type"),
        (("hazard = 0.02", ""), r"path\.hazard.*missing"),
        (("hazard = 0.02", "hazrad = 0.02"), "Did you mean 'hazard'"),
        (('kind = "switch"', 'kind = "sudden"'), "unknown path.*Use one of stable"),
        (('kind = "switch"', ""), "no kind"),
        (("options = 3", "options = 0"), "options.*2 to 6"),
        (("interactions = 50", "interactions = -5"), "interactions.*-5.*at least 1"),
        (("[channel]\nnoise = 0.1", ""), r"\[channel\] is missing"),
        (("noise = 0.1", "noise = -0.1"), r"channel\.noise"),
        (("[path]", "[path"), "not TOML"),
        (('id = "mine_v1"', "users = -3"), "users.*-3.*at least 1"),
        (('id = "mine_v1"', "people = 3"), "unknown key"),
        (("noise = 0.1", "noise = 0.1\nweights = 3"), "a table was expected"),
        (("noise = 0.1", "noise = 0.1\n[channel.trust]\nstart = 0.5\ngain = 2.0\nloss = 0.1"), "channel.trust.gain"),
    ],
)
def test_each_mistake_gets_one_clear_error(change, says, tmp_path):
    file = tmp_path / "scenario.toml"
    assert change[0] in GOOD
    file.write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(InputError, match=says) as caught:
        load_scenario(file)
    assert "scenario.toml" in str(caught.value)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_scenario(tmp_path / "absent.toml")
