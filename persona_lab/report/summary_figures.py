"""Figures of the words part: what an interpreter reads, what a summary costs."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from persona_lab.report.figures import styled

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#E69F00", "#009E73", "#777777"
"""Of the palette of Okabe & Ito (2008), which colour-blind people can tell apart."""

SYMBOLS = ("circle", "square-open", "diamond-open", "triangle-up-open")
SIZES = (8, 12, 16, 20)
"""Later marks are larger and open, so that marks that coincide are all seen."""


def confusion_figure(counts: pl.DataFrame) -> go.Figure:
    """Draw the stance meant by the stance read, as shares of the stance meant; ``counts``: ``studies.interpreter``."""
    names = sorted(set(counts["meant"]) | set(counts["read"]))
    table = {(meant, read): n for meant, read, n in counts.iter_rows()}
    totals = {name: sum(n for (meant, _), n in table.items() if meant == name) for name in names}
    shares = [[table.get((meant, read), 0) / max(totals[meant], 1) for read in names] for meant in names]
    labels = [
        [f"{share:.2f}<br>({table.get((m, r), 0)})" for r, share in zip(names, row, strict=True)]
        for m, row in zip(names, shares, strict=True)
    ]
    shown = [name.replace("_", " ") for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=shares, x=shown, y=shown, text=labels, texttemplate="%{text}", colorscale="Blues", zmin=0, zmax=1,
            colorbar={"title": "share of<br>what was meant"},
        )
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    return styled(figure, title="What was meant, and what was read", x="stance read", y="stance meant", height=460)


def reliability_figure(bins: pl.DataFrame) -> go.Figure:
    """Draw stated confidence against the share right, with the diagonal of a calibrated interpreter."""
    figure = go.Figure()
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line={"color": GREY, "dash": "dot"}, name="calibrated")
    figure.add_scatter(
        x=bins["stated"],
        y=bins["right"],
        mode="markers+lines",
        marker={"color": BLUE, "size": 10},
        name="held-out families",
    )
    return styled(
        figure,
        title="Does the interpreter know when it is right?",
        x="stated confidence (mean of the bin)",
        y="share with context, option and stance right",
        height=440,
    )


def cost_figure(table: pl.DataFrame, scenario: str) -> go.Figure:
    """Draw the reader's error rate of every summary by update rule in one scenario; ``table``: the crossed study."""
    rows = table.filter((pl.col("scenario") == scenario) & (pl.col("metric") == "reader's error rate"))
    figure = go.Figure()
    for place, (rule, colour) in enumerate(
        zip(dict.fromkeys(rows["update"]), (ORANGE, BLUE, GREEN, GREY), strict=False)
    ):
        own = rows.filter(pl.col("update") == rule)
        figure.add_scatter(
            x=own["value"],
            y=own["summary"],
            mode="markers",
            name=rule,
            marker={"color": colour, "size": SIZES[place], "symbol": SYMBOLS[place], "line": {"width": 2}},
            error_x={"type": "data", "array": [2 * (e or 0.0) for e in own["standard_error"]], "thickness": 1},
        )
    figure.update_yaxes(autorange="reversed")
    return styled(
        figure,
        title=f"An agent that reads only the summary ({scenario})",
        x="reader's error rate, ± 2 standard errors",
        y="",
        height=460,
    )


def truth_figure(table: pl.DataFrame, scenario: str, rule: str) -> go.Figure:
    """Draw coverage against faithfulness of every summary for one scenario and rule: read both, or neither."""
    own = table.filter((pl.col("scenario") == scenario) & (pl.col("update") == rule))
    wide = own.pivot(on="metric", index="summary", values="value").drop_nulls("faithfulness")
    # Summaries that state the same options share one mark and one label.
    wide = wide.group_by("coverage", "faithfulness", maintain_order=True).agg(pl.col("summary").str.join(", "))
    figure = go.Figure(
        go.Scatter(
            x=wide["coverage"], y=wide["faithfulness"], mode="markers+text", text=wide["summary"],
            textposition="top center", marker={"color": BLUE, "size": 11}, showlegend=False, cliponaxis=False,
        )
    )  # fmt: skip
    figure.update_xaxes(range=[-0.05, 1.15])
    low = float(wide["faithfulness"].min() or 0.0)  # type: ignore[arg-type]  # a column of floats
    figure.update_yaxes(range=[low - 0.03, 1.03])
    return styled(
        figure,
        title=f"Saying much, and saying true ({scenario}, {rule})",
        x="coverage (share of contexts stated)",
        y="faithfulness (share of statements true)",
        height=440,
    )


def words_figure(table: pl.DataFrame) -> go.Figure:
    """Draw errors from words as a ratio to errors from fields; ``table``: the interpreted study."""
    figure = go.Figure()
    marks = (
        ("words", BLUE),
        ("words, weight 1", ORANGE),
        ("words, change unheard", GREEN),
    )
    for place, (channel, colour) in enumerate(marks):
        own = table.filter((pl.col("feedback") == channel) & pl.col("ratio").is_not_null())
        figure.add_scatter(
            x=own["ratio"],
            y=[f"{s.removesuffix('_noise10_v1')}: {u}" for s, u in zip(own["scenario"], own["update"], strict=True)],
            mode="markers",
            name=channel,
            marker={"color": colour, "size": SIZES[place], "symbol": SYMBOLS[place], "line": {"width": 2}},
            error_x={"type": "data", "array": [2 * e for e in own["ratio_se"]], "thickness": 1},
        )
    figure.add_vline(x=1.0, line={"color": GREY, "dash": "dot"})
    figure.update_yaxes(autorange="reversed")
    return styled(
        figure,
        title="What it costs to be told in words",
        x="errors from words / errors from fields (bars: two standard errors)",
        y="",
        height=560,
    )
