"""The options of views of pairs: a frozen dataclass, and so the run's config and the command line's flags.

Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contrapose.errors import OptionError
from contrapose.views.images.options import ImageViews
from contrapose.words import counted

EDITS = ("replace", "swap", "delete")


@dataclass(frozen=True, kw_only=True)
class CaptionViews:
    """How captions are varied: all views lose their stop words by chance, strong ones have one edit besides.

    Errors:
        OptionError: a value out of its range.
    """

    stop_words: float = 0.0
    """Chance of a caption to lose its stop words, in weak views and strong ones. Off, as plain CLIP; 0.8 in the
    improved recipe (arXiv 2305.08675)."""
    replace: float = 0.4
    """How often a strong view has another word in the place of one, among its edits: where the data name such words
    (made:scenes does). 0.4 (arXiv 2305.08675)."""
    swap: float = 0.4
    """How often two words of a strong view change places, among its edits. 0.4 (arXiv 2305.08675)."""
    delete: float = 0.2
    """How often a strong view lacks a word, among its edits. 0.2 (arXiv 2305.08675)."""

    def __post_init__(self) -> None:
        for name in ("stop_words", *EDITS):
            _check_share(name, getattr(self, name))

    def in_words(self) -> str:
        """What is done to a caption, for people."""
        total = sum(getattr(self, name) for name in EDITS)
        done = [f"stop words left out by {100 * self.stop_words:.0f} %"] if self.stop_words else []
        return ", ".join([*done, *(["one word of strong views changed"] if total else [])]) or "as they are"


@dataclass(frozen=True, kw_only=True)
class PairViews:
    """How views of pairs are made: the first is weak, all others are strong, on both sides.

    Each view takes a caption of its own where a picture has several.

    Errors:
        OptionError: a value out of its range.
    """

    count: int = 1
    """Views of each pair; the first is weak, all others are strong. 1: CLIP (arXiv 2103.00020)."""
    weak_crop_min: float = 0.5
    """Least share of the area that a weak crop keeps; 1: the whole picture. 0.5 (arXiv 2305.08675)."""
    images: ImageViews = field(default_factory=ImageViews)
    """Strong views of the pictures; mirror and hue are of no good where captions speak of sides and colours."""
    texts: CaptionViews = field(default_factory=CaptionViews)
    """How captions are varied."""

    def __post_init__(self) -> None:
        if isinstance(self.count, bool) or not isinstance(self.count, int) or self.count < 1:
            raise OptionError(f"count is {self.count!r}; it must be a whole number, at least 1.", "count")
        _check_share("weak_crop_min", self.weak_crop_min)
        if self.weak_crop_min == 0:
            raise OptionError(
                "weak_crop_min is 0, and of such a crop nothing would be left; 1 is off.", "weak_crop_min"
            )
        if self.images.total() != ImageViews().count or self.images.weak_count:
            raise OptionError(
                "images.count, images.weak_count and images.small_count play no part in pairs: count says how many "
                "views "
                "there are, of which the first is weak.",
                "count",
            )

    def total(self) -> int:
        """How many views there are of each pair."""
        return self.count

    @property
    def strong(self) -> int:
        """How many of them are strong."""
        return self.count - 1

    def in_words(self) -> str:
        """What is done to a pair, for people."""
        strong = f", {self.strong} of them strong" if self.strong else ""
        return f"{counted(self.count, 'view')} of each pair{strong}: captions {self.texts.in_words()}"


def _check_share(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise OptionError(f"{name} is {value!r}; it must be a number from 0 to 1.", name)
