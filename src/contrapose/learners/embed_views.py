"""Views through a network, in as few passes as their sizes allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import torch
from jaxtyping import Float
from torch import Tensor


def embed_views(network: Callable[[Tensor], Tensor], views: Sequence[Tensor]) -> Float[Tensor, "V B D"]:
    """Embed V views of B samples: neighbouring views of one shape go through the network together.

    One joint pass is faster than V small ones and lets batch normalisation see all views at once, as in SimCLR's and
    SwAV's code.

    Shapes:
        views: V tensors `(B, ...)`; returns `(V, B, D)`.
    """
    batch = len(views[0])
    parts = []
    for _, alike in groupby(views, key=lambda view: view.shape):
        group = list(alike)
        z = network(torch.cat(group))  # (v·B, D)
        parts.append(z.view(len(group), batch, -1))  # (v, B, D)
    return torch.cat(parts)  # (V, B, D)
