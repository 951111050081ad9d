"""Masked auto-encoding: most patches of a picture are hidden, and their pixels are guessed from those that are seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import rank, world_size
from contrapose.encoders import Encoder, check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Chance, Step
from contrapose.pairing import by_views

# (pixels made (B, n, P), pixels there (B, n, P), which patches were hidden (B, n)) -> loss
PatchObjective = Callable[[Tensor, Tensor, Tensor], Tensor]


SHOWN, TITLE = 8, "Hidden patches, guessed"


def hide_patches(
    batch: int, patches: int, share: float = 0.75, *, generator: torch.Generator | None = None
) -> tuple[Int[Tensor, "B K"], Bool[Tensor, "B n"]]:
    """Which patches of each picture are seen, and which are hidden: equally many of each picture, drawn evenly.

        K = floor((1 - share) n)

    Shapes:
        returns the numbers of those seen, in their order, `(B, K)`, and True for the hidden ones, `(B, n)`; both where
        the generator is.

    Arguments:
        batch, patches: B of this process, n.
        share: of the patches that are hidden. 0.75: the paper's.
        generator: what is drawn from. Processes that hand over the same each hide what one process would have hidden
            of their pictures.

    Errors:
        ArgumentError: a share that leaves no patch seen, or none hidden.

    Paper: He et al. 2022, https://arxiv.org/abs/2111.06377
    """
    seen = int((1 - share) * patches + 1e-9)  # 0.3 of 10 are 3, whatever rounding makes of 1 - 0.7
    if not 0 < share < 1 or not 0 < seen < patches:
        raise ArgumentError(
            f"A masked share of {share:g} of {patches} patches leaves {max(0, min(seen, patches))} to be seen: one at "
            "least must be, and one must not. Take another share, or smaller patches (an encoder's patch_size)."
        )
    device = "cpu" if generator is None else generator.device
    drawn = torch.rand(world_size() * batch, patches, generator=generator, device=device)  # (W·B, n)
    order = drawn[rank() * batch : (rank() + 1) * batch].argsort(dim=1)  # (B, n)
    kept = order[:, :seen].sort(dim=1).values  # (B, K)
    return kept, torch.ones(batch, patches, dtype=torch.bool, device=device).scatter(1, kept, False)  # (B, n)


class MaskedPictures(Drawing):
    """The encoder sees a few patches of each picture, and a small decoder makes the pixels of all.

        kept, hidden = patches drawn anew for each picture and step
        loss = objective(decoder(encoder(the patches kept)), pixels of all patches, hidden)

    Shapes:
        views: V of B samples, `(B, C, S, S)`; of each, other patches are hidden, and the losses are averaged.

    Arguments:
        encoder: with patches (the capability `Patchwise`); it is exported, and sees whole pictures from then on.
        decoder: `(tokens (B, F + K, D), kept (B, K)) -> (B, n, P)`; thrown away.
        objective: compares pixels.
        share: of the patches that are hidden.
        normalized: whether the objective compares with patches of mean 0 and variance 1: pictures for people then take
            both from the true patch.
        draws: draws the number that names the random stream.

    Errors:
        ArgumentError: an encoder without patches, or so few patches that the share hides all or none.

    Paper: He et al. 2022, https://arxiv.org/abs/2111.06377
    """

    encoder: Any
    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "it takes gradients through the pixels of hidden patches"

    def __init__(
        self,
        encoder: Encoder,
        decoder: nn.Module,
        objective: PatchObjective,
        *,
        share: float = 0.75,
        normalized: bool = True,
        draws: torch.Generator | None = None,
        chance: Chance | None = None,
    ) -> None:
        super().__init__(chance=chance)
        check_capable(encoder, "patches", asker="Masked auto-encoding")
        self.encoder, self.decoder, self.objective = encoder, decoder, objective
        self.share, self.normalized = share, normalized
        hide_patches(1, self.encoder.grid**2, share, generator=torch.Generator())  # refuses what cannot be done
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.name_draws(draws)

    def forward(self, batch: Batch) -> Step:
        draws, losses, embedded = self.draws(batch.part), [], []
        for view in batch.views:
            kept, hidden = hide_patches(len(view), self.encoder.grid**2, self.share, generator=draws)  # (B, K), (B, n)
            kept, hidden = kept.to(view.device), hidden.to(view.device)
            tokens, made = self.guess(view, kept)  # (B, T, D), (B, n, P)
            losses.append(self.objective(made, self.encoder.patches_of(view), hidden))
            embedded.append(self.encoder.pool(tokens).detach())  # (B, D)
        pairing = by_views(len(losses), batch.size * world_size(), in_batch_negatives=False, device=kept.device)
        return Step(torch.stack(losses).mean(), torch.cat(embedded), pairing)

    def guess(self, view: Tensor, kept: Int[Tensor, "B K"]) -> tuple[Tensor, Tensor]:
        """Tokens of the patches that are seen, `(B, T, D)`, and the pixels made of them, `(B, n, P)`."""
        tokens = self.encoder.visible(view, kept)  # (B, T, D)
        return tokens, self.decoder(tokens, kept)

    @torch.no_grad()
    def pictures(self, samples: Any) -> Sequence[tuple[Tensor, str, str]]:
        """Some samples, what was seen of them, and what was made of it; the same patches are hidden every time."""
        modes = [(module, module.training) for module in (self.encoder, self.decoder)]
        x = self.encoder.prepare(samples.batch(torch.arange(min(SHOWN, len(samples))))).to(self.steps.device)
        draws = torch.Generator().manual_seed(0)
        kept, hidden = (
            part.to(x.device) for part in hide_patches(len(x), self.encoder.grid**2, self.share, generator=draws)
        )
        for module, _ in modes:
            module.eval()
        _, made = self.guess(x, kept)  # (R, n, P)
        for module, training in modes:
            module.train(training)
        patches = self.encoder.patches_of(x)  # (R, n, P)
        if self.normalized:
            deviation = patches.std(dim=2, correction=0, keepdim=True)  # (R, n, 1)
            made = made * deviation + patches.mean(dim=2, keepdim=True)  # (R, n, P)
        gone = hidden.unsqueeze(2)  # (R, n, 1)
        columns = [patches, patches.masked_fill(gone, 0.0), torch.where(gone, made.to(patches.dtype), patches)]
        tiles = torch.stack([self.encoder.picture_of(column) for column in columns], dim=1)  # (R, 3, C, S, S)
        tiles = tiles if tiles.shape[2] == 3 else tiles[:, :, :1]
        return [((255 * tiles).round().clamp(0, 255).to(torch.uint8).cpu(), TITLE, self._caption())]

    def _caption(self) -> str:
        note = " Brightness and contrast of hidden patches are the true ones: only what is in them is learned."
        return (
            f"Left: pictures of the data. In the middle what the encoder saw of them, {1 - self.share:.0%} of the "
            f"patches. On the right the hidden ones as the decoder made them.{note if self.normalized else ''}"
        )

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
