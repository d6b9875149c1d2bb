"""Figures of proactive alignment: what each policy earns, asks, misses and does unasked; limits beside every figure."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from persona_lab.report.figures import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, Look, styled
from persona_lab.simulate.opportunity_limits import Optimum
from persona_lab.studies.proactive_confidence import LIMIT, MAPPED, PER_WORLD, RAW, SHIPPED

LOOKS: dict[str, Look] = {
    "optimum (two-state)": Look(BLACK, "star", "solid"),
    "Bayes told hazard and prior": Look(BLACK, "star-open", "dash"),
    "adaptive Bayes, told nothing": Look(BLUE, "circle", "solid"),
    "discounted Beta .97": Look(GREEN, "square", "dash"),
    "myopic Bayes, told": Look(PURPLE, "diamond", "dot"),
    "always suggest": Look(GREY, "triangle-up", "dot"),
    "approval >= .8 act, else nothing": Look(VERMILLION, "x", "solid"),
    "approval >= .8 act, else suggest": Look(VERMILLION, "cross", "dash"),
    "approval >= .8 act, >= .5 suggest, else nothing": Look(ORANGE, "hexagon", "dashdot"),
}
"""Fixed looks of the policies that figures name."""

CONFIDENCE_LOOKS: dict[str, Look] = {
    RAW: Look(GREY, "x", "dot"),
    MAPPED: Look(PURPLE, "diamond", "longdash"),
    SHIPPED: Look(BLUE, "circle", "solid"),
    PER_WORLD: Look(GREEN, "square", "dash"),
    LIMIT: Look(BLACK, "star", "dashdot"),
}
"""Fixed looks of the beliefs that state confidence."""

WITHOUT_DOTS = ("solid", "dash", "longdash", "dashdot")
"""Dashes beside lines that are dotted for a reason."""

FEW_ANSWERS = 30
"""A bin of fewer answers is left out of the reliability figure: its share says nothing."""

OTHER = Look(SKY, "pentagon", "longdash")


def look(policy: str) -> Look:
    """Return how a policy is drawn."""
    return LOOKS.get(policy, OTHER)


def cells_figure(cells: pl.DataFrame, policies: list[str]) -> go.Figure:
    """Return the share of the clairvoyant's utility by cell, drifting cells only, one line per policy."""
    figure = go.Figure()
    drifting = cells.filter(pl.col("drifting"))
    for policy in policies:
        rows = drifting.filter(pl.col("policy") == policy).sort(
            "law", "interruption", "harm", descending=[True, False, False]
        )
        drawn = look(policy)
        labels = [
            f"{'two-state' if law == 'two_state' else law}<br>s = {s:g}<br>c = {c:g}"
            for law, s, c in rows.select("law", "interruption", "harm").iter_rows()
        ]
        spread = rows["share_se"].to_list() if "share_se" in rows.columns else [None] * rows.height
        figure.add_trace(
            go.Scatter(
                x=labels,
                y=(100 * rows["share"]).to_list(),
                error_y={"type": "data", "array": [0 if e is None else 200 * e for e in spread], "thickness": 1},
                name=policy,
                mode="lines+markers",
                marker={"symbol": drawn.symbol, "color": drawn.colour, "size": 10},
                line={"dash": drawn.dash, "color": drawn.colour},
            )
        )
    figure.update_xaxes(tickangle=0)
    figure.add_hline(y=100, line={"color": GREY, "width": 1}, annotation_text="clairvoyant")
    return styled(
        figure,
        title="Utility under drifting tolerance, by world and costs (bars: two standard errors)",
        x="world and costs (s per suggestion, c per unwanted act; benefit 1)",
        y="share of the clairvoyant's utility, %",
        height=520,
    )


