"""Every learner on two real processes gives the gradient of one process on the joined batch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.distributed import gather, own_rows, rank, world_size
from contrapose.encoders import ImageEncoder
from contrapose.encoders.backbone import ConvolutionalBackbone
from contrapose.learners import (
    ClassGates,
    Classifier,
    CommonSalient,
    Distillation,
    Gated,
    HardMixing,
    Learner,
    Momentum,
    MomentumViews,
    MultiExit,
    NearestNeighbour,
    PredictedViews,
    Prototypes,
    Regression,
    Regressor,
    Siamese,
)
from contrapose.learners.shuffle import shuffled
from contrapose.objectives import (
    AUCContrastive,
    cacr,
    cacr_predicted,
    cacr_queue,
    gated_contrast,
    info_nce,
    isd,
    mmcl,
    mochi,
    mv_dhel,
    nt_xent,
    sepclr,
    sup_con,
    supremix,
    swapped_prediction,
)
from distributed_helper import run_ranks

BATCH = 8
VIEWS = {"multi_exit": 1, "multi_view": 3, "predicted_views": 3, "prototypes": 3}  # others take two
LABELS = torch.tensor([0, 1, 2, 0, 1, 1, 3, 2])
NUMBERS = torch.tensor([3.0, 1.0, torch.nan, 2.5, 9.0, torch.nan, 2.0, torch.nan], dtype=torch.float64)


class Plain(ConvolutionalBackbone):
    """Two stages without batch normalisation, whose statistics would differ between processes by design."""

    stage_dimensions = (5, 6)
    dimension = 6

    def __init__(self) -> None:
        super().__init__([nn.Sequential(nn.Conv2d(2, 5, 3), nn.Tanh()), nn.Sequential(nn.Conv2d(5, 6, 3), nn.Tanh())])


def encoder() -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(Plain(), name="plain", arguments={}, channels=2, image_size=8).double()


def siamese() -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: nt_xent(z, p, rows=rows))


def siamese_by_labels() -> Learner:
    return Siamese(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda z, p, rows: sup_con(z, pairing=p, rows=rows),
        pair_by="labels",
    )


def classifier() -> Learner:
    return Classifier(encoder(), dimension=6, classes=4).double()


def max_margin() -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: mmcl(z, rows=rows), pair_by="towers")


def momentum() -> Learner:
    return Momentum(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda q, k, queue: info_nce(q, k, queue=queue, in_batch_negatives=False),
        dimension=4,
        queue_size=16,
        momentum=0.9,
        generator=torch.Generator().manual_seed(3),
    )


def nearest_neighbour() -> Learner:
    torch.manual_seed(0)
    predictor = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 4)).double()
    return NearestNeighbour(
        encoder(),
        nn.Linear(6, 4).double(),
        predictor,
        lambda n, p, rows: info_nce(n, p, decoupled=True, rows=rows),
        dimension=4,
        queue_size=16,
        generator=torch.Generator().manual_seed(3),
    )


def momentum_views() -> Learner:
    def objective(q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None = None) -> Tensor:
        return cacr_queue(q, k, queue, in_batch_negatives=True, rows=rows)

    return MomentumViews(
        encoder(),
        nn.Linear(6, 4).double(),
        objective,
        dimension=4,
        queue_size=16,
        momentum=0.9,
        generator=torch.Generator().manual_seed(3),
    )


def predicted_views() -> Learner:
    torch.manual_seed(0)
    return PredictedViews(
        encoder(),
        nn.Linear(6, 4).double(),
        nn.Linear(4, 4).double(),
        lambda p, k, rows: cacr_predicted(p, k, rows=rows),
        momentum=0.9,
    )


def attraction_and_repulsion() -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: cacr(z, rows=rows))


def learned_scalars() -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), AUCContrastive("saddle").double())


def hard_mixing() -> Learner:
    """Plain in the first step, mixing in the second."""

    def objective(
        q: Tensor, k: Tensor, queue: Tensor, rows: Tensor | None, draws: torch.Generator | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        mixes = 6 if draws else 0
        loss = mochi(q, k, queue, hardest=5, pair_mixes=mixes, query_mixes=mixes, rows=rows, generator=draws)
        return loss, {}

    return HardMixing(
        encoder(),
        nn.Linear(6, 4).double(),
        objective,
        mixes=12,
        start=1,
        dimension=4,
        queue_size=16,
        momentum=0.9,
        generator=torch.Generator().manual_seed(3),
    )


def distillation() -> Learner:
    torch.manual_seed(0)
    return Distillation(
        encoder(),
        nn.Linear(6, 4).double(),
        nn.Linear(4, 4).double(),
        lambda p, k, queue: (isd(p, k, queue, temperature=0.1), {}),
        dimension=4,
        queue_size=16,
        momentum=0.9,
        generator=torch.Generator().manual_seed(3),
    )


def multi_view() -> Learner:
    return Siamese(encoder(), nn.Linear(6, 4).double(), lambda z, p, rows: mv_dhel(z, rows=rows))


def prototypes() -> Learner:
    """Frozen in the first step; the second has a queue."""
    return Prototypes(
        encoder(),
        nn.Linear(6, 4).double(),
        swapped_prediction,
        dimension=4,
        prototypes=5,
        queue_size=8,
        freeze_prototypes=1,
        generator=torch.Generator().manual_seed(3),
    ).double()


def multi_exit() -> Learner:
    def objective(z: Tensor, p: object, rows: Tensor | None) -> Tensor:
        return sup_con(z, pairing=p, rows=rows)  # type: ignore[arg-type]

    return MultiExit(encoder(), lambda size: nn.Linear(size, 4).double(), objective, exits=(0,), use_labels=True)


def gated() -> Learner:
    """With partner classes of the whole batch, and gates of those of the own samples."""
    torch.manual_seed(0)
    return Gated(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda z, gates, p, rows: gated_contrast(z, gates, p, rows=rows),
        gates=ClassGates(4, 4, embedding=3, hidden=5, norm=False).double(),
        classes=4,
        generator=torch.Generator().manual_seed(3),
    )


def regression() -> Learner:
    return Regression(
        encoder(),
        nn.Linear(6, 4).double(),
        lambda z, p, rows, draws: supremix(z, p.targets, window=30.0, rows=rows, generator=draws),
        generator=torch.Generator().manual_seed(3),
    )


def common_salient() -> Learner:
    """Whose loss is no mean over samples: each process has the whole of it."""
    torch.manual_seed(0)
    common, salient = encoder(), encoder()
    with torch.no_grad():
        for weight in salient.parameters():
            weight.mul_(0.7)
    return CommonSalient(
        common,
        nn.Linear(6, 4).double(),
        lambda c, s, target: (sepclr(c, s, target, salient_weight=3.0, null_weight=2.0), {}),
        salient=salient,
        salient_head=nn.Linear(6, 3).double(),
    )


def regressor() -> Learner:
    return Regressor(encoder(), dimension=6).double()


LEARNERS: dict[str, Callable[[], Learner]] = {
    make.__name__: make
    for make in (
        siamese,
        siamese_by_labels,
        classifier,
        max_margin,
        momentum,
        nearest_neighbour,
        multi_view,
        multi_exit,
        momentum_views,
        predicted_views,
        attraction_and_repulsion,
        learned_scalars,
        hard_mixing,
        distillation,
        prototypes,
        gated,
        common_salient,
        regression,
        regressor,
    )
}


def two_steps(name: str) -> dict[str, Tensor]:
    """Two steps of gradient descent; returns parameters, memory and the averaged losses."""
    learner = LEARNERS[name]().train()
    generator = torch.Generator().manual_seed(1)
    local = BATCH // world_size()
    own = slice(rank() * local, (rank() + 1) * local)
    result = {}
    for step in range(2):
        views = torch.rand(3, BATCH, 2, 8, 8, generator=generator, dtype=torch.float64)
        count = VIEWS.get(name, 2)
        targets = {"label": LABELS[own], "number": NUMBERS[own]}
        batch = Batch(views=tuple(views[:count, own]), indices=torch.arange(BATCH)[own], targets=targets)
        learner.before_step()
        taken = learner(batch)
        loss = taken.loss
        learner.zero_grad()
        loss.backward()
        learner.after_backward()
        value = loss.detach().clone()
        for parameter in learner.parameters():
            if parameter.grad is not None:
                average(parameter.grad)
                parameter.data -= 0.1 * parameter.grad
        learner.after_step([taken])
        result[f"loss {step}"] = average(value)
    return result | {key: value.clone() for key, value in learner.state_dict().items()}


def average(tensor: Tensor) -> Tensor:
    if world_size() > 1:
        dist.all_reduce(tensor)
        tensor /= world_size()
    return tensor


def all_learners(names: list[str]) -> dict[str, dict[str, Tensor]]:
    return {name: two_steps(name) for name in names}


def shuffling() -> tuple[Tensor, Tensor]:
    """Rows are put back in place, and really were dealt to other processes."""
    rows = own_rows(4)
    assert rows is not None
    seen: list[Tensor] = []

    def network(x: Tensor) -> Tensor:
        seen.append(x.clone())
        return 2 * x

    y = shuffled(network, rows.double().unsqueeze(1), seed=0)
    return y, gather(seen[0])


@pytest.fixture(scope="module")
def of_two_ranks() -> list[dict[str, dict[str, Tensor]]]:
    return run_ranks(all_learners, list(LEARNERS))


@pytest.mark.parametrize("name", list(LEARNERS))
def test_two_processes_are_one(name: str, of_two_ranks: list[dict[str, dict[str, Tensor]]]) -> None:
    alone = two_steps(name)
    start = LEARNERS[name]().state_dict()
    moved = [key for key in start if start[key].is_floating_point() and not torch.equal(start[key], alone[key])]
    assert any(key.startswith("encoder.") for key in moved)
    for results in of_two_ranks:
        assert results[name].keys() == alone.keys()
        for key, value in alone.items():
            assert torch.allclose(results[name][key], value, atol=1e-7), key


def test_keys_are_dealt_to_other_processes_and_put_back() -> None:
    for number, (y, dealt) in enumerate(run_ranks(shuffling)):
        assert y.flatten().tolist() == [2.0 * (4 * number + i) for i in range(4)]
        assert sorted(dealt.flatten().tolist()) == list(range(8))
        assert dealt.flatten().tolist() != list(range(8))
