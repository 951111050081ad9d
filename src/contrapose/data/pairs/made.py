"""Made pairs by their name: `made:scenes?count=500&captions=2`."""

from __future__ import annotations

from contrapose.data.files.known_sets import MADE_BY_NAME, MADE_PAIRS
from contrapose.data.images.images import Images
from contrapose.data.images.made.naming import open_made
from contrapose.data.images.request import Request
from contrapose.data.pairs.pairs import Pairs
from contrapose.data.pairs.scene_captions import SYNONYMS, scene_captions
from contrapose.data.samples import LABEL
from contrapose.errors import ArgumentError

CAPTIONS = 2
"""Of a scene, unless told otherwise [design]: several, as real sets have, and fewer than there are templates."""


def open_made_pairs(name: str, request: Request) -> Pairs:
    """The pairs that a name says: options of the generator, and `captions`, how many each picture has.

    Errors:
        ArgumentError: as of `open_made`; pictures that are made without words.
    """
    maker, _, written = name.removeprefix(MADE_BY_NAME).partition("?")
    if maker not in MADE_PAIRS:
        raise ArgumentError(
            f"{MADE_BY_NAME}{maker} makes pictures without words; {' and '.join(MADE_PAIRS)} are made with captions."
        )
    parts = [part for part in written.split("&") if part]
    own = [part for part in parts if not part.startswith("captions=")]
    images: Images = open_made(f"{MADE_BY_NAME}{maker}{'?' if own else ''}{'&'.join(own)}", request)
    several = _whole(next((part for part in parts if part.startswith("captions=")), f"captions={CAPTIONS}"))
    seed = _whole(next((part for part in parts if part.startswith("seed=")), "seed=0"))
    if request.labels is False:
        images = images.with_target(LABEL, None)
    return Pairs(images, scene_captions(images, captions=several, seed=seed), synonyms=SYNONYMS, origin=name)


def _whole(part: str) -> int:
    option, _, value = part.partition("=")
    try:
        return int(value)
    except ValueError:
        raise ArgumentError(f"{option}={value!r}: {option} is a whole number, e.g. {option}=2.") from None
