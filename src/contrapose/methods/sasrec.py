"""SASRec: what comes next in a history, by attention over what came before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.histories import HistoryMethod
from contrapose.methods.method import About, register

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("sasrec")
@dataclass(frozen=True, kw_only=True)
class SASRec(HistoryMethod):
    """Every beginning of a history finds the item that came next among all items, by cross-entropy: no contrast, and no
    changed views, whose options have no part in it. What `cl4srec` and `mclrec` are measured against.

    The paper samples one negative an item; here the softmax is over all items, as in RecBole and in the code of MCLRec,
    which makes a stronger baseline than the tables of papers have.

    What to expect: `contrapose evaluate RUN` ranks all items for each user, beside popularity and what was taken
    together. Nothing was claimed for it here: it is an arm of `contrapose reproduce mclrec`.
    """

    about: ClassVar[About] = About(
        question="what comes next?",
        purpose="the baseline of recommendation: the next item of a history, by attention, no contrast",
        paper="Kang and McAuley, ICDM 2018, https://arxiv.org/abs/1808.09781",
    )
    pairing_note: ClassVar[str] = (
        "Each beginning of a history finds the item that came next among all items: no two samples are paired."
    )

    @property
    def varied(self) -> bool:
        return False

    def views_seen(self) -> int:
        return 1

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import NextItem

        items = self.items_of(encoder)
        return NextItem(encoder, self.next_objective(), chance=lambda pairing: math.log(items))
