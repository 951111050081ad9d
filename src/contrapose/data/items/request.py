"""What was asked of `open_items`, and what was found before it becomes `Histories`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contrapose.data.asked import Asked
from contrapose.data.labels import Labels
from contrapose.errors import ArgumentError


@dataclass(frozen=True, kw_only=True)
class ItemRequest(Asked):
    """The options of `open_items`; see there."""

    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    titles: Any = None
    core: int = 0
    hold_out: int | None = None
    known: tuple[str, ...] | None = None
    known_titles: tuple[str | None, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("core", "hold_out"):
            value = getattr(self, name) or 0
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ArgumentError(f"{name} is {value!r}: give a whole number, 0 or more.")

    @property
    def held(self) -> int:
        """How many last items are held out of what was not opened before."""
        return self.hold_out or 0


@dataclass(frozen=True, kw_only=True)
class Found:
    """What users took, one action after the other, in the order of time within each user.

    Shapes:
        items: S cells, what was taken each time; users: `(S,)` int64, who took it, 0 to U - 1.

    Arguments:
        identifiers: what the U users are called.
        where: what holds the items, for the error texts: "column 'item' of clicks.csv".
        origin, notes: as of `Samples`.
        labels, numbers: of each user, where known.
        titles: what items are called, by their names.
    """

    items: Sequence[Any]
    users: np.ndarray
    identifiers: Sequence[str]
    where: str
    origin: str
    notes: tuple[str, ...] = ()
    labels: Labels | None = None
    numbers: np.ndarray | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
