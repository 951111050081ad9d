"""Replaced tokens: of each token of a text, whether it is the one that was written."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.discriminative.inputs import as_scores, counted


def replaced_tokens(
    logits: Float[Tensor, "B T"],
    replaced: Bool[Tensor, "B T"],
    mask: Bool[Tensor, "B T"],
    *,
    count: float | Float[Tensor, ""] | None = None,
) -> Float[Tensor, ""]:
    """Binary cross-entropy of "replaced?" over all real tokens, those that nobody touched among them.

        L = (1 / n) sum over real tokens of  log(1 + exp(l)) - r l,     r = 1 where another token stands there now

    A token that was drawn anew and came out as it had been is not replaced.

    Shapes:
        logits: `(B, T)`, high where a token looks replaced; returns `()`.
        replaced, mask: `(B, T)`; what stands at padding (mask false) does not matter, NaN included.

    Arguments:
        count: n, what the sum is divided by. None: the real tokens of this call. Where processes share a batch: their
            mean number a process, so that the average of their losses is the loss of all.

    Errors:
        ArgumentError: shapes that differ, no real token, a count that is not above 0.
        NonFiniteError: a logit of a real token that is NaN or infinite.

    All logits 0: log 2. Logits of 30 with the right sign: below 1e-9.

    Clark et al., "ELECTRA", ICLR 2020, https://arxiv.org/abs/2003.10555
    """
    if not logits.shape == replaced.shape == mask.shape or logits.ndim != 2:
        shapes = " and ".join(str((*each.shape,)) for each in (logits, replaced, mask))
        raise ArgumentError(f"logits, replaced and mask must be of one shape (B, T), got {shapes}.")
    found = as_scores(logits[mask], "logits", "N")  # (n,)
    wanted = replaced[mask].to(found.dtype)  # (n,)
    return functional.binary_cross_entropy_with_logits(found, wanted, reduction="sum") / counted(count, len(found))
