"""Views through a network, in as few passes as their sizes allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.view import View, alike, join


def embed_views(network: Callable[[Any], Tensor], views: Sequence[View]) -> Float[Tensor, "V B D"]:
    """Embed V views of B samples: neighbouring views of one form go through the network together.

    One joint pass is faster than V small ones and lets batch normalisation see all views at once, as in SimCLR's and
    SwAV's code.

    Shapes:
        views: V of B samples each; returns `(V, B, D)`.
    """
    batch = len(views[0])
    parts = []
    for _, same in groupby(views, key=alike):
        group = list(same)
        z = network(join(group))  # (v·B, D)
        parts.append(z.view(len(group), batch, -1))  # (v, B, D)
    return torch.cat(parts)  # (V, B, D)
