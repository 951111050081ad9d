"""The area under the ROC: pairs counted one by one, ties, and what accuracy would hide."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.evaluation.roc import roc_auc


def literal(scores: Tensor, positive: Tensor) -> float:
    pairs = [(p, n) for p in scores[positive].tolist() for n in scores[~positive].tolist()]
    return sum(1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs) / len(pairs)


@pytest.mark.parametrize("levels", [3, 10_000])
def test_it_counts_pairs(levels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(0, levels, (60,), generator=generator).float()
    positive = torch.rand(60, generator=generator) < 0.2
    assert float(roc_auc(scores, positive)) == pytest.approx(literal(scores, positive))
    assert float(roc_auc(-scores, positive)) == pytest.approx(1 - literal(scores, positive))


def test_who_always_says_the_larger_class_gains_nothing() -> None:
    positive = torch.arange(1000) < 7
    assert float(roc_auc(torch.zeros(1000), positive)) == 0.5
    assert float(roc_auc(positive.to(torch.bfloat16), positive)) == 1.0


def test_without_one_of_the_classes_there_is_none() -> None:
    assert roc_auc(torch.rand(5), torch.ones(5, dtype=torch.bool)).isnan()
    assert roc_auc(torch.rand(5), torch.zeros(5, dtype=torch.bool)).isnan()


def test_two_lengths_are_told() -> None:
    with pytest.raises(ArgumentError, match=r"of one shape \(N,\)"):
        roc_auc(torch.rand(5), torch.ones(4, dtype=torch.bool))
