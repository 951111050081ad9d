"""The options of the text views: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contrapose.errors import OptionError
from contrapose.words import counted

_SHARES = ("delete", "mask", "swap", "crop_min", "crop_max", "respell")


@dataclass(frozen=True, kw_only=True)
class TextViews:
    """How views of a text are made. With `delete`, `mask` and `swap` at 0 and both crops at 1 the views are copies:
    what tells them apart is then the encoder's dropout alone, SimCSE's twins (arXiv 2104.08821).

    Errors:
        OptionError: a value out of its range.
    """

    count: int = 2
    """Views of each text. Two: SimCSE (arXiv 2104.08821)."""
    crop_min: float = 0.5
    """Least share of the words that a view keeps, in one piece. 0.5 (own choice; DeCLUTR, arXiv 2006.03659, learns from
    neighbouring pieces of a text)."""
    crop_max: float = 1.0
    """Largest share of the words that a view keeps, in one piece. 1: the whole text."""
    delete: float = 0.2
    """Chance of each word to be left out. 0.2 (own choice; EDA, arXiv 1901.11196, takes 0.1 of the words of large sets,
    ConSERT, arXiv 2105.11741, 0.15 of the tokens)."""
    mask: float = 0.0
    """Chance of each word to be hidden, [MASK] in its place. Off; 0.15 in BERT (arXiv 1810.04805)."""
    swap: float = 0.0
    """Share of the words that change places with a neighbour. Off; 0.1 in EDA (arXiv 1901.11196), of words anywhere."""
    respell: float = 0.0
    """For URLs: chance of each way to spell an address otherwise that leads to the same place (tracking keys,
    percent-encoding, www., trailing slash, ...). Off; 0.5 is a start (own choice; the idea is that of URLBERT, arXiv
    2402.11495)."""

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise OptionError(f"count is {self.count!r}; it must be a whole number, at least 1.", "count")
        for name in _SHARES:
            _check_share(name, getattr(self, name))
        if self.crop_min <= 0:
            raise OptionError(
                f"crop_min is {self.crop_min:g}: it must be above 0, or nothing would be left.", "crop_min"
            )
        if self.crop_min > self.crop_max:
            raise OptionError(
                f"crop_min is {self.crop_min:g}, above crop_max, which is {self.crop_max:g}. Set both, the smaller "
                "first.",
                *("crop_min", "crop_max"),
            )
        if self.delete + self.mask > 1:
            raise OptionError(
                f"delete is {self.delete:g} and mask is {self.mask:g}, together above 1: a word can be left out or "
                "hidden, not both.",
                *("delete", "mask"),
            )

    def total(self) -> int:
        """How many views there are of each text."""
        return self.count

    @property
    def are_copies(self) -> bool:
        """Whether every view is the text as it is."""
        return self.crop_min == 1 and self.delete == self.mask == self.swap == self.respell == 0

    def in_words(self) -> str:
        """What is done to a text, for people."""
        done = []
        if self.crop_min < 1:
            shares = dict.fromkeys((self.crop_min, self.crop_max))  # one where they are the same
            done.append(" to ".join(map(_percent, shares)) + " of the words in a row")
        for share, what in ((self.delete, "left out"), (self.mask, "hidden"), (self.swap, "swapped with a neighbour")):
            if share:
                done.append(f"{_percent(share)} of the words {what}")
        if self.respell:
            done.append(f"URLs spelled otherwise, each way by {_percent(self.respell)}")
        return f"{counted(self.count, 'view')} of each text: {', '.join(done) or 'copies, told apart by dropout alone'}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _check_share(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise OptionError(f"{name} is {value!r}; it must be a number from 0 to 1.", name)
