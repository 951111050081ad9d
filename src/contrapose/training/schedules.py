"""Learning-rate schedules as functions of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math

from contrapose.errors import ArgumentError, did_you_mean


def cosine(step: int, total: int, warmup: int) -> float:
    """Linear warm-up, then half a cosine to zero; the multiplier of the peak learning rate.

        (t + 1) / w              for t < w
        (1 + cos(pi u)) / 2      after, u = (t - w) / (T - w)

    Paper: SimCLR, https://arxiv.org/abs/2002.05709 (SGDR, https://arxiv.org/abs/1608.03983, without restarts).
    """
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))


def one_cycle(step: int, total: int, warmup: int, *, start: float = 1 / 25, end: float = 1e-4 / 25) -> float:
    """Half a cosine up from `start`, then half a cosine down to `end`; the multiplier of the peak learning rate.

    Start and end shares are those of torch's OneCycleLR (1/25, and 1/10,000 of that).

    Paper: https://arxiv.org/abs/1708.07120.
    """
    if step < warmup:
        return _between(start, 1.0, (step + 1) / warmup)
    return _between(1.0, end, (step - warmup) / max(1, total - warmup))


def constant(step: int, total: int, warmup: int) -> float:
    """Linear warm-up, then 1."""
    return (step + 1) / warmup if step < warmup else 1.0


def multiplier(name: str, step: int, total: int, warmup_share: float) -> float:
    """The named schedule at `step` of `total`.

    Errors:
        ArgumentError: an unknown name.
    """
    if name not in SCHEDULES:
        raise ArgumentError(f"Unknown schedule {name!r}.{did_you_mean(name, SCHEDULES)}")
    return SCHEDULES[name](step, total, round(warmup_share * total))


SCHEDULES = {"cosine": cosine, "one_cycle": one_cycle, "constant": constant}


def _between(first: float, last: float, share: float) -> float:
    return last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))
