"""The charts as Vega-Lite descriptions, made with altair."""

from __future__ import annotations

from functools import cache
from typing import Any

from contrapose.optional import optional
from contrapose.report.attacked import AttackPage
from contrapose.report.page import Curve, Map, Page, Relations, Spectra

Spec = dict[str, Any]

SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "M0,-1L0.29,-0.4L0.95,-0.31L0.48,0.15L0.59,0.81L0,0.5L-0.59,0.81L-0.48,0.15L-0.95,-0.31L-0.29,-0.4Z",
    "M-0.5,-0.9L0.5,-0.9L0.95,0L0.5,0.9L-0.5,0.9L-0.95,0Z",
    "M-0.9,-0.9L0,-0.3L0.9,-0.9L0.3,0L0.9,0.9L0,0.3L-0.9,0.9L-0.3,0Z",
    "M-1,-0.35L1,-0.35L1,0.35L-1,0.35Z",
    "M-0.45,-0.45L0.45,-0.45L0.45,0.45L-0.45,0.45Z",
)
"""The mark of each slot of the map; the last one, small, is for all other classes. A star, a hexagon, a saltire and a
bar follow the shapes that Vega knows by name."""


_WORDS = {"labelColor": "var(--quiet)", "titleColor": "var(--quiet)", "labelFontSize": 12, "titleFontSize": 12}
THEME: Spec = {
    "background": "transparent",
    "font": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        **_WORDS,
        "titleFontWeight": 400,
        "gridColor": "var(--line)",
        "domainColor": "var(--edge)",
        "tickColor": "var(--edge)",
    },
    "legend": {**_WORDS, "labelColor": "var(--ink)"},
    "range": {"category": [f"var(--slot-{slot})" for slot in range(len(SHAPES))]},
    "line": {"color": "var(--slot-0)", "strokeWidth": 2},
    "point": {"color": "var(--slot-0)", "filled": True},
}
"""Colours are those of the style sheet, by name: charts are SVG, so they follow it into the dark and onto paper."""


def charts_of(page: Page | AttackPage) -> dict[str, Spec]:
    """Every chart of a page by the `id` of the element it is drawn in.

    Errors:
        MissingExtraError: altair is not installed (extra `report`).
    """
    charts: dict[str, Spec] = {}
    parts = [(number, part.curves) for number, part in enumerate(page.stages, start=1)]
    for number, curves in parts or [(0, page.curves)]:
        for curve in getattr(curves, "curves", ()):
            charts[chart_id(curve.name, number)] = curve_chart(curve)
    if not isinstance(page, Page):
        return charts
    if isinstance(page.map, Map):
        charts["map-chart"] = map_chart(page.map)
    if isinstance(page.spectra, Spectra):
        charts["spectrum-chart"] = spectrum_chart(page.spectra)
    if isinstance(page.relations, Relations):
        charts["relations-chart"] = relations_chart(page.relations)
    return charts


def chart_id(name: str, stage: int = 0) -> str:
    """`Learning rate` -> `curve-learning-rate`, of the second stage `curve-2-learning-rate`."""
    return "-".join(["curve", *([str(stage)] if stage else []), *name.lower().split()])


def curve_chart(curve: Curve) -> Spec:
    """A line over the steps; the chance value dashed."""
    alt = _altair()
    values = [{"step": step, "value": value} for step, value in zip(curve.steps, curve.values, strict=True)]
    many = len(values) > 60
    line = (
        alt.Chart(alt.Data(values=values))
        .mark_line(point=False if many else {"size": 26})
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(tickMinStep=1, format="~s", tickCount=5)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(format=".4~g", tickCount=5)),
            tooltip=[alt.Tooltip("step:Q", format=","), alt.Tooltip("value:Q", title=curve.name, format=".4g")],
        )
    )
    layers = [line]
    if curve.chance is not None:
        chance = alt.Chart(alt.Data(values=[{"chance": curve.chance, "text": f"chance {curve.chance:.3g}"}]))
        layers.append(chance.mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color="var(--quiet)").encode(y="chance:Q"))
        words = chance.mark_text(align="left", baseline="bottom", dx=4, dy=-2, color="var(--quiet)")
        layers.append(words.encode(y="chance:Q", x=alt.value(0), text="text:N"))
    return _sized(
        alt.layer(*layers), 170, f"{curve.name} over steps, from {curve.values[0]:.4g} to {curve.values[-1]:.4g}"
    )


