"""The options of views of histories: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from contrapose.errors import OptionError
from contrapose.words import counted

OPERATORS = ("crop", "mask", "reorder")


@dataclass(frozen=True, kw_only=True)
class ItemViews:
    """How views of a history are made: each by one of the operators crop, mask and reorder, no two views of a history
    by the same one (CL4SRec, arXiv 2010.14395). A history of one item stays as it is.

    Errors:
        OptionError: a value out of its range, or no operator at all.
    """

    count: int = 2
    """Views of each history. Two: CL4SRec (arXiv 2010.14395)."""
    crop: float = 0.5
    """Share of the items that crop keeps, in one piece; 1: crop is not used. 0.5: MCLRec (arXiv 2304.07763) and the
    reference code of CL4SRec's followers."""
    mask: float = 0.5
    """Share of the items that mask hides, anywhere; 0: mask is not used. 0.5: MCLRec (arXiv 2304.07763)."""
    reorder: float = 0.8
    """Share of the items that reorder shuffles, in one piece; 0: reorder is not used. 0.8: MCLRec (arXiv
    2304.07763)."""

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise OptionError(f"count is {self.count!r}; it must be a whole number, at least 1.", "count")
        for name in OPERATORS:
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise OptionError(f"{name} is {value!r}; it must be a number from 0 to 1.", name)
        if self.crop == 0:
            raise OptionError("crop is 0: it must be above 0, or nothing would be left; 1 leaves crop out.", "crop")

    @property
    def operators(self) -> tuple[str, ...]:
        """Those that change something; none: views are copies, told apart by the encoder's dropout alone."""
        unused = {"crop": 1, "mask": 0, "reorder": 0}
        return tuple(name for name in OPERATORS if getattr(self, name) != unused[name])

    def total(self) -> int:
        """How many views there are of each history."""
        return self.count

    def in_words(self) -> str:
        """What is done to a history, for people."""
        done = {
            "crop": f"{100 * self.crop:.3g} % of the items in a row",
            "mask": f"{100 * self.mask:.3g} % of the items hidden",
            "reorder": f"{100 * self.reorder:.3g} % in a row reordered",
        }
        said = " or ".join(done[name] for name in self.operators) or "copies, told apart by dropout alone"
        return f"{counted(self.count, 'view')} of each history: {said}"
