"""What to say of pictures that an encoder would take in another way than those that it was trained on."""

from __future__ import annotations

import warnings

from contrapose.data.images.images import Images
from contrapose.data.images.pixels.pixel_scale import ATTENTION
from contrapose.preparation import Kind, Preparation


def warn_of_pixels(images: Images, kept: Preparation) -> None:
    """Warn of pixels that were taken in a way that is likely wrong, or in another way than the encoder's own."""
    said = [note.removeprefix(ATTENTION) for note in images.notes if note.startswith(ATTENTION)]
    kinds: tuple[Kind, ...] = ("integers", "floats")
    for kind in kinds:
        theirs, ours = images.preparation.white(kind), kept.white(kind)
        if theirs is not None and ours is not None and theirs != ours:
            said.append(
                f"These pictures ({images.origin}) were opened with {theirs:g} as white, and the encoder was trained "
                f"with {ours:g}: the same picture alone would embed differently. Give the data itself, or open it "
                f"with preparation=encoder.preparation."
            )
    for text in said:
        warnings.warn(text, stacklevel=3)
