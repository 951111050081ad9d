"""The options of where things are in tables and archives. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PictureReadingOptions:
    """Where pictures and labels are in tables and .npz archives."""

    image_column: str | None = None
    """Column of a table, or array of an .npz, with the pictures or their paths. Default: that of the run's own data,
    where there is a run, else one with a usual name (image, path, file, ...)."""
    label_column: str | None = None
    """Column of a table, or array of an .npz, with the labels. Default: likewise (label, class, target, ...)."""
    labels: Literal["auto", "none"] = "auto"
    """none: read no labels, whatever the data have."""


@dataclass(frozen=True, kw_only=True)
class ReadingOptions(PictureReadingOptions):
    """Where samples of any kind and labels are."""

    text_column: str | None = None
    """Column of a table with the texts. Default: likewise (text, sentence, review, ...), else the one
    with the longest texts."""


@dataclass(frozen=True, kw_only=True)
class HistoryReadingOptions:
    """Where users, items and times are in tables of histories."""

    user_column: str | None = None
    """Of histories: column of a table with the users. Default: that of the run's own data, where there is a run, else
    one with a usual name (user_id, reviewerID, ...)."""
    item_column: str | None = None
    """Column of a table with the items, or with the lists of them. Default: likewise (item_id, asin, items, ...)."""
    time_column: str | None = None
    """Column of a table with the times. Default: likewise (timestamp, date, ...), else the order of the rows."""
