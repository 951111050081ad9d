"""What leads matched pairs apart and towards others: the contrastive objective of one perturbation for all samples."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.inputs import check_embeddings, check_temperature, prepare_rows


def farthest_owners(
    anchors: Float[Tensor, "B D"], others: Float[Tensor, "K D"], owners: Int[Tensor, " K"]
) -> Int[Tensor, " B"]:
    """Of samples that each own some rows, the one whose rows are on average least similar to each anchor.

        q(i) = argmin_q mean over k owned by q of cos(e_i, t_k)

    The mean decides: a sample with the single least similar row loses to one all of whose rows are rather unlike. No
    gradient reaches anything.

    Shapes:
        anchors: `(B, D)`; others: `(K, D)`, of which row k belongs to the sample `owners[k]`, 0, 1, ... without a gap;
        returns `(B,)`. Rows are brought to length 1.

    Errors:
        ArgumentError: no rows to choose from, owners for another number of rows, a sample without any.

    Paper: Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """
    x, y = _unit(anchors.detach(), "anchors"), _unit(others.detach(), "others")  # (B, D), (K, D)
    count = int(owners.max()) + 1 if len(owners) else 0
    own = _owned(owners, count, len(y), "others")  # (Q, K)
    means = (x @ y.T) @ own.to(x.dtype).T / own.sum(dim=1)  # (B, Q)
    return means.argmin(dim=1)


def to_farthest(
    adversarial: Float[Tensor, "B D"],
    own: Float[Tensor, "J D"],
    owners: Int[Tensor, " J"],
    others: Float[Tensor, "K D"],
    other_owners: Int[Tensor, " K"],
    chosen: Int[Tensor, " B"],
    *,
    temperature: float = 0.1,
) -> Float[Tensor, ""]:
    """The logarithm of what share of their similarity perturbed samples have with their own rows; to be made small.

        N = (1/B) sum_i sum of exp(a_i . t_j / T) over own rows j of i
        P = (1/B) sum_i sum of exp(a_i . t_k / T) over rows k of the sample chosen for i
        L = log( N / (N + P) )

    Means over the batch come before the ratio: it is no mean of the samples' own losses. Rows are brought to length 1;
    gradients reach the perturbed ones alone. Sums are taken as logarithms, so any temperature above 0 does.

    Shapes:
        adversarial: `(B, D)`; own: `(J, D)`, row j is of the anchor `owners[j]`; others: `(K, D)`, row k is of the
        sample `other_owners[k]`; chosen: `(B,)`, which of these samples each anchor is pulled to; returns `()`.

    Arguments:
        temperature: 0.1: the authors' code.

    Errors:
        ArgumentError: an owner or choice that does not exist, an anchor without rows of its own, no others, a
            temperature that is not above 0.

    Closed form: all similarities equal, or a temperature without end: log(c / (c + c')), c and c' rows a sample. Below
    0 always; towards 0 as P vanishes, towards minus infinity as N does.

    Paper: Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """
    check_temperature(temperature)
    a = _unit(adversarial, "adversarial")  # (B, D)
    t, u = _unit(own.detach(), "own"), _unit(others.detach(), "others")  # (J, D), (K, D)
    mine = _owned(owners, len(a), len(t), "own")  # (B, J)
    theirs = _owned(other_owners, int(other_owners.max()) + 1 if len(other_owners) else 0, len(u), "others")  # (Q, K)
    if chosen.shape != (len(a),) or int(chosen.min()) < 0 or int(chosen.max()) >= len(theirs):
        raise ArgumentError(
            f"chosen must name one of {len(theirs)} samples for each of {len(a)} anchors, got {tuple(chosen.shape)}, "
            f"{chosen.tolist()[:8]}."
        )
    theirs = theirs[chosen]  # (B, K)
    true, pulled = _log_sum(a @ t.T / temperature, mine), _log_sum(a @ u.T / temperature, theirs)  # (), ()
    return -functional.softplus(pulled - true)  # log N / (N + P)


def squared_shift(clean: Float[Tensor, "*N D"], adversarial: Float[Tensor, "*N D"]) -> Float[Tensor, ""]:
    """How far embeddings have moved: the sum of squared differences over all rows, in float32 at least.

    Of unit rows each adds 2 - 2 cos, 4 at most. No gradient reaches the clean ones.

    Errors:
        ArgumentError: shapes that differ.

    Fang et al. 2025, https://arxiv.org/abs/2406.05491
    """
    if clean.shape != adversarial.shape or not clean.numel():
        raise ArgumentError(
            f"Embeddings before and after must be of one shape, got {tuple(clean.shape)} and "
            f"{tuple(adversarial.shape)}."
        )
    kind = torch.promote_types(torch.promote_types(clean.dtype, adversarial.dtype), torch.float32)
    return (adversarial.to(kind) - clean.detach().to(kind)).square().sum()


def _unit(rows: Tensor, name: str) -> Tensor:
    check_embeddings(rows, name, "N D")
    return prepare_rows(rows, True)  # (N, D)


def _log_sum(logits: Tensor, wanted: Tensor) -> Tensor:
    """The logarithm of the sum of exponentials of those that are wanted, all rows together."""
    return logits.masked_fill(~wanted, -torch.inf).flatten().logsumexp(dim=0)  # ()


def _owned(owners: Tensor, samples: int, rows: int, name: str) -> Tensor:
    """`(samples, rows)`, True where a row is of a sample."""
    if owners.shape != (rows,) or owners.is_floating_point():
        raise ArgumentError(
            f"Each of {rows} rows of {name!r} has one owner, a whole number, got owners of shape "
            f"{tuple(owners.shape)} and type {owners.dtype}."
        )
    if int(owners.min()) < 0 or int(owners.max()) >= samples:
        raise ArgumentError(
            f"Owners of {name!r} must be from 0 to {samples - 1}, got {int(owners.min())} to {int(owners.max())}."
        )
    owned = owners == torch.arange(samples, device=owners.device).unsqueeze(1)  # (samples, rows)
    missing = (~owned.any(dim=1)).nonzero().flatten().tolist()
    if missing:
        raise ArgumentError(f"Sample {missing[0]} owns no row of {name!r}: give each one at least.")
    return owned
