"""Optimisers that do not load torch's compiler, for which they have no use: that takes as long as loading torch."""

from __future__ import annotations

from functools import cache
from typing import TypeVar

import torch
from torch.optim import Optimizer

Kind = TypeVar("Kind", bound=type[Optimizer])

_KEPT_OUT = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""What torch keeps out of compiled graphs; on its first call the compiler is loaded, to be told so."""


@cache
def uncompiled(kind: Kind) -> Kind:
    """The same optimiser, step by step and bit by bit, for programs that compile none.

    torch wraps methods of its optimisers for the compiler's sake; here they are without the wrapper, where there is
    one.
    """
    known = {name: getattr(Optimizer, name) for name in _KEPT_OUT}
    plain = {name: getattr(method, "__wrapped__", None) for name, method in known.items()}
    own = {name: plain[name] for name, method in known.items() if plain[name] and getattr(kind, name) is method}
    if (step := getattr(kind.step, "__wrapped__", None)) is not None:
        own["step"] = torch.no_grad()(step)
    own["__reduce__"] = lambda self: (_empty, (kind,), self.__getstate__())  # a class that is made has no address
    made: Kind = type(kind.__name__, (kind,), {**own, "__doc__": kind.__doc__})  # type: ignore[assignment]
    return made


def _empty(kind: type[Optimizer]) -> Optimizer:
    """One without weights, which a copy or a pickle fills."""
    made: type[Optimizer] = uncompiled(kind)  # type: ignore[arg-type]  # a class is hashable
    return made.__new__(made)
