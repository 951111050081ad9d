"""The page in a real browser: silent, offline, with tooltips, filters, a keyboard's way, and room on a phone."""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pages import NASTY, embeddings, labels, page

from contrapose.report import Embedded, render, show_rows, show_texts
from contrapose.report.course import Curve, Curves, StagePart
from contrapose.report.facts.left_pictures import left_pictures_of
from contrapose.report.facts.map import map_of
from contrapose.report.facts.neighbours import gallery_of
from contrapose.training.pictures import write_pictures

MARKS = "#map-chart .mark-symbol:not(.layer_1_marks):not(.layer_2_marks) path"
RINGS = "#map-chart .layer_1_marks path, #map-chart .layer_2_marks path"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("there is no Chromium with its chromedriver on the path")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--force-device-scale-factor=1"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield found
    found.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render(page()), encoding="utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a run of two stages: the first left a wide picture and a small one."""
    folder: Path = tmp_path_factory.mktemp("staged")
    noise = np.random.default_rng(0).integers(0, 256, (64, 1200, 3), dtype=np.uint8)
    write_pictures(folder, [(noise, "Wide", "From left to right."), (noise[:20, :30], "Small", "")])
    curves = Curves([Curve("Loss", "What is lowered.", [1, 2, 3], [5.0, 4.0, 3.0])], [(2, "it stands still")])
    pictures = left_pictures_of(folder)
    parts = [
        StagePart("a_stage_of_long_name", "done, 3 steps", True, [("Made", "encoder/" * 20)], curves, pictures),
        StagePart("last", "done, 3 steps", True, [], curves),
    ]
    (folder / "report.html").write_text(render(dataclasses.replace(page(), stages=parts)), encoding="utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A map of ten classes whose points all lie about one place: their names want the same spot."""
    names = tuple(f"a class of long name {number}" for number in range(10))
    mixed = Embedded(embeddings(200, groups=1), show_rows(np.zeros((200, 1)), ["x"]), ["-"] * 200, labels(200, names))
    file: Path = tmp_path_factory.mktemp("crowded") / "report.html"
    file.write_text(render(dataclasses.replace(page(), map=map_of(mixed))), encoding="utf-8")
    return file.as_uri()


def visit(browser: Any, address: str, *, width: int = 1280, scheme: str = "light") -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    prefer(browser, scheme)
    browser.get(address)
    wait(lambda: browser.execute_script("return document.documentElement.dataset.ready") == "yes")


def prefer(browser: Any, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def wait(condition: Any, seconds: float = 15.0) -> None:
    """Until `condition()` holds, which a script may need a moment for."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the page did not come to what was waited for"
        time.sleep(0.02)


def count(browser: Any, selector: str) -> int:
    return int(browser.execute_script(f"return document.querySelectorAll({selector!r}).length"))


def one(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def pinned(browser: Any) -> int:
    return int(one(browser, "#pin-query").text.rpartition("/")[2])


def requests(browser: Any) -> set[str]:
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [message["params"]["request"]["url"] for message in messages if "requestWillBeSent" in message["method"]]
    return {url for url in sent if not url.startswith("data:")}


def test_the_page_is_silent_and_asks_for_nothing(browser: Any, address: str) -> None:
    browser.get_log("performance")
    visit(browser, address)
    assert browser.get_log("browser") == []
    assert {url for url in requests(browser) if "ExtraInfo" not in url} == {address}
    assert count(browser, ".chart svg") == 3
    assert count(browser, MARKS) == 30


def test_a_point_shows_its_picture(browser: Any, address: str) -> None:
    from selenium.webdriver import ActionChains

    visit(browser, address)
    mark = browser.find_elements("css selector", MARKS)[4]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
    ActionChains(browser).move_to_element(mark).perform()
    wait(lambda: count(browser, "#vg-tooltip-element.visible img") == 1)
    assert one(browser, "#vg-tooltip-element img").get_attribute("src").startswith("data:image/webp;base64,")
    assert one(browser, "#vg-tooltip-element img").size["width"] == 112
    assert "folder/" in one(browser, "#vg-tooltip-element").text


def test_a_text_is_shown_under_the_pointer_and_its_words_are_marked(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains

    long = " ".join(["word", "averyverylongaddresswithoutblanks" * 8, "<b>bold</b> & co"] * 4)
    texts = [f"{number % 3} the same in all {number} <i>{NASTY}</i> {long}" for number in range(30)]
    shown = Embedded(embeddings(30), show_texts(texts), [f"{number}" for number in range(30)], labels(30))
    file = tmp_path / "texts.html"
    file.write_text(render(dataclasses.replace(page("text"), map=map_of(shown), gallery=gallery_of(shown))))
    for width in (1280, 390):
        visit(browser, file.as_uri(), width=width)
        mark = browser.find_elements("css selector", MARKS)[4]
        browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
        ActionChains(browser).move_to_element(mark).perform()
        wait(lambda: count(browser, "#vg-tooltip-element.visible") == 1)
        assert "the same in all" in one(browser, "#vg-tooltip-element").text
        assert NASTY in one(browser, "#vg-tooltip-element").text  # as text
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        asked = one(browser, "#pin-query").text
        near = [element.text for element in browser.find_elements("css selector", "#pin-near li:first-child mark")]
        assert near[:4] == [asked[0], "the", "same", "in"]
        assert count(browser, "#pin-near mark") >= 8 * 4
        assert count(browser, "#gallery mark") >= 8 * 4
        assert count(browser, "#pin-query mark") == count(browser, "#gallery .asked mark") == 0
    assert browser.get_log("browser") == []


def test_the_controls_filter_colour_and_zoom(browser: Any, address: str) -> None:
    visit(browser, address)
    browser.execute_script(
        "const s = document.getElementById('map-class'); s.value = 'cats'; s.dispatchEvent(new Event('change'))"
    )
    wait(lambda: count(browser, MARKS) == 10)
    assert one(browser, "#map-count").text == "10 of 30 points."
    browser.execute_script(
        "const s = document.getElementById('map-class'); s.value = ''; s.dispatchEvent(new Event('change'))"
    )
    wait(lambda: count(browser, MARKS) == 30)
    button = one(browser, "#legend-class button")
    browser.execute_script("arguments[0].click()", button)
    wait(lambda: count(browser, MARKS) == 10)
    assert button.get_attribute("aria-pressed") == "true"
    browser.execute_script("document.querySelector('[name=colour-by][value=cluster]').click()")
    wait(lambda: count(browser, MARKS) == 30)
    assert one(browser, "#legend-class").get_attribute("hidden") is not None
    assert one(browser, "#legend-cluster").get_attribute("hidden") is None
    place = one(browser, MARKS).get_attribute("transform")
    browser.execute_script("document.querySelector('[data-zoom=\"0.7\"]').click()")
    wait(lambda: one(browser, MARKS).get_attribute("transform") != place)
    browser.execute_script("document.querySelector('[data-zoom=\"0\"]').click()")
    wait(lambda: one(browser, MARKS).get_attribute("transform") == place)
    assert browser.get_log("browser") == []


def test_a_click_pins_a_point_with_its_neighbours(browser: Any, address: str) -> None:
    from selenium.webdriver import ActionChains

    visit(browser, address)
    mark = browser.find_elements("css selector", MARKS)[7]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", mark)
    ActionChains(browser).move_to_element(mark).click().perform()
    wait(lambda: pinned(browser) != 0)  # points may cover one another: whichever lies on top was clicked
    number = pinned(browser)
    assert count(browser, "#pin-near li.hit img") == 8
    assert "✓ same" in one(browser, "#pin-near").text
    assert count(browser, RINGS) == 9  # the pinned one and its neighbours
    browser.execute_script("document.querySelector('[data-pin=\"1\"]').click()")
    wait(lambda: pinned(browser) == (number + 1) % 30)
    browser.execute_script("document.querySelector('[data-pin=\"-1\"]').click()")
    wait(lambda: pinned(browser) == number)
    assert browser.get_log("browser") == []


def test_the_first_screen_has_verdict_map_and_neighbours(browser: Any, address: str) -> None:
    visit(browser, address)
    for selector in (".gain", "#map-chart", "#pin-near li"):
        box = one(browser, selector).rect
        assert box["y"] < 900, selector
    assert one(browser, "#pin").rect["x"] > one(browser, "#map-chart").rect["x"]  # side by side


def test_the_names_on_the_map_do_not_overlap(browser: Any, crowded: str) -> None:
    for width in (1280, 390):
        visit(browser, crowded, width=width)
        boxes = browser.execute_script(
            """return [...document.querySelectorAll('#map-chart .mark-text text')]
                .filter((word) => word.style.visibility !== 'hidden' && word.getAttribute('fill') === 'var(--ink)')
                .map((word) => word.getBoundingClientRect()).map((b) => [b.left, b.right, b.top, b.bottom])"""
        )
        assert len(boxes) >= 4
        for number, (left, right, top, bottom) in enumerate(boxes):
            for other in boxes[:number]:
                assert right <= other[0] or left >= other[1] or bottom <= other[2] or top >= other[3]


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_the_screen(browser: Any, address: str, width: int) -> None:
    visit(browser, address, width=width)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return window.innerWidth") == width


@pytest.mark.parametrize("width", [1280, 320])
def test_each_stage_has_its_charts_and_pictures_on_screens_of_any_width(browser: Any, staged: str, width: int) -> None:
    visit(browser, staged, width=width, scheme="dark" if width < 500 else "light")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    for number in (1, 2):
        assert count(browser, f"#stage-{number} #curve-{number}-loss svg path") > 1
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('#stage-1 .left img')].map(i => [i.naturalWidth, i.clientWidth])"
    )
    assert [natural for natural, _ in sizes] == [1200, 30]
    assert all(shown >= min(width // 2, 240) for _, shown in sizes)  # enlarged, or in a box that scrolls


def test_the_keyboard_reaches_every_control(browser: Any, address: str) -> None:
    from selenium.webdriver import ActionChains, Keys

    visit(browser, address)
    wanted = {"skip", "colour-by", "map-class", "0.7", "summary", "slot 0"}
    script = """
        const a = document.activeElement;
        return [a.className, a.name, a.id, a.dataset.zoom, a.localName, `slot ${a.dataset.slot}`]"""
    reached: set[str] = set()
    for _ in range(60):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached |= {str(word) for word in browser.execute_script(script)}
        if wanted <= reached:
            break
    assert wanted <= reached


def test_charts_follow_the_theme_onto_paper(browser: Any, address: str) -> None:
    visit(browser, address, scheme="light")
    point = "return getComputedStyle(document.querySelector('#map-chart .mark-symbol path')).fill"
    words = "return getComputedStyle([...document.querySelectorAll('#map-chart .mark-text text')].at(-1)).fill"
    light = browser.execute_script(point)
    assert browser.execute_script(words) == "rgb(27, 36, 48)"
    prefer(browser, "dark")
    assert browser.execute_script(point) != light
    assert browser.execute_script(words) == "rgb(233, 237, 242)"
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": features})
    assert browser.execute_script(point) == light
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
