"""SelfCon: the exits of one network in place of augmented views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("selfcon")
@dataclass(frozen=True, kw_only=True)
class SelfCon(Method):
    """An early exit of the encoder and its end embed the same single view, and attract each other.

    What to expect: on 4,000 labelled pictures of CIFAR-10, batch 64, 10 epochs and five seeds (`contrapose reproduce
    selfcon`: *contrary here*): linear probe 51.5 %, in 0.67 of the processor time of SupCon's two views and their 55.9
    %.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="labels and half the time: exits of one network replace the second view",
        paper="Bae et al., AAAI 2023, https://arxiv.org/abs/2106.15499",
        needs_targets=("label",),
    )

    needs: ClassVar[tuple[str, ...]] = ("stages",)
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one of each sample: the exits take the place of others"

    temperature: float = 0.1
    """Sharpness of the softmax. 0.1: the authors' commands."""
    exits: tuple[int, ...] = (1,)
    """Stages (from 0) with a head of their own. The second: the authors' default."""
    use_labels: bool = True
    """SelfCon-S; without, only the exits of one sample attract each other (SelfCon-SU)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check("exits", len(self.exits) > 0 and min(self.exits) >= 0, "one or more stages, counted from 0")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import MultiExit
        from contrapose.objectives import OBJECTIVES, sup_con

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return sup_con(z, pairing=pairing, temperature=self.temperature, rows=rows)

        return MultiExit(
            encoder,
            self.head,
            objective,
            exits=self.exits,
            use_labels=self.use_labels,
            chance=OBJECTIVES["self_con"].chance,
        )
