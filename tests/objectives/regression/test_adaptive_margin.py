"""AdaCon: against a loop, and what its margin looks at."""

from __future__ import annotations

import math

import pytest
import torch
from objective_cases import some_embeddings
from regression_literal import literal_adaptive_margin

from contrapose.errors import ArgumentError
from contrapose.objectives import adaptive_margin, sup_con
from contrapose.objectives.regression.adaptive_margin import adaptive_margin_chance
from contrapose.pairing import by_targets

TARGETS = torch.tensor([3.0, 1.0, 4.5, 1.0, 5.0, 9.0], dtype=torch.float64)


@pytest.mark.parametrize("options", [{}, {"margin": 0.3, "temperature": 0.1}, {"tolerance": 0.6}], ids=str)
def test_value_and_gradient_are_those_of_the_loop(options: dict) -> None:
    z = some_embeddings(6).requires_grad_()
    expected = torch.stack(literal_adaptive_margin(z, TARGETS, **options))
    each = adaptive_margin(z, TARGETS, **options, reduction="none")
    torch.testing.assert_close(each, expected)
    (gradient,) = torch.autograd.grad(adaptive_margin(z, TARGETS, **options), z)
    (expected_gradient,) = torch.autograd.grad(expected.mean(), z)
    assert gradient.abs().max() > 1e-3
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-10, atol=1e-13)


def test_without_a_margin_it_is_sup_con() -> None:
    z, labels = some_embeddings(6), torch.tensor([4, 2, 2, 7, 4, 2])
    torch.testing.assert_close(
        adaptive_margin(z, labels, margin=0.0, temperature=0.2), sup_con(z, labels, temperature=0.2)
    )
    assert adaptive_margin(z, labels, temperature=0.2) > sup_con(z, labels, temperature=0.2)


def test_only_the_order_of_the_targets_counts() -> None:
    z = some_embeddings(6)
    torch.testing.assert_close(adaptive_margin(z, TARGETS.exp()), adaptive_margin(z, TARGETS))
    torch.testing.assert_close(adaptive_margin(z, -TARGETS), adaptive_margin(z, TARGETS))


def test_equal_embeddings_in_closed_form() -> None:
    z, line = torch.ones(2, 4, 3, dtype=torch.float64), torch.arange(4.0)
    assert float(adaptive_margin(z, torch.full((4,), 2.0))) == pytest.approx(math.log(7))
    losses = [math.log(sum(2 * math.exp(abs(i - k) / 4 / 0.5) for k in range(4)) - 1) for i in range(4)]
    assert float(adaptive_margin(z, line)) == pytest.approx(sum(losses) / 4)
    assert adaptive_margin_chance(by_targets(line, views=2)) == pytest.approx(sum(losses) / 4)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"targets": torch.ones(3)}, "targets has 3 entries for 4 samples"),
        ({"margin": -0.1}, "margin"),
        ({"margin": math.nan}, "margin"),
        ({"z": torch.ones(2, 1, 3), "targets": torch.ones(1)}, "1 sample"),
        ({"z": torch.ones(1, 4, 3)}, "1 view"),
    ],
)
def test_bad_input_is_named(change: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        adaptive_margin(**{"z": torch.ones(2, 4, 3), "targets": torch.arange(4.0), **change})
