"""The picture of how graphs can be steered, drawn with altair, as one SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.controllability.descriptor import COUNTS
from contrapose.optional import optional

SIDE = 300


def picture(record: Mapping[str, Any]) -> str:
    """The record of `analyse_controllability` as SVG: what more leaders steer, and how far nodes are told apart by
    their distances from them, a line a class.

    Errors:
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    alt: Any = optional("altair", extra="report")
    data = alt.Data(values=list(record["steered"]))
    groups = list(dict.fromkeys(row["group"] for row in record["steered"]))
    colour = alt.Color("group:N", scale=alt.Scale(domain=groups, scheme="tableau10"), title=None)
    shape = alt.Shape("group:N", scale=alt.Scale(domain=groups), title=None)
    if len(groups) == 1:
        colour, shape = alt.value("#4c78a8"), alt.value("circle")
    panels = []
    for field, title in (
        ("followers steered", "share of the followers that can be steered"),
        ("distinct distances", "distinct distance vectors a node"),
    ):
        panels.append(
            alt.Chart(data)
            .mark_line(point={"size": 45, "filled": True})
            .encode(
                x=alt.X("leaders:O", sort=list(COUNTS), title="leaders", axis=alt.Axis(labelAngle=0)),
                y=alt.Y(f"{field}:Q", title=title, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
                detail="by:N",  # numbers of leaders and shares of the nodes are two lines
                color=colour,
                shape=shape,
            )
            .properties(width=SIDE, height=SIDE)
        )
    sheet = alt.hconcat(*panels).properties(title=_title(record), background="white", padding=16)
    sheet = sheet.configure_view(stroke=None)
    return str(optional("vl_convert", extra="report").vegalite_to_svg(sheet.to_json()))


def _title(record: Mapping[str, Any]) -> Any:
    alt: Any = optional("altair", extra="report")
    lines = [f"means over {record['options']['draws']} sets of leaders of each graph", record["changeable"]["sentence"]]
    return alt.TitleParams(
        f"How {record['graphs']:,} graphs of {record['data']} can be steered",
        subtitle=lines,
        anchor="start",
        fontSize=16,
        subtitleFontSize=12,
        offset=14,
    )
