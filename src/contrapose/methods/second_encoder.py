"""A second encoder beside the run's own, for methods that train two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder


def second_encoder(encoder: Encoder, generator: torch.Generator, **changes: Any) -> Encoder:
    """An encoder of the same architecture with first weights of its own; what was fitted to the data is the same.

    Arguments:
        generator: draws their seed.
        changes: arguments of the architecture that differ.
    """
    import torch

    from contrapose.encoders import untrained_like

    return untrained_like(encoder, int(torch.randint(2**31, (), generator=generator)), **changes).train()
