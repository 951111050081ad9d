"""DHEL: SimCLR whose samples keep away from each other within each view alone; the default method."""

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


@register("dhel")
@dataclass(frozen=True, kw_only=True)
class DHEL(Method):
    """Views of a sample attract; the samples of each view spread apart. The two share no similarity.

    What to expect: in equal time it is the best of seven arms on photographs (`benchmarks/which_method.py`:
    `tiny_conv`, 20 processor seconds a training, three seeds, one option of every arm tuned on validation data): kNN on
    4,000 pictures of CIFAR-10 45.4 %, SimCLR at its best temperature 41.6 % (+3.8 [+2.0, +5.7]), untrained 37.5 %; on
    100 classes of Tiny ImageNet +1.4 [+0.8, +2.0]; one-shot recognition of characters +4.8 [+2.2, +7.4]; on blood cells
    +0.5 [-0.7, +1.7], all near 95 %. In 100 seconds on CIFAR-10, both at 0.1, 47.6 % and 43.8 % (+3.8 [+2.6, +5.1]). At
    temperature 0.5 it does no better than SimCLR. Not everywhere: by the recipe that was made for `mmcl`, 20 epochs on
    characters, it has 75.7 % on held-out alphabets, `mmcl` 80.3 %; and on 3,000 AG News texts (bag of words, 10 epochs,
    one seed) 69, 72 and 74 % at 0.1, 0.2 and 0.5, SimCLR 72 % at 0.2.
    """

    about: ClassVar[About] = About(
        question="how hard should each negative push?",
        purpose="the default: pulling views together and pushing samples apart no longer compete in one softmax",
        paper="Koromilas et al., ICML 2024, https://arxiv.org/abs/2405.18045",
    )

    temperature: float = 0.1
    """Sharpness of the similarities. 0.1: the best of 0.1, 0.2 and 0.5 on validation data of three of four sets of
    pictures (`benchmarks/which_method.py`)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check_views(2)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import mv_dhel
        from contrapose.objectives.many_views.view_chances import VIEW_CHANCES

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return mv_dhel(z, temperature=self.temperature, rows=rows)

        def chance(pairing: Pairing) -> float:
            return VIEW_CHANCES["mv_dhel"](pairing, self.temperature)

        return Siamese(encoder, self.head(encoder.dimension), objective, chance=chance)
