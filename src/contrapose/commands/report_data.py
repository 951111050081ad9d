"""Which pictures a report shows: those that were evaluated, so that one page speaks of one test set."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrapose.encoders.stage_folder import no_encoder_there
from contrapose.errors import RunError
from contrapose.methods.verbs import verb_of
from contrapose.shell import shell_command

if TYPE_CHECKING:
    from contrapose.training.run_folder import RunFolder

NAMES = ("data", "test_data")


def sources_of(
    data: Any, test_data: Any, *, limit: int | None, seed: int, number_column: str | None = None
) -> dict[str, Any] | None:
    """What `evaluation.json` keeps of an evaluation, so that a report can show the same parts; None without names."""
    if not isinstance(data, str | os.PathLike) or not isinstance(test_data, str | os.PathLike | None):
        return None
    numbers = {} if number_column is None else {"number_column": number_column}
    places = {"data": _place(data), "test_data": test_data and _place(test_data)}
    return {**places, "limit": limit, "seed": seed, **numbers}


@dataclass(frozen=True)
class Shown:
    """What a page shows.

    Arguments:
        data, test_data, limit, seed: as `report` takes them.
        elsewhere: why the results of the run's evaluation do not belong on the page; empty where they do.
        number_column: the column of numbers that was predicted.
    """

    data: Any
    test_data: Any
    limit: int | None
    seed: int
    elsewhere: str = ""
    number_column: str | None = None

    @property
    def numbers(self) -> dict[str, Any]:
        """Options of reading for data whose numbers were predicted: their classes, if any, are not asked for."""
        return {} if self.number_column is None else {"number_column": self.number_column, "labels": False}


def shown_by(folder: RunFolder, data: Any, test_data: Any, limit: int | None, seed: int) -> Shown:
    """What was asked for; what was evaluated, where nothing was asked for."""
    known = _evaluated(folder)
    if known is None:
        return Shown(data, test_data, limit, seed)
    column = known.get("number_column")
    if data is None and test_data is None:
        return Shown(known["data"], known["test_data"], limit or known["limit"], known["seed"], number_column=column)
    asked = sources_of(data if data is not None else known["data"], test_data, limit=None, seed=0)
    if asked is not None and all(asked[name] == known[name] for name in NAMES):
        return Shown(data, test_data, limit or known["limit"], known["seed"], number_column=column)
    words: list[str | Path] = ["evaluate", folder.path, *(["--data", str(data)] if data is not None else [])]
    words += ["--test-data", str(test_data)] if test_data is not None else []
    measured = " and ".join(known[name] for name in NAMES if known[name])
    return Shown(
        data,
        test_data,
        limit,
        seed,
        f"What was measured is of other pictures ({measured}). Measure these: {shell_command(*words)}",
    )


def with_encoder(folder: RunFolder) -> RunFolder:
    """Pass a folder in which an encoder lies.

    Errors:
        RunError: none does: the run stopped too early, or the stage makes none.
    """
    if (folder.encoder / "encoder.json").is_file():
        return folder
    reason = no_encoder_there(folder.path)
    if folder.stage is not None:
        raise RunError(f"{reason} Its curves and pictures are on the page of the run: {_command('report', folder)}")
    reason = reason or f"{folder.path} has no encoder yet: it stopped before its first checkpoint."
    raise RunError(f"{reason} Continue it with: {_command(verb_of(folder.read_record()), folder, '--resume')}")


def is_attack(folder: RunFolder) -> bool:
    """Whether it is the folder of an attack, which leaves a perturbation and no encoder."""
    return verb_of(folder.read_record()) == "attack"


def _command(name: str, folder: RunFolder, *options: str) -> str:
    return shell_command(name, *options, folder.root)


def _evaluated(folder: RunFolder) -> Mapping[str, Any] | None:
    try:
        found = json.loads(folder.evaluation_file.read_bytes())["sources"]
        return {
            **{name: found[name] for name in (*NAMES, "limit", "seed")},
            "number_column": found.get("number_column"),
        }
    except (OSError, ValueError, KeyError, TypeError):  # not measured, by an earlier version, or not by name
        return None


def _place(source: str | os.PathLike[str]) -> str:
    """An absolute path where there is one; names and patterns as they are."""
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else os.fspath(source)
