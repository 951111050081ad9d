"""Views come first, `(V, B, D)`: a batch in the order of other libraries, `(B, V, D)`, is warned of."""

from __future__ import annotations

import sys
import warnings

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ViewOrderWarning
from contrapose.tracing import constant_result, is_readable

# Nobody makes so many views of a sample; and only the smallest of batches have so many more views than samples.
MANY_VIEWS = 16
FEW_VIEWS, VIEWS_PER_SAMPLE = 8, 4
_LIBRARIES = ("contrapose", "torch")  # the line to point at is of neither
NEARER = 0.75  # views of one sample are nearer to each other than samples are, already before any training


def warn_of_view_order(z: Tensor, letters: str, *, paired: bool) -> None:
    """Say so, once for each line of the caller, where `z` looks like `(B, V, D)`.

    Likely are more than 16 views of fewer samples, and 8 or more that are at least four times as many as the samples;
    unless their numbers show that what is listed first are indeed views: rows of one sample nearer to each other than
    rows of different samples.

    Shapes:
        z: `(V, B, D)` as it was given.

    Arguments:
        paired: the rows are paired by a pairing, and with one sample any order of the two letters is the same.
    """
    views, batch, _ = z.shape
    if views <= batch or (batch == 1 and paired):  # the usual case costs no more than this
        return
    if not (views > MANY_VIEWS or (views >= FEW_VIEWS and views >= VIEWS_PER_SAMPLE * batch)):
        return
    if batch > 1 and is_readable(z) and _first_are_views(z.detach()):
        return
    first, second, _ = letters.split()
    _warn(
        f"These would be many views of only {batch} sample(s): ({first}, {second}, D) is expected, views first, and "
        f"they look like ({second}, {first}, D) with {batch} view(s). If they are, give z.transpose(0, 1), or "
        "torch.stack([view_0, view_1]); if not, silence it with warnings.filterwarnings('ignore', "
        "category=contrapose.errors.ViewOrderWarning)."
    )


def _first_are_views(z: Tensor) -> bool:
    """Whether rows `z[:, b]` are clearly nearer to each other than rows `z[v]` are."""
    unit = functional.normalize(z.float(), dim=2)  # (V, B, D)
    of_sample, of_view = (_mean_square_distance(unit, along) for along in (0, 1))
    return of_sample < NEARER * of_view


def _mean_square_distance(unit: Tensor, along: int) -> float:
    """Mean squared distance of two different unit rows that differ in dimension `along` alone."""
    count = unit.shape[along]
    spread = 1 - unit.mean(along).square().sum(-1).mean()  # () half the mean over all pairs, equal ones included
    return float(spread) * 2 * count / (count - 1)


def _warn(text: str) -> None:
    if torch.compiler.is_compiling():
        _warn_while_compiling(text)
        return
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, ViewOrderWarning, stacklevel=level)


@constant_result
def _warn_while_compiling(text: str) -> None:
    """Said while the graph is recorded, which is once for each shape; whoever called is not in sight here."""
    warnings.warn(text, ViewOrderWarning, stacklevel=2)
