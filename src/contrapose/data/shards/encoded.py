"""What samples become in shards: a picture or a text or both, its class, and what it is called."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.chosen import Chosen
from contrapose.data.images.images import Images
from contrapose.data.images.listing import Listing
from contrapose.data.images.packing.chunks import in_chunks
from contrapose.data.images.pixels.decoding import PictureError, decode, opened
from contrapose.data.labels import UNLABELLED, Labels
from contrapose.data.ragged import Ragged
from contrapose.data.samples import NUMBER, Skipped
from contrapose.data.shards.told import IDENTIFIER
from contrapose.data.shards.writing import Member, Sample
from contrapose.data.texts.texts import Texts
from contrapose.errors import ArgumentError

TRIED_AT = 16  # pixels: every picture is decoded once, as small as that, so that none that is damaged gets in
CHUNK = 32
Captions = Sequence[Sequence[str]] | Ragged
_ENDINGS = {"jpeg": "jpg", "mpo": "jpg", "jpeg2000": "jp2", "ppm": "ppm"}


def of_listing(
    listing: Listing, rows: range, skipped: list[Skipped], workers: int, captions: Captions | None = None
) -> Iterator[Sample]:
    """Pictures as they are encoded, those that cannot be read left out and added to `skipped`; with their captions."""
    some = Chosen(listing.pictures, np.asarray(rows))
    with closing(in_chunks(some, lambda _, pictures: list(map(_encoded, pictures)), workers, CHUNK)) as chunks:
        row = rows.start
        for chunk in chunks:
            for found in chunk:
                if isinstance(found, Member):
                    yield (
                        found,
                        *_words(captions, row),
                        *_beside(row, listing.labels, listing.identifiers, listing.numbers),
                    )
                else:
                    skipped.append(Skipped(listing.identifiers[row], found))
                row += 1


def of_images(images: Images, rows: range, captions: Captions | None = None) -> Iterator[Sample]:
    """Pictures that are pixels already, as PNG, which loses nothing; with their captions.

    Errors:
        ArgumentError: pictures that are neither grey nor RGB.
    """
    from PIL import Image

    if images.channels not in (1, 3):
        raise ArgumentError(
            f"{images.origin} holds pictures of {images.channels} channels, and shards take grey and RGB ones: keep "
            "them as .npy, which is read from the disk as it is needed."
        )
    for row, tell in zip(rows, _told(images, rows), strict=True):
        pixels = images.batch([row]).numpy()[0]  # (C, H, W)
        buffer = io.BytesIO()
        Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(buffer, "PNG")
        yield Member("png", buffer.getvalue()), *_words(captions, row), *tell


def of_texts(texts: Texts, rows: range) -> Iterator[Sample]:
    """Texts in UTF-8."""
    for row, tell in zip(rows, _told(texts, rows), strict=True):
        yield Member("txt", texts.batch([row])[0].encode("utf-8", "replace")), *tell


def _told(samples: Images | Texts, rows: range) -> Iterator[Sample]:
    labels = None if samples.labels is None else Labels(samples.labels, samples.class_names)
    for row in rows:
        yield _beside(row, labels, samples.identifiers, samples.targets.get(NUMBER))


def _words(captions: Captions | None, row: int) -> Sample:
    """The captions of a picture, one a line: none of them holds an end of line."""
    return () if captions is None else (Member("txt", "\n".join(captions[row]).encode("utf-8", "replace")),)


def _beside(row: int, labels: Labels | None, identifiers: Sequence[str], numbers: np.ndarray | None) -> Sample:
    told: dict[str, Any] = {IDENTIFIER: identifiers[row]}
    if numbers is not None and not math.isnan(numbers[row]):
        told[NUMBER] = float(numbers[row])
    members = [Member("json", json.dumps(told).encode())]
    if labels is not None and labels.numbers[row] != UNLABELLED:
        members.append(Member("cls", str(int(labels.numbers[row])).encode()))
    return tuple(members)


def _encoded(picture: Any) -> Member | str:
    """A picture in its own encoding; or what is wrong with it."""
    try:
        content, named = _content(picture)
        decode(content, size=TRIED_AT, channels=3)
        with opened(content) as image:
            kind = (image.format or "png").lower()
        return Member(_ENDINGS.get(kind, kind) if named is None else named, content)
    except PictureError as error:
        return str(error)


def _content(picture: Any) -> tuple[bytes, str | None]:
    if isinstance(picture, bytes | bytearray | memoryview):
        return bytes(picture), None
    if isinstance(picture, str):
        try:
            return Path(picture).read_bytes(), Path(picture).suffix[1:].lower()
        except FileNotFoundError as error:
            raise PictureError("no such file") from error
        except OSError as error:
            raise PictureError(error.strerror or "cannot be read") from error
    if picture is None:
        raise PictureError("no picture in this row")
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")  # a Pillow image
    return buffer.getvalue(), "png"


Of = Callable[[range], Iterator[Sample]]
"""Some rows of samples into members."""
