"""A small network in both stages of dual training, and batches for it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from contrapose.data import Batch
from contrapose.encoders import ImageEncoder, build
from contrapose.encoders.backbone import ConvolutionalBackbone
from contrapose.encoders.heads import Heads
from contrapose.learners import AttackedClassifier, Curriculum, Density, DualAdversarial
from contrapose.objectives import log_density, real_or_made, slope_penalty
from contrapose.robustness import Steps

SIZE, CLASSES = 8, 3
ATTACK = Steps(2, 0.1, radius=0.2)


class Smooth(ConvolutionalBackbone):
    """Without batch normalisation, whose statistics would differ between processes by design."""

    stage_dimensions = (6,)
    dimension = 6

    def __init__(self) -> None:
        super().__init__([nn.Sequential(nn.Conv2d(1, 6, 3), nn.Tanh())])


def smooth() -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(Smooth(), name="smooth", arguments={}, channels=1, image_size=SIZE).double()


def normed() -> ImageEncoder:
    """With batch normalisation."""
    found = build("small_conv", channels=1, image_size=SIZE, seed=0, widths=[4, 6], embedding=5)
    assert isinstance(found, ImageEncoder)
    return found


def head(encoder: ImageEncoder) -> Heads:
    torch.manual_seed(1)
    made = Heads(encoder.dimension, [CLASSES]).to(encoder.mean.dtype)
    for weight in made.parameters():
        nn.init.normal_(weight)
    return made


def first_stage(encoder: ImageEncoder | None = None, **options: Any) -> AttackedClassifier:
    encoder = encoder or normed()
    usual: dict[str, Any] = {"dimension": encoder.dimension, "attack": ATTACK, "heads": head(encoder)}
    return AttackedClassifier(encoder, **{**usual, **options}).train()


def second_stage(encoder: ImageEncoder | None = None, *, length: int = 2, **options: Any) -> DualAdversarial:
    encoder = encoder or normed()
    usual: dict[str, Any] = {
        "dimension": encoder.dimension,
        "attack": ATTACK,
        "heads": head(encoder),
        "density": Density(value=log_density, objective=real_or_made, slope=slope_penalty),
        "curriculum": Curriculum(3, length=length),
    }
    return DualAdversarial(encoder, **{**usual, **options}).train()


def batch(own: slice = slice(None), *, count: int = 8, seed: int = 0, dtype: torch.dtype = torch.float32) -> Batch:
    """Real pictures, other ones to classify, and seeds beside them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(3, count, 1, SIZE, SIZE, generator=generator, dtype=dtype)
    labels = torch.randint(CLASSES, (2, count), generator=generator)
    indices = torch.arange(count)[own]
    others = {
        "classified": Batch((x[1, own],), indices, labels[1, own]),
        "seeds": Batch((x[2, own],), indices),
    }
    return Batch((x[0, own],), indices, labels[0, own], others=others)
