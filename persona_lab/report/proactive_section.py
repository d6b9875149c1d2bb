"""The report's part on acting unasked: what each policy earns, beside what its acceptance rate hides."""

from __future__ import annotations

import polars as pl

from persona_lab.report.proactive_figures import cells_figure
from persona_lab.report.sections import UNDEFINED, Cell, Drawing, Section, Table, name_cell, signed
from persona_lab.studies.proactive import optimum_cells, policies, run_cells, summarise

PEOPLE = 128
"""People per cell: enough for a few points of standard error; `make evidence` runs thousands."""

COMPARED = (
    "never",
    "always suggest",
    "always act",
    "approval >= .8 act, else nothing",
    "approval >= .8 act, else suggest",
    "approval >= .8 act, >= .5 suggest, else nothing",
    "discounted Beta .97",
    "adaptive Bayes, told nothing",
    "Bayes told hazard and prior",
)
"""The controls, the three readings of the vendor's sentence, the rules that learn, and the reference that is told."""

DRAWN = ("optimum (two-state)", *COMPARED[-3:], "always suggest", "approval >= .8 act, else nothing")
TOLD = ("optimum (two-state)", "Bayes told hazard and prior")
VENDOR = "approval >= .8 act, else nothing"

COLUMNS = (
    ("static", "still people, %", 1.0, 0),
    ("drifting", "drifting people, %", 1.0, 0),
    ("worst", "worst cell, %", 1.0, 0),
    ("acceptance", "acceptance, %", 100.0, 0),
    ("proposal", "proposals, % of chances", 100.0, 0),
    ("missed_need", "missed need, %", 100.0, 0),
    ("unwanted", "unwanted acts, % of chances", 100.0, 1),
    ("net_utility", "net utility per 100", 1.0, 1),
)
"""Column of the summary, heading, factor, digits."""


def proactive_section(*, seed: int, people: int = PEOPLE) -> Section:
    """Play every compared policy in the sixteen cells and return its section of the report.

    Parameters
    ----------
    seed
        Luck; every policy meets the same.
    people
        People per cell.
    """
    known = policies()
    cells = pl.concat(
        [run_cells({name: known[name] for name in COMPARED}, seed=seed, people=people), optimum_cells()], how="diagonal"
    )
    drawn = cells_figure(cells, list(DRAWN))
    drawn.update_layout(legend={"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0}, margin={"t": 110})
    drawn.update_xaxes(tickangle=0, tickfont={"size": 11})
    table = summarise(cells).sort("drifting", "policy", descending=[True, False])
    return Section(
        "Acting unasked",
        prose=_verdict(table, people),
        drawings=(
            Drawing(
                name="proactive",
                choices=(("drifting people", drawn),),
                reading="Each point is one kind of drifting people under one pair of costs, as a share of what "
                "somebody earns who knows at every moment what is welcome. Below 0 it would have been better never to "
                "propose.",
                narrow={
                    "legend": {"orientation": "h", "y": -0.5, "yanchor": "top", "x": 0, "font": {"size": 11}},
                    "margin": {"l": 45, "r": 10, "t": 20, "b": 230},
                    "height": 640,
                    "xaxis": {"tickangle": 60},
                },
            ),
        ),
        tables=(_table(table),),
    )


def _verdict(table: pl.DataFrame, people: int) -> tuple[str, ...]:
    learnt = table.filter(~pl.col("policy").is_in(TOLD))
    best = learnt.row(0, named=True)
    vendor = table.filter(pl.col("policy") == VENDOR).row(0, named=True)
    free = [row["policy"] for row in learnt.to_dicts() if row["worst"] < 0]
    worst = signed(f"{best['worst']:.0f}")
    earned = signed(f"{vendor['drifting']:.0f}")
    said = (
        f"Of the rules that are told nothing, **{best['policy']}** earns most when tolerance drifts: "
        f"{best['drifting']:.0f} % of the clairvoyant's utility on average over eight kinds of people and costs, "
        f"{worst} % in the worst of all sixteen ({people} people in each).",
        f"The vendor's sentence read as `{VENDOR}` earns {earned} % there, with an acceptance rate of "
        f"{100 * vendor['acceptance']:.0f} %: once silent it hears no answer and stays silent, so a high acceptance "
        "rate proves little.",
    )
    if not free:
        return said
    return (*said, f"Worse than never proposing in at least one cell: {'; '.join(f'`{name}`' for name in free)}.")


def _table(table: pl.DataFrame) -> Table:
    rows = tuple(
        (
            name_cell(row["policy"]),
            *(
                Cell(UNDEFINED, note=_reason(row["policy"]))
                if row[column] is None
                else Cell(signed(f"{scale * row[column]:.{digits}f}"))
                for column, _, scale, digits in COLUMNS
            ),
        )
        for row in table.to_dicts()
    )
    return Table(
        title="Policies, best with drifting people first",
        columns=("policy", *(heading for _, heading, _, _ in COLUMNS)),
        rows=rows,
        reading="The first three columns are shares of the clairvoyant's utility. Acceptance never stands alone: "
        "beside it, how often the agent proposes, what it misses, and what it does against a person's wish. A "
        "clairvoyant is out of reach; in the two-state world the exact optimum says what is not.",
    )


def _reason(policy: str) -> str:
    if policy in TOLD:
        return "the optimum is computed, not played: it has a value and no rates"
    return "it never proposed anything, so nothing could be accepted"
