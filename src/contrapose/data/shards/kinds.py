"""What kind of samples a tar file holds."""

from __future__ import annotations

from pathlib import Path

from contrapose.data.shards.members import TarSamples
from contrapose.data.shards.pictures import PICTURES
from contrapose.data.tables.columns import TEXT_NAMES
from contrapose.errors import DataError


def of_tar(path: Path) -> str:
    """ "image" or "text", by the endings of its members.

    Errors:
        DataError: pictures as well as `.txt` members: two kinds are possible, and none is chosen in silence.
    """
    samples = TarSamples([path])
    pictures, texts = samples.ending_with(PICTURES), samples.ending_with(("txt",))
    if pictures and texts:
        raise DataError(
            f"{path} holds pictures (.{pictures[0]}) and texts (.{texts[0]}): say which to learn from, --modality "
            "image or --modality text (modality=)."
        )
    if texts:
        return "text"
    return "text" if not pictures and any(name.lower() in TEXT_NAMES for name in samples.said()) else "image"
