"""Attacks on classifiers: right in closed form, never worse with more starts, and no weaker than those of others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.robustness import Steps, cross_entropy_attack


def blobs(count: int = 120, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Three classes of 3 x 6 x 6 pictures that lie near each other, in [0.2, 0.8]."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 3
    centres = torch.rand(3, 3, 6, 6, generator=torch.Generator().manual_seed(9))
    noise = torch.randn(count, 3, 6, 6, generator=generator)
    return (0.5 + 0.12 * (centres[labels] - 0.5) + 0.1 * noise).clamp(0.2, 0.8), labels


@pytest.fixture(scope="module")
def network() -> nn.Module:
    """A small network that tells them apart, and bears little."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3))
    x, labels = blobs()
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        functional.cross_entropy(network(x), labels).backward()
        optimizer.step()
    assert (network(x).argmax(dim=1) == labels).float().mean() > 0.9
    return network.requires_grad_(False)


@pytest.mark.parametrize(("norm", "order"), [("l2", 2.0), ("linf", 1.0)])
def test_linear_logits_are_fooled_exactly_where_the_margin_is_within_reach(norm: str, order: float) -> None:
    generator = torch.Generator().manual_seed(0)
    w, x = torch.randn(12, generator=generator), 0.4 + 0.2 * torch.rand(200, 12, generator=generator)
    w = w / torch.linalg.vector_norm(w, ord=order)  # what a ball of radius eps can take away is eps
    margin = (x - 0.5) @ w  # (N,)
    labels = (margin < 0).long()
    found = cross_entropy_attack(
        lambda x: torch.stack([(x - 0.5) @ w, -(x - 0.5) @ w], dim=1),
        x,
        labels,
        Steps(20, 2.5 * 0.02 / 20, norm, 0.02),
    )
    expected = margin.abs() < 0.02
    assert 0.1 < float(expected.float().mean()) < 0.9
    near = (margin.abs() - 0.02).abs() < 1e-5  # rounding decides these
    assert found.fooled[~near].equal(expected[~near])


def test_more_starts_never_find_less_and_what_is_told_is_true(network: nn.Module) -> None:
    x, labels = blobs(seed=1)
    steps = Steps(4, 0.05, "l2", 0.1)
    once, often = (
        cross_entropy_attack(network, x, labels, steps, restarts=restarts, generator=torch.Generator().manual_seed(0))
        for restarts in (1, 5)
    )
    assert int(often.fooled.sum()) >= int(once.fooled.sum()) > int((network(x).argmax(dim=1) != labels).sum())
    assert not (once.fooled & ~often.fooled).any()
    for found in (once, often):
        assert found.fooled.equal(network(found.x).argmax(dim=1) != labels)
        assert float((found.x - x).flatten(1).norm(dim=1).max()) <= 0.1 + 1e-6
    loss = [functional.cross_entropy(network(found.x), labels, reduction="none") for found in (once, often)]
    still = ~often.fooled
    assert bool((loss[1] >= loss[0] - 1e-6)[still].all())


def test_random_starts_leave_a_place_from_which_no_way_leads_up() -> None:
    """A sample in the middle of a flat: its own gradient is 0, and only some of the ball around it is not flat."""
    w = torch.tensor([0.6, 0.8, 0.0, 0.0])

    def flat_at_first(x: Tensor) -> Tensor:
        climbed = (10 * ((x - 0.5) @ w - 0.02).relu()).unsqueeze(1)  # (B, 1)
        return torch.cat([torch.full_like(climbed, 0.1), climbed], dim=1)

    x, labels, steps = torch.full((40, 4), 0.5), torch.zeros(40, dtype=torch.long), Steps(5, 0.05, "l2", 0.1)
    generator = torch.Generator().manual_seed(0)
    once, often = (
        cross_entropy_attack(flat_at_first, x, labels, steps, restarts=restarts, generator=generator)
        for restarts in (1, 8)
    )
    assert not once.fooled.any()
    assert float(often.fooled.float().mean()) > 0.9


def test_who_is_wrong_already_is_left_as_it_is(network: nn.Module) -> None:
    x, _ = blobs()
    wrong = (network(x).argmax(dim=1) + 1) % 3
    found = cross_entropy_attack(network, x, wrong, Steps(3, 0.1, "linf", 0.1))
    assert found.fooled.all()
    assert found.x.equal(x)


def test_a_threshold_answers_in_the_place_of_the_largest_logit(network: nn.Module) -> None:
    x, labels = blobs()

    def cautious(logits: Tensor) -> Tensor:
        return torch.zeros(len(logits), dtype=torch.long)

    found = cross_entropy_attack(network, x, labels, Steps(1, 0.1, "l2", 0.1), answers=cautious)
    assert found.fooled.equal(labels != 0)


def test_bad_input_of_an_attack_is_told(network: nn.Module) -> None:
    x, labels = blobs(6)
    steps = Steps(1, 0.1, "l2", 0.1)
    for call, said in (
        (lambda: cross_entropy_attack(network, x, labels, steps, restarts=0), "restarts must be at least 1"),
        (lambda: cross_entropy_attack(network, x, labels[:2], steps), "labels must be one a sample"),
        (lambda: cross_entropy_attack(network, x, labels + 1, steps), "0 to 2, the classes of the logits"),
        (lambda: cross_entropy_attack(network, 300 * x, labels, steps), "must lie in"),
    ):
        with pytest.raises(ArgumentError, match=said):
            call()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_it_finds_no_fewer_than_torchattacks(norm: str, network: nn.Module) -> None:
    torchattacks = pytest.importorskip("torchattacks")
    x, labels = blobs(seed=1)
    radius = {"l2": 0.1, "linf": 0.012}[norm]
    length, count = 2.5 * radius / 10, 10
    torch.manual_seed(0)
    theirs = (
        torchattacks.PGDL2(network, eps=radius, alpha=length, steps=count, random_start=True)
        if norm == "l2"
        else torchattacks.PGD(network, eps=radius, alpha=length, steps=count, random_start=True)
    )(x, labels)
    ours = cross_entropy_attack(network, x, labels, Steps(count, length, norm, radius))
    fooled = int((network(theirs).argmax(dim=1) != labels).sum())
    assert 0 < fooled < len(x)
    assert int(ours.fooled.sum()) >= fooled


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_it_finds_no_fewer_than_the_adversarial_robustness_toolbox(norm: str, network: nn.Module) -> None:
    classifiers = pytest.importorskip("art.estimators.classification")
    attacks = pytest.importorskip("art.attacks.evasion")
    x, labels = blobs(seed=1)
    radius = {"l2": 0.1, "linf": 0.012}[norm]
    length, count = 2.5 * radius / 10, 10
    wrapped = classifiers.PyTorchClassifier(
        network, loss=nn.CrossEntropyLoss(), input_shape=(3, 6, 6), nb_classes=3, clip_values=(0.0, 1.0)
    )
    attack = attacks.ProjectedGradientDescent(
        wrapped, norm=2 if norm == "l2" else "inf", eps=radius, eps_step=length, max_iter=count, verbose=False
    )
    theirs = torch.from_numpy(attack.generate(x.numpy(), labels.numpy()))
    ours = cross_entropy_attack(network, x, labels, Steps(count, length, norm, radius))
    assert int(ours.fooled.sum()) >= int((network(theirs).argmax(dim=1) != labels).sum()) > 0
