from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import cka


@pytest.mark.parametrize("debiased", [False, True, None])
def test_rotation_scale_and_shift_change_nothing(debiased, generator) -> None:
    x = torch.randn(60, 12, generator=generator, dtype=torch.float64)
    rotation = torch.linalg.qr(torch.randn(12, 12, generator=generator, dtype=torch.float64)).Q
    for y in (x, x @ rotation, 3 * x, x + 100):
        assert cka(x, y, debiased=debiased) == pytest.approx(1)


def test_independent_rows_have_none(generator) -> None:
    x, y = torch.randn(2, 20_000, 10, generator=generator)
    assert 0 < cka(x, y) < 0.01


def test_few_rows_fool_the_plain_value_only(generator) -> None:
    x, y = torch.randn(2, 40, 400, generator=generator)
    assert cka(x, y, debiased=False) > 0.8
    assert abs(cka(x, y, debiased=True)) < 0.1
    assert cka(x, y) == cka(x, y, debiased=True)
    assert cka(x[:, :3], y[:, :3]) == cka(x[:, :3], y[:, :3], debiased=False)


def test_the_debiased_value_is_its_definition_by_kernels(generator) -> None:
    x = torch.randn(15, 4, generator=generator, dtype=torch.float64)
    y = x[:, :3] + torch.randn(15, 3, generator=generator, dtype=torch.float64)

    def hsic(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        k, l = ((rows @ rows.T).fill_diagonal_(0) for rows in (a, b))  # noqa: E741
        n = len(a)
        middle = k.sum() * l.sum() / (n - 1) / (n - 2)
        return (k @ l).trace() + middle - 2 / (n - 2) * (k @ l).sum()

    expected = hsic(x, y) / (hsic(x, x) * hsic(y, y)).sqrt()
    assert cka(x, y, debiased=True) == pytest.approx(float(expected))


def test_bad_input_is_named() -> None:
    x = torch.arange(12.0).reshape(4, 3)
    with pytest.raises(ArgumentError, match="got 4 and 3 rows"):
        cka(x, x[:3])
    with pytest.raises(ArgumentError, match="y: all rows are equal"):
        cka(x, torch.full((4, 2), 0.1))
    with pytest.raises(ArgumentError, match="needs 4 rows"):
        cka(x[:3], x[:3], debiased=True)
    with pytest.raises(ArgumentError, match="1 of 4 rows hold NaN"):
        cka(x.log(), x)
