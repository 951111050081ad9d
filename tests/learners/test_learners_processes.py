"""Every learner on two and on four real processes gives the gradient of one process on the joined batch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.distributed as dist
from learner_cases import LEARNERS, Make
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from contrapose import learners
from contrapose.data import Batch
from contrapose.distributed import gather, own_rows, rank, world_size
from contrapose.encoders import ImageEncoder
from contrapose.encoders.backbone import ConvolutionalBackbone
from contrapose.encoders.in_chunks import chunks_of
from contrapose.encoders.texts.transformer import TextTransformer
from contrapose.learners import Learner
from contrapose.learners.class_heads import target_of
from contrapose.learners.shuffle import shuffled
from contrapose.padded import Padded
from distributed_helper import run_ranks

BATCH = 8
VIEWS = {"multi_exit": 1, "origin_and_family": 1}  # others take two
VIEWS |= dict.fromkeys(("drawn_pairs", "weighted_pairs", "multi_view", "predicted_views", "prototypes"), 3)
LABELS = torch.tensor([0, 1, 2, 0, 1, 1, 3, 2])
OTHER = torch.tensor([-1, -1, 1, -1, 0, 2, 1, -1])  # classes of another question
TOPICS = torch.tensor([[0, 1], [2, 0], [1, 2], [0, 2], [3, 3], [2, 1], [4, 0], [1, 4]])  # of anchors, of hard negatives
NUMBERS = torch.tensor([3.0, 1.0, torch.nan, 2.5, 9.0, torch.nan, 2.0, torch.nan], dtype=torch.float64)
BOXES = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.9, 0.1, 0.2, 0.8]])  # of the first view of all, of the second
BOXES = BOXES[:, None] + torch.linspace(0, 0.3, BATCH)[:, None] * torch.tensor([[[1.0, 0.5, 1.0, 0.5]], [[0.0] * 4]])
LENGTHS = torch.tensor([2, 1, 3, 3, 5, 2, 7, 1])  # of texts: the second process has the longer ones


class Plain(ConvolutionalBackbone):
    """Two stages without batch normalisation, whose statistics would differ between processes by design."""

    stage_dimensions = (5, 6)
    dimension = 6

    def __init__(self) -> None:
        super().__init__([nn.Sequential(nn.Conv2d(2, 5, 3), nn.Tanh()), nn.Sequential(nn.Conv2d(5, 6, 3), nn.Tanh())])


def of_pictures() -> ImageEncoder:
    torch.manual_seed(0)
    return ImageEncoder(Plain(), name="plain", arguments={}, channels=2, image_size=8).double()


def of_texts() -> TextTransformer:
    torch.manual_seed(0)
    return TextTransformer(20, 7, dimension=6, blocks=1, heads=2, pooling="mean", dropout=0.0).double()


def some_pictures(generator: torch.Generator, own: slice) -> list[Any]:
    return list(torch.rand(3, BATCH, 2, 8, 8, generator=generator, dtype=torch.float64)[:, own])


def some_texts(generator: torch.Generator, own: slice) -> list[Any]:
    """As long as the longest of this process; the second and the third view lose a token."""
    views = []
    for number, tokens in enumerate(torch.randint(1, 20, (3, BATCH, 7), generator=generator)):
        lengths = (LENGTHS - min(number, 1)).clamp(min=1)[own]  # (b,)
        mask = torch.arange(int(lengths.max())) < lengths[:, None]  # (b, T)
        views.append(Padded(tokens[own, : mask.shape[1]] * mask, mask, groups=mask.long()))
    return views


KINDS: dict[str, tuple[Make, Any]] = {"pictures": (of_pictures, some_pictures), "texts": (of_texts, some_texts)}
OF_ONE_KIND = dict.fromkeys(("multi_exit", "origin_and_family", "dense_momentum"), "pictures")
OF_ONE_KIND |= dict.fromkeys(("simcse", "drawn_pairs", "weighted_pairs"), "texts")
CASES = [(kind, name) for kind in KINDS for name in LEARNERS if OF_ONE_KIND.get(name, kind) == kind]

PARTED = ("siamese", "momentum", "multi_exit", "dense_momentum", "common_salient")  # whose batches pass in parts, too


def beside(name: str, own: slice) -> list[Tensor]:
    """What stands beside the views of this process: of drawn pairs what they mean and the sizes of their pools, of
    weighted ones the weights of two positives too."""
    topics, numbers = torch.eye(5)[TOPICS[own]], torch.arange(BATCH * 3.0).view(BATCH, 3)[own]
    if name == "drawn_pairs":
        return [topics, numbers]
    return [topics[:, :1], numbers, (1 + numbers[:, :2]) / 9] if name == "weighted_pairs" else []


def two_steps(kind: str, name: str, rows: int | None = None) -> dict[str, Tensor]:
    """Two steps of gradient descent; returns parameters, memory and the averaged losses.

    Arguments:
        rows: that go through the encoder at a time; such learners are wrapped as a run wraps them.
    """
    encoder, some_views = KINDS[kind]
    learner = LEARNERS[name](encoder).train()
    wrapped = DistributedDataParallel(learner) if rows and world_size() > 1 else None
    generator = torch.Generator().manual_seed(1)
    local = BATCH // world_size()
    own = slice(rank() * local, (rank() + 1) * local)
    result = {}
    for step in range(2):
        views = some_views(generator, own)[: VIEWS.get(name, 2)] + beside(name, own)
        targets = {"label": LABELS[own], "number": NUMBERS[own], target_of("other"): OTHER[own]}
        boxes = BOXES[:, own] if name == "dense_momentum" else None  # (2, b, 4)
        batch = Batch(views=tuple(views), indices=torch.arange(BATCH)[own], targets=targets, boxes=boxes)
        learner.before_step()
        with chunks_of(rows):
            taken = learner(batch) if wrapped is None else wrapped(batch)
        loss = taken.loss
        learner.zero_grad()
        loss.backward()
        learner.after_backward()
        value = loss.detach().clone()
        for parameter in learner.parameters():
            if parameter.grad is not None:
                average(parameter.grad)  # once more of those that are wrapped: they are equal
                parameter.data -= 0.1 * parameter.grad
        learner.after_step([taken])
        result[f"loss {step}"] = average(value)
    return result | {key: value.clone() for key, value in learner.state_dict().items()}


def average(tensor: Tensor) -> Tensor:
    if world_size() > 1:
        dist.all_reduce(tensor)
        tensor /= world_size()
    return tensor


def all_learners() -> dict[tuple[str, str], dict[str, Tensor]]:
    return {case: two_steps(*case) for case in CASES}


def dealt() -> dict[str, Any]:
    """What came out of shuffling, and what each process's network saw, of tensors and of padded views."""
    rows = own_rows(4)
    assert rows is not None
    seen: list[Any] = []

    def network(x: Any) -> Tensor:
        seen.append(x)
        return 2 * (x.values if isinstance(x, Padded) else x)[:, :1]

    numbers = rows.double().unsqueeze(1)  # (4, 1)
    short = numbers.repeat(1, 2 + rank()).long()  # (4, 2 or 3)
    back = [shuffled(network, view, seed=0) for view in (numbers, Padded(short, short >= 0, groups=short + 10))]
    return {"back": back, "seen": gather(seen[0]), "padded": gather(seen[1])}


