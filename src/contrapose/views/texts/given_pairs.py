"""`GivenPairs`: a batch of anchors into views that are the texts given for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch

from contrapose.padded import Padded


class GivenPairs:
    """Views of texts that are other texts: of each the anchor, its positive, and its hard negative where there is one.

    Of an anchor with several partners one is drawn, anew every time.

    Shapes:
        raw: B texts; returns two or three `Padded` of B.

    Arguments:
        partners: anchor -> tuples of its positive, or of its positive and a hard negative.
        make: texts to their views, of which the first is taken: whole texts, or what is left of them.
    """

    def __init__(
        self, partners: Mapping[str, Sequence[tuple[str, ...]]], make: Callable[..., tuple[Padded, ...]]
    ) -> None:
        self.partners, self.make = partners, make

    @torch.no_grad()
    def __call__(self, raw: Sequence[str], *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        """Views of the texts; the same state of `generator` (torch's global one if `None`) gives the same views."""
        luck = torch.rand(len(raw), generator=generator, dtype=torch.float64).tolist()  # (B,)
        drawn = [
            self.partners[text][int(draw * len(self.partners[text]))] for text, draw in zip(raw, luck, strict=True)
        ]
        return tuple(self.make(list(side), generator=generator)[0] for side in (raw, *zip(*drawn, strict=True)))

    def __repr__(self) -> str:
        return f"GivenPairs({self.make!r}, {len(self.partners):,} anchors)"
