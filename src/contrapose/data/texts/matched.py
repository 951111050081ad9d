"""`MatchedTexts`: anchors with the texts that were given for them, and perhaps one against them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from contrapose.data.texts.texts import Texts
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

Partners = Mapping[str, Sequence[tuple[str, ...]]]
"""Anchor -> a tuple of its positive, or of its positive and a hard negative, for each row that it was found in."""


class MatchedTexts(Texts):
    """Different anchors, each with one or more partners: a positive, or a positive and a hard negative.

    As samples they are the anchors, so that whatever takes texts takes them.

    Arguments:
        partners: see `Partners`; the same number of texts in all tuples.
        described: as of `Samples`.

    Errors:
        ArgumentError: no anchors, or tuples that do not fit each other.
    """

    def __init__(self, partners: Partners, **described: Any) -> None:
        super().__init__(list(partners), **described)
        sizes = {len(given) for rows in partners.values() for given in rows}
        if len(sizes) != 1 or not sizes <= {1, 2} or not all(partners.values()):
            raise ArgumentError("Each anchor needs partners: (positive,) or (positive, hard negative), all alike.")
        self.partners = partners

    @property
    def every_text(self) -> list[str]:
        return [*self.texts, *(text for anchor in self.texts for given in self.partners[anchor] for text in given)]

    def digest(self) -> str:
        digest = hashlib.sha256(super().digest().encode())
        for anchor in self.store:
            for given in self.partners[anchor]:
                digest.update(repr((anchor, *given)).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def matched(sides: Sequence[Texts], columns: Sequence[str]) -> MatchedTexts:
    """The rows of a table that have all sides: anchors, positives, and perhaps hard negatives.

    Rows of one anchor become its partners; one whose hard negative is its anchor or its positive is left out.

    Arguments:
        sides: two or three columns of one table.
        columns: their names.

    Errors:
        DataError: no table, or no row that is whole.
    """
    by_row = [dict(zip(side.identifiers, side.texts, strict=True)) for side in sides]  # identifier -> text
    if len(by_row[0]) > 1 and by_row[0] == by_row[1]:
        raise DataError(
            f"Columns {columns[0]!r} and {columns[1]!r} of {sides[0].origin} hold the same texts: pair_columns name "
            "columns of a table, one for each side of a pair."
        )
    partners: dict[str, list[tuple[str, ...]]] = {}
    whole, against_itself = 0, 0
    for row, anchor in by_row[0].items():
        if not all(row in side for side in by_row[1:]):
            continue
        whole += 1
        given = tuple(side[row] for side in by_row[1:])
        if given[-1] in (anchor, given[0]) and len(given) == 2:
            against_itself += 1
        else:
            partners.setdefault(anchor, []).append(given)
    if not partners:
        raise DataError(f"No row of {sides[0].origin} has a text of its own in each of {', '.join(columns)}.")
    names = ("anchors", "positives", "hard negatives")
    notes = [", ".join(f"{name} from {column!r}" for name, column in zip(names, columns, strict=False))]
    notes.append(f"{whole - against_itself:,} pairs of {counted(len(partners), 'different anchor')}")
    if len(by_row[0]) > whole:
        notes.append(f"{counted(len(by_row[0]) - whole, 'row')} without one of the sides left out")
    if against_itself:
        notes.append(f"{counted(against_itself, 'row')} whose hard negative is its anchor or positive left out")
    return MatchedTexts(partners, origin=sides[0].origin, notes=[f"{note}." for note in notes])
