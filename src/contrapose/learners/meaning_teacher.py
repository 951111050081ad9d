"""What a network takes texts to mean, for whoever draws pairs by it: fixed, or renewed from the one that learns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from contrapose.encoders import Encoder, Frozen, Teacher
from contrapose.errors import ArgumentError

AT_ONCE = 256
"""Texts that are read together; it bounds the memory."""
DIGITS = 6
"""Of the numbers: to more of them they hang on which texts were read together."""


class MeaningTeacher(nn.Module):
    """The direction of a network's embedding of each text, read whole, without dropout and without gradient.

        meaning(text) = network(text) / |network(text)|

    Shapes:
        texts: N of them; gives `(N, K)` float64, rows of length 1, to six digits.

    Arguments:
        network: a frozen text encoder, which reads texts in a way of its own and is no part of this module; or the
            encoder that learns: then it is a copy of it, which checkpoints hold, and `renew` makes it anew.

    Errors:
        ArgumentError: a frozen module that does not say how it reads texts.
    """

    def __init__(self, network: Frozen | Encoder) -> None:
        super().__init__()
        self.copy = Teacher(network, momentum=0.0, buffers="copy").eval() if isinstance(network, Encoder) else None
        self.frozen = network if isinstance(network, Frozen) else None
        if self.frozen is not None and not isinstance(self.frozen.network, Encoder):
            raise ArgumentError(
                f"{self.frozen.source} reads no texts by itself. Give base a text encoder: a run, an encoder's folder "
                "or hf:NAME."
            )

    @property
    def follows(self) -> bool:
        """Whether it is a copy of the encoder that learns."""
        return self.copy is not None

    def renew(self, encoder: nn.Module) -> None:
        """Take over the weights that the encoder has now."""
        assert self.copy is not None, "a frozen network stays as it is"
        self.copy.update(encoder)

    def train(self, mode: bool = True) -> Self:
        return super().train(False)  # it has no dropout, whoever trains

    @torch.no_grad()
    def of(self, texts: Sequence[str], device: torch.device | str = "cpu") -> Float[np.ndarray, "N K"]:
        """What these texts mean."""
        network: Any = self.copy.model if self.copy is not None else self.frozen.network  # type: ignore[union-attr]
        asked: Any = self.copy or self.frozen
        order = np.argsort([len(text) for text in texts], kind="stable")  # alike in length: less padding
        rows: list[np.ndarray] = []
        for start in range(0, len(order), AT_ONCE):
            view = network.prepare([texts[place] for place in order[start : start + AT_ONCE]]).to(device)
            with torch.autocast(torch.device(device).type, enabled=False):
                rows.append(nn.functional.normalize(asked(view).double(), dim=1).cpu().numpy())
        found = np.empty((len(texts), rows[0].shape[1]))  # (N, K)
        found[order] = np.round(np.concatenate(rows), DIGITS)
        return found
