"""Whatever the command line of a command takes, its function takes: no option ends in a traceback."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

import pytest

from contrapose.commands.apply import apply
from contrapose.commands.calibrate import calibrate
from contrapose.commands.compare import compare
from contrapose.commands.embed import embed
from contrapose.commands.evaluate import evaluate, measure
from contrapose.commands.options import (
    ApplyOptions,
    CalibrateOptions,
    CompareOptions,
    EmbedOptions,
    EvaluateOptions,
    TargetOptions,
)


@pytest.mark.parametrize(
    ("options", "command"),
    [
        (EvaluateOptions, evaluate),
        (CompareOptions, compare),
        (EmbedOptions, embed),
        (ApplyOptions, apply),
        (CalibrateOptions, calibrate),
    ],
)
def test_a_command_takes_every_option_of_its_form(options: type[Any], command: Callable[..., Any]) -> None:
    assert {one.name for one in fields(options)} - set(signature(command).parameters) == set()


def test_what_to_measure_by_is_the_same_for_one_run_and_for_several() -> None:
    asked = {one.name for one in fields(TargetOptions)}
    reading = {"image_column", "text_column", "label_column", "labels"}
    assert asked - reading <= set(signature(measure).parameters)
    assert asked <= set(signature(compare).parameters)
