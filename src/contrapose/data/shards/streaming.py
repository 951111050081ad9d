"""Data sets of the hub that are read once, as they come, and kept in shards: what cannot be held whole, and has no
order to go back to.

CACHE/shards/streams/NAME-KEY/       the shards, whole or absent
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from contrapose.data.images.packing.cache import cache_folder, in_turn
from contrapose.data.shards.writing import MANIFEST, Member, Sample, in_groups, write_shards
from contrapose.data.tables.columns import usual_label
from contrapose.data.tables.hub import kinds_of_dataset
from contrapose.errors import ArgumentError, ContraposeError, DataError
from contrapose.optional import optional

IN_EACH = 10_000  # samples of a shard
_FIRST = re.compile(r"(.*)\[:(\d+)\]")
_SIGNS = {b"\xff\xd8\xff": "jpg", b"\x89PNG": "png", b"RIFF": "webp", b"GIF8": "gif", b"BM": "bmp"}


def streamed(name: str) -> list[Path]:
    """The shards of `OWNER/NAME[:SPLIT]` of the hub, read once from its beginning; of `OWNER/NAME:SPLIT[:10000]` the
    first so many samples. What was read stays as it was: a later version on the hub is not looked for.

    Errors:
        DataError: it cannot be read, or is empty.
        MissingExtraError: no package `datasets`.
    """
    found = _FIRST.fullmatch(name)
    whole, count = (found.group(1), int(found.group(2))) if found else (name, None)
    place, _, split = whole.partition(":")
    key = hashlib.sha256(name.encode()).hexdigest()[:16]
    folder = cache_folder() / "shards" / "streams" / f"{re.sub(r'[^A-Za-z0-9]+', '-', place)[:40]}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with in_turn(folder.parent):
        if not (folder / MANIFEST).is_file():
            datasets = optional("datasets", extra="hub")
            try:
                dataset = datasets.load_dataset(place, split=split or "train", streaming=True)
                groups = in_groups(samples_of(dataset, count), IN_EACH)
                write_shards(groups, folder, about=lambda: classes_of(dataset))
            except ContraposeError:
                raise
            except Exception as error:  # network, authorisation, spelling: many types of as many packages
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise DataError(
                    f"stream:{name} cannot be read ({reason}). Check the spelling OWNER/NAME:SPLIT and the connection."
                ) from error
    return [folder / str(one) for one in json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["shards"]]


def is_stream(data: Any) -> bool:
    """Whether it is a data set of `datasets` that can only be read from its beginning."""
    return hasattr(data, "take") and hasattr(data, "features") and not hasattr(data, "__len__")


def refuse_stream(data: Any) -> None:
    """Stop at one where the order of samples is needed.

    Errors:
        ArgumentError: it is one.
    """
    if is_stream(data):
        raise ArgumentError(
            f"{type(data).__name__} can be read but once, from its beginning: give its name, stream:OWNER/NAME, or "
            "write it into shards, contrapose.commands.pack.pack(data, out=FOLDER)."
        )


def classes_of(dataset: Any) -> dict[str, Any]:
    """The names of the classes of the column of labels, as `shards.json` has them."""
    label = usual_label(kinds_of_dataset(dataset)) if dataset.features else None
    names = None if label is None else getattr(dataset.features[label], "names", None)
    return {} if names is None else {"classes": list(names)}


def samples_of(dataset: Any, count: int | None = None) -> Iterator[Sample]:
    """The members of each row: a picture as it is encoded, and all plain values as JSON.

    Arguments:
        count: of how many rows at most; None: of all.

    Errors:
        DataError: no row at all.
        ArgumentError: a row of nothing that can be written.
    """
    datasets = optional("datasets", extra="hub")
    columns = [name for name, one in (dataset.features or {}).items() if isinstance(one, datasets.Image)]
    if columns:
        dataset = dataset.cast_column(columns[0], datasets.Image(decode=False))
    number = -1
    for number, row in enumerate(islice(dataset, count)):
        members = [*_picture(row, columns)]
        plain = {key: value for key, value in row.items() if isinstance(value, str | int | float | bool)}
        if plain:
            members.append(Member("json", json.dumps(plain).encode()))
        if not members:
            raise ArgumentError(f"Row {number} holds neither a picture nor a plain value ({', '.join(row)}).")
        yield tuple(members)
    if number < 0:
        raise DataError("The data set is empty.")


def _picture(row: Mapping[str, Any], columns: list[str]) -> Iterator[Member]:
    for name, value in row.items():
        content = value.get("bytes") if isinstance(value, Mapping) else value
        if isinstance(content, bytes) and (name in columns or not columns):
            ending = next((ending for sign, ending in _SIGNS.items() if content.startswith(sign)), None)
            yield Member(ending or "bin", content)
            return
