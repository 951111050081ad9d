"""What a repair has found, from its own files: the suspicion, the trigger, the verdict, before and after."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contrapose.encoders.stage_folder import FOLDER
from contrapose.report.course import Absent, LeftPicture
from contrapose.report.facts.left_pictures import left_pictures_of
from contrapose.report.repaired import Repaired, Rise
from contrapose.words import capital, counted, percent

FILE = "repair.json"
SUSPECTS = "target/suspects.json"
MOST = 12  # classes that are listed
MEASURES = {"clean_accuracy": "clean pictures right", "trigger_success": "others with the trigger taken for it"}
"""What was measured before and after, and what it is called on the page."""


def repair_of(folder: Path) -> Repaired | Absent | None:
    """What stands in the files of a repair; None where the run is none, Absent where it has not come to its end."""
    file = folder / FILE
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_bytes())
        suspects = json.loads((folder / FOLDER / SUSPECTS).read_bytes())
        rises, left_out = _rises(suspects)
        target = str(found["target"])
        return Repaired(
            found=bool(found["found"]),
            verdict=_verdict(bool(found["found"]), target),
            reasons=[f"{capital(str(reason))}." for reason in found["reasons"]],
            rises=rises,
            suspicion=_suspicion(suspects, left_out),
            candidates=_candidates(found["candidates"]),
            pictures=_pictures(folder),
            table=_table(found),
            tuned=_tuned(found, target),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        return Absent(f"What the repair wrote down cannot be read ({type(error).__name__}: {error}).")


def _verdict(found: bool, target: str) -> str:
    if found:
        return f"A planted trigger was found: with it, pictures are taken for {target!r}. The encoder was repaired."
    return "Nothing found: the encoder is left as it was given. That is no proof that nothing is there."


def _rises(suspects: Mapping[str, Any]) -> tuple[list[Rise], int]:
    """The classes that rose most, and how many are left out."""
    names, before, after = suspects["classes"], suspects["before"], suspects["after"]
    into = set(suspects["candidates"])
    rises = [Rise(str(names[one]), before[one], after[one], one in into) for one in suspects["order"]]
    return rises[:MOST], len(rises[MOST:])


def _suspicion(suspects: Mapping[str, Any], left_out: int) -> str:
    clear = "One class stands out." if suspects["clear"] else "No class stands out, so the first three are suspect."
    rest = f" {counted(left_out, 'class', 'classes')} that rose less are left out." if left_out else ""
    return (
        "A patch was learned that only leads pictures away from what they show, with no aim. Where a class was "
        f"planted, predictions pile up on it. {clear}{rest}"
    )


def _candidates(found: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    columns = ["rise", "size of the change", "others taken for it", "cross-entropy"]
    rows = [
        (
            str(one["name"]),
            [
                f"{100 * one['rise']:+.1f} points",
                f"{percent(one['mask'])} of the picture",
                percent(one["success"]),
                f"{one['cross_entropy']:.3g}",
            ],
        )
        for one in sorted(found, key=lambda one: one["mask"])
    ]
    return columns, rows


def _pictures(folder: Path) -> Sequence[LeftPicture] | Absent:
    """Those of the search, of the trigger, and of the repair, in this order."""
    every: list[LeftPicture] = []
    for place in (folder / FOLDER / "invert", folder / FOLDER / "target", folder):
        some = left_pictures_of(place)
        if isinstance(some, Absent):
            return some
        every += some
    return every


def _table(found: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    before, after = found["before"], found["after"]
    names = [name for name in (*MEASURES, *before) if name in before and isinstance(before[name], int | float)]
    names = list(dict.fromkeys(names))
    rows = [(when, [percent(row[name]) for name in names]) for when, row in (("before", before), ("after", after))]
    return [MEASURES.get(name, name.replace("_", " ")) for name in names], rows


def _tuned(found: Mapping[str, Any], target: str) -> str:
    if not found["found"]:
        return "Nothing of the encoder was changed, so both rows are alike."
    layers = ", ".join(f"{name} ({counted(one['units'], 'unit')})" for name, one in found["layers"].items())
    return (
        f"Tuned until the trigger moves these layers no more: {layers}. Others with the trigger are pictures of other "
        f"classes; taken for {target!r} should be few of them, and as many clean pictures right as before."
    )
