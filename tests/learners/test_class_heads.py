"""Heads on an encoder: their closed forms, what is frozen, and labels that are missing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import ClassHeads, Classifier
from contrapose.learners.class_heads import target_of


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def learner(labels: list[int], **options: object) -> ClassHeads:
    torch.manual_seed(0)
    made = ClassHeads(Tiny(), dimension=3, **options)  # type: ignore[arg-type]
    targets = {"label": torch.tensor(labels), target_of("other"): torch.tensor(labels).flip(0).double()}
    made.see_targets(targets)
    return made.train()


def batch(labels: list[int], other: list[int] | None = None) -> Batch:
    views = torch.randn(len(labels), 1, 2, 2, generator=torch.Generator().manual_seed(0))
    further = {} if other is None else {target_of("other"): torch.tensor(other).double()}
    return Batch((views,), torch.arange(len(labels)), torch.tensor(labels), targets=further)


LABELS = [0, 1, 2, 0, 0, 0]


def test_heads_begin_at_chance() -> None:
    model = learner(LABELS, questions=("label", "other"))
    step = model(batch(LABELS, LABELS[::-1]))
    assert math.isclose(step.loss.item(), 2 * math.log(3), rel_tol=1e-6)
    assert model.chance is not None
    assert math.isclose(model.chance(step.pairing), 2 * math.log(3))


def test_with_the_same_weights_it_is_the_classifier() -> None:
    model = learner(LABELS, frozen=False)
    torch.nn.init.normal_(model.heads.weights[0])
    plain = Classifier(model.encoder, dimension=3, classes=3)
    plain.head.weight, plain.head.bias = model.heads.weights[0], model.heads.biases[0]
    assert torch.allclose(model(batch(LABELS)).loss, plain(batch(LABELS)).loss)
    assert model(batch([0, 1, -1, 2, -1, 0])).loss.isfinite()


def test_balanced_classes_count_alike() -> None:
    model = learner(LABELS, balanced=True)
    torch.nn.init.normal_(model.heads.weights[0])
    whole = batch(LABELS)
    logits = model.heads(model.encoder(whole.views[0]))[0]
    each = nn.functional.cross_entropy(logits, torch.tensor(LABELS), reduction="none")  # (B,)
    of_classes = [each[torch.tensor(LABELS) == number].mean() for number in range(3)]
    assert torch.allclose(model(whole).loss, torch.stack(of_classes).mean())


def test_a_sample_without_a_class_of_one_question_counts_in_the_others() -> None:
    model = learner(LABELS, questions=("label", "other"))
    torch.nn.init.normal_(model.heads.weights[1])
    both = model(batch(LABELS, [-1, 0, -1, 1, -1, 2])).loss
    first = model(batch(LABELS, [-1] * 6)).loss
    assert math.isclose(first.item(), math.log(3), rel_tol=1e-6)
    assert not torch.isclose(both, 2 * first)


def test_a_frozen_encoder_neither_learns_nor_counts() -> None:
    model = learner(LABELS)
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    model(batch(LABELS)).loss.backward()
    assert all(weight.grad is None for weight in model.encoder.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())
    assert len(model.parameter_groups(0.1)) == 2
    tuned = learner(LABELS, frozen=False, encoder_rate=0.1)
    rates = [group["learning_rate_factor"] for group in tuned.parameter_groups(0.1)]
    assert rates == [1.0, 1.0, 0.1, 0.1]


def test_without_labels_it_says_so() -> None:
    with pytest.raises(ArgumentError, match="needs labels"):
        ClassHeads(Tiny(), dimension=3).see_targets({})
