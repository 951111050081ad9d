"""Dual adversarial training: a classifier that bears attacks, and a density that ascents cannot leave the data by."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.distributed import gather, rank
from contrapose.encoders.heads import Heads
from contrapose.errors import ArgumentError, RunError
from contrapose.evaluation.roc import roc_auc
from contrapose.learners.dual_training.attacked_classifier import AttackedClassifier
from contrapose.learners.dual_training.curriculum import Curriculum
from contrapose.learners.learner import Step
from contrapose.pairing import by_labels
from contrapose.robustness import Steps, climb
from contrapose.robustness.directions import evaluating

CLASSIFIED, SEEDS = "classified", "seeds"
"""Names of the batches beside the one of real pictures: what is classified, and where ascents begin."""
DIVERGED = 1e3
"""Log densities beyond it, either way, are no density any more but a runaway."""


@dataclass(frozen=True, kw_only=True)
class Density:
    """How the density is learned.

    Arguments:
        value: logits `(B, P)` to s `(B,)`, the log density.
        objective: (s of real pictures, s of made ones) to a loss.
        step: eta, of ascents.
        noise: deviation of noise in each of their steps; 0: none.
        climbs: "class": ascents climb the logit of the class of the real picture beside them, while the loss is of s;
            "density": they climb s. class: the authors'.
        slope: (s, real pictures) to a penalty; None: none.
        slope_weight: of the penalty.
    """

    value: Callable[[Tensor], Tensor]
    objective: Callable[[Tensor, Tensor], Tensor]
    step: float = 0.1
    noise: float = 0.0
    climbs: str = "class"
    slope: Callable[[Tensor, Tensor], Tensor] | None = None
    slope_weight: float = 0.0


class DualAdversarial(AttackedClassifier):
    """The second stage of dual adversarial training: both losses of one network in each step.

        x-   = climb(h_y, from a seed, T steps, no ball)          y: the classes of the real pictures x, in their order
        loss = objective(s(x), s(x-)) + mean of -log softmax(h(x_c'))[y_c],   x_c' = attacked x_c,  s = log sum exp h

    x, seeds and x_c come in three batches of B: those beside the first are `batch.others`. The attacks are those of
    `AttackedClassifier`, made in evaluation mode, and no gradient goes through them. T is that of the `Curriculum`, by
    how well h_y tells x from x-. Batch normalisation keeps its statistics (its scales are trained), for those of real
    and made pictures are not the same; `frozen_norms=False` is a control.

    Where s runs away (`DIVERGED`), the run stops with what to do, or with `hold` nothing is learned any more: the
    average stays as it was before.

    Arguments:
        heads: trained on the same classes; None: from zero.
        density: how it is learned.
        curriculum: how long ascents are.
        hold: go on to the end without learning, for comparisons.
        seed: names the random stream of the noise.

    Errors:
        ArgumentError: batches of different sizes, pictures outside [0, 1], unlabelled pictures, labels beyond the
            head's classes, batch normalisation that is in training mode and should not be.
        RunError: s has run away.

    Chance: log 2 + log P, of a network that says the same of everything.

    Paper: Yin et al. (DAT), https://arxiv.org/abs/2510.13872
    """

    diverged: Tensor
    largest: Tensor
    steps: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        *,
        dimension: int,
        density: Density,
        curriculum: Curriculum,
        attack: Steps | None,
        heads: Heads | None = None,
        decay: float = 0.999,
        frozen_norms: bool = True,
        hold: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(encoder, dimension=dimension, attack=attack, heads=heads, decay=decay)
        told = self.chance
        self.chance = None if told is None else lambda pairing: math.log(2) + told(pairing)
        self.density, self.curriculum = density, curriculum
        self.frozen_norms, self.hold, self.seed = frozen_norms, hold, seed
        self.register_buffer("diverged", torch.tensor(False))
        self.register_buffer("largest", torch.tensor(0.0))  # |s| of any picture so far
        self.register_buffer("steps", torch.tensor(0))

    def train(self, mode: bool = True) -> Self:
        """Training mode, in which frozen batch normalisation stays in evaluation mode."""
        super().train(mode)
        for layer in self._norms() if self.frozen_norms else ():
            layer.eval()
        return self

    def made(self, seeds: Tensor, labels: Tensor, part: int = 0) -> Tensor:
        """Pictures that ascents make of seeds, the i-th towards the i-th class, detached."""
        steps = Steps(int(self.curriculum.length), self.density.step)
        generator = derived_generator(self.seed, int(self.steps), part, rank())  # each process has its own noise
        with evaluating(self.encoder), evaluating(self.heads):
            return climb(
                lambda x: self._climbed(self.logits(x), labels),
                seeds,
                steps,
                noise=self.density.noise,
                generator=generator,
            )

    def forward(self, batch: Batch) -> Step:
        if bool(self.diverged):
            return self._held(batch, None)
        real, classified, seeds = self._checked(batch)
        x, labels = real.views[0], self._labels(real.targets)  # (B, C, H, W), (B,)
        sloping = self.density.slope if self.density.slope_weight > 0 else None
        x = x if sloping is None else x.detach().requires_grad_()
        made = self.made(seeds.views[0], labels, batch.part)  # (B, C, H, W)
        of_real, of_made = self.logits(x), self.logits(made)  # (B, P) each
        own, other = self._densities(of_real), self._densities(of_made)  # (B,) each
        seen = self._seen(of_real, of_made, own, other, labels)  # (W·B, 4)
        largest = float(seen[:, 2:].abs().max())
        if not largest <= DIVERGED:  # written so that NaN is a runaway too
            return self._held(batch, self._stopped(seen, largest))
        told = self.density.objective(own, other)
        penalty = own.new_zeros(()) if sloping is None else self.density.slope_weight * sloping(own, x)
        loss, z, log = self._told_apart(classified.views[0], self._labels(classified.targets))
        log |= {"density_loss": told.detach(), "classification_loss": loss.detach(), **_described(seen)}
        log |= {"ascent_steps": float(self.curriculum.length)}
        pairing = by_labels(gather(self._labels(classified.targets)), views=1)
        return Step(loss + told + penalty, z.detach(), pairing, log, memory=seen)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1
        seen = [step.memory for step in steps if step.memory is not None]
        if not seen or bool(self.diverged):
            return
        rows = torch.cat(seen)  # (n, 4)
        self.largest.copy_(torch.maximum(self.largest, rows[:, 2:].abs().max()))
        if not float(self.largest) <= DIVERGED:
            self.diverged.fill_(True)
            return
        self.average.update(self.network())
        self.curriculum.note(_auc(rows))

    def tables(self) -> dict[str, dict[str, Tensor]]:
        """How far ascents came, and whether s ran away: `ascents.safetensors`."""
        found = {"length": self.curriculum.length, "largest": self.largest, "diverged": self.diverged}
        return {"ascents": {name: value.detach() for name, value in found.items()}}

    def _densities(self, logits: Tensor) -> Float[Tensor, " B"]:
        """s, infinite throughout where a logit is not finite: for all processes to stop together."""
        if bool(logits.isfinite().all()):
            return self.density.value(logits)
        return logits.new_full((len(logits),), math.inf)

    def _climbed(self, logits: Tensor, labels: Tensor) -> Float[Tensor, " B"]:
        if self.density.climbs == "class":
            return logits.gather(1, labels[:, None]).squeeze(1)  # (B,)
        return self.density.value(logits)

    def _seen(self, real: Tensor, made: Tensor, own: Tensor, other: Tensor, labels: Tensor) -> Float[Tensor, "N 4"]:
        """h_y of real and of made pictures, and s of both, of all processes."""
        classes = [logits.gather(1, labels[:, None]).squeeze(1) for logits in (real, made)]  # (B,) each
        return gather(torch.stack([*classes, own, other], dim=1).detach().float())  # (W·B, 4)

    def _stopped(self, seen: Tensor, largest: float) -> Tensor:
        """What is remembered of a runaway.

        Errors:
            RunError: unless it is held.
        """
        if self.hold:
            return torch.nan_to_num(seen, nan=math.inf)
        raise RunError(
            f"diverging: the log density of a picture came to {largest:.3g}, and beyond {DIVERGED:g} it has run away "
            f"from what ascents of {int(self.curriculum.length)} steps can correct. Go on from the last checkpoint "
            "with a lower --learning-rate or --gradient-clip 1 in a new run, keep --density-loss real-or-made and "
            "--ascent-noise 0, or raise --raise-at, so that ascents grow more slowly."
        )

    def _held(self, batch: Batch, memory: Tensor | None) -> Step:
        """A step in which nothing is learned."""
        moved = [torch.nan_to_num(weight).sum() for weight in self.parameters() if weight.requires_grad]
        loss = 0.0 * torch.stack(moved).sum()  # ()
        with torch.no_grad():
            z = torch.nan_to_num(self.encoder(batch.views[0]))  # (B, D)
        log: dict[str, Tensor | float] = {"ascent_steps": float(self.curriculum.length), "diverged": 1.0}
        return Step(loss, z, by_labels(gather(self._labels(batch.targets)), views=1), log, memory=memory)

    def _checked(self, batch: Batch) -> tuple[Batch, Batch, Batch]:
        """Real pictures, pictures to be classified, seeds."""
        missing = [name for name in (CLASSIFIED, SEEDS) if name not in batch.others]
        if missing:
            raise ArgumentError(f"Dual training needs batches of {' and '.join(missing)} beside the one of pictures.")
        found = (batch, batch.others[CLASSIFIED], batch.others[SEEDS])
        for one in found:
            self.check_views(len(one.views))
        if len({one.size for one in found}) > 1:
            raise ArgumentError(
                f"There must be as many seeds as pictures in a batch, got {found[2].size} beside {found[0].size} and "
                f"{found[1].size} to classify. Give all three sources one batch size."
            )
        if int(self._labels(batch.targets).min()) < 0:
            raise ArgumentError("Each seed is moved towards the class of a picture, and one of these has none.")
        if self.frozen_norms and self.training and any(layer.training for layer in self._norms()):
            raise ArgumentError(
                "Batch normalisation is in training mode, and would mix the statistics of real and made pictures. "
                "Call .train() on the whole learner, which leaves it frozen, or give frozen_norms=False."
            )
        return found

    def _norms(self) -> list[nn.Module]:
        return [
            layer for part in (self.encoder, self.heads) for layer in part.modules() if isinstance(layer, _BatchNorm)
        ]


def _auc(seen: Tensor) -> Tensor:
    """How well the logits of their classes tell real pictures from made ones, `(n, 4)` to `()`."""
    return roc_auc(seen[:, :2].T.flatten(), torch.arange(2 * len(seen), device=seen.device) < len(seen))


def _described(seen: Tensor) -> dict[str, Tensor | float]:
    """What a line of metrics says of a batch."""
    real, made = seen[:, 2].mean(), seen[:, 3].mean()
    return {
        "real_auc": _auc(seen),
        "real_density": real,
        "made_density": made,
        "largest_density": seen[:, 2:].abs().max(),
    }
