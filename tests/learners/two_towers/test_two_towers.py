"""The learner of two towers: who sees what, several processes as one, companions, and what follows a step."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data import Batch
from contrapose.distributed import rank, world_size
from contrapose.encoders import ImageEncoder, Towers
from contrapose.encoders.images.factory import build
from contrapose.encoders.pairs import joined_towers
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.encoders.texts.transformer import TextTransformer
from contrapose.errors import ArgumentError
from contrapose.learners.two_towers import Assignment, Prediction, Redundancy, SharedPrototypes, TwoTowerContrast
from contrapose.methods import METHODS
from contrapose.objectives import cross_correlation, cross_prediction, sinkhorn, swapped_assignment, swapped_prediction
from contrapose.padded import Padded
from contrapose.paired import Paired
from contrapose.training.step import take_step
from distributed_helper import run_ranks

BATCH = 6


class _Tokenizer:
    """As much of a tokenizer as a text tower asks for."""

    size, max_length, pad, mask = 20, 7, 0, None

    def to_json(self) -> bytes:
        return b"{}"


def towers(strong_hidden: int = 0, dropout: float = 0.0) -> Towers:
    """Without batch normalisation, whose statistics would differ between processes by design."""
    torch.manual_seed(0)
    image: ImageEncoder = build("mlp", channels=2, image_size=4, seed=0, widths=[8, 5], norm=False)
    backbone = TextTransformer(20, 7, dimension=6, blocks=1, heads=2, pooling="mean", dropout=dropout)
    tokenizer: Any = _Tokenizer()
    text = TextEncoder(backbone, tokenizer, name="small", arguments={})
    return joined_towers(image, text, width=4, strong_hidden=strong_hidden, seed=0)


def views(count: int, own: slice = slice(None), dtype: torch.dtype = torch.float64) -> list[Paired]:
    generator = torch.Generator().manual_seed(1)
    made = []
    for _ in range(count):
        pictures = torch.rand(BATCH, 2, 4, 4, generator=generator, dtype=torch.float64).to(dtype)
        tokens = torch.randint(1, 20, (BATCH, 5), generator=generator)
        made.append(Paired(pictures[own], Padded(tokens[own], tokens[own] > 0)))
    return made


def learner(name: str, encoder: Any, **options: Any) -> TwoTowerContrast:
    config = METHODS[name](projection_hidden=8, **options)
    made = config.learner(encoder, generator=torch.Generator().manual_seed(0))
    assert isinstance(made, TwoTowerContrast)
    return made


CASES: dict[str, tuple[str, int, dict[str, Any]]] = {
    "sigmoid": ("clip", 1, {"loss": "sigmoid"}),
    "recipe": ("clip-rocket", 3, {"separate_heads": False}),
    "swalip": ("clip-rocket", 3, {"separate_heads": False, "companion": "swalip"}),
    "swalip-v1": (
        "clip-rocket",
        3,
        {
            "separate_heads": False,
            "companion": "swalip-v1",
            "companion_hidden": 5,
            "companion_dimension": 4,
            "companion_prototypes": 7,
            "companion_freeze": 1,
        },
    ),
}


def two_steps(case: str) -> dict[str, Tensor]:
    name, count, options = CASES[case]
    made = learner(name, towers(), **options).double().train()
    if isinstance(made.companion, SharedPrototypes):
        for projector in made.companion.projectors:
            projector[1] = nn.Identity()  # type: ignore[index]  # normalisation over the batch differs by design
    local = BATCH // world_size()
    own = slice(rank() * local, (rank() + 1) * local)
    result = {}
    for step in range(2):
        taken = made(Batch(views=tuple(views(count, own)), indices=torch.arange(BATCH)[own]))
        made.zero_grad()
        taken.loss.backward()
        made.after_backward()
        value = taken.loss.detach().clone()
        for parameter in made.parameters():
            if parameter.grad is not None:
                parameter.data -= 0.1 * average(parameter.grad)
        made.after_step([taken])
        result[f"loss {step}"] = average(value)
    return result | {key: value.clone() for key, value in made.state_dict().items()}


def average(tensor: Tensor) -> Tensor:
    if world_size() > 1:
        dist.all_reduce(tensor)
        tensor /= world_size()
    return tensor


def everything() -> dict[str, dict[str, Tensor]]:
    return {case: two_steps(case) for case in CASES}


def test_two_processes_are_one() -> None:
    alone = everything()
    for found in run_ranks(everything):
        for case in CASES:
            start = learner(CASES[case][0], towers(), **CASES[case][2]).state_dict()
            assert not torch.allclose(alone[case]["encoder.log_scales"], start["encoder.log_scales"].double())
            for key, value in alone[case].items():
                assert torch.allclose(found[case][key], value, atol=1e-9), (case, key)


def test_weak_views_pass_weak_heads_without_dropout() -> None:
    made = learner("clip-rocket", towers(strong_hidden=8, dropout=0.5), views={"count": 2}).train()
    seen: list[tuple[int, bool]] = []
    encoder: Any = made.encoder
    features, projected = encoder.features, encoder.projected
    encoder.features = lambda view, *, dropout=True: (
        seen.append((len(view), dropout)),
        features(view, dropout=dropout),
    )[1]
    heads: list[int] = []
    encoder.projected = lambda found, head: (heads.append(head), projected(found, head))[1]
    step = made(Batch(views=tuple(views(3, dtype=torch.float32)), indices=torch.arange(BATCH)))
    assert seen == [(BATCH, False), (2 * BATCH, True)]
    assert heads == [0, 1]
    step.loss.backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())


def test_the_scale_is_brought_back_after_a_step_with_a_huge_gradient() -> None:
    made = learner("clip", towers())
    encoder: Any = made.encoder
    for value, bound in ((1e9, math.log(100)), (-1e9, 0.0)):
        encoder.log_scales.data.fill_(value)
        made.after_step([])
        assert encoder.log_scales.tolist() == pytest.approx([bound])


@pytest.mark.parametrize("gradient", [1e9, -1e9])
def test_the_scale_is_within_its_bounds_after_a_whole_step(gradient: float) -> None:
    made = learner("clip-rocket", towers(strong_hidden=8)).train()
    scales: Any = made.encoder.log_scales
    work: Any = SimpleNamespace(
        batch=lambda part: Batch(views=tuple(views(3, dtype=torch.float32)), indices=torch.arange(BATCH)),
        clip=lambda batch: math.nan,
    )

    def huge(batch: Batch, **_: Any) -> Any:
        step = made(batch)
        (step.loss + gradient * scales.sum()).backward()
        return step

    work.gradient = huge
    optimizer = torch.optim.SGD(made.parameters(), lr=1.0)
    take_step(made, {turn.optimizer: optimizer for turn in made.turns()}, work, seed=0)
    assert scales.tolist() == pytest.approx([0.0 if gradient > 0 else math.log(100)] * 2)


def test_companions_average_over_weak_views_and_all_strong_ones() -> None:
    encoder = towers()
    three = views(3, dtype=torch.float32)
    weak = encoder.features(three[0])
    strong = encoder.features(three[1].join(three[1:]))
    sizes: dict[str, Any] = {"hidden": 8, "width": 4}
    companion = Redundancy(encoder.side_dimensions, cross_correlation, **sizes)
    first, second = companion.projectors
    losses = [cross_correlation(first(weak[0]), second(weak[1]))]
    ones, others = first(strong[0]).chunk(2), second(strong[1]).chunk(2)
    losses += [cross_correlation(one, other) for one in ones for other in others]
    scale = torch.tensor(10.0)
    assert torch.allclose(companion(three, weak, strong, None, scale), torch.stack(losses).mean(), rtol=1e-5)
    siamlip = Prediction(encoder.side_dimensions, cross_prediction, **sizes)
    calls: list[float] = []
    siamlip.objective = lambda p, v: (calls.append(float(v.requires_grad)), cross_prediction(p, v))[1]
    siamlip(three, weak, strong, None, scale)
    assert calls == [0.0] * (2 + 2 * 4)


@pytest.mark.parametrize("companion", ["siamlip", "byolip", "barlip", "swalip", "swalip-v1"])
def test_each_companion_is_part_of_the_loss(companion: str) -> None:
    options: dict[str, Any] = {"companion": companion, "companion_weight": 2.0, "companion_hidden": 8}
    options |= {"companion_prototypes": 9}
    made = learner("clip-rocket", towers(), **options, companion_dimension=4, separate_heads=False).train()
    step = made(Batch(views=tuple(views(3, dtype=torch.float32)), indices=torch.arange(BATCH)))
    contrast, beside = (float(step.log[name]) for name in ("contrast_loss", "companion_loss"))
    assert beside > 0
    assert float(step.loss) == pytest.approx(contrast + 2 * beside, rel=1e-5)
    step.loss.backward()
    assert all(parameter.grad is not None for parameter in made.parameters() if parameter.requires_grad)


def test_prototypes_are_shared_and_each_side_predicts_what_the_other_is_assigned_to() -> None:
    encoder = towers()
    three = views(3, dtype=torch.float32)
    weak, strong = encoder.features(three[0]), encoder.features(three[1].join(three[1:]))
    companion = SharedPrototypes(encoder.side_dimensions, swapped_prediction, hidden=8, width=4, prototypes=5)
    first, second = companion.projectors
    sides = [first(weak[0]), second(weak[1])]  # each view passes with those of its strength, as they are normalised
    ones, others = first(strong[0]).chunk(2), second(strong[1]).chunk(2)
    pairs = [(sides[0], sides[1]), *((one, other) for one in ones for other in others)]
    unit = functional.normalize(companion.directions.detach(), dim=1)
    expected = 0.0
    for pair in pairs:
        scores = [functional.normalize(z, dim=1) @ unit.T for z in pair]
        for mine, theirs in (scores, scores[::-1]):
            expected -= float((sinkhorn(theirs.detach()) * (mine / 0.1).log_softmax(dim=1)).sum(dim=1).mean()) / 2
    found = companion(three, weak, strong, None, torch.tensor(10.0))
    assert float(found.detach()) == pytest.approx(expected / 5, rel=1e-5)
    companion.directions.data *= 7.0  # lengths mean nothing
    longer = companion(three, weak, strong, None, torch.tensor(10.0))
    assert torch.allclose(longer, found, rtol=1e-5)
    longer.backward()
    along = (companion.directions.grad * companion.directions).sum(dim=1)  # type: ignore[operator]
    assert torch.allclose(along, torch.zeros(5), atol=1e-6)
    assert companion.prototype_scores.shape == (2 * BATCH, 5)  # type: ignore[union-attr]


def test_prototypes_stand_still_for_the_first_steps_and_then_move() -> None:
    options: dict[str, Any] = {"companion": "swalip-v1", "companion_hidden": 8, "companion_prototypes": 5}
    made = learner("clip-rocket", towers(), **options, companion_freeze=2, separate_heads=False).train()
    companion: Any = made.companion
    optimizer = torch.optim.AdamW(made.parameters(), lr=0.1, weight_decay=0.5)
    batch, moved = Batch(views=tuple(views(3, dtype=torch.float32)), indices=torch.arange(BATCH)), []
    for _ in range(3):
        before, projector = companion.directions.detach().clone(), companion.projectors[0][0].weight.detach().clone()
        optimizer.zero_grad()
        step = made(batch)
        step.loss.backward()
        made.after_backward()
        optimizer.step()
        made.after_step([step])
        assert not torch.equal(companion.projectors[0][0].weight, projector)
        moved.append(not torch.equal(companion.directions, before))
    assert moved == [False, False, True]
    assert step.prototype_scores is not None
    kept = learner("clip-rocket", towers(), **options, companion_freeze=2, separate_heads=False)
    kept.load_state_dict(made.state_dict())
    assert int(kept.companion.steps) == 3  # type: ignore[union-attr, arg-type]


def test_a_slow_copy_follows_after_the_step() -> None:
    made = learner("clip-rocket", towers(), companion="byolip", separate_heads=False).train()
    companion: Any = made.companion
    slow = companion.teacher.model["encoder"].image
    before = {key: value.clone() for key, value in slow.named_parameters()}
    fast = dict(made.encoder.image.named_parameters())  # type: ignore[union-attr]
    for value in fast.values():
        value.data += 1.0
    made.after_step([])
    for key, value in slow.named_parameters():
        assert torch.allclose(value, 0.99 * before[key] + 0.01 * fast[key], atol=1e-6)
        assert not value.requires_grad


def test_slips_are_named() -> None:
    def objective(first: Tensor, second: Tensor, temperature: Tensor) -> Tensor:
        return swapped_assignment(first, second, temperature=temperature)

    made = TwoTowerContrast(towers(), lambda *_: torch.zeros(()), companion=Assignment(objective))
    with pytest.raises(ArgumentError, match="need 2 strong views beside the weak one, and there are 1"):
        made.check_views(2)
    for wrong, said in (({"prototypes": 1}, "prototypes is 1"), ({"prototypes": 2, "freeze": -1}, "freeze is -1")):
        with pytest.raises(ArgumentError, match=said):
            SharedPrototypes((5, 6), swapped_prediction, hidden=8, width=4, **wrong)
    with pytest.raises(ArgumentError, match="needs an encoder with two towers; mlp has none"):
        TwoTowerContrast(build("mlp", channels=2, image_size=4, seed=0), lambda *_: torch.zeros(()))
    assert isinstance(made.encoder, nn.Module)
