"""Where what a run reads lies: kept in its record, and found again from another folder or after both were copied."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from contrapose.data.files.known_sets import EMBEDDED, MADE_BY_NAME
from contrapose.data.shards.names import STREAM, is_there
from contrapose.data.shards.remote import ADDRESS
from contrapose.errors import DataError, RunError

FROM_PYTHON = "(given in Python)"  # what a configuration says of arrays and data sets that have no name
_HUB = "hub:"
_PUBLISHED = ("hf:", "timm:")  # weights that have a name and no place


def places_of(data: str, run: Path) -> dict[str, str]:
    """What `config.json` keeps of a path, beside the path as it was given; nothing for names such as `omniglot`.

    absolute   on this machine
    from_run   as seen from the run folder, which stays right when both are moved or copied together
    """
    prefix, path = _path_of(data)
    if path is None:
        return {}
    absolute = os.path.abspath(path)  # noqa: PTH100 - of a pattern too; links stay as they were given
    places = {"absolute": prefix + absolute}
    try:
        places["from_run"] = prefix + os.path.relpath(absolute, os.path.abspath(run))  # noqa: PTH100
    except ValueError:  # another drive, on Windows
        return places
    return places


def data_places(data: str, record: dict[str, Any], run: Path) -> list[str]:
    """Where the data of a run may lie now, likeliest first: as it was given, beside the run, where it was then.

    Errors:
        DataError: it lies at none of these places.
    """
    return places_now(data, record.get("data", {}).get("places"), run, "data")


def places_now(given: str, places: Mapping[str, str] | None, run: Path, what: Literal["data", "base"]) -> list[str]:
    """Where what a run reads may lie now, likeliest first: as it was given, beside the run, where it was then.

    Arguments:
        places: what `places_of` said of it.
        what: the option that names it.

    Errors:
        DataError, RunError: data, and a base, that lie at none of these places.
    """
    _, path = _path_of(given)
    known = places or {}
    if path is None and not known:
        return [given]  # a name, which is the same everywhere
    beside = known.get("from_run")
    tried = [given]
    if beside is not None:
        prefix = _HUB if beside.startswith(_HUB) else ""
        tried.append(prefix + os.path.normpath(run / beside.removeprefix(_HUB)))
    tried += [known["absolute"]] if known else []
    found = [place for place in tried if _is_there(place)]
    if not found:
        where = ", ".join(dict.fromkeys(tried))
        lost, error = ("data", DataError) if what == "data" else ("weights of the frozen encoder", RunError)
        raise error(f"The {lost} of the run {run} are no longer there (tried: {where}). Say where with --{what}.")
    return list(dict.fromkeys(found))


def _is_there(place: str) -> bool:
    path = Path(place.removeprefix(_HUB)).expanduser()
    return is_there(str(path))


def _path_of(data: str) -> tuple[str, str | None]:
    """The prefix and the path in what was given; none in names of the hub, of Python, of embedded and made sets."""
    named = data in (*EMBEDDED, FROM_PYTHON) or data.startswith((MADE_BY_NAME, STREAM, *_PUBLISHED))
    if named or ADDRESS.match(data):
        return "", None
    prefix = _HUB if data.startswith(_HUB) else ""
    path = str(Path(data.removeprefix(_HUB)).expanduser())
    return prefix, None if prefix and not Path(path).is_dir() else path
