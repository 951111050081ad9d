"""How the common checks call any registered objective, with its shapes checked on every call."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from beartype import beartype
from jaxtyping import jaxtyped
from torch import Tensor

from contrapose.objectives import OBJECTIVES
from contrapose.pairing import Pairing, by_labels, by_targets, by_towers, by_views

NAMES = tuple(OBJECTIVES)
TILED = tuple(name for name in NAMES if OBJECTIVES[name].row_reduction)
# What makes an objective the same function of its embeddings at every call: nothing is drawn at random.
FIXED: dict[str, dict[str, Any]] = {"mochi": {"hardest": 1, "query_mixes": 0}, "supremix": {"beta": 0.2}}
# What makes it blind to the lengths of the rows.
UNIT_ROWS: dict[str, dict[str, Any]] = {
    name: {"normalize": True} for name in ("rank_n_contrast", "contrastive_regulariser")
}
# Options that depend on the size of the batch; the defaults wherever these fit.
FITTED: dict[str, Callable[[int], dict[str, Any]]] = {
    "groco": lambda batch: {"negatives": 10 if batch > 10 else batch // 2},
}
CHECKED = {name: jaxtyped(typechecker=beartype)(OBJECTIVES[name].function) for name in NAMES}


def some_embeddings(batch: int = 6, dim: int = 5, *, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """`(2, B, D)` with views that resemble each other."""
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(1, batch, dim, generator=generator, dtype=torch.float64)
    return (base + 0.5 * torch.randn(2, batch, dim, generator=generator, dtype=torch.float64)).to(dtype)


def some_labels(batch: int) -> Tensor:
    """Classes 0, 1, 2 in turn."""
    return torch.arange(batch) % 3


def some_targets(batch: int) -> Tensor:
    """The numbers 0, 2, 4 in turn."""
    return 2.0 * some_labels(batch).double()


def queue_of(z: Tensor) -> Tensor:
    """`(B, D)` without gradient: the second view's unit rows, each mirrored at their mean."""
    wide = z[1].detach().double()  # whatever the rows' length
    rows = (wide / wide.norm(dim=-1, keepdim=True)).to(torch.promote_types(z.dtype, torch.float32))
    return 2 * rows.mean(dim=0) - rows


def of_views(z: Tensor) -> tuple[Tensor, Tensor]:
    """Queries and keys `(2, B, D)`: the first view meets the second, the second what mirrors it."""
    mirrored = queue_of(z)  # (B, D), in float32 at least
    return z, torch.stack([mirrored, z[1].to(mirrored)])


def loss_of(name: str, z: Tensor, labels: Tensor | None = None, **options: Any) -> Tensor:
    """The objective on two views `(2, B, D)`, called as its entry says."""
    takes, function = OBJECTIVES[name].takes, CHECKED[name]
    fitted = FITTED[name](z.shape[1]) if name in FITTED and z.ndim == 3 else {}
    options = {**FIXED.get(name, {}), **UNIT_ROWS.get(name, {}), **fitted, **options}
    if takes == "queue":
        return function(z[0], z[1], queue_of(z), **options)
    if takes == "view_queue":
        return function(*of_views(z), queue_of(z), **options)
    if takes == "view_towers":
        return function(*of_views(z), **options)
    if takes == "towers":
        return function(z[0], z[1], **options)
    if takes == "labels":
        return function(z, some_labels(z.shape[1]) if labels is None else labels, **options)
    if takes == "targets":
        return function(z, some_targets(z.shape[1]) if labels is None else 2.0 * labels.double(), **options)
    return function(z, **options)


def pairing_of(name: str, batch: int) -> Pairing:
    """The pairing that `loss_of` amounts to."""
    takes = OBJECTIVES[name].takes
    if takes in ("towers", "view_towers"):
        return by_towers(batch)
    if takes in ("queue", "view_queue"):
        mixed = inspect.signature(OBJECTIVES[name].function).parameters.get("pair_mixes")
        return by_towers(batch, in_batch_negatives=False).with_queue(batch + (mixed.default if mixed else 0))
    if takes == "targets":
        return by_targets(some_targets(batch), views=2)
    return by_labels(some_labels(batch), views=2) if takes == "labels" else by_views(2, batch)


def sharpest(name: str) -> dict[str, float]:
    """The option that makes the objective as sharp as anybody would."""
    known = inspect.signature(OBJECTIVES[name].function).parameters
    return {key: 0.01 for key in ("temperature", "sigma") if key in known}


def value_and_gradient(name: str, z: Tensor, **options: Any) -> tuple[Tensor, Tensor]:
    z = z.detach().clone().requires_grad_()
    loss = loss_of(name, z, **options)
    (gradient,) = torch.autograd.grad(loss, z)
    return loss.detach(), gradient
