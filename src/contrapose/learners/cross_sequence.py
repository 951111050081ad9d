"""Hidden words of one sequence, guessed with the help of what the slots of all sequences of the text hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.distributed import world_size
from contrapose.encoders import Encoder, Slotted, check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Step
from contrapose.learners.masked_language import MaskedLanguage
from contrapose.pairing import by_views
from contrapose.view import join


class SlotAttention(nn.Module):
    """One layer by which tokens read slots: softmax(q k' / sqrt(D / heads)) v, to be added to them.

    Shapes:
        tokens: `(B, N, D)`, slots: `(B, S, D)`; returns `(B, N, D)`.
        real: `(B, S)`, which slots may be read. Where none may, nothing is: 0.
    """

    def __init__(self, dimension: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_tokens, self.norm_slots = nn.LayerNorm(dimension), nn.LayerNorm(dimension)
        self.ask, self.answer = nn.Linear(dimension, dimension), nn.Linear(dimension, 2 * dimension)
        self.out = nn.Linear(dimension, dimension)

    def forward(
        self, tokens: Float[Tensor, "B N D"], slots: Float[Tensor, "B S D"], real: Bool[Tensor, "B S"]
    ) -> Float[Tensor, "B N D"]:
        (B, N, D), S = tokens.shape, slots.shape[1]
        q = self.ask(self.norm_tokens(tokens)).view(B, N, self.heads, -1).transpose(1, 2)  # (B, h, N, D/h)
        kv = self.answer(self.norm_slots(slots)).view(B, S, 2, self.heads, -1)  # (B, S, 2, h, D/h)
        k, v = kv.permute(2, 0, 3, 1, 4).unbind(0)  # (B, h, S, D/h) each
        some = real.any(dim=1)  # (B,)
        seen = (real | ~some.unsqueeze(1))[:, None, None, :]  # (B, 1, 1, S), nowhere empty
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=seen)  # (B, h, N, D/h)
        return self.out(mixed.transpose(1, 2).reshape(B, N, D)) * some[:, None, None]


class CrossSequence(Drawing):
    """Masked language modelling through slots (Cross-Thought).

        tokens, slots = encoder(sequence j), j = 1 ... m, with words hidden
        loss = -log language(tokens + attention(tokens, slots of all m sequences of the text))[what stood there]

    To tell what a word of another sequence was, a slot has to hold what its own sequence says: the slots' mean is the
    embedding. With `attend=False` no slot is read, and it is masked language modelling of the sequences.

    As with every learner, `forward(batch)` gives the loss and what to log as a `Step`.

    Shapes:
        views: m of B samples each, the sequences of a text. Empty ones, without a word, are not read.

    Arguments:
        encoder: whose embedding is that of slots before every text (`Slotted`). It is exported.
        language: guesses hidden tokens of this encoder.
        heads: of the attention. 4 [design].
        attend: whether tokens read slots.
        draws: draws the number that names the random stream.

    Errors:
        ArgumentError: an encoder without slots.

    Chance: log M for M tokens in the vocabulary.
    Paper: Cross-Thought, https://arxiv.org/abs/2010.03652
    """

    def __init__(
        self,
        encoder: Encoder,
        language: MaskedLanguage,
        *,
        heads: int = 4,
        attend: bool = True,
        draws: torch.Generator | None = None,
    ) -> None:
        super().__init__(chance=lambda pairing: math.log(language.size))
        check_capable(encoder, "tokens in context", asker="Masked language modelling across sequences")
        self.slots = int(getattr(encoder, "slots", 0))
        if self.slots == 0:
            raise ArgumentError(
                f"The embedding of this {encoder.name} is no slot that a token could read, but made of all tokens: "
                "start from new weights, or from an encoder with pooling='token'."
            )
        self.encoder, self.language, self.attend = encoder, language, attend
        self.attention = SlotAttention(encoder.dimension, heads) if attend else None
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(draws)

    def forward(self, batch: Batch) -> Step:
        steps, count, draws = max(view.shape[1] for view in batch.views), len(batch.views), self.draws(batch.part)
        masked = [self.language.masked(view.lengthened(steps), draws) for view in batch.views]
        hidden, targets = join([view for view, _ in masked]), torch.cat([wanted for _, wanted in masked])
        reader = cast("Slotted", self.encoder)
        tokens = reader.tokens(hidden)  # (m·B, T, D)
        z = reader.pool(tokens, hidden).detach()  # (m·B, D)
        inside = hidden.mask if hidden.groups is None else hidden.groups > 0  # (m·B, T)
        words = inside[:, self.slots :].any(dim=1)  # (m·B,), sequences that are not empty
        read = tokens + self._read(tokens, words, count) if self.attention is not None else tokens
        guess = self.language.judged(read, hidden, targets)
        pairing = by_views(1, len(z) * world_size(), in_batch_negatives=False, device=z.device)  # nobody is compared
        return Step(guess.loss, z, pairing, {"guessed_right": guess.right, "sequences_empty": (~words).float().mean()})

    def _read(self, tokens: Tensor, words: Tensor, count: int) -> Tensor:
        """What the tokens of each text read in the slots of its m sequences: `(m·B, T, D)`."""
        assert self.attention is not None
        (T, D), K = tokens.shape[1:], self.slots
        of_texts = tokens.unflatten(0, (count, -1)).transpose(0, 1)  # (m·B, T, D) -> (B, m, T, D)
        slots = of_texts[:, :, :K].flatten(1, 2)  # (B, m·K, D)
        real = words.view(count, -1).T.repeat_interleave(K, dim=1)  # (B, m·K)
        found = self.attention(of_texts.flatten(1, 2), slots, real)  # (B, m·T, D)
        return found.view(-1, count, T, D).transpose(0, 1).reshape(-1, T, D)  # (m·B, T, D)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
