"""Masked language modelling and momentum contrast in one pass: tokens are guessed, and the whole finds its variant."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data.batch import Batch
from contrapose.distributed import gather, own_rows
from contrapose.encoders import Encoder, Teacher
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.known_queue import KnownQueue
from contrapose.learners.learner import Chance, Step
from contrapose.learners.masked_language import MaskedLanguage
from contrapose.pairing import by_towers

# (queries (W·B, D), keys (W·B, D), queue (K, D), ignored (W·B, K), rows) -> loss
KnownObjective = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor | None], Tensor]


class MaskedMomentum(Drawing):
    """ContraBERT's two losses. A sample and a variant of it both lose some tokens; those of the sample are guessed, and
    what its tokens are pooled to looks for the variant, which a slow copy of the encoder embeds.

        tokens = encoder(masked x),   L_mlm = guess(tokens)
        q = normalize(head(pool(tokens))),   k = normalize(slow copy(masked x')),   no gradient through k
        loss = L_mlm + weight · objective(q, k, queue)
        theta_k <- m theta_k + (1 - m) theta_q     before the next step;   after the step k enters the queue

    The queue starts empty, and of it a query sees neither empty places nor older keys of its own sample. Not symmetric.

    Shapes:
        views: the sample and its variant, B each; tensors beside them are logged, `(B, 2)`: where the program, and
            where the comment was changed.
        q, k: `(B, D)`, gathered over processes to `(W·B, D)`; queue: `(K, D)`.

    Arguments:
        objective: see `KnownObjective`.
        dimension: D, the output of the head.
        queue_size: K.
        momentum: m.
        weight: of the contrast. At 0 the variant is not embedded, and nothing is remembered.
        share: of the tokens that are hidden, in both.
        generator: draws what is hidden, and names the stream.

    Errors:
        ArgumentError: fewer than two views.

    Papers: ContraBERT, https://arxiv.org/abs/2301.09072; MoCo, https://arxiv.org/abs/1911.05722
    """

    steps: Tensor

    def __init__(
        self,
        encoder: Encoder,
        head: nn.Module,
        objective: KnownObjective,
        *,
        dimension: int,
        queue_size: int,
        momentum: float,
        weight: float = 1.0,
        share: float = 0.15,
        generator: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        self.encoder, self.head = encoder, head
        self.language = MaskedLanguage(encoder, share)
        self.teacher = Teacher(nn.Sequential(encoder, head), momentum=momentum)
        self.queue = KnownQueue(queue_size, dimension, generator=generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(generator)
        self.objective, self.weight = objective, weight
        self._owners: list[Tensor] = []

    def before_step(self) -> None:
        self.teacher.update(nn.Sequential(self.encoder, self.head))
        self._owners = []

    def forward(self, batch: Batch) -> Step:
        views = [view for view in batch.views if not isinstance(view, Tensor)]
        beside = [view for view in batch.views if isinstance(view, Tensor)]
        if len(views) != 2:
            raise ArgumentError(f"This method needs a sample and a variant of it, got {len(views)} view(s).")
        draws = self.draws(batch.part)
        guess = self.language.guess(views[0], draws)
        seen = views[0].mask.sum()
        log: dict[str, Tensor | float] = {
            "language_loss": guess.loss.detach(),
            "guessed_right": guess.right.detach(),
        }
        if beside:
            log |= dict(zip(("programs_changed", "comments_changed"), beside[0].mean(0), strict=True))
        q = self.head(self.language.encoder.pool(guess.tokens, guess.view))  # (B, D)
        pairing = by_towers(len(q), in_batch_negatives=False, device=q.device).with_queue(len(self.queue.rows))
        if self.weight == 0:
            return Step(guess.loss, q.detach(), pairing, log | {"tokens_seen": seen.float()})
        with torch.no_grad():
            hidden, _ = self.language.masked(views[1], draws)
            k = gather(functional.normalize(self.teacher(hidden).float(), dim=1))  # (W·B, D)
        samples = gather(batch.indices.to(q.device))  # (W·B,)
        ignored = self.queue.ignored(samples)  # (W·B, K)
        rows = own_rows(batch.size, device=q.device)
        contrast = self.objective(gather(q), k, self.queue.rows.clone(), ignored, rows)
        log |= {
            "contrast_loss": contrast.detach(),
            "queue_seen": (~ignored).float().mean(),
            "tokens_seen": (seen + views[1].mask.sum()).float(),
        }
        self._owners.append(samples)
        return Step(guess.loss + self.weight * contrast, q.detach(), pairing, log, memory=k)

    def companions(self) -> dict[str, nn.Module]:
        return {"teacher": self.teacher.model.get_submodule("0")}

    def after_step(self, steps: Sequence[Step]) -> None:
        owners = self._owners[-len(steps) :]  # of the last forward passes, as `steps` are
        for step, samples in zip(steps, owners, strict=False):
            assert step.memory is not None, "a step with contrast gave it"
            self.queue.remember(step.memory, samples)
        self.steps += 1
