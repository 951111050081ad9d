"""Texts in tar files: `.txt` members, or a key of `.json` members, each read when it is asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.shards.members import Members, TarSamples
from contrapose.data.shards.told import IDENTIFIER, told_of
from contrapose.data.tables.columns import TEXT_NAMES, asked_column
from contrapose.data.texts.found import Found, TextRequest
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

HELD_AT_MOST = 64 * 2**20
"""Bytes of shards up to which all texts are read into memory at once [design]: the usual case, and the fastest."""
PERHAPS_BLANK = 64  # bytes: longer members are taken to hold a text


class MemberTexts(Sequence[Any]):
    """The texts of some members, `None` where there is none; bytes that are not UTF-8 become a mark.

    Arguments:
        key: of JSON members, which of their keys holds the text; None: the member is the text.
    """

    def __init__(self, members: Members, key: str | None) -> None:
        self.members, self.key = members, key

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, row: Any) -> Any:
        content = self.members[row]
        if content is None or self.key is None:
            return None if content is None else content.decode("utf-8", "replace")
        with suppress(ValueError):
            found = json.loads(content)
            text = found.get(self.key) if isinstance(found, dict) else None
            return text.encode("utf-8", "replace").decode() if isinstance(text, str) else None
        return None

    def kept(self) -> np.ndarray:
        """Rows that hold a text; of `.txt` members only short ones are read for that."""
        rows = np.flatnonzero(self.members.offset >= 0)
        if self.key is None:
            short = self.members.size[rows] <= PERHAPS_BLANK
            blank = [row for row in rows[short].tolist() if not (self[row] or "").strip()]
            return np.setdiff1d(rows, blank)
        return np.array([row for row in rows.tolist() if (self[row] or "").strip()], dtype=np.int64)


def texts_of_tars(paths: Sequence[Path], request: TextRequest) -> Found:
    """The texts of tar files with their classes.

    Errors:
        DataError: no texts in them, or a file that is no whole tar file.
        ArgumentError: a key that the JSON members do not have.
    """
    if request.comment_column is not None:
        raise ArgumentError("comment_column (--comment-column) is of tables: leave it out of tar files.")
    samples = TarSamples(paths)
    endings, key = _where(samples, request)
    told = told_of(samples, request, taken=key)
    texts = MemberTexts(samples.members(endings), key)
    large = sum(path.stat().st_size for path in paths) > HELD_AT_MOST
    source = f".{' .'.join(endings)}" if key is None else f"{key!r} of .json"
    note = f"Texts from {source} of {counted(len(paths), 'shard')}{told.note}."
    if large:
        note = f"{note[:-1]}, each read when it is asked for."
    return Found(
        cells=texts if large else list(texts),
        identifiers=told.identifiers,
        where=samples.origin,
        origin=f"{counted(len(paths), 'shard')}, {samples.origin}",
        labels=told.labels,
        numbers=told.numbers,
        notes=(note, *samples.notes),
        kept=texts.kept() if large else None,
        fingerprint=hashlib.sha256(json.dumps([samples.digests, endings, key]).encode()).hexdigest() if large else None,
    )


def _where(samples: TarSamples, request: TextRequest) -> tuple[list[str], str | None]:
    """The endings of the members that hold the texts; and of JSON members the key."""
    where = f"the .json members of {samples.origin}"
    kinds = samples.said()
    asked = asked_column(kinds, request.text_column, where) if kinds or request.text_column else None
    plain = samples.ending_with(("txt",))
    if plain and asked is None:
        return plain, None
    usual = {name.lower(): name for name, kind in kinds.items() if kind == "text" and name != IDENTIFIER}
    key = asked or next((usual[name] for name in TEXT_NAMES if name in usual), None)
    if key is None:
        shown = ", ".join(f".{one}" for one in samples.endings[:6]) or "none"
        raise DataError(
            f"{samples.origin} holds no texts (endings of its members: {shown}). Texts are .txt members, or a key of "
            ".json members with a usual name (text, caption, ...), or the one that text_column= (--text-column) names."
        )
    return ["json"], key