def beside_acceptance_figure(table: pl.DataFrame) -> go.Figure:
    """Return acceptance beside what it hides: proposals, missed need, unwanted acts, net utility; one row per policy.

    ``table`` has the columns of :func:`persona_lab.studies.proactive.summarise`.
    """
    columns = (
        ("acceptance", "acceptance,<br>% of answers", 100.0),
        ("proposal", "proposals,<br>% of chances", 100.0),
        ("missed_need", "missed need,<br>% of welcome", 100.0),
        ("unwanted", "unwanted acts,<br>% of chances", 100.0),
        ("net_utility", "net utility<br>per 100", 1.0),
    )
    rows = table.filter(pl.col("proposal").is_not_null()).sort("net_utility")
    figure = make_subplots(rows=1, cols=len(columns), shared_yaxes=True, horizontal_spacing=0.035)
    for place, (column, _, scale) in enumerate(columns, start=1):
        values = [None if v is None else scale * v for v in rows[column].to_list()]
        known = [v for v in values if v is not None]
        figure.add_trace(
            go.Bar(
                x=[0.0 if v is None else v for v in values],
                y=rows["policy"].to_list(),
                orientation="h",
                marker={"color": [look(policy).colour for policy in rows["policy"]]},
                text=["none" if v is None else f"{v:.0f}" if abs(v) >= 10 or v == 0 else f"{v:.1f}" for v in values],
                textposition="outside",
                cliponaxis=False,
                showlegend=False,
            ),
            row=1,
            col=place,
        )
        # Room for the figures beside the bars.
        low, high = min(0.0, *known), max(0.0, *known)
        room = 0.35 * (high - low)
        figure.update_xaxes(
            range=[low - 1.6 * room if low < 0 else 0.0, high + room], nticks=4, tickangle=0, row=1, col=place
        )
    figure = styled(figure, title="Acceptance, and what it hides (means over sixteen cells)", x="", y="", height=580)
    for place, (_, title, _) in enumerate(columns, start=1):
        figure.update_xaxes(title={"text": title, "font": {"size": 12}}, row=1, col=place)
    figure.update_layout(margin={"b": 80})
    return figure


def threshold_figure(solved: dict[str, Optimum], myopic: dict[str, float]) -> go.Figure:
    """Return from which belief of the high tolerance on the optimum speaks, by opportunities left; dotted: myopic."""
    figure = go.Figure()
    for (name, optimum), colour, dash in zip(
        solved.items(), (BLUE, GREEN, ORANGE, VERMILLION), WITHOUT_DOTS, strict=False
    ):
        left = list(range(1, len(optimum.suggest_from) + 1))
        figure.add_trace(
            go.Scatter(x=left, y=optimum.suggest_from, name=name, mode="lines", line={"color": colour, "dash": dash})
        )
        figure.add_hline(y=myopic[name], line={"color": colour, "dash": "dot", "width": 1})
    return styled(
        figure,
        title="How unsure one may be and still ask: the exact optimum (dotted: myopic)",
        x="opportunities left",
        y="lowest belief at which it speaks",
        log=("x",),
    )


