"""A trigger as people write it: `badnets`, `badnets?side=4&margin=1`, or the folder of a set that carries it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contrapose.errors import ArgumentError, DataError
from contrapose.robustness.triggers.trigger import Trigger, trigger

RECORD = "poison.json"
"""What `contrapose poison` writes beside the samples: the trigger, its target, and which carry it."""


def named_trigger(said: str | os.PathLike[str], *, channels: int, image_size: int) -> Trigger:
    """The trigger that a name with options says, or that a poisoned set carries.

    >>> named_trigger("badnets?side=4", channels=3, image_size=16).in_words()
    'badnets, seed 0, side 4'

    Arguments:
        said: NAME or NAME?OPTION=VALUE&OPTION=VALUE, with the options of `trigger` (seed among them); or a folder that
            `contrapose poison` wrote.
        channels, image_size: of the pictures that it is to be put on.

    Errors:
        ArgumentError: an unknown name or option, or pictures of another size than the poisoned set's.
        DataError: a folder without such a record, or with a damaged one.
    """
    if Path(said).is_dir():
        form = {**read_poison(said)["trigger"]}
        made = trigger(**form)
        if (form["channels"], form["image_size"]) != (channels, image_size):
            raise ArgumentError(
                f"The trigger of {said} is for {form['channels']} x {form['image_size']} x {form['image_size']} "
                f"pictures, and these are {channels} x {image_size} x {image_size}: take towers trained on that set."
            )
        return made
    name, _, written = os.fspath(said).partition("?")
    options = dict(_option(part) for part in written.split("&") if part)
    if own := {"name", "channels", "image_size"} & set(options):
        raise ArgumentError(f"{min(own)} is that of the pictures, and no option of a trigger: leave it out.")
    return trigger(name, channels=channels, image_size=image_size, **options)


def read_poison(folder: str | os.PathLike[str]) -> Mapping[str, Any]:
    """What is known of a poisoned set: `trigger`, `target`, `share`, `poisoned`.

    Errors:
        DataError: none, or a damaged one.
    """
    file = Path(folder) / RECORD
    try:
        found = json.loads(file.read_bytes())
        return {name: found[name] for name in ("trigger", "target", "share", "seed", "captions", "poisoned")}
    except OSError:
        raise DataError(
            f"{folder} is a folder without {RECORD}, so no trigger is known of it. Give a set that `contrapose poison` "
            "wrote, or a trigger by its name, e.g. badnets or badnets?side=4."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} is damaged ({error}): write the set again with `contrapose poison`.") from None


def _option(part: str) -> tuple[str, Any]:
    """`side=4` as a number where it is one."""
    name, equals, value = part.partition("=")
    if not equals or not name or not value:
        raise ArgumentError(f"{part!r} is no option of a trigger: write NAME?OPTION=VALUE, e.g. badnets?side=4.")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value
