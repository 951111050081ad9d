"""A residual energy-based model: which texts does a language model write that nobody else would?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, register
from contrapose.methods.token_method import TokenMethod

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("residual-ebm")
@dataclass(frozen=True, kw_only=True)
class ResidualEBM(TokenMethod):
    """An energy of whole texts, learned by telling them from texts in which a small language model wrote a piece anew.

    The noise is made in the run: a masked language model of a quarter of the encoder's width learns to fill in a hidden
    piece, all its tokens at once, and its samples are what real texts are told from. (The published form has whole
    texts of a causal language model, and a pretrained encoder.) Energies rank what a model wrote: those of the run lie
    beside its encoder, `energy.safetensors`, E = encoder(text) @ weight.T + bias, and `objectives.rerank(E)` takes the
    likeliest texts or draws them in proportion to exp(-E). Look at `energy_auc` in the metrics, 0.5 where it guesses.

    What to expect: in a first look (2,000 texts of AG News, `--max-length 32 --vocabulary 3000 --epochs 6`, 186 steps,
    one seed) `energy_auc` stood at 0.52 at the end: nothing was learned but how frequent words are. As an encoder it
    was then worse than an untrained one: the ten nearest neighbours gave the right one of four classes to 26.8 % of
    1,000 other texts (untrained 36.1 %, word counts 75.5 %). Longer runs were not measured.
    """

    about: ClassVar[About] = About(
        question="what if there are no pairs at all?",
        purpose="an energy of texts, by which those that a language model wrote are ranked or drawn again",
        paper="Deng et al., ICLR 2020, https://arxiv.org/abs/2004.11714",
    )

    mask_share: float = 0.3
    """Share of a text's tokens that is written anew, in one piece. [design] 0.3: enough to go wrong in."""

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import ResidualEnergy
        from contrapose.objectives import residual_energy

        return ResidualEnergy(
            encoder, self.token_generator(encoder), residual_energy, share=self.mask_share, draws=generator
        )
