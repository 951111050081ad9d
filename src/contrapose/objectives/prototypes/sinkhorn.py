"""Balanced assignment: every sample shares itself out over the prototypes, and every prototype gets as much."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_temperature, prepare_rows


def sinkhorn(scores: Float[Tensor, "B K"], *, epsilon: float = 0.05, iterations: int = 3) -> Float[Tensor, "B K"]:
    """Soft codes of samples over prototypes, in which all prototypes have about the same mass.

        Q = exp(S / epsilon);  iterations times: every column to the sum B / K, then every row to the sum 1

    Sinkhorn and Knopp's alternation, which tends to the matrix with these sums that maximises
    sum_bk Q_bk S_bk + epsilon · entropy(Q). A row sums to 1 after any number of iterations, for its step is the last;
    columns sum to B / K only in the limit. In logarithms, since exp(1 / epsilon) overflows float32 below an epsilon of
    0.012 and float16 at the default already; a prototype that nobody is near to has a small mass, and never 0 / 0.

    The sums go over all rows that are given, so give the rows of all processes, and a queue's beside them, and keep
    those that are wanted: that is exact. As targets, codes want no gradient: give detached scores.

    Shapes:
        scores: `(B, K)` cosines of samples with prototypes, not divided by any temperature; returns `(B, K)`.

    Arguments:
        epsilon: how soft the codes are: large, they are uniform; small, nearly one-hot. 0.05: the paper's. It is not
            the temperature of the predictions.
        iterations: 3: the paper's; prototypes are then only about equally used.

    Errors:
        ArgumentError: fewer than two prototypes, an epsilon that is not above 0, fewer than one iteration, NaN.

    Equal scores give 1 / K everywhere, as does an infinite epsilon. A constant added to a column changes nothing; one
    added to a row changes nothing in the limit. With B = K and scores 10 on the diagonal, 0 elsewhere: the identity.

    Cuturi, "Sinkhorn Distances", NeurIPS 2013, https://arxiv.org/abs/1306.0895; as codes of a batch: Caron et al.,
    NeurIPS 2020, https://arxiv.org/abs/2006.09882
    """
    check_embeddings(scores, "scores", "B K")
    check_prototypes(scores)
    check_temperature(epsilon, "epsilon")
    if iterations < 1:
        raise ArgumentError(f"iterations must be at least 1, got {iterations}; 3 is the paper's.")
    log_q = prepare_rows(scores, normalize=False) / epsilon  # (B, K), float32 at least
    # Constant factors (the total, K, B) are left out: the next normalisation would take them away again.
    for _ in range(iterations):
        log_q = log_q - log_q.logsumexp(dim=0)  # (B, K), prototypes of one mass
        log_q = log_q - log_q.logsumexp(dim=1, keepdim=True)  # (B, K), samples of mass 1
    return log_q.exp()


def check_prototypes(scores: Tensor) -> None:
    """There are two columns at least: with one prototype there is nothing to choose.

    Shapes:
        scores: `(..., K)`.
    """
    if scores.shape[-1] < 2:
        raise ArgumentError(f"scores are of {scores.shape[-1]} prototype, which everybody would get; give 2 or more.")
