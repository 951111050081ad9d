"""The options of views of rows: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from contrapose.errors import OptionError
from contrapose.words import counted


@dataclass(frozen=True, kw_only=True)
class RowViews:
    """How views of a row of a table are made: random cells are exchanged for cells of other rows.

    Errors:
        OptionError: a rate outside [0, 1], a count below 1.
    """

    count: int = 2
    """Views of each row. Two: SCARF (arXiv 2106.15147)."""
    corruption_rate: float = 0.6
    """Chance of each cell to be exchanged. 0.6: SCARF, whose results changed little around it."""
    keep_first: bool = True
    """Leave the first view as it is, as SCARF does; otherwise every view is corrupted."""

    def __post_init__(self) -> None:
        rate, count = self.corruption_rate, self.count
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise OptionError(f"corruption_rate is {rate!r}; it must be a number from 0 to 1.", "corruption_rate")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise OptionError(f"count is {count!r}; it must be a whole number, at least 1.", "count")

    def total(self) -> int:
        """How many views there are of each row."""
        return self.count

    def in_words(self) -> str:
        """What is done to a row, for people."""
        kept = ", in all but the first" if self.keep_first else ""
        done = f"{100 * self.corruption_rate:.3g} % of the cells exchanged for those of other rows{kept}"
        return f"{counted(self.count, 'view')} of each row: {done if self.corruption_rate else 'copies'}"
