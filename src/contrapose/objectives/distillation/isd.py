"""ISD: a student learns how similar its teacher finds an image to many others, instead of pushing them all away."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from contrapose.objectives.distillation.soft_targets import SoftTargets, divergence, soft_targets
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import check_temperature, number_of, prepare_rows
from contrapose.objectives.engine.queue_inputs import check_queue_arguments


def isd(
    queries: Float[Tensor, "B D"],
    keys: Float[Tensor, "B D"],
    queue: Float[Tensor, "K D"],
    *,
    temperature: float | Float[Tensor, ""] = 0.02,
    teacher_temperature: float | None = None,
    targets: SoftTargets | None = None,
    normalize: bool = True,
    rows: Int[Tensor, " R"] | None = None,
    reduction: str = "mean",
    tile_rows: int | None = None,
    tile_columns: int | None = None,
) -> Float[Tensor, ""] | Float[Tensor, " R"]:
    """Divergence of the student's from the teacher's distribution over the queue's entries, the anchors A.

        l_i = KL(p_i || s_i) = sum_a p_ia (log p_ia - log s_ia)
        p_i = softmax_a(cos(key_i, A_a) / teacher_temperature),    s_i = softmax_a(cos(query_i, A_a) / temperature)

    Query and key are never compared with each other, and nothing is a negative: what the teacher finds similar, the
    student may find similar. The gradient reaches the queries alone, sum_a (s_ia - p_ia) A_a / temperature before
    the normalisation; it has no factor T², unlike classical distillation. Computed in tiles as

        l_i = log sum_a exp(v_i·A_a) - log_sum_i + (u_i - v_i)·barycentre_i,    v = queries / temperature

    with u, log_sum and barycentre of `SoftTargets`. The sums nearly cancel near 0: such rows are computed once more,
    from terms that do not, so the loss is never below 0.

    Shapes:
        queries (student), keys (teacher): `(B, D)`, queue: `(K, D)`; returns `()`, or `(R,)` with reduction "none".

    Arguments:
        queue: the teacher's embeddings of other images. This batch's own keys must not be among them: each would be
            its own nearest anchor.
        temperature: the student's, a number or a learned 0-d tensor. 0.02 is the authors' with ResNet-18 ("ISD"); 0.1
            with ResNet-50 ("ISD plus"). MoCo's 0.07 to 0.2 in the teacher make the target nearly uniform.
        teacher_temperature: None = the student's, as in "ISD"; 0.01 in "ISD plus".
        targets: of these keys and this queue, where `soft_targets` has been asked already.
        normalize: scale all rows to length 1 first; without, the queue must hold unit rows.
        rows: the queries (0 to B-1) that this call answers for, as in `nt_xent`.
        tile_rows, tile_columns: see `row_reduce`.

    Errors:
        ArgumentError: sizes that do not fit, NaN, a temperature <= 0, queue rows not of length 1 with
            `normalize=False`, rows out of range.

    Student equal to teacher: 0, the minimum; as for equal embeddings, and with one anchor. A uniform target gives
    -log K - mean_a log s_ia; a one-hot target the cross-entropy to the teacher's nearest anchor.

    Tejankar, Koohpayegani, Pillai, Favaro, Pirsiavash, "ISD: Self-Supervised Learning by Iterative Similarity
    Distillation", ICCV 2021, https://arxiv.org/abs/2012.09259
    """
    check_queue_arguments(queries, keys, queue, normalize=normalize, reduction=reduction)
    check_temperature(temperature)
    of_teacher = number_of(temperature, "temperature") if teacher_temperature is None else teacher_temperature
    check_temperature(of_teacher, "teacher_temperature")
    if targets is None:
        targets = soft_targets(
            keys,
            queue,
            temperature=of_teacher,
            normalize=normalize,
            tile_rows=tile_rows,
            tile_columns=tile_columns,
        )
    own = choose_anchors(1, len(queries), rows, queries.device)
    logits = own.take(prepare_rows(queries, normalize) / temperature)  # (R, D)
    losses = divergence(targets.take(own.own), logits, tile_rows, tile_columns)  # (R,)
    return losses.mean() if reduction == "mean" else losses