def map_chart(drawn: Map) -> Spec:
    """Points with thumbnails under the pointer; the page's controls set `colour_by`, `group` and `wanted`.

    `colour_by` is "class" or "cluster"; `group` shows one colour only (-1: all), `wanted` one class only ("": all);
    `pinned` is the number of the point that a large ring marks (-1: none), `near` those of the points with a small one.
    """
    alt = _altair()
    values = [
        {
            "number": number,
            "x_place": round(point.x, 3),
            "y_place": round(point.y, 3),
            "name": point.name,
            "class": "" if point.label is None else point.label,
            "class_slot": point.label_slot,
            "cluster_slot": point.cluster_slot,
            "cluster": f"cluster {point.cluster_slot + 1}",
            **point.card.hover(),
        }
        for number, point in enumerate(drawn.points)
    ]
    hovered = [*drawn.points[0].card.hover(), *(["class"] if drawn.classes else []), "cluster", "name"]
    names = {group.slot: group.name for group in drawn.classes}
    slots = list(range(len(SHAPES)))
    base = (
        alt.Chart(alt.Data(values=values))
        .transform_calculate(slot="colour_by == 'class' ? datum.class_slot : datum.cluster_slot")
        .transform_calculate(words="colour_by == 'class' ? datum['class'] : datum.cluster")
        .transform_filter("(group == -1 || datum.slot == group) && (wanted == '' || datum['class'] == wanted)")
    )
    x = alt.X("x_place:Q", axis=None, scale=alt.Scale(domain=_range([p.x for p in drawn.points]), nice=False))
    y = alt.Y("y_place:Q", axis=None, scale=alt.Scale(domain=_range([p.y for p in drawn.points]), nice=False))
    window = alt.selection_interval(name="window", bind="scales", zoom="wheel![event.ctrlKey]")
    points = (
        base.mark_point(filled=True, size=55, opacity=0.85, strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color("slot:N", scale=alt.Scale(domain=slots), legend=None),
            shape=alt.Shape("slot:N", scale=alt.Scale(domain=slots, range=list(SHAPES)), legend=None),
            tooltip=[alt.Tooltip(f"{field}:N", title=field) for field in hovered],
        )
        .add_params(window)
    )
    ring = base.mark_point(filled=False, stroke="var(--ink)", opacity=1, shape="circle", tooltip=None)
    rings = [
        ring.transform_filter(where).encode(x=x, y=y, size=alt.value(size), strokeWidth=alt.value(width))
        for where, size, width in (
            ("indexof(near, datum.number) >= 0", 190, 1.5),
            ("datum.number == pinned", 420, 3),
        )
    ]
    centres = base.transform_filter(f"datum.slot < {len(SHAPES) - 1}").transform_aggregate(
        x_place="median(x_place)", y_place="median(y_place)", groupby=["words"]
    )
    bold = {"limit": 110, "fontWeight": "bold", "fontSize": 12}
    halo = centres.mark_text(fill="var(--paper)", stroke="var(--paper)", strokeWidth=4, strokeJoin="round", **bold)
    text = centres.mark_text(fill="var(--ink)", **bold)
    written = (layer.encode(x=x, y=y, text="words:N") for layer in (halo, text))
    chart = alt.layer(points, *rings, *written).add_params(
        alt.param(name="colour_by", value="class" if names and len(drawn.every_class) == len(names) else "cluster"),
        alt.param(name="group", value=-1),
        alt.param(name="wanted", value=""),
        alt.param(name="pinned", value=-1),
        alt.param(name="near", value=[]),
    )
    return _sized(chart, 420, f"Map of {len(drawn.points):,} embeddings in two dimensions")


def spectrum_chart(spectra: Spectra) -> Spec:
    """Singular values over the largest, by rank, on a logarithmic scale: solid for trained, dashed for untrained."""
    alt = _altair()
    values = [
        {"rank": rank, "value": value, "encoder": arm.name}
        for arm in spectra.arms
        for rank, value in enumerate(arm.values, start=1)
        if value > 0
    ]
    order = ["trained", "untrained"]
    legend = alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=500)
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_line(strokeWidth=2.5)
        .encode(
            x=alt.X("rank:Q", title="rank of the singular value", scale=alt.Scale(nice=False)),
            y=alt.Y(
                "value:Q",
                title="share of the largest (log scale)",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format=".3~g", tickCount=6),
            ),
            color=alt.Color("encoder:N", scale=alt.Scale(domain=order), legend=legend),
            strokeDash=alt.StrokeDash(
                "encoder:N", scale=alt.Scale(domain=order, range=[[1, 0], [6, 4]]), legend=legend
            ),
            tooltip=["encoder:N", "rank:Q", alt.Tooltip("value:Q", title="share of the largest", format=".3g")],
        )
    )
    return _sized(chart, 300, "Singular values of the trained and the untrained encoder's embeddings, log scale")


def relations_chart(related: Relations) -> Spec:
    """A cell for every two classes, the fuller the more alike; the diagonal, where all is 1, stays empty."""
    alt = _altair()
    values = [
        {"class": name, "other": other, "value": value}
        for name, row in zip(related.names, related.values, strict=True)
        for other, value in zip(related.names, row, strict=True)
        if name != other
    ]
    order = list(related.names)
    shown = [value for a, row in enumerate(related.values) for b, value in enumerate(row) if a != b]
    chart = (
        alt.Chart(alt.Data(values=values))
        .mark_rect(color="var(--slot-0)")
        .encode(
            x=alt.X("other:N", sort=order, title=None, axis=alt.Axis(labelAngle=-45, labelLimit=110)),
            y=alt.Y("class:N", sort=order, title=None, axis=alt.Axis(labelLimit=110)),
            opacity=alt.Opacity(
                "value:Q",
                scale=alt.Scale(domain=[min(shown), max(shown)], range=[0.04, 1], nice=False),
                legend=alt.Legend(title="cosine of gates", format=".2f"),
            ),
            tooltip=["class:N", "other:N", alt.Tooltip("value:Q", title="cosine of gates", format=".3f")],
        )
    )
    return _sized(chart, 60 + 22 * len(order), f"How alike the gates of {len(order)} classes are, pair by pair")


@cache
def javascript() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script that asks no network for anything.

    Errors:
        MissingExtraError: vl-convert-python is not installed (extra `report`).
    """
    version = ".".join(str(_altair().SCHEMA_VERSION).removeprefix("v").split(".")[:2])
    return str(optional("vl_convert", extra="report").javascript_bundle(vl_version=version))


def _altair() -> Any:
    return optional("altair", extra="report")


def _sized(chart: Any, height: int, description: str) -> Spec:
    """As wide as its box; `description` is what a screen reader says."""
    spec: Spec = chart.properties(width="container", height=height, description=description).to_dict()
    spec.pop("$schema", None)
    return {**spec, "config": THEME}


def _range(values: list[float]) -> list[float]:
    low, high = min(values), max(values)
    margin = 0.1 * (high - low) or 1.0  # room for the names of groups at the edge
    return [low - margin, high + margin]
