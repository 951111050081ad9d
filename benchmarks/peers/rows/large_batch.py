"""nt_xent where the matrix of similarities would take 17 GB: does it run, in how little, how near to its products.

"matrix products" is an arm that does nothing but the four products which one tile of the loss costs (its similarities
in the forward and in the backward pass, and the gradients of its rows and of its columns), in place, at the side at
which they are fastest here. The share is how many products a second the loss does, counted while it runs, over how many
that arm does. Its answer is the loss of the whole matrix, a block of rows at a time.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from peers.row import OURS, Arm, Call, Row, Settings, Target, derived, own_megabytes
from peers.rows.losses import embeddings

PRODUCTS = "matrix products"
SIDES = (256, 512, 768, 1024, 2048)
BLOCK = 1024


def loss_and_gradient(settings: Settings) -> Call:
    """The first call counts its products; that is a look at each operation of a tile, and takes no time to speak of."""
    import torch

    from contrapose.objectives import nt_xent

    def call(z: Any) -> Any:
        value = nt_xent(z, temperature=settings["temperature"])
        torch.autograd.grad(value, z)
        return value.detach()

    call(embeddings(32, settings["dimensions"]).requires_grad_())
    z = embeddings(settings["pairs"], settings["dimensions"]).requires_grad_()  # (2, B, D)
    counted: list[int] = []

    def counting() -> dict[str, Any]:
        if counted:
            return {"loss": call(z).numpy()}
        with products_counted(counted):
            value = call(z)
        return {"loss": value.numpy(), "products": float(counted[0])}

    return counting


def products_counted(counted: list[int]) -> Any:
    """Within, adds to `counted[0]` the operations of all matrix products, those in place or into `out=` too."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func.overloadpacket.__name__ in ("mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_"):
                left, right = args[-2:]  # (..., r, k), (..., k, c)
                counted[0] += 2 * left.numel() * right.shape[-1]
            return func(*args, **(kwargs or {}))

    counted.append(0)
    return Counter()


def products(settings: Settings) -> Call:
    import torch

    def tile(side: int) -> Call:
        a, b = torch.randn(2, side, settings["dimensions"])  # (s, D)
        e, gradient = torch.empty(side, side), torch.zeros(side, settings["dimensions"])

        def call() -> None:
            torch.mm(a, b.T, out=e)
            torch.mm(a, b.T, out=e)
            gradient.addmm_(e, b, beta=0.0)
            gradient.addmm_(e.T, a, beta=0.0)

        return call

    def seconds(call: Call, side: int) -> float:
        call()
        begun, calls = time.perf_counter(), max(1, 2 * (2048 // side) ** 2)
        for _ in range(calls):
            call()
        return (time.perf_counter() - begun) / calls / side**2

    side = min(SIDES, key=lambda side: seconds(tile(side), side))
    fastest, answer = tile(side), {**whole_loss(settings), "products": 8.0 * side**2 * settings["dimensions"]}

    def call() -> dict[str, Any]:
        fastest()
        return answer

    return call


def whole_loss(settings: Settings) -> dict[str, Any]:
    """Block after block, in float32 with float64 sums."""
    import torch
    from torch.nn import functional

    z = functional.normalize(embeddings(settings["pairs"], settings["dimensions"]), dim=-1)  # (2, B, D)
    rows, temperature, total = z.flatten(0, 1), settings["temperature"], 0.0
    for start in range(0, len(rows), BLOCK):
        similarity = rows[start : start + BLOCK] @ rows.T / temperature  # (b, N)
        similarity[torch.arange(len(similarity)), start + torch.arange(len(similarity))] = -torch.inf
        total += similarity.logsumexp(1).double().sum().item()
    positive = (z[0] * z[1]).sum(-1).double().mean().item() / temperature
    return {"loss": total / len(rows) - positive}


def share_of_products(record: Mapping[str, Any]) -> dict[str, float]:
    """How many products a second the loss does, over how many are possible here."""
    arms, answers = record["arms"], record["answers"]
    if not all(name in answers and "seconds" in arms[name] for name in (OURS, PRODUCTS)):
        return {}
    rate = {name: float(answers[name]["products"]) / arms[name]["seconds"] for name in (OURS, PRODUCTS)}
    return {
        "share of the products' rate": rate[OURS] / rate[PRODUCTS],
        "billions of operations a second": rate[OURS] / 1e9,
        "billions of operations a second, products alone": rate[PRODUCTS] / 1e9,
    }


ROWS = (
    Row(
        "nt_xent_65536",
        "nt_xent, forward and backward, 65,536 rows of 128 dimensions",
        {OURS: Arm(loss_and_gradient), PRODUCTS: Arm(products, beside=False)},
        {"pairs": 32_768, "dimensions": 128, "temperature": 0.5, "dtype": "float32"},
        {"pairs": 192},
        (
            Target("MB beside what was held before", own_megabytes, at_most=200),
            Target("share of its products' rate", derived("share of the products' rate"), at_least=0.6),
        ),
        60.0,
        15,
        60.0,
        tolerances={"loss": 1e-4},
        derive=share_of_products,
    ),
)
