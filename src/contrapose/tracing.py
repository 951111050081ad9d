"""Is this call an ordinary one, or is somebody recording or transforming it (torch.compile, torch.func, vmap)?"""

from __future__ import annotations

import torch
from torch import Tensor

# Private, but the very question that torch asks before every custom autograd function; a torch without it is one
# whose transforms go unnoticed, and then says so itself.
_transforming = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
_wrapped = getattr(torch._C._functorch, "is_functorch_wrapped_tensor", None)
_batched = getattr(torch._C._functorch, "is_batchedtensor", None)
_inside = getattr(torch._C._functorch, "get_unwrapped", None)


def is_compiling() -> bool:
    """Whether torch.compile or torch.export is recording: Python's branches are then taken once for all calls."""
    return torch.compiler.is_compiling()


def is_transformed() -> bool:
    """Whether the call is recorded, or inside torch.func.grad, vmap, jvp and their kin.

    A derivative written by hand is for one ordinary backward pass. Here torch must see plain operations instead, of
    which it makes whatever it was asked for.
    """
    return torch.compiler.is_compiling() or _transforming()


def is_readable(x: Tensor) -> bool:
    """Whether numbers of `x` can be looked at in Python: not while recording, nor where vmap made it many at once."""
    if torch.compiler.is_compiling() or x.device.type == "meta":
        return False
    if not _transforming() or _wrapped is None or _batched is None or _inside is None:
        return True
    while _wrapped(x):
        if _batched(x):
            return False
        x = _inside(x)
    return True
