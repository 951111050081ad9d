"""Is this call an ordinary one, or is somebody recording or transforming it (torch.compile, torch.func, vmap)?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch import Tensor

F = TypeVar("F", bound=Callable[..., Any])

_LOOKED_AT: ContextVar[bool] = ContextVar("whether numbers are looked at", default=True)

# Private, but the very question that torch asks before every custom autograd function; a torch without it is one
# whose transforms go unnoticed, and then says so itself.
_transforming = getattr(torch._C, "_are_functorch_transforms_active", lambda: False)
_wrapped = getattr(torch._C._functorch, "is_functorch_wrapped_tensor", None)
_batched = getattr(torch._C._functorch, "is_batchedtensor", None)
_inside = getattr(torch._C._functorch, "get_unwrapped", None)


def outside_of_the_graph(function: F) -> F:
    """`torch.compiler.disable`, which loads the compiler at once, for as long as loading torch takes; this waits."""
    lazily = getattr(torch, "_disable_dynamo", None)  # what torch itself disables by
    disabled: F = function if lazily is None else lazily(function)
    return disabled


def constant_result(function: F) -> F:
    """`torch.compiler.assume_constant_result`, which loads the compiler only to set this mark."""
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def is_compiling() -> bool:
    """Whether torch.compile or torch.export is recording: Python's branches are then taken once for all calls."""
    return torch.compiler.is_compiling()


def is_transformed() -> bool:
    """Whether the call is recorded, or inside torch.func.grad, vmap, jvp and their kin.

    A derivative written by hand is for one ordinary backward pass. Here torch must see plain operations instead, of
    which it makes whatever it was asked for.
    """
    return torch.compiler.is_compiling() or _transforming()


@contextmanager
def values_unread() -> Iterator[None]:
    """Within it, in this thread, numbers are not looked at: on a GPU who looks waits for all that it was asked for."""
    token = _LOOKED_AT.set(False)
    try:
        yield
    finally:
        _LOOKED_AT.reset(token)


def is_readable(x: Tensor) -> bool:
    """Whether numbers of `x` can be looked at in Python: not while recording, nor where vmap made it many at once,
    nor within `values_unread`."""
    if torch.compiler.is_compiling() or x.device.type == "meta" or not _LOOKED_AT.get():
        return False
    if not _transforming() or _wrapped is None or _batched is None or _inside is None:
        return True
    while _wrapped(x):
        if _batched(x):
            return False
        x = _inside(x)
    return True
