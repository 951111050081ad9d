"""Of several stages the page has a part for each: how far, how long, what it made, its curves, its pictures."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from made_pages import NASTY, Read, page

from contrapose.encoders import build, save_encoder
from contrapose.report import Absent, render
from contrapose.report.charts import charts_of
from contrapose.report.course import StagePart
from contrapose.report.facts.curves import MOST_OTHERS, curves_of
from contrapose.report.facts.left_pictures import left_pictures_of
from contrapose.report.facts.stages import stages_of
from contrapose.report.page import Curve, Curves
from contrapose.training.pictures import write_pictures
from contrapose.training.run_folder import RunFolder

NAMES = ["first", "clusters", "second"]


def picture(width: int = 20, height: int = 10) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Two stages that are done, of 4 and 3 steps, and half of a third, of 6."""
    folder = RunFolder.create(tmp_path / "run", {})
    encoder = build("tiny_conv", channels=3, image_size=16)
    for name, steps in (("first", 4), ("clusters", 3)):
        place = folder.path / "stages" / name
        place.mkdir(parents=True)
        (place / "stage.json").write_text(json.dumps({"stage": name, "steps": steps, "stages": NAMES}))
    save_encoder(encoder, folder.path / "stages" / "first" / "encoder", extra={"stage": "first", "step": 4})
    clusters = folder.path / "stages" / "clusters"
    np.save(clusters / "clusters.npy", np.zeros(3))
    write_pictures(clusters, [(picture(), "Examples", "A row a cluster.")])
    save_encoder(encoder, folder.encoder, extra={"stage": "second", "step": 2, "total_steps": 6})
    for step in range(1, 10):
        stage = NAMES[0 if step <= 4 else 1 if step <= 7 else 2]
        own = {"moved": 1.0 / step} if stage == "clusters" else {"learning_rate": 0.1}
        spent: dict[str, float] = {"rounds_per_second" if own.keys() == {"moved"} else "views_per_second": 7.0}
        folder.log({"step": step, "stage": stage, "loss": float(step), **own, **spent, "seconds": 100.0 + step})
    folder.log({"step": 9, "stage": "second", "verdict": "the loss stands still"})
    return folder


def test_each_stage_says_how_far_it_came_how_long_it_took_and_what_it_made(run: RunFolder) -> None:
    first, clusters, second = stages_of(run)
    assert [part.name for part in (first, clusters, second)] == NAMES
    assert [part.state for part in (first, clusters, second)] == [
        "done, 4 steps",
        "done, 3 steps",
        "half-finished, 2 of 6 steps",
    ]
    facts = [dict(part.facts) for part in (first, clusters, second)]
    assert [of["Steps"] for of in facts] == ["1 to 4 of the run", "5 to 7 of the run", "8 to 9 of the run"]
    assert facts[1]["Time"] == "2 min"
    assert [of["Speed"] for of in facts] == ["7 views a second", "7 rounds a second", "7 views a second"]
    assert [of["Made"] for of in facts] == ["encoder/ (256 dimensions)", "clusters.npy (152 bytes)", facts[0]["Made"]]
    assert "embed" in facts[0]["By itself"]
    assert str(run.path / "stages" / "first") in facts[0]["By itself"]
    assert all("By itself" not in of for of in facts[1:])


def test_each_stage_has_its_own_curves_verdicts_and_pictures(run: RunFolder) -> None:
    first, clusters, second = stages_of(run)
    assert isinstance(first.curves, Curves)
    assert isinstance(clusters.curves, Curves)
    assert isinstance(second.curves, Curves)
    assert [curve.name for curve in first.curves.curves] == ["Loss", "Learning rate"]
    assert [curve.name for curve in clusters.curves.curves] == ["Loss", "Moved"]
    assert list(clusters.curves.curves[0].steps) == [5, 6, 7]
    assert list(clusters.curves.curves[1].values) == [1 / 5, 1 / 6, 1 / 7]
    assert second.curves.verdicts == [(9, "the loss stands still")]
    assert first.curves.verdicts == []
    assert not isinstance(clusters.pictures, Absent)
    assert [(shown.title, shown.width, shown.enlarged) for shown in clusters.pictures] == [("Examples", 160, True)]
    assert not first.pictures


def test_a_stage_that_is_done_misses_no_curves_where_it_has_no_numbers(run: RunFolder) -> None:
    lines = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    kept = [line if line["stage"] != "clusters" else {"step": line["step"], "stage": "clusters"} for line in lines]
    run.metrics_file.write_text("".join(json.dumps(line) + "\n" for line in kept))
    assert stages_of(run)[1].curves == Curves(())


