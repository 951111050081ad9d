"""`Column`: what a column of a table holds. Data and encoders of rows speak of their columns in these."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrapose.errors import ArgumentError

_UNNAMED = re.compile(r"column \d+")


@dataclass(frozen=True)
class Column:
    """Numbers, or a category. In an array of floats a category is the place of its value among `values`, and what is
    missing is NaN.

    Arguments:
        name: of the column; see `numbered` where it has none.
        values: of a category, its values, sorted; None: the column holds numbers.
        missing: whether some of its values are missing.

    Errors:
        ArgumentError: a category without values, or with the same one twice.
    """

    name: str
    values: tuple[str, ...] | None = None
    missing: bool = False

    def __post_init__(self) -> None:
        if self.values is not None and (not self.values or len(set(self.values)) != len(self.values)):
            raise ArgumentError(f"Column {self.name!r} is a category and needs distinct values, got {self.values!r}.")

    def shown(self, cell: float) -> str:
        """A cell as people read it."""
        if cell != cell:
            return "missing"
        return f"{cell:.4g}" if self.values is None else self.values[int(cell)]

    def to_json(self) -> dict[str, Any]:
        """As `encoder.json` keeps it: only what differs from a column of numbers."""
        values = {} if self.values is None else {"values": list(self.values)}
        return {"name": self.name, **values, **({"missing": True} if self.missing else {})}

    @classmethod
    def from_json(cls, found: Any) -> Column:
        """What `to_json` has written; a name alone is a column of numbers.

        Errors:
            ArgumentError: something else.
        """
        if isinstance(found, str):
            return cls(found)
        if not isinstance(found, Mapping) or not isinstance(found.get("name"), str):
            raise ArgumentError(f"a column must be a group of keys with a name, got {found!r}.")
        values = found.get("values")
        return cls(found["name"], None if values is None else tuple(map(str, values)), found.get("missing") is True)


def numbered(count: int) -> tuple[Column, ...]:
    """Columns of numbers that nobody has named."""
    return tuple(Column(f"column {place}") for place in range(count))


def are_unnamed(columns: Sequence[Column]) -> bool:
    """Whether the columns have no names of their own."""
    return all(_UNNAMED.fullmatch(column.name) for column in columns)
