"""The picture of a temperature sweep: six panels and a row of histograms, drawn with altair, as one SVG."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.optional import optional

WIDTH, HEIGHT = 270, 200
COLOURS = ("#0b6e99", "#c1440e", "#5a5a5a")  # told apart in grey as well, and drawn with different marks
GAP = 34
SHARES = "share "
A_ROW = 5
"""Histograms beside one another; more temperatures take another row."""


def picture(record: Mapping[str, Any]) -> str:
    """The record of `analyse_temperature` as SVG.

    Errors:
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    alt: Any = optional("altair", extra="report")
    rows = [
        (
            _against(record, {"uniformity": "uniformity"}, "Uniformity: how evenly pictures spread"),
            _against(record, {"tolerance": "tolerance"}, "Tolerance: how close a class stays"),
            _against(record, {"kNN": "kNN", "probe": "linear probe"}, "Accuracy of the encoder", percent=True),
        ),
        (
            _against(
                record,
                {"share 1%": "hardest 1 %", "share 10%": "hardest 10 %", "share 50%": "hardest half"},
                "Repulsion that falls on the hardest negatives",
                percent=True,
            ),
            _shares(record),
            _against(
                record,
                {
                    "cosine of positives": "positives",
                    "cosine of the 10 hardest": "10 hardest negatives",
                    "cosine of the rest": "other negatives",
                },
                "Mean cosine of views with",
            ),
        ),
    ]
    sheet = alt.vconcat(
        *(alt.hconcat(*row, spacing=GAP).resolve_scale(color="independent", shape="independent") for row in rows),
        _histograms(record),
        spacing=30,
    ).resolve_scale(color="independent", shape="independent")
    return str(optional("vl_convert", extra="report").vegalite_to_svg(_finished(sheet, record).to_json()))


def _against(record: Mapping[str, Any], names: Mapping[str, str], title: str, *, percent: bool = False) -> Any:
    """One panel: measures against the temperature, a dot a seed, a line through their means."""
    alt: Any = optional("altair", extra="report")
    values = [
        {"temperature": point["temperature"], "measure": label, "value": point[name]}
        for point in record["points"]
        for name, label in names.items()
    ]
    labels = list(names.values())
    legend = None if len(labels) == 1 else alt.Legend(orient="bottom", title=None, symbolSize=70, labelLimit=180)
    colour = alt.Color("measure:N", scale=alt.Scale(domain=labels, range=COLOURS[: len(labels)]), legend=legend)
    shape = alt.Shape("measure:N", scale=alt.Scale(domain=labels), legend=legend)
    axis = alt.Axis(format=".0%" if percent else ".2~f", tickCount=5)
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X(
            "temperature:Q",
            title="temperature (log scale)",
            scale=alt.Scale(type="log", nice=False, padding=12),
            axis=alt.Axis(values=record["temperatures"], format="~g", grid=False),
        ),
        color=colour,
    )
    scale = alt.Scale(zero=False, nice=True)
    line = base.mark_line(strokeWidth=2).encode(y=alt.Y("mean(value):Q", title=None, axis=axis, scale=scale))
    dots = base.mark_point(filled=True, size=38, opacity=0.7).encode(y=alt.Y("value:Q", scale=scale), shape=shape)
    return alt.layer(line, dots).properties(width=WIDTH, height=HEIGHT, title=title)


