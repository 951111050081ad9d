"""SupReMix: supervised contrast over numbers, with mixtures as harder negatives and harder positives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int, Real
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_temperature, check_views, prepare_rows
from contrapose.objectives.regression.gaps import Gaps, check_samples, check_targets, of_equal_embeddings
from contrapose.objectives.regression.mixing import (
    check_beta,
    draw_shares,
    mixed_neighbours,
    mixed_with_anchor,
    neighbours,
)
from contrapose.pairing.targets import near_enough
from contrapose.tracing import is_readable, is_transformed

MIXTURES = ("both", "negatives", "positives", "none")
WEIGHTINGS = ("absolute", "squared", "none")
BETA = (2.0, 8.0)
# Products of which the intermediate values are held. Where there are more, anchors go in blocks whose values are
# computed again in the backward. 2^22 float32 are 16 MiB, held a few times.
BLOCK_NUMBERS = 2**22


def supremix(
    z: Float[Tensor, "V B D"],
    targets: Real[Tensor, " B"],
    *,
    temperature: float | Float[Tensor, ""] = 0.5,
    window: float = 5.0,
    mixtures: str = "both",
    weighting: str = "absolute",
    beta: tuple[float, float] | float = BETA,
    detach: bool = True,
    unit_mixtures: bool = False,
    tolerance: float | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    generator: torch.Generator | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " anchors"]:
    """Rows of the anchor's number attract, others repel by how far their number is, and so do mixtures of both kinds.

        l_i = log [ sum_{p in P} exp(s_ip) + sum_{n in N} w_in exp(s_in) ] - (1/|P|) sum_{p in P} s_ip
        P: rows with y_p = y_i, and for each y_j < y_i < y_k, both nearer than the window, the mixture
           m = (b v_j + a v_k) / (a + b),   a = y_i - y_j, b = y_k - y_i,   whose number is y_i again
        N: all other rows, and the mixture of each with the anchor, m = λ v_i + (1 - λ) v_k,   λ ~ Beta(2, 8) each time
        w_in = |y_i - y_n| + 1,   s_in = v_i·v_n / temperature,   v rows of length 1, m shorter

    No mixture is built: its product with the anchor follows from those of the rows it is made of. With
    mixtures="none" it is the weighted SupCon of the same paper, and without weights `sup_con` of equal numbers.

    Shapes:
        z: `(V, B, D)`, targets: `(B,)`; returns `()`, or `(V·R,)` view-major with reduction "none".

    Arguments:
        targets: a number a sample. Their unit matters: the 1 in w and the window are in it. Bring them to a scale on
            which 1 is a step that counts (years of age, per cent of the range).
        temperature: a number, or a learned 0-d tensor. 0.5: the authors' command for ages in AgeDB.
        window: how far the two numbers of a positive mixture may be from the anchor's. 5: the authors', for years.
        mixtures: which of the two kinds there are.
        weighting: w above ("absolute"), (y_i - y_n)² + 1 ("squared"), or 1 ("none"). The 1 is in the authors' code; in
            their paper w is said to be the distance alone. A row of the anchor's number weighs 1 in each.
        beta: a and b of λ's distribution. (2, 8): the code's default, a fifth of the anchor on average. One number is λ
            itself, always.
        detach: no gradient into what is mixed, only into the anchor; true as in the code.
        unit_mixtures: bring mixtures to length 1. As published they are shorter, and their products smaller.
        tolerance: numbers that differ by no more are the same. None = a millionth of their range: rounding.
        normalize, rows, reduction: as in `nt_xent`.
        generator: draws λ, for all pairs of rows; None = torch's global stream. Processes that share the anchors must
            bring generators of one state.

    Errors:
        ArgumentError: targets that are not one finite number a sample, fewer than two views or samples, window or
            temperature <= 0, a Beta distribution that there is not, unknown names.

    Memory: N² numbers for λ, and blocks of at most 2^22 products or one anchor's; an anchor with l and u neighbours
    on either side has l·u positive mixtures. Under torch.compile and torch.func nothing is computed twice: all is held.

    All embeddings equal, no weights: log(2B - 1 + m), m the anchor's mixtures. One number alone, and no mixtures:
    `nt_xent`.

    Wu, Dong, Chen, Zhou, Zhou, "Mixup Your Own Pairs", 2023, https://arxiv.org/abs/2309.16633. In the authors' code
    the logits of rows and of mixtures are shifted by different constants before they meet; here they are not.
    """
    check_views(z)
    check_temperature(temperature)
    check_choice(reduction, REDUCTIONS, "reduction")
    check_choice(mixtures, MIXTURES, "mixtures")
    check_choice(weighting, WEIGHTINGS, "weighting")
    check_beta(beta)
    if not 0 < window < float("inf"):
        raise ArgumentError(f"window must be a finite number above 0, in units of the target; got {window}.")
    views, batch, _ = z.shape
    check_samples(views, batch)
    y = check_targets(targets, batch).repeat(views)  # (N,)
    chosen = choose_anchors(views, batch, rows, z.device).own
    own = torch.arange(len(y), device=z.device) if chosen is None else chosen  # (V·R,)
    with torch.autocast(z.device.type, enabled=False):
        x = prepare_rows(z, normalize).flatten(0, 1)  # (N, D)
        order = y.argsort(stable=True)  # (N,) neighbours in the target are then neighbours in memory
        place = order.argsort()  # (N,)
        share = None
        if mixtures in ("both", "negatives"):
            share = draw_shares(beta, len(y), x, generator)  # (N, N) or ()
            share = share[order][:, order] if share.ndim else share
        loss = _Loss(
            targets=y[order],
            tolerance=near_enough(y, tolerance),
            window=window if mixtures in ("both", "positives") else None,
            weighting=weighting,
            share=share,
            detach=detach,
            unit_mixtures=unit_mixtures,
        )
        sorted_own, back = place[own].sort()  # (V·R,) anchors of like targets have like numbers of neighbours
        each = loss(x[order], 1 / temperature, sorted_own)[back.argsort()]  # (V·R,)
    return each if reduction == "none" else each.mean()


supremix_chance = of_equal_embeddings(supremix, beta=BETA[0] / sum(BETA))
"""`supremix` of equal embeddings, every λ at its mean."""


@dataclass(frozen=True)
class _Loss:
    """Losses of anchors against rows that are in the order of their targets.

    Shapes:
        targets: `(N,)` ascending; share: `(N, N)` or `()`, None without negative mixtures.

    Arguments:
        window: None without positive mixtures.
    """

    targets: Tensor
    tolerance: float | Tensor
    window: float | None
    weighting: str
    share: Tensor | None
    detach: bool
    unit_mixtures: bool

    def __call__(self, x: Tensor, scale: float | Tensor, anchors: Tensor) -> Tensor:
        """Each anchor's loss `(R,)`, from rows `(N, D)` and ascending row numbers `(R,)`."""
        if is_transformed() or not is_readable(self.targets):
            return self._block(x, scale, anchors)
        slices = list(self._slices(anchors))
        if len(slices) == 1:
            return self._block(x, scale, anchors)
        done: list[Any] = [
            checkpoint(self._block, x, scale, anchors[part], use_reentrant=False, preserve_rng_state=False)
            for part in slices
        ]
        return torch.cat(done)

    def _block(self, x: Tensor, scale: float | Tensor, anchors: Tensor) -> Tensor:
        mixed_of = x.detach() if self.detach else x  # (N, D)
        gaps = Gaps.of(self.targets, anchors, self.tolerance, x.dtype)
        similarity = scale * (x[anchors] @ x.T)  # (r, N)
        logits = [(similarity + self._log_weight(gaps.signed, gaps)).masked_fill(gaps.itself, -torch.inf)]
        pull = similarity.where(gaps.positive, 0.0).sum(dim=1)  # (r,)
        count = gaps.positive.sum(dim=1)  # (r,)
        products = scale * (x[anchors] @ mixed_of.T) if self.detach else similarity  # (r, N)
        gram = mixed_of @ mixed_of.T if self.unit_mixtures else None  # (N, N)
        if self.share is not None:
            share = self.share[anchors] if self.share.ndim else self.share  # (r, N) or ()
            own = scale * (x[anchors] * mixed_of[anchors]).sum(dim=1, keepdim=True)  # (r, 1)
            mixed = mixed_with_anchor(products, share, own, anchors, gram)  # (r, N)
            weighed = mixed + self._log_weight((1 - share) * gaps.signed, gaps)
            logits.append(weighed.masked_fill(~gaps.negative, -torch.inf))
        if self.window is not None:
            sides = neighbours(gaps, self.window)
            mixed, there = mixed_neighbours(products, gaps, sides, gram)  # (r, l·u) each
            logits.append(mixed.masked_fill(~there, -torch.inf))
            pull, count = pull + mixed.where(there, 0.0).sum(dim=1), count + there.sum(dim=1)
        return torch.cat(logits, dim=1).logsumexp(dim=1) - pull / count

    def _log_weight(self, gap: Tensor, gaps: Gaps) -> Tensor:
        """log w `(r, N)` of numbers so far from the anchor's; 0 for the anchor's own number."""
        if self.weighting == "none":
            return torch.zeros_like(gap)
        far = gap.abs() if self.weighting == "absolute" else gap.square()
        return far.log1p().where(gaps.negative, 0.0)

    def _slices(self, anchors: Tensor) -> Iterator[slice]:
        """Runs of anchors that hold at most `BLOCK_NUMBERS` products, each padded to its largest; one at least."""
        sizes = [2 * len(self.targets)] * len(anchors)
        if self.window is not None:
            y = self.targets[anchors]  # (R,)
            first, last = (torch.searchsorted(self.targets, y + side) for side in (-self.window, self.window))  # (R,)
            sizes = (2 * len(self.targets) + (anchors - first) * (last - anchors)).tolist()
        start, largest = 0, 0
        for stop, size in enumerate(sizes):
            largest = max(largest, size)
            if stop > start and largest * (stop + 1 - start) > BLOCK_NUMBERS:
                yield slice(start, stop)
                start, largest = stop, size
        yield slice(start, len(sizes))
