"""Every proactive figure builds from its frame, names its axes and draws what it was given."""

import numpy as np
import polars as pl
import pytest

from persona_lab.metrics.proactive import reliability, risk_coverage
from persona_lab.report import proactive_figures as draw
from persona_lab.simulate.opportunities import COST_SETTINGS, WORLDS
from persona_lab.simulate.opportunity_limits import Solver
from persona_lab.studies.proactive import optimum_cells, policies, run_cells, summarise
from persona_lab.studies.proactive_checks import risk_cells
from persona_lab.studies.proactive_confidence import RAW


@pytest.fixture(scope="module")
def cells():
    chosen = {name: policies()[name] for name in ("never", "always suggest", "discounted Beta .97")}
    return pl.concat([run_cells(chosen, seed=1, people=64, steps=30), optimum_cells()], how="diagonal")


def titles(figure):
    return [axis.title.text for axis in (*figure.select_xaxes(), *figure.select_yaxes())]


def test_cells_figure(cells):
    figure = draw.cells_figure(cells, ["optimum (two-state)", "discounted Beta .97"])
    assert [len(trace.x) for trace in figure.data] == [4, 8]
    assert "%" in figure.layout.yaxis.title.text


def test_beside_acceptance_shows_undefined_as_none(cells):
    figure = draw.beside_acceptance_figure(summarise(cells))
    rows = list(figure.data[0].y)
    assert figure.data[0].text[rows.index("never")] == "none"
    assert "optimum (two-state)" not in rows
    assert sum("<br>" in (title or "") for title in titles(figure)) == 5


def test_other_figures_have_titles_and_axes():
    world = WORLDS[2]
    solved = {s.name: Solver(points=101, steps=20).solve(world, s.costs) for s in COST_SETTINGS[:2]}
    stated, happened = np.linspace(0.05, 0.95, 200), np.arange(200) % 2 == 0
    after = pl.DataFrame(
        {"answers": [0, 1], "ece": [0.4, 0.1], "ece_perfect": [0.02, 0.02], "n": [9, 9], "map": RAW, "law": "redraw"}
    )
    figures = [
        draw.threshold_figure(solved, dict.fromkeys(solved, 0.1)),
        draw.after_change_figure(after),
        draw.reliability_figure({"a": reliability(stated=stated, happened=happened)}),
        draw.risk_coverage_figure({"a": risk_coverage(stated=stated, wanted=happened)}),
        draw.risk_control_figure(
            risk_cells((0.1,), seed=1, people=64, steps=40, worlds=WORLDS[2:], settings=COST_SETTINGS[:1])
        ),
    ]
    for figure in figures:
        assert figure.layout.title.text
        assert all(titles(figure))
        assert len(figure.data) >= 1
