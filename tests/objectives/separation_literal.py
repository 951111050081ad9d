"""The terms of a separation written out pair by pair, slowly: what the library must agree with."""

from __future__ import annotations

import torch
from torch import Tensor


def literal_terms(common: Tensor, salient: Tensor, target: Tensor, temperature: float = 0.5) -> dict[str, Tensor]:
    c = common / common.norm(dim=-1, keepdim=True)
    batch = common.shape[1]
    is_target = [bool(one) for one in target]
    null = torch.zeros_like(salient[0, 0])
    masked = [[salient[v, i] if is_target[i] else null for i in range(batch)] for v in range(2)]

    def away(a: Tensor, b: Tensor) -> Tensor:
        return sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / (2 * temperature)  # type: ignore[return-value]

    def uniform(rows: list[Tensor]) -> Tensor:
        kernels = [(-away(rows[i], rows[j])).exp() for i in range(batch) for j in range(i)]
        return (sum(kernels) / len(kernels)).log()  # type: ignore[operator]

    def joint(v: int) -> Tensor:
        inner = [
            sum((-away(c[v, i], c[v, j]) - away(masked[v][i], masked[v][j])).exp() for j in range(batch)) / batch
            for i in range(batch)
        ]
        return sum(one.log() for one in inner) / batch  # type: ignore[return-value]

    targets = [i for i in range(batch) if is_target[i]]
    background = [i for i in range(batch) if not is_target[i]]
    return {
        "common": sum(away(c[0, i], c[1, i]) for i in range(batch)) / batch + uniform(list(c[0])) + uniform(list(c[1])),
        "salient": sum(away(salient[0, i], salient[1, i]) for i in targets) / len(targets)
        + uniform(masked[0])
        + uniform(masked[1]),
        "null": sum(away(null, salient[v, i]) for v in range(2) for i in background) / (2 * len(background)),
        "independence": (joint(0) + joint(1)) / 2,
    }  # type: ignore[dict-item]
