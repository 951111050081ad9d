"""Negatives of the own group alone: in a pure batch nothing changes, in a mixed one others are in no denominator."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.learners import Siamese
from contrapose.learners.within_groups import WithinGroupSiamese
from contrapose.objectives import nt_xent


def learner_of(kind: type[Siamese] = WithinGroupSiamese) -> Siamese:
    torch.manual_seed(0)
    return kind(nn.Linear(5, 8), nn.Linear(8, 4), lambda z, pairing, rows: nt_xent(z, pairing, rows=rows))


def batch_of(groups: list[int] | None, size: int = 6) -> Batch:
    views = tuple(torch.randn(2, size, 5, generator=torch.Generator().manual_seed(1)))
    targets = {} if groups is None else {"group": torch.tensor(groups, dtype=torch.float64)}  # as `Samples` hold them
    return Batch(views, torch.arange(size), targets=targets)


def by_hand(z: Tensor, groups: list[int], temperature: float = 0.5) -> Tensor:
    """-log e_ip / (e_ip + sum over group-mates of e_ij), a literal loop over (V, B, D)."""
    views, size, _ = z.shape
    rows = nn.functional.normalize(z, dim=2).flatten(0, 1)
    losses = []
    for i in range(views * size):
        p = (i + size) % (2 * size)
        mates = [j for j in range(views * size) if j not in (i, p) and groups[j % size] == groups[i % size]]
        own = (rows[i] @ rows[p] / temperature).exp()
        losses.append(
            -(own / (own + sum(((rows[i] @ rows[j] / temperature).exp() for j in mates), torch.zeros(())))).log()
        )
    return torch.stack(losses).mean()


@pytest.mark.parametrize("groups", [[0, 1, 0, 2, 1, 0], [4, 4, 4, 4, 4, 4]])
def test_the_loss_and_its_gradient_are_those_of_the_loop(groups: list[int]) -> None:
    learner = learner_of().double()
    batch = batch_of(groups)
    batch = Batch(tuple(view.double() for view in batch.views), batch.indices, targets=batch.targets)
    step = learner(batch)
    z = torch.stack([learner.head(learner.encoder(view)) for view in batch.views])  # (V, B, D)
    expected = by_hand(z, groups)
    torch.testing.assert_close(step.loss, expected)
    weights = list(learner.parameters())
    for one, two in zip(torch.autograd.grad(step.loss, weights), torch.autograd.grad(expected, weights), strict=True):
        torch.testing.assert_close(one, two)


def test_a_pure_batch_is_the_unmasked_loss() -> None:
    plain = learner_of(Siamese)(batch_of(None))
    for batch in (batch_of(None), batch_of([3] * 6)):
        torch.testing.assert_close(learner_of()(batch).loss, plain.loss)
    assert not torch.allclose(learner_of()(batch_of([3, 3, 3, 1, 1, 1])).loss, plain.loss)


def test_a_sample_without_a_group_mate_contributes_nothing() -> None:
    """log 1 = 0 for each; a batch of nobody's mates is worth 0, and one with a pair of mates is theirs over all."""
    assert learner_of()(batch_of([0, 1, 2, 3, 4, 5])).loss.item() == pytest.approx(0.0, abs=1e-6)
    learner, groups = learner_of(), [0, 0, 1, 2, 3, 4]
    pair = batch_of(groups)
    alone = Batch(tuple(view[:2] for view in pair.views), torch.arange(2))
    assert learner(pair).loss.item() == pytest.approx(learner(alone).loss.item() * 2 / 6, rel=1e-5)
