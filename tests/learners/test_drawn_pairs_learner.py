"""Drawn pairs: who is ignored, what is logged, and twins as the plain case."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import DrawnPairs, Siamese
from contrapose.learners.drawn_pairs import Drawn, means_the_same
from contrapose.objectives import OBJECTIVES, simcse
from contrapose.padded import Padded


class Rows(nn.Module):
    """An encoder whose embedding of token n is its row n."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(40, 5)

    def forward(self, view: Padded) -> Tensor:
        return self.table(view.values[:, 0])


def view_of(numbers: list[int]) -> Padded:
    values = torch.tensor(numbers).unsqueeze(1)
    return Padded(values, torch.ones_like(values, dtype=torch.bool))


def learner_of(encoder: nn.Module, **options: float) -> DrawnPairs:
    def objective(drawn: Drawn, rows: Tensor | None) -> Tensor:
        return simcse(
            drawn.anchors,
            drawn.positives,
            drawn.negatives,
            weights=drawn.weights,
            ignored=drawn.ignored,
            rows=rows,
        )

    return DrawnPairs(encoder, nn.Identity(), objective, chance=OBJECTIVES["simcse"].chance, **options)


def meaning_of(topics: list[list[int]]) -> Tensor:
    """`(B, V, K)`: one direction a topic."""
    return torch.eye(5)[torch.tensor(topics)]


ANCHORS, POSITIVES, HARD = view_of([0, 1, 2, 3]), view_of([10, 11, 12, 13]), view_of([20, 21, 22, 23])
MEANING = meaning_of([[0, 1], [1, 2], [2, 3], [0, 2]])  # anchors 0 and 3 mean the same, and hard 3 what anchor 2 means
SIZES = torch.tensor([[2.0, 8.0, 0.0]] * 3 + [[6.0, 4.0, 1.0]])


def test_of_two_views_alone_it_is_simcse_to_the_last_bit() -> None:
    encoder = Rows()

    def objective(z: Tensor, pairing: object, rows: Tensor | None) -> Tensor:
        return simcse(z[0], z[1], rows=rows)

    siamese = Siamese(encoder, nn.Identity(), objective, pair_by="towers", views=2)
    batch = Batch(views=(ANCHORS, POSITIVES), indices=torch.arange(4))
    one, other = learner_of(encoder)(batch), siamese(batch)
    assert one.loss.equal(other.loss)
    assert one.embeddings.equal(other.embeddings)
    assert repr(one.pairing) == repr(other.pairing)


def test_who_means_the_same_is_ignored_but_for_the_own_positive() -> None:
    encoder = Rows()
    step = learner_of(encoder, false_negative=0.9)(
        Batch(views=(ANCHORS, POSITIVES, HARD, MEANING, SIZES), indices=torch.arange(4))
    )
    ignored = means_the_same(MEANING, 0.9)
    expected = torch.zeros(4, 8, dtype=torch.bool)
    expected[0, 3] = expected[3, 0] = True  # positives of each other
    expected[1, 4] = True  # hard negative 0 is of topic 1, as anchor 1 is
    expected[2, 5] = expected[2, 7] = True  # hard negatives 1 and 3 are of topic 2
    assert ignored.equal(expected)
    rows = encoder.table.weight
    loss = simcse(rows[:4], rows[10:14], rows[20:24].unsqueeze(0), ignored=ignored)
    assert step.loss.equal(loss)
    tile = step.pairing.tile(torch.arange(4), slice(0, 8))
    assert tile.valid.equal(~expected)
    assert tile.positive.equal(torch.eye(4, 8, dtype=torch.bool))
    assert float(step.log["false_negatives"]) == pytest.approx(5 / 32)
    found = [float(step.log[name]) for name in ("positives_drawn_from", "negatives_drawn_from", "thin_pools")]
    assert found == pytest.approx([3.0, 7.0, 0.25])


def test_all_candidates_with_their_weights_are_seen() -> None:
    encoder, weights = Rows(), torch.tensor([[0.7, 0.3, 0.6], [1.0, 0.0, 0.4], [0.5, 0.5, 1.0], [0.2, 0.8, 0.0]])
    more = view_of([14, 15, 16, 17])
    step = learner_of(encoder, false_negative=0.9)(
        Batch(views=(ANCHORS, POSITIVES, more, HARD, MEANING, SIZES, weights), indices=torch.arange(4))
    )
    same = means_the_same(MEANING, 0.9)  # (4, 8)
    ignored = torch.cat([same[:, :4], same], dim=1)  # (4, 12): other positives of one mean what it means
    rows = encoder.table.weight
    both = torch.stack([rows[10:14], rows[14:18]])
    assert step.loss.equal(simcse(rows[:4], both, rows[20:24].unsqueeze(0), weights=weights.T, ignored=ignored))
    tile = step.pairing.tile(torch.arange(4), slice(0, 12))
    assert tile.positive.equal(torch.eye(4, dtype=torch.bool).repeat(1, 3) & (torch.arange(12) < 8))
    assert tile.valid.equal(~ignored)


def test_at_a_threshold_of_one_nobody_is_ignored() -> None:
    step = learner_of(Rows())(Batch(views=(ANCHORS, POSITIVES, HARD, MEANING, SIZES), indices=torch.arange(4)))
    assert step.pairing.tile(torch.arange(4), slice(0, 8)).valid.all()
    assert "false_negatives" not in step.log


@pytest.mark.parametrize("least", [0.9, 1.0])
def test_chance_is_that_of_equal_embeddings(least: float) -> None:
    encoder = Rows()
    nn.init.ones_(encoder.table.weight)
    learner = learner_of(encoder, false_negative=least)
    step = learner(Batch(views=(ANCHORS, POSITIVES, HARD, MEANING, SIZES), indices=torch.arange(4)))
    assert learner.chance is not None
    loss = float(step.loss.detach())
    assert loss == pytest.approx(learner.chance(step.pairing))
    assert least < 1 or loss == pytest.approx(math.log(8))


def test_no_gradient_reaches_what_is_known_of_the_meaning() -> None:
    encoder, meaning = Rows(), MEANING.clone().requires_grad_()
    step = learner_of(encoder, false_negative=0.9)(
        Batch(views=(ANCHORS, POSITIVES, HARD, meaning, SIZES), indices=torch.arange(4))
    )
    step.loss.backward()
    assert meaning.grad is None
    assert encoder.table.weight.grad is not None


def test_one_view_is_no_pair() -> None:
    with pytest.raises(ArgumentError, match=r"an anchor and a positive of each sample, got 1 view"):
        learner_of(Rows())(Batch(views=(ANCHORS, MEANING), indices=torch.arange(4)))
