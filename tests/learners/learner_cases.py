"""Every kind of learner, small, in float64 and without what is each process's own, such as batch statistics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from contrapose import objectives
from contrapose.encoders.dense import Propagation
from contrapose.learners import (
    ClassGates,
    ClassHeads,
    Classifier,
    CommonSalient,
    DenseMomentum,
    Distillation,
    DrawnPairs,
    Gated,
    HallucinatedPositives,
    HardMixing,
    InstanceBranch,
    Learner,
    Momentum,
    MomentumViews,
    MultiExit,
    NearestNeighbour,
    OriginAndFamily,
    PredictedViews,
    Prototypes,
    Regression,
    Regressor,
    Siamese,
    SideBySide,
)
from contrapose.learners.class_heads import target_of
from contrapose.learners.drawn_pairs import Drawn

Make = Callable[[], nn.Module]
"""An encoder of 6 dimensions, in float64."""


def remembered() -> dict[str, Any]:
    """What a queue of keys from a slow copy takes."""
    return {"dimension": 4, "queue_size": 16, "momentum": 0.9, "generator": torch.Generator().manual_seed(3)}


def siamese(encoder: Make) -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: objectives.nt_xent(z, p, rows=rows))


def siamese_by_labels(encoder: Make) -> Learner:
    return Siamese(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda z, p, rows: objectives.sup_con(z, pairing=p, rows=rows),
        pair_by="labels",
    )


def classifier(encoder: Make) -> Learner:
    return Classifier(encoder(), dimension=6, classes=4).double()


def class_heads(encoder: Make) -> Learner:
    """Two questions, the second of few samples; their classes are known from all of the data, as in a run."""
    learner = ClassHeads(
        encoder(), dimension=6, questions=("label", "other"), frozen=False, balanced=True, label_smoothing=0.1
    ).double()
    learner.see_targets({"label": torch.tensor([0, 1, 2, 3, 1]), target_of("other"): torch.tensor([0, 1, 1, 2, -1])})
    torch.manual_seed(0)
    for weight in learner.heads.parameters():
        nn.init.normal_(weight)  # at zero no gradient reaches the encoder
    return learner.double()


def _simcse(drawn: Drawn, rows: Tensor | None) -> Tensor:
    return objectives.simcse(
        drawn.anchors,
        drawn.positives,
        drawn.negatives,
        weights=drawn.weights,
        ignored=drawn.ignored,
        log_weight=0.5,
        rows=rows,
    )


def simcse(encoder: Make) -> Learner:
    """Twins."""
    return DrawnPairs(encoder(), nn.Linear(6, 4).double(), _simcse)


def drawn_pairs(encoder: Make) -> Learner:
    """DebCSE's, where it is known who means the same."""
    return DrawnPairs(encoder(), nn.Linear(6, 4).double(), _simcse, false_negative=0.9)


def weighted_pairs(encoder: Make) -> Learner:
    """Two positives of each, with weights."""
    return drawn_pairs(encoder)


def max_margin(encoder: Make) -> Learner:
    return Siamese(
        encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: objectives.mmcl(z, rows=rows), pair_by="towers"
    )


def ring(encoder: Make) -> Learner:
    """Two towers whose rows travel; with a learned temperature in it."""

    class Towers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.temperature = nn.Parameter(torch.tensor(0.2, dtype=torch.float64))

        def forward(self, z: Tensor, pairing: Any, rows: Tensor | None, exchange: Any = None) -> Tensor:
            x, y = z.unbind(0)
            return objectives.info_nce(
                x, y, pairing, temperature=self.temperature, symmetric=True, rows=rows, exchange=exchange
            )

    return Siamese(encoder(), nn.Linear(6, 4).double(), Towers(), pair_by="towers", exchange="ring")


def momentum(encoder: Make) -> Learner:
    return Momentum(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda q, k, queue: objectives.info_nce(q, k, queue=queue, in_batch_negatives=False),
        **remembered(),
    )


def nearest_neighbour(encoder: Make) -> Learner:
    torch.manual_seed(0)
    predictor = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 4)).double()
    return NearestNeighbour(
        encoder(),
        nn.Linear(6, 4).double(),
        predictor,
        lambda n, p, rows: objectives.info_nce(n, p, decoupled=True, rows=rows),
        dimension=4,
        queue_size=16,
        generator=torch.Generator().manual_seed(3),
    )


def momentum_views(encoder: Make) -> Learner:
    def objective(q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None = None) -> Tensor:
        return objectives.cacr_queue(q, k, queue, in_batch_negatives=True, rows=rows)

    return MomentumViews(
        encoder(),
        nn.Linear(6, 4).double(),
        objective,
        **remembered(),
    )


def predicted_views(encoder: Make) -> Learner:
    torch.manual_seed(0)
    return PredictedViews(
        encoder(),
        nn.Linear(6, 4).double(),
        nn.Linear(4, 4).double(),
        lambda p, k, rows: objectives.cacr_predicted(p, k, rows=rows),
        momentum=0.9,
    )


def attraction_and_repulsion(encoder: Make) -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: objectives.cacr(z, rows=rows))


def learned_scalars(encoder: Make) -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), objectives.AUCContrastive("saddle").double())


