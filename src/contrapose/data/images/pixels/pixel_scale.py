"""What is white in pictures that have no 8 bits: one level for a whole data set, or the one that an encoder keeps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contrapose.data.images.pixels.pixel_range import BITS, DEEPEST, LEVELS, PixelRange, kind_of
from contrapose.errors import DataError
from contrapose.preparation import Kind, Preparation

FEW = 1e-4  # hot pixels and the like: so small a share of the values decides nothing, and is clipped
ROOM = 1.25  # bicubic resampling overshoots by up to a quarter of the contrast
SOME = 0.01
FAINT = 1 / 8  # below this share of white, fewer than 32 of 256 grey levels would be left
SMALL = 16.0  # numbers up to here are no dark 0 to 255, but marks, counts or 4 bits
Ranges = dict[Kind, PixelRange]
ATTENTION = "Attention: "
"""How a note begins that should be seen even where notes are not."""


@dataclass(frozen=True)
class White:
    """A white level, and how it was come by: `"decided"` for these pictures, `"kept"` from before, or `"assumed"`
    because nothing is known and these pictures alone shall not decide."""

    level: float
    source: str


def white_level(found: PixelRange, kind: Kind) -> float | None:
    """The white level of a whole data set, by the range of all its values; `None` where no rule knows such a range.

        integers: 2^bits - 1 with the fewest bits from 8 to 16 (12 bits in 16 are white at 4095)
        floats:   1 for [0, 1]; 255 for [0, 255]; beyond, and below 1/8, as integers the next power of two

    A share of 0.0001 of the values may lie above (hot pixels); floats may overshoot by a quarter, as resampling does.
    Where nothing is above 16, the largest value is white (marks 0 and 1, counts, 4 bits).
    """
    if found.high <= 0:
        return 1.0
    if kind == "floats":
        faint = (level for level in LEVELS[kind] if level <= FAINT and not found.above[level])
        if (level := next(faint, None)) is not None:
            return level
        if found.share_above(ROOM) <= FEW:
            return 1.0
    if found.high <= SMALL:
        return found.high
    if found.share_above(BITS[0] * ROOM if kind == "floats" else BITS[0]) <= FEW:
        return BITS[0]
    return next((level for level in BITS[1:] if found.share_above(level) <= FEW), None)


def decided_white(found: PixelRange, kind: Kind) -> White | None:
    """The white level that the range of a whole data set decides."""
    level = white_level(found, kind)
    return None if level is None else White(level, "decided")


def fixed_white(kind: Kind, kept: Preparation, *, assumed: float | None = None) -> White:
    """The white level that was settled, else one that does not depend on any picture.

    Arguments:
        assumed: what integers without a known level are white at; by default 255.
    """
    if (known := kept.white(kind)) is not None:
        return White(known, "kept")
    return White(1.0 if kind == "floats" else assumed or BITS[0], "assumed")


def decided(settled: Preparation, ranges: Ranges) -> Preparation:
    """What was settled, with the levels that it lacks decided by the ranges of a whole data set."""
    for kind, found in ranges.items():
        if settled.white(kind) is None and (level := white_level(found, kind)) is not None:
            settled = settled.with_white(kind, level)
    return settled


def as_taken(ranges: Ranges, preparation: Preparation, *, settled: Preparation) -> tuple[Preparation, list[str]]:
    """The preparation with every level that was used, and what a person should know of these.

    Arguments:
        settled: what was known before the pictures were looked at.
    """
    notes = []
    for kind, found in ranges.items():
        white = fixed_white(kind, preparation, assumed=DEEPEST)
        if white.source == "kept" and settled.white(kind) is None:
            white = White(white.level, "decided")
        notes.append(sentence(found, kind, white, of=" deeper than 8 bits"))
        preparation = preparation.with_white(kind, white.level)
    return preparation, notes


def add(ranges: Ranges, found: tuple[Kind, PixelRange] | None) -> None:
    """Let a picture's range be part of the data set's."""
    if found is not None:
        kind, one = found
        ranges[kind] = ranges[kind] + one if kind in ranges else one


def usable(found: tuple[Kind, PixelRange] | None) -> tuple[Kind, PixelRange] | None:
    """The range of a picture, unless it is none that `checked` would pass: such a picture shall not decide."""
    if found is None or found[1].wrong or found[1].high > DEEPEST or found[1].low < -(ROOM - 1) * found[1].high:
        return None
    return found


def range_levels(white: White) -> tuple[float, float]:
    """What `checked` and `sentence` must know of a range beyond the usual levels."""
    return white.level, ROOM * white.level


def checked(found: PixelRange, kind: Kind, white: White | None, *, what: str) -> White:
    """The white level again, unless the values are such as it cannot be meant for.

    Arguments:
        what: what has the values, to begin the error's text with.

    Errors:
        DataError: that, and what to do.
    """
    values = f"{what} have values from {found.low:g} to {found.high:g}"
    level = DEEPEST if white is None else white.level
    if found.low < -(ROOM - 1) * level or (found.low < -0.1 * level and found.negative > SOME * found.count):
        raise DataError(
            f"{values}: give uint8, floats in [0, 1] or in [0, 255], or integers of up to 16 bits, with "
            "black at 0. Undo a normalisation first, e.g. x * std + mean: the encoder brings its own."
        )
    remedy = "Say which value is white with white= (on the command line --white)"
    if white is None:
        raise DataError(f"{values}, which is more than 16 bits. {remedy}, or undo a normalisation first.")
    if kind == "floats" and found.share_above(ROOM * level) > SOME:
        raise DataError(f"{values}, but {_as_what(white)}. Bring them to that scale. {remedy} where it is another.")
    if kind == "integers" and white.source == "assumed" and level < DEEPEST and found.high > level:
        raise DataError(f"{values}, but {_as_what(white)}. {remedy}, e.g. 4095 for 12 bits.")
    return white


def _as_what(white: White) -> str:
    known = {"kept": "is known to be white", "assumed": "is taken as white where nothing else is known"}
    return f"{white.level:g} {known.get(white.source, 'is white in the others')}"


def sentence(found: PixelRange, kind: Kind, white: White, *, of: str = "") -> str:
    """What a person should know of how the values were taken.

    Arguments:
        of: which pictures, where it is not all.
    """
    bits = f" ({int(white.level).bit_length()} bits)" if white.level in BITS[1:] else ""
    text = f"Pixels{of} ({kind} from {found.low:g} to {found.high:g}) were taken as 0 to {white.level:g}{bits}"
    text += {"kept": ", as was given or is kept with the encoder", "assumed": ", as nothing else is known of them"}.get(
        white.source, ""
    )
    outside = found.share_above(white.level) + found.negative / max(1, found.count)
    if outside:
        text += f"; {100 * outside:.2g} % of the values lie outside and were clipped"
    dark = white.source == "assumed" and 0 < found.high < FAINT * white.level
    if dark:
        text += ", which makes them very dark: say which value is white with white= (on the command line --white)"
    loud = dark or (white.source != "decided" and outside > SOME)
    return f"{ATTENTION if loud else ''}{text}."


def to_eight_bit(values: np.ndarray, white: float) -> np.ndarray:
    """0 to `white` as 0 to 255, rounded; what lies outside is clipped."""
    floats = values.astype(np.float32)
    if values.dtype.kind in "iu" and values.dtype.itemsize > 2:  # float32 counts no further than 2^24
        floats = values.astype(np.float64)
    return np.round(np.clip(floats * (255 / white), 0, 255)).astype(np.uint8)


def measured_kind(values: np.ndarray) -> Kind:
    """Whether an array's numbers are integers or floats.

    Errors:
        DataError: neither.
    """
    if values.dtype.kind not in "iuf":
        raise DataError(f"Pictures must be arrays of numbers, not of type {values.dtype}.")
    return kind_of(values.dtype)
