"""Pictures of pairs that are looked at alone, yet told of by their words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.images.images import Images

if TYPE_CHECKING:
    from contrapose.data.pairs.pairs import Pairs


class CaptionedImages(Images):
    """The picture side of pairs: an encoder sees pictures, and lists of what was found show the captions beside them.

    Attributes:
        said: N excerpts of the first caption of each.
    """

    said: list[str]

    @classmethod
    def of(cls, pairs: Pairs) -> Self:
        """The pictures of pairs, with all that is known of them."""
        made = cls.__new__(cls)
        made.__dict__.update(pairs.pictures.__dict__)
        made.said = [pairs.excerpt(row) for row in range(len(pairs))]
        return made

    def excerpt(self, row: int) -> str:
        """The beginning of the first caption: nothing of it was looked at."""
        return self.said[row]

    def subset(self, indices: Tensor | ArrayLike) -> Self:
        """These pictures only, with their captions."""
        chosen = super().subset(indices)
        chosen.said = [self.said[row] for row in self._checked(indices)]
        return chosen
