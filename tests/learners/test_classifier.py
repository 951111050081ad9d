"""Cross-entropy as a learner: its closed forms, its budget, and labels that are missing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import Classifier


class Flat(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)


def learner(classes: int = 3) -> Classifier:
    torch.manual_seed(0)
    return Classifier(Flat(), dimension=4, classes=classes)


def batch(labels: list[int] | None, views: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(0)
    count = 6 if labels is None else len(labels)
    pictures = tuple(torch.randn(count, 1, 2, 2, generator=generator) for _ in range(views))
    return Batch(pictures, torch.arange(count), None if labels is None else torch.tensor(labels))


def test_a_head_of_zeros_costs_chance() -> None:
    model = learner()
    nn.init.zeros_(model.head.weight)
    nn.init.zeros_(model.head.bias)
    step = model(batch([0, 1, 2, 0, 1, 2]))
    assert math.isclose(step.loss.item(), math.log(3), rel_tol=1e-6)
    assert model.chance is not None
    assert math.isclose(model.chance(step.pairing), math.log(3))


def test_every_view_counts() -> None:
    model, labels = learner(), [0, 1, 2, 0]
    whole = batch(labels)
    each = [model(Batch((view,), whole.indices, whole.labels)).loss for view in whole.views]
    assert torch.allclose(model(whole).loss, torch.stack(each).mean())


def test_unlabelled_samples_are_passed_over() -> None:
    model, some = learner(), batch([0, 1, -1, 2, -1])
    kept = torch.tensor([0, 1, 3])
    fewer = Batch(tuple(view[kept] for view in some.views), kept, torch.tensor([0, 1, 2]))
    assert torch.allclose(model(some).loss, model(fewer).loss)
    none = model(batch([-1, -1]))
    assert none.loss.item() == 0.0
    assert float(none.log["training_accuracy"]) == 0.0


def test_missing_and_unknown_labels_are_refused() -> None:
    with pytest.raises(ArgumentError, match="needs labels"):
        learner()(batch(None))
    with pytest.raises(ArgumentError, match="--classes 4 or more"):
        learner()(batch([0, 3]))
    with pytest.raises(ArgumentError, match="--classes 5 or more"):  # before the first batch
        learner().see_targets({"label": torch.tensor([0, -1, 4])})
