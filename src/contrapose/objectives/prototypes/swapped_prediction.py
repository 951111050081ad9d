"""SwAV: one view's softmax over the prototypes must predict the balanced code of another view of the same sample."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_temperature, prepare_rows
from contrapose.objectives.prototypes.sinkhorn import check_prototypes, sinkhorn


def swapped_prediction(
    scores: Float[Tensor, "V B K"],
    others: Float[Tensor, "A L K"] | None = None,
    *,
    assigned: Sequence[int] = (0, 1),
    temperature: float | Float[Tensor, ""] = 0.1,
    epsilon: float = 0.05,
    iterations: int = 3,
    balanced: bool = True,
) -> Float[Tensor, ""]:
    """Cross-entropy of every view's softmax with the codes of the assigned views, its own left out.

        L = 1/A sum_a 1/(V - 1) sum_{v != a} l(v, a)
        l(v, a) = -1/B sum_b sum_k q_a[b, k] log softmax_k(s_v[b] / temperature)

    q_a are the Sinkhorn codes of view a, over its own B samples and `others` together; they are targets, through which
    no gradient flows. Every view predicts, small crops too; only the assigned ones are predicted. Nothing is a
    negative: the balance of the codes keeps samples apart.

    Codes depend on all samples that are balanced together and the predictions on their own sample alone, so a process
    gives its own samples as `scores` and everybody else's (other processes' and a queue's) as `others`. The mean over
    processes is then the loss of one process.

    Shapes:
        scores: `(V, B, K)` cosines of the views with the prototypes; others: `(A, L, K)`, a block for each assigned
            view; returns `()`.

    Arguments:
        others: scores of further samples with the *present* prototypes, whose codes are found and not used. With fewer
            samples than prototypes (B < K) there is no balance to speak of without them. They carry no gradient.
        assigned: the views that get a code. The first two, of full size, in the paper.
        temperature: of the predictions, a number or a learned 0-d tensor. 0.1: the paper's.
        epsilon, iterations: of the codes; see `sinkhorn`.
        balanced: False: q = softmax(s / epsilon), without the balance. It is there to show what the balance is for:
            all samples then tend to one prototype.

    Errors:
        ArgumentError: fewer than two views or prototypes; `assigned` empty, repeated or beyond V; a temperature or an
            epsilon that is not above 0; fewer than one iteration; `others` of another shape; NaN.

    All scores equal: log K, the chance value.

    Caron, Misra, Mairal, Goyal, Bojanowski, Joulin, "Unsupervised Learning of Visual Features by Contrasting Cluster
    Assignments", NeurIPS 2020, https://arxiv.org/abs/2006.09882
    """
    check_embeddings(scores, "scores", "V B K")
    check_prototypes(scores)
    check_temperature(temperature)
    views = _check_assigned(assigned, len(scores))
    if others is not None:
        _check_others(others, scores, len(views))
    logits = prepare_rows(scores, normalize=False)  # (V, B, K), float32 at least
    codes = torch.stack(
        [
            _codes(logits[view], None if others is None else others[number], epsilon, iterations, balanced)
            for number, view in enumerate(views)
        ]
    )  # (A, B, K)
    log_p = (logits / temperature).log_softmax(dim=2)  # (V, B, K)
    with torch.autocast(scores.device.type, enabled=False):  # codes and logarithms in half precision lose their tails
        costs = -torch.einsum("abk,vbk->avb", codes, log_p)  # (A, V, B)
    itself = torch.tensor(views, device=scores.device).unsqueeze(1) == torch.arange(len(scores), device=scores.device)
    predicted = costs.masked_fill(itself.unsqueeze(2), 0.0)  # (A, V, B), a view does not predict its own code
    return predicted.mean(dim=2).sum() / (len(views) * (len(scores) - 1))


def _codes(scores: Tensor, others: Tensor | None, epsilon: float, iterations: int, balanced: bool) -> Tensor:
    """`(B, K)`: what the samples of one view are assigned to."""
    scores = scores.detach()  # (B, K)
    if not balanced:
        check_temperature(epsilon, "epsilon")
        return (scores / epsilon).softmax(dim=1)
    together = scores if others is None else torch.cat([others.detach().to(scores), scores])  # (L + B, K)
    return sinkhorn(together, epsilon=epsilon, iterations=iterations)[-len(scores) :]


def _check_assigned(assigned: Sequence[int], views: int) -> list[int]:
    chosen = list(assigned)
    if views < 2:
        raise ArgumentError(
            f"scores hold {views} view; the code of one view is predicted by others, so give 2 or more."
        )
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= view < views for view in chosen):
        raise ArgumentError(f"assigned must name each of some views 0 to {views - 1} once, got {chosen}.")
    return chosen


def _check_others(others: Tensor, scores: Tensor, assigned: int) -> None:
    check_embeddings(others, "others", "A L K")
    if (len(others), others.shape[2]) != (assigned, scores.shape[2]):
        raise ArgumentError(
            f"others are scores of shape {tuple(others.shape)}: there must be {assigned} blocks, one for each assigned "
            f"view, of {scores.shape[2]} columns, one for each prototype."
        )
