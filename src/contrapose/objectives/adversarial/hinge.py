"""The hinge game: a critic that is content with real scores above 1, and with all others below -1."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from contrapose.objectives.discriminative.inputs import as_scores


def hinge_loss(
    real: Float[Tensor, "B"], made: Float[Tensor, "M"], mismatched: Float[Tensor, "K"] | None = None
) -> Float[Tensor, ""]:
    """What a critic of pictures and words is asked: real pictures beside their words high, all else low.

        L = mean max(0, 1 - D(x, t)) + mean max(0, 1 + D(x^, t))
        and with mismatched ones the second term is (mean max(0, 1 + D(x^, t)) + mean max(0, 1 + D(x, t'))) / 2

    Shapes:
        real, made, mismatched: scores `(B,)`, `(M,)` and `(K,)`; returns `()`, in float32 at least.

    Arguments:
        mismatched: scores of real pictures beside the words of others; None: there are none.

    Errors:
        ArgumentError: scores of another shape, or none.
        NonFiniteError: a score that is NaN or infinite.

    Closed form: scores that are all 0 give 2.

    Miyato and Koyama, ICLR 2018, https://arxiv.org/abs/1802.05637; mismatched words, Reed et al., ICML 2016,
    https://arxiv.org/abs/1605.05396
    """
    high = (1 - as_scores(real, "real", "B")).relu().mean()  # ()
    low = (1 + as_scores(made, "made", "M")).relu().mean()  # ()
    if mismatched is None:
        return high + low
    return high + (low + (1 + as_scores(mismatched, "mismatched", "K")).relu().mean()) / 2
