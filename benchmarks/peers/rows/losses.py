"""Losses with their gradients: nt_xent, dcl and sup_con beside those of lightly and pytorch-metric-learning.

Every arm is given the same float32 embeddings, normalises them itself, and returns the loss and its gradient with
respect to what it was given; both are compared. "dense torch" is the formula with autograd, the whole matrix at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from peers.lightly_import import lightly
from peers.row import Arm, Call, Row, Settings, Target, memory_of, time_of, times_faster

TOLERANCES = {"loss": 1e-4, "gradient": 2e-3}  # float32, in whatever order each of them adds
SMALL = 32  # pairs of the call that loads what is loaded once
PML = "pytorch-metric-learning"


def embeddings(pairs: int, dimensions: int) -> Any:
    """`(2, B, D)`, the two views of a sample alike."""
    import torch

    generator = torch.Generator().manual_seed(pairs)
    base = torch.randn(1, pairs, dimensions, generator=generator)
    return base + torch.randn(2, pairs, dimensions, generator=generator)  # (2, B, D)


def gradient_of(loss: Callable[[Any], Any], settings: Settings) -> Call:
    """Forward and backward of `loss`, on the embeddings that the settings name."""
    import torch

    def call(z: Any) -> dict[str, Any]:
        value = loss(z)
        return {"loss": value.detach().numpy(), "gradient": torch.autograd.grad(value, z)[0].numpy()}

    call(embeddings(SMALL, settings["dimensions"]).requires_grad_())
    z = embeddings(settings["pairs"], settings["dimensions"]).requires_grad_()  # (2, B, D)
    return lambda: call(z)


def ours(objective: str) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        from contrapose import objectives

        function, temperature = getattr(objectives, objective), settings["temperature"]
        if objective == "sup_con":
            return gradient_of(lambda z: function(z, labels(z, settings), temperature=temperature), settings)
        return gradient_of(lambda z: function(z, temperature=temperature), settings)

    return prepare


def dense(settings: Settings) -> Call:
    """NT-Xent as one masked matrix and torch's cross-entropy."""
    import math

    import torch
    from torch.nn import functional

    def loss(z: Any) -> Any:
        rows = functional.normalize(z, dim=-1).flatten(0, 1)  # (N, D)
        logits = (rows @ rows.T / settings["temperature"]).masked_fill(
            torch.eye(len(rows), dtype=torch.bool), -math.inf
        )
        return functional.cross_entropy(logits, torch.arange(len(rows)).roll(z.shape[1]))

    return gradient_of(loss, settings)


def of_lightly(name: str) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        loss = getattr(lightly("loss"), name)(temperature=settings["temperature"])
        return gradient_of(lambda z: loss(z[0], z[1]), settings)

    return prepare


def of_metric_learning(name: str) -> Callable[[Settings], Call]:
    def prepare(settings: Settings) -> Call:
        from pytorch_metric_learning import losses

        loss = getattr(losses, name)(temperature=settings["temperature"])
        return gradient_of(lambda z: loss(z.flatten(0, 1), labels(z, settings).repeat(2)), settings)

    return prepare


def labels(z: Any, settings: Settings) -> Any:
    """Of each sample `(B,)`: its class, or itself where there are none."""
    import torch

    own = torch.arange(z.shape[1])
    return own % settings["classes"] if "classes" in settings else own


def pair_matrix(settings: Settings) -> int:
    """Bytes of pytorch-metric-learning's NTXentLoss: all pairs of a positive and a negative, about five times over."""
    rows = 2 * settings["pairs"]
    return 5 * 4 * rows * rows * (rows - 2)


def dense_bytes(settings: Settings) -> int:
    """Five matrices of all similarities."""
    return 5 * 4 * (2 * settings["pairs"]) ** 2


def nt_xent_row(pairs: int, targets: tuple[Target, ...], seconds: float) -> Row:
    arms = {
        "contrapose": Arm(ours("nt_xent")),
        "dense torch": Arm(dense, dense_bytes),
        "lightly": Arm(of_lightly("NTXentLoss"), dense_bytes),
        PML: Arm(of_metric_learning("NTXentLoss"), pair_matrix),
    }
    settings = {"pairs": pairs, "dimensions": 128, "temperature": 0.5, "dtype": "float32"}
    figure = f"nt_xent, forward and backward, {pairs:,} pairs of 128 dimensions"
    return Row(f"nt_xent_{pairs}", figure, arms, settings, {"pairs": 48}, targets, seconds, tolerances=TOLERANCES)


ROWS = (
    nt_xent_row(
        256,
        (
            Target("time of dense torch", time_of("dense torch"), at_most=0.9),
            Target("time of lightly", time_of("lightly"), at_most=0.55),
            Target("times as fast as pytorch-metric-learning", times_faster(PML), at_least=500),
        ),
        30.0,
    ),
    nt_xent_row(
        2048,
        (
            Target("time of lightly", time_of("lightly"), at_most=0.25),
            Target("memory of lightly", memory_of("lightly"), at_most=1 / 30),
        ),
        20.0,
    ),
    nt_xent_row(
        8192,
        (
            Target("time of lightly", time_of("lightly"), at_most=0.2),
            Target("memory of lightly", memory_of("lightly"), at_most=1 / 30),
        ),
        60.0,
    ),
    Row(
        "dcl_8192",
        "dcl, forward and backward, 8,192 pairs of 128 dimensions",
        {"contrapose": Arm(ours("dcl")), "lightly": Arm(of_lightly("DCLLoss"), dense_bytes)},
        {"pairs": 8192, "dimensions": 128, "temperature": 0.1, "dtype": "float32"},
        {"pairs": 48},
        (Target("time of lightly", time_of("lightly"), at_most=0.15),),
        40.0,
        tolerances=TOLERANCES,
    ),
    Row(
        "sup_con_4096",
        "sup_con, forward and backward, 4,096 rows of 128 dimensions, 10 classes",
        {"contrapose": Arm(ours("sup_con")), PML: Arm(of_metric_learning("SupConLoss"))},
        {"pairs": 2048, "dimensions": 128, "temperature": 0.1, "classes": 10, "dtype": "float32"},
        {"pairs": 48},
        (Target("time of pytorch-metric-learning", time_of(PML), at_most=0.12),),
        20.0,
        tolerances=TOLERANCES,
    ),
)
