"""How good pictures are that are drawn for captions that were kept out, by a classifier trained for that alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data import Images, derived_generator
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.evaluation import diversity, frechet_distance

BLOCK = 256
"""Pictures that are drawn or embedded together."""
FEATURES = 64
"""Dimensions that distances are measured in."""
RATE, BATCH = 3e-3, 64
"""Of the judge's training (AdamW, one cycle down). [design] A minute at most for some thousand small pictures."""


class Judge(nn.Module):
    """A classifier of real pictures, whose features distances are measured in: never a part of what it judges.

    Shapes:
        x: `(B, C, S, S)` in [0, 1]; returns features `(B, 64)` and logits `(B, K)`.
    """

    def __init__(self, images: Images, *, classes: int, seed: int) -> None:
        super().__init__()
        mean, std = images.statistics()
        size: dict[str, Any] = {"channels": images.channels, "image_size": images.image_size}
        self.encoder = build("small_conv", **size, seed=seed, mean=mean, std=std, widths=[32, 64], embedding=FEATURES)
        self.head = nn.Linear(FEATURES, classes)
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.encoder(x)  # (B, 64)
        return features, self.head(features.relu())


def trained_judge(images: Images, *, classes: int, epochs: int, seed: int) -> Judge:
    """A judge, trained on real pictures; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        judge = Judge(images, classes=classes, seed=seed).train()
        order = derived_generator(seed, "judge")
        labels, steps = torch.as_tensor(images.labels).long(), max(1, len(images) // BATCH)
        optimizer = torch.optim.AdamW(judge.parameters(), lr=RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * steps)
        for _ in range(epochs):
            rows = torch.randperm(len(images), generator=order)
            for some in rows[: steps * BATCH].chunk(steps):
                loss = functional.cross_entropy(judge(images.batch(some).float() / 255)[1], labels[some])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return judge.eval().requires_grad_(False)


@dataclass(frozen=True)
class Drawn:
    """What was measured of pictures drawn for captions.

    Arguments:
        pictures: how many were drawn.
        frechet: the distance of drawn pictures to real ones of other samples, in the judge's features.
        frechet_real: of as many real pictures that were learned from to the same: what a perfect painter would have.
        consistent: share of drawn pictures that the judge takes for the class of their caption.
        consistent_real: the same of the kept-out pictures themselves.
        diversity: mean distance of two drawn pictures of one class as a share of that of real ones; None where no
            class has two of both.
    """

    pictures: int
    frechet: float
    frechet_real: float
    consistent: float
    consistent_real: float
    diversity: float | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """What a person is shown of it."""
        return [
            f"Of {self.pictures:,} pictures drawn for captions that were kept out, by a classifier trained for that "
            "alone:",
            f"  Frechet distance {self.frechet:.2f} to kept-out pictures (real ones {self.frechet_real:.2f}; its "
            "features are no Inception's)",
            f"  {100 * self.consistent:.1f} % are taken for the class of their caption (of real ones "
            f"{100 * self.consistent_real:.1f} %)",
            *(
                [f"  within a class they differ {self.diversity:.2f} times as much as real ones"]
                if self.diversity is not None
                else []
            ),
        ]


def measure(judge: Judge, made: Tensor, classes: np.ndarray, *, learned: Images, kept: Images) -> Drawn:
    """What the judge says of drawn pictures beside real ones.

    Shapes:
        made: `(M, C, S, S)` in [0, 1]; classes: `(M,)`, those of their captions.
    """
    of_made, said = _seen(judge, made)  # (M, 64), (M,)
    of_kept, told = _seen(judge, as_floats(kept))
    of_learned, _ = _seen(judge, as_floats(learned)[: max(len(kept), 2)])
    labels: Any = kept.labels
    return Drawn(
        pictures=len(made),
        frechet=frechet_distance(of_made, of_kept),
        frechet_real=frechet_distance(of_learned, of_kept),
        consistent=float((said == classes).mean()),
        consistent_real=float((told == labels).mean()),
        diversity=_diversity(of_made, of_kept, classes, labels),
    )


def as_floats(images: Images) -> Tensor:
    """All pictures in [0, 1], `(N, C, S, S)`."""
    return images.batch(np.arange(len(images))).float() / 255


@torch.no_grad()
def draw_for(painter: Any, texts: Tensor, *, seed: int, times: int = 1) -> Tensor:
    """Pictures for vectors of texts, `times` of each, `(times M, C, S, S)` in [0, 1] on the CPU.

    Shapes:
        texts: `(M, D)`.
    """
    stream, found = derived_generator(seed, "noise"), []
    noise = torch.randn(times * len(texts), painter.noise, generator=stream)  # (T M, Z)
    for some, beside in zip(noise.split(BLOCK), texts.repeat(times, 1).split(BLOCK), strict=True):
        found.append(painter(some.to(beside), beside).float().cpu())
    return torch.cat(found)


@torch.no_grad()
def _seen(judge: Judge, x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    parts = [judge(some) for some in x.split(BLOCK)]
    features, logits = (torch.cat(side) for side in zip(*parts, strict=True))
    return features.double().numpy(), logits.argmax(dim=1).numpy()


def _diversity(made: np.ndarray, real: np.ndarray, classes: np.ndarray, labels: np.ndarray) -> float | None:
    try:
        return diversity(made, real, classes, labels)
    except ArgumentError:  # no class has two pictures on both sides
        return None