def test_a_stage_that_is_not_begun_is_named(run: RunFolder) -> None:
    run.forget_after(6)
    (run.path / "stages" / "clusters" / "stage.json").unlink()
    (run.encoder / "encoder.json").unlink()
    assert [(part.state, part.begun) for part in stages_of(run)] == [
        ("done, 4 steps", True),
        ("begun, 2 steps or more", True),
        ("not begun", False),
    ]


def test_a_run_of_one_stage_and_the_folder_of_a_stage_have_none(run: RunFolder, tmp_path: Path) -> None:
    assert stages_of(RunFolder(run.path / "stages" / "first")) == []
    plain = RunFolder.create(tmp_path / "plain", {})
    plain.log({"step": 1, "loss": 1.0})
    assert stages_of(plain) == []


def test_damaged_pictures_are_said(run: RunFolder) -> None:
    (run.path / "stages" / "clusters" / "pictures" / "examples.png").write_bytes(b"no picture")
    found = left_pictures_of(run.path / "stages" / "clusters")
    assert isinstance(found, Absent)
    assert "examples.png is no picture" in found.why


def test_wide_pictures_are_embedded_no_wider_than_they_are_seen(tmp_path: Path) -> None:
    noise = picture(3000, 400)
    write_pictures(tmp_path, [(noise, "Noise", ""), (np.zeros((2, 700), np.uint8), "Flat", "")])
    found = left_pictures_of(tmp_path)
    assert not isinstance(found, Absent)
    assert [(shown.width, shown.enlarged) for shown in found] == [(1600, False), (700, False)]
    assert len(found[0].source) < 1_200_000


def test_numbers_of_the_method_are_drawn_and_not_too_many() -> None:
    rows = [{"step": step, "loss": 1.0, "epoch": 0.1, **{f"own_{i}": float(i) for i in range(20)}} for step in (1, 2)]
    found = curves_of([*rows, {"step": 3, "once": 1.0}], others=True)
    assert isinstance(found, Curves)
    assert [curve.name for curve in found.curves] == ["Loss", *(f"Own {i}" for i in range(MOST_OTHERS))]
    plain = curves_of(rows)
    assert isinstance(plain, Curves)
    assert [curve.name for curve in plain.curves] == ["Loss"]


def test_the_page_has_a_part_for_each_stage(tmp_path: Path) -> None:
    write_pictures(tmp_path, [(picture(), f"Translated {NASTY}", f"From left to right {NASTY}")])
    left = left_pictures_of(tmp_path)
    loss = Curve("Loss", "What is lowered.", [1, 2], [5.0, 4.0])
    parts = [
        StagePart("first", "done, 2 steps", True, [("Time", "3 min")], Curves([loss], [(2, f"stuck {NASTY}")]), left),
        StagePart("second_part", "half-finished, 1 of 2 steps", True, [], Absent("No line."), Absent("Damaged.")),
        StagePart("third", "not begun", False, [], Absent("It wrote no line of metrics.")),
    ]
    made = dataclasses.replace(page(), stages=parts)
    assert {name for name in charts_of(made) if name.startswith("curve-")} == {"curve-1-loss"}
    html = render(made)
    read = Read(html)
    assert NASTY not in html
    identifiers = [a["id"] for _, a in read.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    assert {"stage-1", "stage-2", "stage-3", "curve-1-loss"} <= set(identifiers)
    assert "curve-loss" not in identifiers
    for words in (
        "Stages",
        "1 of 3 first done, 2 steps",
        "3 min",
        "stuck",
        "From left to right",
        "Damaged.",
        "No line.",
    ):
        assert words in read.text, words
    assert "It wrote no line of metrics." not in read.text  # nothing is to be said of what is not begun
    assert sum(a.get("width") == "160" for a in read.all("img")) == 1
    assert all(a.get("alt") for a in read.all("img"))


def test_a_run_of_one_stage_shows_the_pictures_that_it_left(tmp_path: Path) -> None:
    write_pictures(tmp_path, [(picture(), "Ascents", "Upwards.")])
    read = Read(render(dataclasses.replace(page(), pictures=left_pictures_of(tmp_path))))
    assert "Ascents Upwards." in read.text
    assert {"pictures", "curve-loss"} <= {a["id"] for _, a in read.elements if "id" in a}
    plain = Read(render(page()))
    assert "pictures" not in {a["id"] for _, a in plain.elements if "id" in a}
    assert not [a for a in plain.all("a") if a.get("href") == "#pictures"]
