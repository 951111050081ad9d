"""Replaced-token detection: which words of a text were made up? ELECTRA's objective."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, register
from contrapose.methods.token_method import TokenMethod

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("replaced-token")
@dataclass(frozen=True, kw_only=True)
class ReplacedToken(TokenMethod):
    """A small network puts words of its own into a text, and the encoder says of each token whether it was written.

    It learns from every token and needs neither pairs nor views; what it makes is an encoder to go on from (a
    classifier on `--base RUN`), and no space of sentences. Look at `replaced_auc` in the metrics of a run, 0.5 where
    it guesses: most tokens are the original ones, so its accuracy would say nothing.

    What to expect: nothing of a short run from new weights. In first looks (2,000 texts of AG News, `--max-length 32`,
    one seed) `replaced_auc` stood at 0.52 after 248 steps with `--vocabulary 3000` and at 0.53 after 310 with 600, for
    the generator knew no more than how frequent tokens are; the encoder was then worse than an untrained one (ten
    nearest neighbours right for 24.9 % of 1,000 other texts of four classes, untrained 36.1 %, word counts 75.5 %).
    Longer runs were not measured.
    """

    about: ClassVar[About] = About(
        question="what if there are no pairs at all?",
        purpose="an encoder out of raw texts: it finds the words that a small language model has put there",
        paper="Clark et al., ICLR 2020, https://arxiv.org/abs/2003.10555",
    )

    discriminator_weight: float = 50.0
    """Weight of finding replaced tokens beside the generator's loss. 50: ELECTRA's."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("discriminator_weight", self.discriminator_weight > 0, "above 0")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import ReplacedTokens
        from contrapose.objectives import replaced_tokens

        def objective(logits: Tensor, replaced: Tensor, mask: Tensor, count: Tensor) -> Tensor:
            return replaced_tokens(logits, replaced, mask, count=count)

        return ReplacedTokens(
            encoder,
            self.token_generator(encoder),
            objective,
            weight=self.discriminator_weight,
            draws=generator,
        )
