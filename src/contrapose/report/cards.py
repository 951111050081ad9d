"""How a sample is shown: a picture as a thumbnail, a text as text, a row of a table as its cells, others as their kind
draws them."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import Tensor

from contrapose.data import Images, Rows, Samples
from contrapose.data.texts.words import parts_of, words_of
from contrapose.modalities import modality_of

THUMBNAIL = 96  # pixels a side at most: a page of a thousand of them stays a few megabytes
QUALITY = 85  # of WebP, which takes a third of what PNG takes for photos
LONGEST_TEXT = 400  # characters
MOST_CELLS = 12


@dataclass(frozen=True)
class PictureCard:
    """A picture as a `data:` address, with the words that stand for it where it cannot be seen."""

    kind: ClassVar[str] = "picture"
    source: str
    alt: str

    def hover(self) -> dict[str, str]:
        """What a chart shows of it under the pointer; `image` is drawn as a picture."""
        return {"image": self.source}


@dataclass(frozen=True)
class TextCard:
    """The beginning of a text, and the words of it that are marked."""

    kind: ClassVar[str] = "text"
    text: str
    words: frozenset[str] = frozenset()

    @property
    def parts(self) -> list[tuple[str, bool]]:
        """The text in parts, each with whether it is marked."""
        return parts_of(self.text, self.words)

    def hover(self) -> dict[str, str]:
        """What a chart shows of it under the pointer."""
        return {"text": self.text}


@dataclass(frozen=True)
class RowCard:
    """The first cells of a table's row: name and value."""

    kind: ClassVar[str] = "row"
    cells: tuple[tuple[str, str], ...]

    def hover(self) -> dict[str, str]:
        """What a chart shows of it under the pointer."""
        return {"row": ", ".join(f"{name} = {value}" for name, value in self.cells)}


Card = PictureCard | TextCard | RowCard
Show = Callable[[int], Card]
"""Row number -> how that sample is shown. A new kind of data needs one of these and nothing else."""


def picture_card(
    pixels: UInt8[Tensor, "C H W"], alt: str, *, side: int = THUMBNAIL, lossless: bool = False
) -> PictureCard:
    """A thumbnail of at most `side` pixels; three channels as colour, of any other number the first as grey."""
    shown = pixels.permute(1, 2, 0) if len(pixels) == 3 else pixels[0]  # (H, W, 3) or (H, W)
    picture = Image.fromarray(np.ascontiguousarray(shown.cpu().numpy()))
    picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=QUALITY, lossless=lossless)
    return PictureCard(f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}", alt)


def drawing_card(drawing: str, alt: str) -> PictureCard:
    """An SVG, which a browser draws as a picture: nothing in it can run or fetch."""
    return PictureCard(f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}", alt)


def show_pictures(images: Images, *, side: int = THUMBNAIL) -> Show:
    """The pictures of `images`, called by their identifiers."""

    def show(row: int) -> Card:
        return picture_card(images.batch(torch.tensor([row]))[0], f"picture {images.identifiers[row]}", side=side)

    return show


def show(samples: Samples, *, side: int = THUMBNAIL) -> Show:
    """How samples of a kind are shown: pictures of at most `side` pixels, texts, the cells of rows, and of any other
    kind its drawing, where it has one, else an excerpt."""
    if isinstance(samples, Images):
        return show_pictures(samples, side=side)
    if isinstance(samples, Rows):
        return lambda row: show_rows([samples.cells(row)], samples.names)(0)

    kind = modality_of(samples)

    def drawn_or_read(row: int) -> Card:
        drawing = kind.drawing(samples, row)
        if drawing is not None:
            return drawing_card(drawing, f"{kind.noun} {samples.identifiers[row]}")
        sample = samples.batch([row])[0]
        return show_texts([sample if isinstance(sample, str) else samples.excerpt(row) or str(sample)])(0)

    return drawn_or_read


def marked(card: Card, asked: Card) -> Card:
    """How a neighbour is shown: of a text, with the words marked that stand in the query too."""
    if not isinstance(card, TextCard) or not isinstance(asked, TextCard):
        return card
    return replace(card, words=frozenset(words_of(card.text)) & frozenset(words_of(asked.text)))


def name_of(identifier: str) -> str:
    """What a person calls a sample: its file's name, or `sample 12` where it is but a number."""
    return f"sample {identifier}" if identifier.isdigit() else identifier


def show_texts(texts: Sequence[str]) -> Show:
    """Texts, cut after 400 characters."""

    def show(row: int) -> Card:
        text = texts[row]
        return TextCard(text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3].rstrip() + "...")

    return show


def show_rows(values: Sequence[Sequence[Any]] | np.ndarray, columns: Sequence[str]) -> Show:
    """Rows of a table, cut after 12 cells; numbers to four digits."""

    def show(row: int) -> Card:
        pairs = list(zip(columns, values[row], strict=True))
        cells = [(str(name), _cell(value)) for name, value in pairs[:MOST_CELLS]]
        rest = len(pairs) - len(cells)
        return RowCard((*cells, *([(f"{rest} more", "")] if rest else [])))

    return show


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)
