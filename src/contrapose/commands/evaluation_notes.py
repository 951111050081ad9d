"""What a reader of an evaluation should know of the data: what the run was shown of them before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from contrapose.methods import Method
from contrapose.modalities import MODALITIES
from contrapose.tasks import Given, Measurement


def seen(config: Method | None, tested: Any, measurement: Measurement) -> list[str]:
    """A note where the test samples are among those that the run was trained on."""
    if config is None or not isinstance(tested, str | os.PathLike):
        return []
    if Path(tested).expanduser().absolute() != Path(config.data).expanduser().absolute():
        return []
    kind, target = MODALITIES[config.modality], measurement.target
    noun = kind.noun
    if target is None:  # which sides belong together is what was learned, and what is asked
        return [f"the towers were trained on these very {noun}s: give others with --data"] if kind.sides else []
    if target in config.shown_targets:
        return [
            f"the encoder was trained with the {target}s of these very {noun}s, the tested ones too: hold some out "
            "before training and give them with --test-data"
        ]
    return [f"the encoder was trained on these {noun}s too, without their {target}s"]


def given_away(given: Given, measurement: Measurement) -> list[str]:
    """A note where the column that is measured by is one of those that an encoder of rows is given."""
    asked = {"label": given.targets.label_column, "number": measurement.number_column}.get(measurement.target or "")
    if asked is None or asked not in {column.name for column in getattr(given.encoder, "columns", ())}:
        return []
    return [
        f"{asked!r} is one of the columns that the encoder takes, so the answer is in the question, and these numbers "
        f"say nothing of other {measurement.noun}s. Train anew with --{measurement.target}-column {asked} or "
        f"--ignore-columns {asked}, which leaves it out"
    ]
