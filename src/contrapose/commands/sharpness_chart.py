"""The picture of the loss around a run's weights, drawn with altair, as one SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.optional import optional

SIDE = 420


def picture(record: Mapping[str, Any]) -> str:
    """The record of `analyse_sharpness` as SVG: how much the loss rises above its least, the weights in the middle.

    Errors:
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    alt: Any = optional("altair", extra="report")
    places, losses = record["landscape"]["places"], record["landscape"]["losses"]
    half = (places[1] - places[0]) / 2
    known = [value for row in losses for value in row if value is not None]
    values = [
        {"x": a - half, "x2": a + half, "y": b - half, "y2": b + half, "rise": loss - min(known)}
        for a, row in zip(places, losses, strict=True)
        for b, loss in zip(places, row, strict=True)
        if loss is not None
    ]
    scale = alt.Scale(domain=[places[0] - half, places[-1] + half], nice=False)
    axis = alt.Axis(values=[places[0], places[0] / 2, 0, places[-1] / 2, places[-1]], format="~g", grid=False)
    field = (
        alt.Chart(alt.Data(values=values))
        .mark_rect()
        .encode(
            x=alt.X("x:Q", title="first random direction, in lengths of each filter", scale=scale, axis=axis),
            x2="x2:Q",
            y=alt.Y("y:Q", title="second random direction", scale=scale, axis=axis),
            y2="y2:Q",
            color=alt.Color(
                "rise:Q",
                scale=alt.Scale(type="sqrt", scheme="viridis"),
                legend=alt.Legend(title="loss above its least", gradientLength=SIDE - 60, format="~g"),
            ),
        )
    )
    weights = (
        alt.Chart(alt.Data(values=[{"x": 0, "y": 0}]))
        .mark_point(shape="cross", size=90, strokeWidth=2, color="white")
        .encode(x="x:Q", y="y:Q")
    )
    sheet = alt.layer(field, weights).properties(width=SIDE, height=SIDE, title=_title(record))
    sheet = sheet.properties(background="white", padding=16).configure_view(stroke=None)
    return str(optional("vl_convert", extra="report").vegalite_to_svg(sheet.to_json()))


def _title(record: Mapping[str, Any]) -> Any:
    alt: Any = optional("altair", extra="report")
    flat = record["flatness"]
    return alt.TitleParams(
        f"The loss around the weights of {record['method']} (cross)",
        subtitle=[
            f"loss {record['loss']:.3g} on {record['samples']:,} samples after {record['step']:,} steps; "
            f"top eigenvalue of the Hessian {record['curvature']['value']:.3g}",
            f"under noise of {flat['scale']:g} of each filter's norm the loss is {flat['mean']:.3g}",
        ],
        anchor="start",
        fontSize=16,
        subtitleFontSize=12,
        offset=14,
    )