def everything() -> dict[str, Any]:
    """All that two processes are asked, at one launch."""
    parted = {name: two_steps("pictures", name, rows=3) for name in PARTED}
    return {"learners": all_learners(), "dealt": dealt(), "parted": parted}


@pytest.fixture(scope="module")
def of_two_ranks() -> list[dict[str, Any]]:
    return run_ranks(everything)


@pytest.fixture(scope="module")
def of_four_ranks() -> list[dict[tuple[str, str], dict[str, Tensor]]]:
    return run_ranks(all_learners, world_size=4)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_several_processes_are_one(
    kind: str,
    name: str,
    of_two_ranks: list[dict[str, Any]],
    of_four_ranks: list[dict[tuple[str, str], dict[str, Tensor]]],
) -> None:
    alone = two_steps(kind, name)
    start = LEARNERS[name](KINDS[kind][0]).state_dict()
    moved = [key for key in start if start[key].is_floating_point() and not torch.equal(start[key], alone[key])]
    assert any(key.startswith("encoder.") for key in moved)
    for results in (*(found["learners"] for found in of_two_ranks), *of_four_ranks):
        found = results[kind, name]
        assert found.keys() == alone.keys()
        for key, value in alone.items():
            assert torch.allclose(found[key], value, atol=1e-7), key


