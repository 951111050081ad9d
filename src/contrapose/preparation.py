"""How pictures of any kind become the square uint8 pixels that an encoder sees."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from contrapose.errors import ArgumentError

Fit = Literal["crop", "pad"]
Kind = Literal["integers", "floats"]
FITS: tuple[Fit, ...] = get_args(Fit)


@dataclass(frozen=True)
class Preparation:
    """What a pixel means, and what becomes of a picture that is not square. Decided once for a data set and kept with
    the encoder: a picture then embeds to the same numbers alone and among others.

    Arguments:
        integers: the value that is white in integers deeper than 8 bits; `None`: no such picture was seen. What has
            8 bits is always taken as 0 to 255.
        floats: the value that is white in floating point.
        fit: `"crop"` keeps the central square, `"pad"` the whole picture.

    Errors:
        ArgumentError: a white level that is no positive number, or another `fit`.
    """

    integers: float | None = None
    floats: float | None = None
    fit: Fit = "crop"

    def __post_init__(self) -> None:
        for white in (self.integers, self.floats):
            check_white(white)
        if self.fit not in FITS:
            raise ArgumentError(f"fit must be one of {', '.join(FITS)}, got {self.fit!r}.")

    @property
    def differs_from_default(self) -> bool:
        """Whether anything was decided: of pictures of 8 bits that are cropped, nothing was."""
        return self != Preparation()

    def white(self, kind: Kind) -> float | None:
        """The white level of integers or floats, where one was decided."""
        return self.integers if kind == "integers" else self.floats

    def with_white(self, kind: Kind, white: float) -> Preparation:
        """The same with this white level."""
        return replace(self, integers=white) if kind == "integers" else replace(self, floats=white)

    def to_json(self) -> dict[str, Any]:
        """As `encoder.json` and `config.json` keep it."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Any) -> Preparation:
        """What `to_json` has written; keys of a later version are passed over.

        Errors:
            ArgumentError: something else.
        """
        if not isinstance(found, Mapping):
            raise ArgumentError(f"a preparation must be a group of keys, got {found!r}.")
        return cls(**{key: found[key] for key in ("integers", "floats", "fit") if key in found})


def check_white(white: Any) -> None:
    """Stop at a white level that is no positive number.

    Errors:
        ArgumentError: that.
    """
    number = isinstance(white, int | float) and not isinstance(white, bool)
    if white is not None and not (number and 0 < white < math.inf):
        raise ArgumentError(f"white must be a number above 0, such as 4095 for 12 bits, got {white!r}.")
