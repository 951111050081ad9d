"""What the page of a repair says: which class, which trigger, before and after; and plainly where nothing was found."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pages import Read, page

from contrapose.report import Absent, render
from contrapose.report.facts.repair import repair_of
from contrapose.report.repaired import Repaired
from contrapose.training.pictures import write_pictures

CLASSES = ["ant", "<bee>", *(f"class {number}" for number in range(2, 20))]
CANDIDATE = {"target": 1, "name": "<bee>", "rise": 0.4, "mask": 0.05, "cross_entropy": 0.012, "success": 0.97}


def repair(found: bool = True) -> dict[str, Any]:
    return {
        "found": found,
        "target": "<bee>",
        "reasons": ["'<bee>' gains 40 points"],
        "candidates": [{**CANDIDATE, "name": "ant", "mask": 0.1, "rise": -0.02}, CANDIDATE],
        "layers": {"stages.2": {"impact": 1.5, "units": 12}} if found else {},
        "before": {"clean_accuracy": 0.9, "trigger_success": 0.97},
        "after": {"clean_accuracy": 0.88, "trigger_success": 0.03 if found else 0.97},
    }


def written(folder: Path, record: dict[str, Any]) -> Repaired:
    suspects = {
        "classes": CLASSES,
        "before": [0.05] * 20,
        "after": [0.03, 0.45, *([0.0289] * 18)],
        "order": [1, 0, *range(2, 20)],
        "clear": True,
        "candidates": [1],
    }
    (folder / "stages" / "target").mkdir(parents=True, exist_ok=True)
    (folder / "stages" / "target" / "suspects.json").write_text(json.dumps(suspects))
    (folder / "repair.json").write_text(json.dumps(record))
    tile = np.zeros((8, 8, 3), np.uint8)
    for place, title in (("stages/invert", "The trigger found"), ("stages/target", "Aimless"), (".", "Repaired")):
        write_pictures(folder / place, [(tile, title, f"About {title}.")])
    found = repair_of(folder)
    assert isinstance(found, Repaired)
    return found


def test_what_was_found_is_said_with_all_that_led_to_it(tmp_path: Path) -> None:
    found = written(tmp_path, repair())
    assert found.found
    assert "taken for '<bee>'" in found.verdict
    assert [rise.name for rise in found.rises[:2]] == ["<bee>", "ant"]
    assert (found.rises[0].width, found.rises[1].width) == (pytest.approx(40), 0)  # what fell has no bar
    assert [rise.suspect for rise in found.rises[:2]] == [True, False]
    assert len(found.rises) == 12
    assert "8 classes that rose less are left out" in found.suspicion
    first, second = found.candidates[1]  # the easiest first
    assert first == ("<bee>", ["+40.0 points", "5 % of the picture", "97 %", "0.012"])
    assert second == ("ant", ["-2.0 points", "10 % of the picture", "97 %", "0.012"])
    assert found.table[1] == [("before", ["90 %", "97 %"]), ("after", ["88 %", "3 %"])]
    assert "stages.2 (12 units)" in found.tuned
    assert not isinstance(found.pictures, Absent)
    assert [picture.title for picture in found.pictures] == ["The trigger found", "Aimless", "Repaired"]


def test_nothing_found_is_said_plainly(tmp_path: Path) -> None:
    found = written(tmp_path, repair(found=False))
    assert found.verdict.startswith("Nothing found: the encoder is left as it was given.")
    assert "Nothing of the encoder was changed" in found.tuned
    assert found.table[1][0][1] == ["90 %", "97 %"]


def test_other_runs_have_none_and_damaged_files_say_so(tmp_path: Path) -> None:
    assert repair_of(tmp_path) is None
    written(tmp_path, repair())
    for damaged in ("", "[]", "{}"):
        (tmp_path / "repair.json").write_text(damaged)
        assert isinstance(repair_of(tmp_path), Absent)


def test_the_page_begins_with_it(tmp_path: Path) -> None:
    found = written(tmp_path, repair())
    html = render(dataclasses.replace(page(), repair=found))
    read = Read(html)
    assert found.verdict in read.text
    assert "<bee>" not in html
    assert "+40.0 · suspect" in read.text
    assert "About The trigger found." in read.text
    assert html.index('id="repair"') < html.index('id="map"')
    assert 'href="#repair"' in html
    assert 'href="#repair"' not in render(page())
    nothing = Read(render(dataclasses.replace(page(), repair=written(tmp_path, repair(found=False)))))
    assert "Nothing found: the encoder is left as it was given." in nothing.text
    assert (
        "Not shown. It is damaged." in Read(render(dataclasses.replace(page(), repair=Absent("It is damaged.")))).text
    )