def hard_mixing(encoder: Make) -> Learner:
    """Plain in the first step, mixing in the second."""

    def objective(
        q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None, draws: torch.Generator | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        mixes = 6 if draws else 0
        loss = objectives.mochi(q, k, queue, hardest=5, pair_mixes=mixes, query_mixes=mixes, rows=rows, generator=draws)
        return loss, {}

    return HardMixing(
        encoder(),
        nn.Linear(6, 4).double(),
        objective,
        mixes=12,
        start=1,
        **remembered(),
    )


def hallucinated(encoder: Make) -> Learner:
    """Plain in the first step, after which its prototypes are the newest keys; the second has positives."""
    learner = HallucinatedPositives(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda q, k, queue: objectives.info_nce(q, k, queue=queue, in_batch_negatives=False),
        attraction=lambda q, g, keep, pairs: objectives.halp(q, g, keep, pairs=pairs),
        hallucinate=lambda k, p, rows, draws: objectives.hallucinated_positives(
            k, p, count=6, rows=rows, generator=draws
        ),
        fit=lambda keys, draws: keys[torch.randperm(len(keys), generator=draws)[:5]],
        weight=0.7,
        prototypes=5,
        newest=12,
        refit_steps=1,
        start=0.0,
        **remembered(),
    )
    learner.entered.fill_(2 * len(learner.queue.rows))
    return learner


def distillation(encoder: Make) -> Learner:
    torch.manual_seed(0)
    return Distillation(
        encoder(),
        nn.Linear(6, 4).double(),
        nn.Linear(4, 4).double(),
        lambda p, k, queue: (objectives.isd(p, k, queue, temperature=0.1), {}),
        **remembered(),
    )


def multi_view(encoder: Make) -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: objectives.mv_dhel(z, rows=rows))


def prototypes(encoder: Make) -> Learner:
    """Frozen in the first step; the second has a queue."""
    return Prototypes(
        encoder(),
        nn.Linear(6, 4).double(),
        objectives.swapped_prediction,
        dimension=4,
        prototypes=5,
        queue_size=8,
        freeze_prototypes=1,
        generator=torch.Generator().manual_seed(3),
    ).double()


def multi_exit(encoder: Make) -> Learner:
    def objective(z: Tensor, p: object, rows: Tensor | None) -> Tensor:
        return objectives.sup_con(z, pairing=p, rows=rows)  # type: ignore[arg-type]

    return MultiExit(encoder(), lambda size: nn.Linear(size, 4).double(), objective, exits=(0,), use_labels=True)


def origin_and_family(encoder: Make) -> Learner:
    """By two labels, of which the second is known of unequally many samples in the processes; in parts of three."""

    def objective(
        z: Tensor, origins: Tensor, families: Tensor, rows: Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return objectives.multi_label_self_con(z, origins, families, temperature=0.5, rows=rows), {}

    return OriginAndFamily(encoder(), lambda size: nn.Linear(size, 4).double(), objective, exits=(0,), real=1, chunk=3)


def dense_momentum(encoder: Make) -> Learner:
    """Cells, propagated, and whole crops beside them; the momentum rises within the two steps."""
    torch.manual_seed(0)
    return DenseMomentum(
        encoder(),
        nn.Conv2d(6, 4, 1).double(),
        objectives.pix_pro,
        propagation=Propagation(4).double(),
        instance=InstanceBranch(nn.Linear(6, 4).double(), nn.Linear(4, 4).double()),
        momentum=0.9,
        total_steps=3,
    )


def gated(encoder: Make) -> Learner:
    """With partner classes of the whole batch, and gates of those of the own samples."""
    torch.manual_seed(0)
    return Gated(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda z, gates, p, rows: objectives.gated_contrast(z, gates, p, rows=rows),
        gates=ClassGates(4, 4, embedding=3, hidden=5, norm=False).double(),
        classes=4,
        generator=torch.Generator().manual_seed(3),
    )


def regression(encoder: Make) -> Learner:
    return Regression(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda z, p, rows, draws: objectives.supremix(z, p.targets, window=30.0, rows=rows, generator=draws),
        generator=torch.Generator().manual_seed(3),
    )


def common_salient(encoder: Make) -> Learner:
    """Whose loss is no mean over samples: each process has the whole of it."""
    torch.manual_seed(0)
    common, salient = encoder(), encoder()
    with torch.no_grad():
        for weight in salient.parameters():
            weight.mul_(0.7)
    return CommonSalient(
        common,
        nn.Linear(6, 4).double(),
        lambda c, s, target: (objectives.sepclr(c, s, target, salient_weight=3.0, null_weight=2.0), {}),
        salient=salient,
        salient_head=nn.Linear(6, 3).double(),
    )


def regressor(encoder: Make) -> Learner:
    return Regressor(encoder(), dimension=6).double()


def side_by_side(encoder: Make) -> Learner:
    first, second = encoder(), encoder()
    with torch.no_grad():
        for weight in second.parameters():
            weight.mul_(0.7)
    torch.manual_seed(0)
    return SideBySide(
        first,
        nn.Linear(6, 4).double(),
        lambda z, r, p, rows: objectives.difficulty_weighted(z, r, p, rows=rows),
        reference=second,
        reference_head=nn.Linear(6, 3).double(),
        reference_objective=lambda r, p, rows: objectives.debiased_triplet(r, rows=rows),
    )


LEARNERS: dict[str, Callable[[Make], Learner]] = {
    make.__name__: make
    for make in (
        siamese,
        siamese_by_labels,
        classifier,
        class_heads,
        simcse,
        drawn_pairs,
        weighted_pairs,
        max_margin,
        ring,
        momentum,
        nearest_neighbour,
        multi_view,
        multi_exit,
        origin_and_family,
        dense_momentum,
        momentum_views,
        predicted_views,
        attraction_and_repulsion,
        learned_scalars,
        hard_mixing,
        hallucinated,
        distillation,
        prototypes,
        gated,
        common_salient,
        regression,
        regressor,
        side_by_side,
    )
}
