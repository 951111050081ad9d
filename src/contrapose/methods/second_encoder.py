"""A second encoder beside the run's own, for methods that train two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import ImageEncoder


def second_encoder(encoder: ImageEncoder, generator: torch.Generator, **changes: Any) -> ImageEncoder:
    """An encoder of the same architecture with first weights of its own.

    Arguments:
        generator: draws their seed.
        changes: arguments of the architecture that differ.
    """
    import torch

    from contrapose.encoders import build

    return build(
        encoder.name,
        channels=encoder.channels,
        image_size=encoder.image_size,
        mean=encoder.mean,
        std=encoder.std,
        seed=int(torch.randint(2**31, (), generator=generator)),
        preparation=encoder.preparation,
        **{**encoder.arguments, **changes},
    )
