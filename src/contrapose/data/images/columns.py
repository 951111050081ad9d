"""Which column of a table holds the pictures, and which the labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contrapose.data.images.request import Request
from contrapose.data.tables.columns import LABEL_NAMES, PICTURE_NAMES, Kind, asked_column, listed, usual_label
from contrapose.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Columns:
    """The chosen columns, and what is in the one with the pictures: encoded files, or paths of files."""

    picture: str
    kind: Kind
    label: str | None
    fractions: str | None = None
    """A column with the name of labels that holds fractions, which are no classes."""

    @property
    def note(self) -> str:
        label = f", labels from {self.label!r}" if self.label else ", no labels"
        why = f" ({self.fractions!r} holds fractions)" if self.fractions and not self.label else ""
        return f"Pictures from column {self.picture!r}{label}{why}."

    def noted(self, labels: object) -> str:
        """The note, once it is known whether the column of labels held any."""
        return self.note if labels is not None or self.label is None else f"{self.note[:-1]}, all of them missing."


def choose_columns(kinds: Mapping[str, Kind], request: Request, *, origin: str) -> Columns:
    """The columns that were asked for, else those with a usual name (any case) and a fitting type.

    Encoded pictures go before paths; a column of encoded pictures that is the only one needs no usual name.

    Arguments:
        kinds: what each column holds.
        origin: the table, for the error texts.

    Errors:
        ArgumentError: a column that does not exist, or cannot hold what it is asked for.
        DataError: no column of pictures.
    """
    picture = asked_column(kinds, request.image_column, origin) or _picture(kinds, origin)
    if kinds[picture] not in ("bytes", "struct", "text"):
        raise ArgumentError(
            f"Column {picture!r} of {origin} holds neither encoded pictures nor paths of files: choose "
            "another of "
            f"{listed(kinds)} with image_column= (--image-column)."
        )
    label = asked_column(kinds, request.label_column, origin) or usual_label(kinds, taken=picture)
    if not request.reads_labels:
        return Columns(picture, kinds[picture], None)
    numbers = {name.lower(): name for name, kind in kinds.items() if kind == "number"}
    fractions = next((numbers[name] for name in LABEL_NAMES if name in numbers), None)
    return Columns(picture, kinds[picture], label, fractions)


def _picture(kinds: Mapping[str, Kind], origin: str) -> str:
    encoded = {name.lower(): name for name, kind in kinds.items() if kind in ("bytes", "struct")}
    texts = {name.lower(): name for name, kind in kinds.items() if kind == "text"}
    for names in (encoded, texts):
        for name in PICTURE_NAMES:
            if name in names:
                return names[name]
    if len(encoded) == 1:
        return next(iter(encoded.values()))
    if not encoded and not texts:
        raise DataError(
            f"{origin} holds numbers only (columns {listed(kinds)}) and no pictures, which come as a column of encoded "
            "files or of paths. To learn from its rows: --modality rows (modality=)."
        )
    raise DataError(
        f"{origin} has no column with a usual name for pictures (image, path, file, ...): its columns are "
        f"{listed(kinds)}. Name the one with image_column=, or --image-column on the command line."
    )
