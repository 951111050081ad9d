"""What a teacher says of many anchors, in summaries instead of probabilities, and a student's divergence from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.engine.inputs import check_temperature, prepare_rows
from contrapose.objectives.engine.queue_inputs import check_against_queue
from contrapose.objectives.engine.tiles import LogSum, Sums, Terms, row_reduce
from contrapose.pairing import Pairing, Tile, by_groups
from contrapose.tracing import is_readable, is_transformed

# Times the resolution of the numbers: divergences below it are computed again, without cancellation.
SMALL = 1e5


@dataclass(frozen=True)
class SoftTargets:
    """A teacher's softmax over the anchors, in two summaries a row instead of K probabilities.

        p_ia = exp(u_i·A_a - log_sum_i),    u = keys / teacher_temperature,    barycentre_i = sum_a p_ia A_a

    Both are kept for anchors about their mean, A_a - centre: the softmax is the same, and anchors that nearly agree
    lose no digits.

    Shapes:
        logits: `(B, D)`, u; about: `(K, D)`, the anchors about their centre, `(D,)`; log_sum_about: `(B,)`,
            barycentre_about: `(B, D)`, with those anchors. No gradient flows.
    """

    logits: Tensor
    about: Tensor
    centre: Tensor
    log_sum_about: Tensor
    barycentre_about: Tensor

    @property
    def log_sum(self) -> Float[Tensor, " B"]:
        """log sum_a exp(u_i·A_a)."""
        return self.log_sum_about + self.logits @ self.centre

    @property
    def barycentre(self) -> Float[Tensor, "B D"]:
        """sum_a p_ia A_a."""
        return self.barycentre_about + self.centre

    @property
    def entropy(self) -> Float[Tensor, " B"]:
        """-sum_a p_ia log p_ia, from 0 (one anchor) to log K (all alike; there is nothing to learn from)."""
        # the two nearly cancel where one anchor is all, and their rounding may be either way
        return (self.log_sum_about - (self.logits * self.barycentre_about).sum(1)).clamp(min=0)  # (B,)

    def take(self, rows: Tensor | None) -> SoftTargets:
        """Those of some rows, or all."""
        if rows is None:
            return self
        log_sum, barycentre = self.log_sum_about[rows], self.barycentre_about[rows]
        return SoftTargets(self.logits[rows], self.about, self.centre, log_sum, barycentre)


def soft_targets(
    keys: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    temperature: float | Float[Tensor, ""],
    normalize: bool = True,
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> SoftTargets:
    """What the teacher's `keys` say of the anchors in `queue`, in tiles: no B × K matrix is kept.

    The barycentre is the gradient of the log-sum-exp: d log sum_a exp(u·A_a) / du = sum_a p_a A_a.

    Shapes:
        keys: `(B, D)`, queue: `(K, D)`.

    Arguments:
        temperature: the teacher's; normalize, tile_rows, tile_columns: as in `isd`.

    Errors:
        ArgumentError: sizes that do not fit, NaN, temperature <= 0, queue rows not of length 1 with `normalize=False`.
    """
    check_against_queue({"keys": keys}, queue, normalize=normalize)
    check_temperature(temperature)
    if is_transformed():  # no derivative may be taken in here: the whole matrix it is
        anchors = prepare_rows(queue.detach(), normalize)  # (K, D)
        logits = prepare_rows(keys.detach(), normalize) / temperature  # (B, D)
        centre = anchors.mean(0)
        about = (anchors - centre).to(logits)  # (K, D)
        with torch.autocast(logits.device.type, enabled=False):
            log_p = logits @ about.T  # (B, K)
            return SoftTargets(logits, about, centre, log_p.logsumexp(1), log_p.softmax(1) @ about)
    with torch.inference_mode(False), torch.enable_grad():  # the barycentre is a gradient, whoever asks
        anchors = prepare_rows(_constant(queue), normalize)  # (K, D)
        logits = (prepare_rows(_constant(keys), normalize) / temperature).requires_grad_()  # (B, D)
        centre = anchors.mean(0)  # (D,)
        about = (anchors - centre).to(logits)  # (K, D)
        log_sum = log_sum_over(logits, about, tile_rows, tile_columns)  # (B,)
        (barycentre,) = torch.autograd.grad(log_sum.sum(), logits)  # (B, D)
    return SoftTargets(logits.detach(), about, centre, log_sum.detach(), barycentre)


def divergence(targets: SoftTargets, logits: Tensor, tile_rows: int | None, tile_columns: int | None) -> Tensor:
    """KL(p_i || s_i) of each row, s the softmax of `logits`, over the anchors of `targets`.

        l_i = log sum_a exp(v_i·A_a) - log_sum_i + (u_i - v_i)·barycentre_i

    The sums nearly cancel where l is small; such rows are computed once more by `small_divergence`.

    Shapes:
        logits: `(R, D)`, v; returns `(R,)`.
    """
    if is_transformed():
        return small_divergence(targets, logits, tile_rows, tile_columns)
    log_sum = log_sum_over(logits, targets.about, tile_rows, tile_columns)  # (R,)
    difference = targets.logits - logits  # (R, D)
    losses = log_sum - targets.log_sum_about + (difference * targets.barycentre_about).sum(1)  # (R,)
    small = losses.detach() < SMALL * torch.finfo(losses.dtype).eps  # (R,)
    if is_readable(small) and not bool(small.any()):
        return losses
    rows = small.nonzero().squeeze(1)  # (R',)
    again = small_divergence(targets.take(rows), logits[rows], tile_rows, tile_columns)
    return losses.index_copy(0, rows, again.to(losses))


def small_divergence(targets: SoftTargets, logits: Tensor, tile_rows: int | None, tile_columns: int | None) -> Tensor:
    """The same from terms that are all 0 or more, for twice the work: exact where the divergence is next to nothing.

        l_i = log(1 + sum_a p_ia (exp(d_a) - 1 - d_a) + e) - e,     d_a = (v_i - u_i)·(A_a - barycentre_i)
        e = sum_a p_ia d_a, which is 0 but for rounding

    Terms with d above 1, which may overflow, go through the logarithm.

    Shapes:
        logits: `(R, D)`; returns `(R,)`.
    """
    about = targets.about.to(logits)  # (K, D)
    difference = logits - targets.logits  # (R, D)
    mean = (difference.detach() * targets.barycentre_about).sum(1)  # (R,)
    pairing = _SharedPairing(everybody(len(logits), about), targets.logits, about, targets.log_sum_about, mean)
    far, excess, rest = row_reduce(
        difference, about, _excess_terms, pairing, tile_rows=tile_rows, tile_columns=tile_columns
    )  # (R,) each
    all_excess = excess + far.clamp(max=0).exp()  # (R,)
    little = (all_excess + rest).detach() < 1
    # log(1 + x) - e with x = excess + e is excess - (exp(y) - 1 - y), y = log(1 + x): neither term nor slope cancels
    near = all_excess - _excess(torch.log1p((all_excess + rest).where(little, 0.0)))
    return torch.where(little, near, torch.logaddexp(torch.log1p(excess + rest), far) - rest)


def log_sum_over(logits: Tensor, anchors: Tensor, tile_rows: int | None, tile_columns: int | None) -> Tensor:
    """log sum_a exp(x·A_a) of each row: `(R, D)`, `(K, D)` -> `(R,)`."""
    (log_sum,) = row_reduce(
        logits,
        anchors.to(logits),
        Sums(log=(LogSum("valid"),)),  # every anchor
        everybody(len(logits), anchors),
        tile_rows=tile_rows,
        tile_columns=tile_columns,
    )
    return log_sum


def everybody(rows: int, anchors: Tensor) -> Pairing:
    """Every anchor is compared, none is a positive."""
    nobody = torch.full((rows,), -1, device=anchors.device)
    return by_groups(nobody, torch.zeros(len(anchors), dtype=torch.long, device=anchors.device))


@dataclass(frozen=True)
class _SharedTile(Tile):
    """A tile that knows the teacher's share of each anchor, and what is taken off the row's similarities.

    Shapes:
        log_share: `(r, c)` log p; mean: `(r, 1)`.
    """

    log_share: Tensor
    mean: Tensor


@dataclass(frozen=True)
class _SharedPairing(Pairing):
    pairing: Pairing
    logits: Tensor
    about: Tensor
    log_sum: Tensor
    mean: Tensor

    @property
    def anchors(self) -> int:  # type: ignore[override]
        return self.pairing.anchors

    @property
    def candidates(self) -> int:  # type: ignore[override]
        return self.pairing.candidates

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> _SharedTile:
        tile = self.pairing.tile(rows, columns)
        log_share = self.logits[rows] @ self.about[columns].T - self.log_sum[rows].unsqueeze(1)  # (r, c)
        return _SharedTile(tile.weight, tile.valid, log_share, self.mean[rows].unsqueeze(1))

    def to(self, device: torch.device | str) -> _SharedPairing:
        rest = (value.to(device) for value in (self.logits, self.about, self.log_sum, self.mean))
        return _SharedPairing(self.pairing.to(device), *rest)


def _excess_terms(similarity: Tensor, tile: Tile) -> Terms:
    """Of each anchor p (exp(d) - 1 - d), as a logarithm where d is above 1 and as it is elsewhere; and p d."""
    assert isinstance(tile, _SharedTile)
    d, share = similarity - tile.mean, tile.log_share.exp()  # (r, c) each
    near = d <= 1
    far = d.masked_fill(near, 2.0)
    log_excess = tile.log_share + far + torch.log1p(-(1 + far) * (-far).exp())
    excess = share * _excess(d.masked_fill(~near, 0.0))
    return Terms(log=[log_excess.masked_fill(near, -math.inf)], linear=[excess, share * d])


def _excess(d: Tensor) -> Tensor:
    """exp(d) - 1 - d, and its derivative, without cancellation near 0."""
    little = d.abs() < 0.5
    small = d.masked_fill(~little, 0.0)
    series = torch.ones_like(small)
    for n in range(17, 2, -1):
        series = 1 + small / n * series  # 1 + d/3 (1 + d/4 (1 + ...))
    large = d.masked_fill(little, 1.0)
    return torch.where(little, small.square() / 2 * series, large.expm1() - large)


def _constant(x: Tensor) -> Tensor:
    """`x` without its gradient; a copy where it was made in inference mode, for then nothing may be derived from it."""
    return x.detach().clone() if x.is_inference() else x.detach()
