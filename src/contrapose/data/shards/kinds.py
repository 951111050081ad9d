"""What kind of samples a tar file holds."""

from __future__ import annotations

from pathlib import Path

from contrapose.data.shards.members import TarSamples
from contrapose.data.shards.pictures import PICTURES
from contrapose.data.tables.columns import TEXT_NAMES


def of_tar(path: Path) -> str:
    """ "image", "text", or "pairs" of both, by the endings of its members."""
    samples = TarSamples([path])
    pictures, texts = samples.ending_with(PICTURES), samples.ending_with(("txt",))
    if pictures and texts:
        return "pairs"
    if texts:
        return "text"
    return "text" if not pictures and any(name.lower() in TEXT_NAMES for name in samples.said()) else "image"
