"""Figures of a study: what errors are paid for, and calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from persona_lab.report.figures import GREY, line, marker, styled
from persona_lab.report.study import Study

BUDGET = (
    ("over_correction_rate", "for noise (over-correction)", "#D55E00", ""),
    ("adaptation_rate", "for change (adaptation)", "#0072B2", "/"),
    ("cold_start_rate", "getting to know (cold start)", "#9a9a9a", "."),
)
"""Metric, label, colour and hatch of the three causes of error."""


def budget_figure(study: Study, scenario: str, strategies: Sequence[str]) -> go.Figure:
    """Draw errors per 100 interactions by cause, one bar per strategy, best on top."""
    names = [name for name in strategies if study.value(scenario, name, "error_rate") is not None]
    names.sort(key=lambda name: (study.value(scenario, name, "error_rate") or 0.0, name), reverse=True)
    figure = go.Figure()
    for metric, label, colour, hatch in BUDGET:
        values = [100 * (study.value(scenario, name, metric) or 0.0) for name in names]
        figure.add_trace(
            go.Bar(
                y=names,
                x=values,
                orientation="h",
                name=label,
                marker={
                    "color": colour,
                    "pattern": {"shape": hatch, "fillmode": "overlay", "fgcolor": "white", "size": 6, "solidity": 0.2},
                },
                hovertemplate=f"%{{y}}<br>{label}: %{{x:.2f}} per 100<extra></extra>",
            )
        )
    totals = [100 * (study.value(scenario, name, "error_rate") or 0.0) for name in names]
    reach = _budget_reach(totals)
    figure.add_trace(
        go.Scatter(
            y=names,
            x=[total if total <= reach else 1.02 * reach for total in totals],
            mode="text",
            text=[f" {total:.1f}" if total <= reach else f" {total:.1f} →" for total in totals],
            textposition="middle right",
            showlegend=False,
            hoverinfo="skip",
            cliponaxis=False,
        )
    )
    styled(
        figure,
        title=f"What errors are paid for: {study.title(scenario)}",
        x="errors per 100 scored interactions",
        y="",
        height=150 + 26 * len(names),
    )
    figure.update_xaxes(range=[0, 1.02 * reach])
    figure.update_layout(
        barmode="stack",
        bargap=0.25,
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        margin={"t": 90, "r": 70},
    )
    return figure


def _budget_reach(totals: Sequence[float]) -> float:
    """Return where the axis ends: at the longest bar, unless few bars dwarf all others."""
    ordered = sorted(totals)
    if not ordered:
        return 1.0
    typical = 4.0 * ordered[len(ordered) // 2]
    return max([total for total in ordered if total <= typical] or ordered[-1:]) or 1.0


def reliability_figure(study: Study, strategies: Sequence[str]) -> go.Figure:
    """Draw how often a proposal was right against what was stated, all scenarios pooled."""
    figure = go.Figure(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", name="perfect honesty", line={"color": GREY, "width": 1.5, "dash": "dot"},
            hoverinfo="skip",
        )
    )  # fmt: skip
    for name in strategies:
        bins = study.reliability(name)
        if bins.is_empty():
            continue
        total = bins["n"].sum()
        sizes = [5 + 11 * math.sqrt(n / total) for n in bins["n"]]
        figure.add_trace(
            go.Scatter(
                x=[round(x, 4) for x in bins["stated"]],
                y=[round(x, 4) for x in bins["right"]],
                mode="lines+markers",
                name=name,
                line=line(name, 1.6),
                marker={**marker(name), "size": sizes},
                customdata=bins["n"].to_list(),
                hovertemplate=f"<b>{name}</b><br>stated %{{x:.3f}}, right %{{y:.3f}}<br>%{{customdata:,}} "
                "proposals<extra></extra>",
            )
        )
    styled(
        figure,
        title="Calibration, all scenarios pooled",
        x="stated probability of the proposal",
        y="share of proposals that were right",
        height=540,
    )
    figure.update_xaxes(range=[0, 1.02])
    figure.update_yaxes(range=[0, 1.02])
    return figure
