"""The page as HTML: escaped, self-contained, accessible, for pictures, texts and table rows."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re

import pytest
from made_pages import NASTY, Read, page

from contrapose.evaluation.gain import Gain
from contrapose.report import Absent, Page, render
from contrapose.report.charts import SHAPES, charts_of
from contrapose.report.draw import breakable, linked
from contrapose.report.page import Map


@pytest.fixture(scope="module", params=["picture", "text", "row"])
def made(request: pytest.FixtureRequest) -> tuple[str, Page, str]:
    facts = page(request.param)
    return request.param, facts, render(facts)


def test_samples_are_shown_by_their_kind(made: tuple[str, Page, str]) -> None:
    kind, _, html = made
    read = Read(html)
    cards = [a for _, a in read.elements if (a.get("class") or "").startswith("card ")]
    assert {a["class"] for a in cards} == {f"card {kind}"}
    assert len(cards) >= 8 * 9
    if kind == "row":
        assert "a < b" in read.text
    if kind == "text":
        assert "text of number 3" in read.text


def test_what_the_user_wrote_is_escaped(made: tuple[str, Page, str]) -> None:
    _, _, html = made
    assert NASTY not in html
    assert "<b>birds</b>" not in html
    read = Read(html)
    assert NASTY in read.text
    assert "the loss is at <chance>" in read.text
    assert len(read.all("script")) == 4


def test_nothing_is_loaded_and_only_its_own_scripts_run(made: tuple[str, Page, str]) -> None:
    _, _, html = made
    read = Read(html)
    assert not [a for a in read.all("script") if "src" in a]
    assert {a["rel"] for a in read.all("link")} == {"icon"}
    sources = [a["src"] or "" for a in read.all("img")]
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    policy = next(a["content"] for a in read.all("meta") if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert html.count("vegaEmbed=") == 1


def test_a_keyboard_and_a_screen_reader_find_their_way(made: tuple[str, Page, str]) -> None:
    _, _, html = made
    read = Read(html)
    identifiers = [a["id"] for _, a in read.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    anchors = {(a.get("href") or "")[1:] for a in read.all("a") if (a.get("href") or "").startswith("#")}
    assert anchors <= set(identifiers)
    assert {"content", "map", "gallery", "setup"} <= anchors
    assert all(a.get("alt") for a in read.all("img"))
    assert all(a.get("scope") for a in read.all("th"))
    assert html.count("<caption>") >= 4
    assert read.all("html")[0]["lang"] == "en"
    assert all({"aria-pressed", "data-zoom", "data-pin"} & set(a) for a in read.all("button"))


def test_hits_are_marked_by_words() -> None:
    text = Read(render(page())).text
    assert "✓ same" in text
    assert "Not shown. There are no pictures; give some." in text


def test_without_labels_there_is_no_hit_and_no_filter_by_class() -> None:
    html = render(page(labelled=False))
    read = Read(html)
    assert "✓ same" not in read.text
    assert not read.all("select")
    assert "can be said of labelled data only" in read.text
    assert [a["id"] for a in read.all("ul") if "legend" in (a.get("class") or "")] == ["legend-cluster"]


def test_every_section_can_be_absent() -> None:
    why = Absent("The data are <gone>.")
    names = ("curves", "map", "gallery", "views", "pairing", "spectra", "results", "relations")
    bare = dataclasses.replace(page(), **dict.fromkeys(names, why))
    assert Read(render(bare)).text.count("Not shown. The data are <gone>.") == len(names)


def test_a_half_finished_run_says_how_to_go_on() -> None:
    facts = page()
    head = dataclasses.replace(facts.head, finished=False, status="half-finished: step 1 of 4; continue with: x")
    html = render(dataclasses.replace(facts, head=head))
    assert "half-finished: step 1 of 4" in html
    assert 'class="status open"' in html


def test_charts_carry_what_is_hovered_and_the_chance_value() -> None:
    facts = page()
    charts = charts_of(facts)
    assert set(charts) == {"curve-loss", "map-chart", "spectrum-chart"}
    assert "chance 4.5" in json.dumps(charts["curve-loss"])
    points = charts["map-chart"]["data"]["values"]
    assert isinstance(facts.map, Map)
    assert len(points) == len(facts.map.points) == 30
    assert all(point["image"].startswith("data:image/webp") for point in points)
    hovered = [field["field"] for field in charts["map-chart"]["layer"][0]["encoding"]["tooltip"]]
    assert hovered == ["image", "class", "cluster", "name"]
    assert len(set(SHAPES)) == len(SHAPES) == 11


def test_addresses_become_links_and_the_rest_stays_text() -> None:
    text = str(linked("Shah <et al.>, https://arxiv.org/abs/1.2; v2, https://arxiv.org/abs/3."))
    assert text.startswith("Shah &lt;et al.&gt;, <a href=")
    assert text.count("</a>") == 2
    assert 'href="https://arxiv.org/abs/1.2"' in text
    assert 'href="https://arxiv.org/abs/3"' in text
    assert str(linked('https://a.b/"onclick=1')).count('href="https://a.b/"') == 1
    assert str(breakable("a/<b>_c")) == "a/<wbr>&lt;b&gt;_<wbr>c"


def test_the_verdict_stands_first_and_research_last() -> None:
    facts = page()
    gain = Gain("nothing", "Training gained nothing.", "Give more <pictures>.")
    facts = dataclasses.replace(facts, head=dataclasses.replace(facts.head, gain=gain))
    html = render(facts)
    read = Read(html)
    order = [a["id"] for tag, a in read.elements if tag == "section"]
    assert order == ["map", "gallery", "results", "curves", "views", "run", "research", "setup"]
    assert html.index('class="gain nothing"') < html.index('id="map"')
    assert "Training gained nothing. Give more <pictures>." in read.text
    assert (
        html.index('id="research"')
        < html.index('id="spectrum"')
        < html.index('id="pairing"')
        < html.index('id="setup"')
    )


def test_every_point_knows_its_neighbours() -> None:
    facts = page()
    assert isinstance(facts.map, Map)
    for number, point in enumerate(facts.map.points):
        others, cosines = zip(*point.near, strict=True)
        assert number not in others
        assert len(set(others)) == 8
        assert list(cosines) == sorted(cosines, reverse=True)
        assert {facts.map.points[other].label for other in others} == {point.label}  # ten of a group, all together


def test_one_is_no_plural() -> None:
    read = Read(render(page()))
    assert "All 1 option" in read.text
    assert "1 file of the run" in read.text
    assert "1 options" not in read.text
