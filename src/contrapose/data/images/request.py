"""What was asked of `open_data`, checked once."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contrapose.data.asked import Asked
from contrapose.errors import ArgumentError
from contrapose.preparation import Fit, Preparation, check_white


@dataclass(frozen=True, kw_only=True)
class Request(Asked):
    """The options of `open_data`; see there.

    Errors:
        ArgumentError: an option that is no positive number where one is needed.
    """

    image_size: int | None = None
    channels: int | None = None
    image_column: str | None = None
    cache: str | os.PathLike[str] | bool | None = None
    workers: int | None = None
    progress: bool = True
    fit: Fit | None = None
    white: float | None = None
    preparation: Preparation | None = None
    masks: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_counts("image_size", "channels", "workers")
        self.settled  # noqa: B018 - checks fit and white

    @property
    def settled(self) -> Preparation:
        """How to prepare pictures, as far as that was asked for or settled before."""
        found = self.preparation or Preparation()
        check_white(self.white)
        if self.white is not None:
            found = replace(found, integers=self.white, floats=self.white)
        return found if self.fit is None else replace(found, fit=self.fit)

    @property
    def decides(self) -> bool:
        """Whether the pictures may decide what else there is to know: not where an encoder has settled it."""
        return self.preparation is None

    def check_photo_channels(self) -> None:
        """Photos are grey or RGB; other numbers of channels are for arrays."""
        if self.channels not in (None, 1, 3):
            raise ArgumentError(f"channels is {self.channels}: pictures have 1 (grey) or 3 (RGB).")

    def check_no_columns(self, where: Path | str) -> None:
        """Refuse a column of pictures in a folder, whose own classes would be taken for those of the column.

        Errors:
            ArgumentError: a column was asked for.
        """
        for option in ("image_column", "label_column", "number_column"):
            name = getattr(self, option)
            if name is not None:
                raise ArgumentError(
                    f"{where} holds pictures, and no column {name!r}: of a folder the sub-folders are the classes. "
                    f"Leave {option} (--{option.replace('_', '-')}) out, or give a table of the pictures' paths."
                )
