"""What an arm is given that other arms have trained: where it lies, and how its measures see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from contrapose.claims.claim import Arm
from contrapose.claims.measures import Subject
from contrapose.encoders import load_encoder, save_encoder
from contrapose.errors import ArgumentError
from contrapose.learners import Learner

ENCODER = "encoder"


class Unit(Protocol):
    """What is asked here of a unit of `claims.unit`: its arm, its folder, and the units that it stands on."""

    @property
    def arm(self) -> Arm: ...

    @property
    def run(self) -> Path: ...

    @property
    def given(self) -> Mapping[str, Any]: ...


def as_options(unit: Unit) -> dict[str, str]:
    """The options of an arm that name what others have trained: option -> its folder.

    Errors:
        ArgumentError: the other arm left no artifact of this name.
    """
    return {option: str(_place(unit, place)) for option, place in unit.arm.on.items()}


def _place(unit: Unit, place: str) -> Path:
    arm, _, artifact = place.partition("/")
    run = unit.given[arm].run
    found = run / (artifact or ENCODER)
    if not found.is_dir():
        there = ", ".join(sorted(path.name for path in run.iterdir() if path.is_dir())) or "nothing"
        raise ArgumentError(
            f"The arm {unit.arm.name!r} is given {place!r}, and {arm!r} left no {artifact or ENCODER} there. There is: "
            f"{there}."
        )
    return found


def keep_encoders(learner: Learner, run: Path) -> None:
    """Write what a learner exports into the folder in which an arm of several stages would have left it."""
    encoders: dict[str, Any] = {ENCODER: learner.encoder, **learner.companions()}
    for name, encoder in encoders.items():
        save_encoder(encoder, run / name)


def given_to(subject: Subject, unit: Unit) -> Subject:
    """The same subject with what its arm stands on: encoders, and the folders of what else was left."""
    folders = {name: one.run for name, one in beneath(unit).items()}
    device = next(subject.artifacts[ENCODER].parameters()).device if ENCODER in subject.artifacts else None
    given = {
        name: load_encoder(folder / ENCODER).to(device)
        for name, folder in folders.items()
        if (folder / ENCODER / "encoder.json").is_file()
    }
    return replace(subject, given=given, folders=folders) if folders else subject


def beneath(unit: Unit) -> dict[str, Any]:
    """All units that this one stands on, by the names of their arms, those first that stand on nothing."""
    found: dict[str, Any] = {}
    for name, one in unit.given.items():
        found |= {**beneath(one), name: one}
    return found
