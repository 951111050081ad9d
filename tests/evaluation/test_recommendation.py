from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import recommendation


@pytest.mark.parametrize(("rank", "hit", "gain"), [(1, 1, 1), (3, 1, 0.5), (6, 0, 0)])
def test_known_ranks(rank: int, hit: float, gain: float) -> None:
    scores = -np.arange(10.0)[None].repeat(2, 0)
    found = recommendation(scores, np.array([rank - 1] * 2), ks=(5,))
    assert (found["HR@5"].value, found["NDCG@5"].value) == pytest.approx((hit, gain))


def test_constant_scores_are_chance() -> None:
    found = recommendation(np.zeros((3, 20)), np.array([0, 7, 19]), ks=(5, 40))
    assert found["HR@5"].value == pytest.approx(5 / 20)
    assert found["NDCG@5"].value == pytest.approx(sum(1 / np.log2(rank + 1) for rank in range(1, 6)) / 20)
    assert found["HR@40"].value == 1


def test_ties_are_the_mean_over_their_places(generator) -> None:
    scores = torch.tensor([[3.0, 2, 2, 2, 1], [1, 2, 2, 2, 3]])
    found = recommendation(scores, torch.tensor([2, 2]), ks=(2,))  # ranks 2, 3, 4 equally often
    assert found["HR@2"].value == pytest.approx(1 / 3)
    assert found["NDCG@2"].value == pytest.approx(1 / np.log2(3) / 3)


def test_blocks_of_users_agree_with_sorting(generator, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    scores = torch.randn(37, 50, generator=generator)
    target = torch.randint(50, (37,), generator=generator)
    seen = torch.rand(37, 50, generator=generator) < 0.3
    seen[torch.arange(37), target] = False
    rank = 1 + ((scores > scores.gather(1, target[:, None])) & ~seen).sum(1)
    monkeypatch.setattr(sys.modules["contrapose.evaluation.recommendation"], "ENTRY_BUDGET", 200)
    found = recommendation(scores, target, seen=seen, ks=(5, 10))
    assert found["HR@10"].value == pytest.approx(float((rank <= 10).double().mean()))
    gains = torch.where(rank <= 5, 1 / (rank + 1.0).log2(), 0)
    assert found["NDCG@5"].value == pytest.approx(float(gains.mean()))
    assert "seen items left out" in found["HR@5"].protocol
    assert "seen items kept" in recommendation(scores, target)["HR@5"].protocol


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"target": np.array([0, 4])}, r"1 of 2 lie outside 0\.\.3"),
        ({"target": np.array([0])}, "an item number for each of the 2 users"),
        ({"seen": np.ones((2, 4), dtype=bool)}, "2 users have seen their own target"),
        ({"seen": np.ones((2, 4))}, "seen must be booleans"),
        ({"ks": (0,)}, "ks must be a whole number"),
        ({"scores": np.full((2, 4), np.nan)}, "scores: 2 of 2 rows hold NaN"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"scores": np.zeros((2, 4)), "target": np.array([0, 1]), "ks": (1,)}
    with pytest.raises(ArgumentError, match=words):
        recommendation(**{**good, **change})