def _shares(record: Mapping[str, Any]) -> Any:
    """The share of the repulsion on the hardest negatives, a line for each temperature; dashed: all push alike."""
    alt: Any = optional("altair", extra="report")
    values = []
    for temperature, measures in record["summary"].items():
        for name, found in measures.items():
            if name.startswith(SHARES):
                hardest = float(name.removeprefix(SHARES).removesuffix("%")) / 100
                values.append({"temperature": temperature, "hardest": hardest, "repulsion": found["value"]})
    x = alt.X(
        "hardest:Q",
        title="hardest share of the negatives (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format=".0%", values=[0.01, 0.02, 0.05, 0.1, 0.2, 1]),
    )
    y = alt.Y("repulsion:Q", title=None, axis=alt.Axis(format=".0%", tickCount=5), scale=alt.Scale(domain=[0, 1]))
    names = list(record["summary"])
    colour = alt.Color(
        "temperature:O",
        sort=names,
        scale=alt.Scale(scheme="viridis", domain=names),
        legend=alt.Legend(orient="bottom", title="temperature", titleOrient="left", columns=len(names)),
    )
    lines = alt.Chart(alt.Data(values=values)).mark_line(strokeWidth=2, point=True).encode(x=x, y=y, color=colour)
    even = [{"hardest": found["hardest"], "repulsion": found["hardest"]} for found in values]
    dashed = alt.Chart(alt.Data(values=even)).mark_line(strokeDash=[5, 4], color="grey").encode(x=x, y=y)
    return alt.layer(dashed, lines).properties(
        width=WIDTH, height=HEIGHT, title="Who gets the repulsion (dashed: all alike)"
    )


def _histograms(record: Mapping[str, Any]) -> Any:
    """Where the cosines lie at each temperature: a small panel each, all of one scale, so that widths compare."""
    alt: Any = optional("altair", extra="report")
    found: Mapping[str, Mapping[str, list[float]]] = record["histograms"]
    labels = {"positives": "positives", "10 hardest": "10 hardest negatives", "rest": "other negatives"}
    columns = min(A_ROW, len(found))
    width = (3 * WIDTH + 2 * GAP - (columns - 1) * GAP) // columns
    most = max(max(histogram) for by_name in found.values() for histogram in by_name.values())
    panels = []
    for number, (temperature, by_name) in enumerate(found.items()):
        values = [
            {"measure": label, "cosine": -1 + (2 * place + 1) / len(by_name[name]), "share": share}
            for name, label in labels.items()
            for place, share in enumerate(by_name[name])
        ]
        first = number % columns == 0
        y_axis = alt.Axis(format=".0%", tickCount=4, labels=first, ticks=first, domain=first)
        panels.append(
            alt.Chart(alt.Data(values=values))
            .mark_area(interpolate="step", line={"strokeWidth": 1.5}, fillOpacity=0.15)
            .encode(
                x=alt.X(
                    "cosine:Q", title="cosine", axis=alt.Axis(values=[-1, -0.5, 0, 0.5, 1], format="~g", grid=False)
                ),
                y=alt.Y("share:Q", title=None, axis=y_axis, scale=alt.Scale(domain=[0, most]), stack=None),
                color=alt.Color(
                    "measure:N",
                    scale=alt.Scale(domain=list(labels.values()), range=COLOURS),
                    legend=alt.Legend(orient="bottom", title=None, labelLimit=180),
                ),
            )
            .properties(width=width, height=HEIGHT // 2, title=f"Cosines at temperature {temperature}")
        )
    return alt.concat(*panels, columns=columns, spacing=GAP)


def _finished(sheet: Any, record: Mapping[str, Any]) -> Any:
    """Title, what was done, and a plain look."""
    alt: Any = optional("altair", extra="report")
    options, samples = record["options"], record["samples"]
    method = options["method"] + (f" (alpha {options['alpha']:g})" if options["method"] == "hard-contrastive" else "")
    seeds = f"{record['seeds']} seeds: dots, and lines through their means" if record["seeds"] > 1 else "one seed"
    done = f"{samples['train']:,} pictures, {options['epochs']} epochs, batch {options['batch_size']}; {seeds}"
    title = alt.TitleParams(
        f"What the temperature of {method} does",
        subtitle=done,
        anchor="start",
        fontSize=17,
        subtitleFontSize=12,
        offset=20,
    )
    return (
        sheet.properties(title=title, background="white", padding=16)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=11, titleFontSize=11, titleFontWeight="normal", gridColor="#e6e6e6")
        .configure_title(fontSize=13, anchor="start", offset=8, frame="group")
        .configure_legend(labelFontSize=11, titleFontSize=11, titleFontWeight="normal")
    )
