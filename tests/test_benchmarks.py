"""``make bench`` measures what it says: the same answers from river, the plain loop and us, ratios of one run."""

import re

import pytest

from benchmarks import strategies

ROW = re.compile(r"^   (\S.*?) {2,}([\d.]+) +([\d.]+) +([\d.]+)")


def test_the_speed_table_holds_ratios_of_one_run_and_all_agree_on_the_result(monkeypatch, capsys):
    monkeypatch.setattr(strategies, "SECONDS", 0.01)
    monkeypatch.setattr(strategies, "REPEATS", 1)
    monkeypatch.setattr(strategies, "BAYES", {"fixed-share": strategies.BAYES["fixed-share"]})
    strategies.run()
    said = capsys.readouterr().out
    rows = {found[1]: [float(found[k]) for k in (2, 3, 4)] for line in said.splitlines() if (found := ROW.match(line))}
    river, loop = rows["river, EWMean x 4"], rows["plain Python loop"]
    assert river[1] == loop[2] == 1.0
    for name in (*strategies.FAMILY, "fixed-share"):
        speed, against_river, against_loop = rows[name]
        assert against_river == pytest.approx(speed / river[0], rel=0.05, abs=0.06)
        assert against_loop == pytest.approx(speed / loop[0], rel=0.05, abs=0.06)
    differences = [float(line.split()[-1]) for line in said.splitlines() if ROW.match(line)]
    assert max(differences) < 1e-12  # river, the loop and a stream alone against the batch
    assert "GB/s" in said
    assert re.search(r"target 60: (met|missed)", said)


def test_the_difference_that_is_printed_would_show_a_wrong_rule(monkeypatch):
    history = strategies._history(8, 64 * 13)
    monkeypatch.setattr(strategies, "BLOCK", 64 * 13)
    monkeypatch.setattr(strategies, "SECONDS", 0.01)
    monkeypatch.setattr(strategies, "REPEATS", 1)
    assert strategies._river(history, streams=64)[1] < 1e-12
    monkeypatch.setattr(strategies, "_ours", lambda given: 1.01 * strategies.Ewma(0.1).init(4, 64 * 13).share)
    assert strategies._river(history, streams=64)[1] > 1e-3
