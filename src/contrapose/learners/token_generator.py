"""`TokenGenerator`: a small masked language model that puts other tokens into a text. Learners share it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contrapose.encoders import Encoder
from contrapose.encoders.narrow import Narrow
from contrapose.learners.drawing import uniform_tokens
from contrapose.learners.masked_language import Guess, MaskedLanguage
from contrapose.padded import Padded


@dataclass(frozen=True)
class Replaced:
    """A text with tokens that a model has put there.

    Shapes:
        view: `(B, T)` as the original, other tokens where they were drawn.
        replaced: `(B, T)` bool, where another token stands than stood there. One that was drawn anew and came out the
            same is none.
        guess: of the generator: its loss, and which tokens were asked.
        targets: `(B, T)`, what stood where a token was asked, -100 elsewhere.
    """

    view: Padded
    replaced: Tensor
    guess: Guess
    targets: Tensor

    @property
    def log(self) -> dict[str, Tensor | float]:
        """What metrics tell of the generator."""
        return {
            "generator_loss": self.guess.loss.detach(),
            "generator_right": self.guess.right,
            "replaced_share": self.replaced.sum() / self.view.mask.sum(),
        }


class TokenGenerator(nn.Module):
    """Hides tokens, guesses them, and puts a sample of its guesses where they stood.

        hidden = mask_tokens(view),     token ~ softmax(language(hidden)) at each place that was asked

    A tenth of the places asked still shows its token, and a tenth another one, as masked language modelling has it here
    (ELECTRA hides all).

    It samples, for the likeliest token of all would soon be the original, and never says a special token. What is
    sampled is a number and carries no gradient: the generator learns by its own loss, `guess.loss`, alone.

    Shapes:
        view: `Padded` numbers `(B, T)`; returns `Replaced`.

    Arguments:
        encoder: whose table it reads and writes with (`Lexical`). It is not this module's.
        width: its share of the encoder's width. 1/4 as in ELECTRA.
        blocks: of its network. 2 [design], as many as the small transformer here has.
        share: of the tokens that are asked. 0.15 as in BERT and ELECTRA.

    Errors:
        ArgumentError: an encoder without tokens in context or without [MASK], a share out of range.

    Paper: ELECTRA, https://arxiv.org/abs/2003.10555
    """

    def __init__(self, encoder: Encoder, *, width: float = 0.25, blocks: int = 2, share: float = 0.15) -> None:
        super().__init__()
        self.narrow = Narrow(encoder, share=width, blocks=blocks)
        self.language = MaskedLanguage(self.narrow, share)

    def forward(self, view: Padded, generator: torch.Generator | None) -> Replaced:
        hidden, targets = self.language.masked(view, generator)
        return self.filled(view, hidden, targets, generator)

    def filled(
        self, view: Padded, hidden: Padded, targets: Int[Tensor, "B T"], generator: torch.Generator | None
    ) -> Replaced:
        """The view with samples in place of what was hidden of it."""
        guess = self.language.judged(self.narrow.tokens(hidden), hidden, targets)
        luck = uniform_tokens(view, 1, generator=generator, longest=self.language.longest)[0]  # (B, T)
        known = guess.logits.detach().clone()  # (A, M)
        known[:, list(self.language.special)] = -torch.inf
        values = view.values.clone()
        values[guess.asked] = sample_tokens(known, luck[guess.asked])
        return Replaced(Padded(values, view.mask, view.groups), values != view.values, guess, targets)


@torch.no_grad()
def sample_tokens(logits: Float[Tensor, "A M"], luck: Float[Tensor, " A"]) -> Int[Tensor, " A"]:
    """The token at which the sum of chances passes `luck`: with luck even in [0, 1), a sample of the softmax.

    One number a token decides, so that what is drawn does not depend on the device. In float64: among thousands of
    chances float32 would lose the small ones.
    """
    sums = logits.double().softmax(dim=1).cumsum(dim=1)  # (A, M)
    passed = torch.searchsorted(sums, luck.double().unsqueeze(1) * sums[:, -1:], right=True)  # (A, 1)
    return passed.squeeze(1).clamp(max=logits.shape[1] - 1)
