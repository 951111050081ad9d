"""The captions in tar files: `.txt` members, or a key of `.json` members."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from contrapose.data.files.captioned import decoded
from contrapose.data.pairs.captions import LOST, captions_of, lines_of
from contrapose.data.pairs.columns import CAPTION_NAMES, LATER_NAMES
from contrapose.data.shards.members import TarSamples
from contrapose.data.tables.columns import asked_column
from contrapose.errors import DataError
from contrapose.words import counted


def captions_in_tars(paths: Sequence[Path], key: str | None) -> list[tuple[str, ...]]:
    """The captions of each sample, in the order of the samples; none of a sample without words.

    Arguments:
        key: of the JSON members, which holds the caption or a list of them. None: `.txt` members where there are such,
            else a key with a usual name.

    Errors:
        DataError: no words in them.
        ArgumentError: a key that the JSON members do not have.
    """
    samples = TarSamples(paths)
    if key is None and "txt" in samples.endings:
        return [() if one is None else lines_of(decoded(one)) for one in samples.members(["txt"])]
    kinds = samples.said()
    usual = {name.lower(): name for name in kinds}
    asked = asked_column(kinds, key, f"the .json members of {samples.origin}") if kinds else None
    chosen = asked or next((usual[name] for name in (*CAPTION_NAMES, *LATER_NAMES) if name in usual), None)
    if chosen is None:
        shown = ", ".join(f".{one}" for one in samples.endings[:6]) or "none"
        raise DataError(
            f"{samples.origin} holds no captions (endings of its members: {shown}): they are .txt members, or a key "
            "of .json members called caption or text, or as text_column= (--text-column) says."
        )
    captions: list[tuple[str, ...]] = []
    for member in samples.members(["json"]):
        found = None
        with suppress(ValueError, AttributeError, TypeError):
            found = json.loads(member).get(chosen)
        captions.append(captions_of(found))
    return captions


def lost_note(captions: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """How many samples have captions of which letters were lost, where there are any."""
    garbled = sum(any(LOST in text for text in some) for some in captions)
    said = f"Captions of {counted(garbled, 'sample')} are not in UTF-8, and letters of them are lost."
    return (said,) if garbled else ()