@pytest.mark.parametrize("name", PARTED)
def test_micro_batches_of_two_processes_are_one_batch(name: str, of_two_ranks: list[dict[str, Any]]) -> None:
    alone = two_steps("pictures", name)
    for results in of_two_ranks:
        for key, value in alone.items():
            assert torch.allclose(results["parted"][name][key], value, atol=1e-7), key


# Learners of tokens are in test_token_learners_processes, games in test_translation_processes and test_dual_processes,
# masked pictures and attacks in files of their own; those of one method are made and checked as that method makes them:
# test_methods_processes.
ELSEWHERE = {
    "AttackedClassifier",
    "CandidateScores",
    "ClonePairs",
    "CorrectedCrops",
    "Counted",
    "CrossSequence",
    "DualAdversarial",
}
ELSEWHERE |= {"LabelMatching", "MaskedMomentum", "ReplacedTokens", "ResidualEnergy", "SpanContrast", "SupConCE"}
ELSEWHERE |= {"TranslatedHeads", "Translation", "VirtualAdversarial"}
ELSEWHERE |= {"GuidedTowers", "PaintingGame"}
ELSEWHERE |= {"ContrastedNextItem", "FeatureAttack", "LearnedViews", "MaskedPictures", "NextItem", "PatchGame"}
ELSEWHERE |= {"PairAttack"}


def test_no_learner_is_left_out() -> None:
    made = {type(make(of_pictures)).__name__ for name, make in LEARNERS.items() if OF_ONE_KIND.get(name) != "texts"}
    made |= {type(make(of_texts)).__name__ for name, make in LEARNERS.items() if OF_ONE_KIND.get(name) == "texts"}
    kinds = {name: getattr(learners, name) for name in learners.__all__}
    exported = {name for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Learner)}
    assert exported - {"Learner"} == made | ELSEWHERE
    assert not made & ELSEWHERE


def test_keys_are_dealt_to_other_processes_and_put_back(of_two_ranks: list[dict[str, Any]]) -> None:
    for number, results in enumerate(of_two_ranks):
        found = results["dealt"]
        for back in found["back"]:
            assert back.flatten().tolist() == [2.0 * (4 * number + i) for i in range(4)]
        assert sorted(found["seen"].flatten().tolist()) == list(range(8))
        assert found["seen"].flatten().tolist() != list(range(8))


def test_views_of_several_lengths_are_gathered_as_long_as_the_longest(of_two_ranks: list[dict[str, Any]]) -> None:
    for results in of_two_ranks:
        padded = results["dealt"]["padded"]
        assert padded.values[:, 0].tolist() == results["dealt"]["seen"].flatten().tolist()
        lengths = torch.where(padded.values[:, 0] < 4, 2, 3)  # those of the first process, and of the second
        assert padded.mask.dtype == torch.bool
        assert padded.mask.sum(dim=1).tolist() == lengths.tolist()
        assert torch.equal(padded.mask, torch.arange(3) < lengths[:, None])
        assert torch.equal(padded.groups, (padded.values + 10) * padded.mask)