def after_change_figure(after: pl.DataFrame, target: float = 0.05) -> go.Figure:
    """Return the calibration error of stated confidence by answers heard since a change, one panel per law."""
    laws = after["law"].unique(maintain_order=True).to_list()
    names = [law.replace("_", "-") for law in laws]
    figure = make_subplots(rows=1, cols=len(laws), shared_yaxes=True, horizontal_spacing=0.04, subplot_titles=names)
    shown: set[str] = set()

    def draw(law: str, name: str, x: list[float], y: list[float], drawn: Look, size: int = 7) -> None:
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                name=name,
                legendgroup=name,
                showlegend=name not in shown,
                mode="lines+markers" if size else "lines",
                marker={"symbol": drawn.symbol, "color": drawn.colour, "size": size},
                line={"color": drawn.colour, "dash": drawn.dash, "width": 2 if size else 1},
            ),
            row=1,
            col=1 + laws.index(law),
        )
        shown.add(name)

    for (name, law), rows in after.group_by("map", "law", maintain_order=True):
        draw(str(law), str(name), rows["answers"].to_list(), rows["ece"].to_list(), CONFIDENCE_LOOKS[str(name)])
    for law in laws:
        rows = after.filter(pl.col("law") == law).unique("answers", maintain_order=True)
        x = rows["answers"].to_list()
        draw(
            law, "a perfect forecaster at this n", x, rows["ece_perfect"].to_list(), Look(ORANGE, "circle", "solid"), 0
        )
        draw(law, f"target {target:g}", x, [target] * len(x), Look(BLACK, "circle", "solid"), 0)
    styled(
        figure,
        title="Stated confidence after a change of tolerance",
        x="answers heard since the change",
        y="",
        log=("y",),
        height=520,
    )
    marks = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]
    figure.update_yaxes(tickvals=marks, ticktext=[f"{mark:g}" for mark in marks], minor={"ticks": ""})
    figure.update_yaxes(title_text="expected calibration error (log scale)", row=1, col=1)
    return figure.update_layout(legend={"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}, margin={"t": 90})


def reliability_figure(tables: dict[str, pl.DataFrame]) -> go.Figure:
    """Return reliability: how often it happened against what was stated; marker area shows the count.

    Bins of fewer than :data:`FEW_ANSWERS` answers are left out.
    """
    figure = go.Figure()
    figure.add_trace(go.Scatter(x=[0, 1], y=[0, 1], mode="lines", name="honest", line={"color": GREY, "dash": "dot"}))
    for (name, table), colour, symbol in zip(
        tables.items(), (VERMILLION, BLUE, GREEN, ORANGE), ("x", "circle", "square", "diamond"), strict=False
    ):
        table = table.filter(pl.col("n") >= FEW_ANSWERS)
        sizes = [4 + 14 * (n / max(table["n"])) ** 0.5 for n in table["n"]]
        figure.add_trace(
            go.Scatter(
                x=table["stated"].to_list(),
                y=table["happened"].to_list(),
                mode="lines+markers",
                name=name,
                marker={"size": sizes, "symbol": symbol, "color": colour},
                line={"color": colour, "width": 1},
            )
        )
    return styled(
        figure,
        title="Reliability of stated confidence",
        x="stated probability of acceptance",
        y="share that was accepted",
    )


def risk_coverage_figure(curves: dict[str, pl.DataFrame]) -> go.Figure:
    """Return risk against coverage: acting on the surest share of opportunities, how many acts are unwelcome."""
    figure = go.Figure()
    for name, curve in curves.items():
        drawn = look(name)
        figure.add_trace(
            go.Scatter(
                x=(100 * curve["coverage"]).to_list(),
                y=(100 * curve["risk"]).to_list(),
                mode="lines",
                name=name,
                line={"color": drawn.colour, "dash": drawn.dash},
            )
        )
    return styled(
        figure,
        title="Risk-coverage curve: acting on the surest opportunities only",
        x="opportunities acted on, % (surest first)",
        y="unwelcome among them, %",
    )


def risk_control_figure(cells: pl.DataFrame) -> go.Figure:
    """Return unwanted acts per opportunity against their bound: long run, 100 and first 10 after a drop; drifting."""
    figure = go.Figure()
    rows = cells.filter(pl.col("drifting"))
    labels = [
        f"{'two-state' if law == 'two_state' else law}<br>alpha = {a:g}<br>s = {s:g}<br>c = {c:g}"
        for a, law, s, c in rows.select("alpha", "law", "interruption", "harm").iter_rows()
    ]
    series = (
        ("long run", "unwanted", BLUE, "circle"),
        ("100 opportunities after a drop", "after_drift", ORANGE, "triangle-up"),
        ("first 10 after a drop", "right_after", VERMILLION, "x"),
        ("bound alpha", "alpha", BLACK, "line-ew-open"),
    )
    for name, column, colour, symbol in series:
        figure.add_trace(
            go.Scatter(
                x=labels,
                y=(100 * rows[column]).to_list(),
                name=name,
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 12, "line": {"width": 2, "color": colour}},
            )
        )
    figure.update_xaxes(tickangle=0)
    return styled(
        figure,
        title="Risk control: unwanted acts in the long run, and after tolerance has dropped",
        x="drifting cell",
        y="unwanted acts, % of opportunities",
    )
