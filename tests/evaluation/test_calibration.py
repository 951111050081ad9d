"""Temperature and threshold against what can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import fitting_temperature, fitting_threshold


def test_the_temperature_of_logits_that_are_too_sure_by_a_factor_is_that_factor() -> None:
    generator = torch.Generator().manual_seed(0)
    true = torch.randn(20000, 4, generator=generator)
    labels = torch.multinomial(true.softmax(dim=1), 1, generator=generator).squeeze(1)
    for factor in (0.5, 1.0, 3.0):
        assert abs(fitting_temperature(factor * true, labels) / factor - 1) < 0.05


def test_a_few_right_answers_make_nobody_sure_of_everything() -> None:
    logits = 2 * torch.eye(3)[[0, 1, 2, 0]]
    temperature = fitting_temperature(logits, torch.tensor([0, 1, 2, 0]))
    assert (logits / temperature).softmax(dim=1).max() < 0.95
    with pytest.raises(ArgumentError, match="there are none"):
        fitting_temperature(logits[:0], torch.tensor([], dtype=torch.long))


def test_classes_that_are_told_apart_are_told_apart_by_every_aim() -> None:
    p, truth = np.array([0.1, 0.2, 0.3, 0.6, 0.9]), np.array([0, 0, 0, 1, 1])
    for aim, reached in (("f1", 1.0), ("balanced", 1.0), ("false-positives", 0.0)):
        found = fitting_threshold(p, truth, aim=aim)
        assert 0.3 < found.value < 0.6
        assert (found.reached, found.recall) == (reached, 1.0)


def test_each_aim_finds_its_own_threshold() -> None:
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    truth = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    best = max(_f1(p >= t, truth) for t in (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75))
    assert fitting_threshold(p, truth, aim="f1").reached == pytest.approx(best)
    strict = fitting_threshold(p, truth, aim="false-positives", rate=0.0)
    assert 0.6 < strict.value < 0.7
    assert strict.recall == 0.5
    assert fitting_threshold(p, truth, aim="false-positives", rate=0.3).recall == 0.75


def test_no_threshold_without_both_classes() -> None:
    with pytest.raises(ArgumentError, match="of one"):
        fitting_threshold(np.array([0.2, 0.4]), np.array([1, 1]))
    with pytest.raises(ArgumentError, match="chosen for one of f1"):
        fitting_threshold(np.array([0.2, 0.4]), np.array([1, 0]), aim="f2")  # type: ignore[arg-type]
    worst = fitting_threshold(np.array([1.0, 0.4]), np.array([0, 1]), aim="false-positives", rate=0.0)
    assert worst.value > 1, "never, rather than wrongly"


def _f1(answers: np.ndarray, truth: np.ndarray) -> float:
    return 2 * (answers & (truth == 1)).sum() / (answers.sum() + truth.sum())
