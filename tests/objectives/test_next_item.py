"""What comes next among all items, against torch's cross-entropy and in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import next_item


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("tile", [(None, None), (2, 3)], ids=["usual tiles", "small tiles"])
def test_it_is_cross_entropy_over_all_items(dtype: torch.dtype, tile: tuple[int | None, int | None]) -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(5, 4, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    items = (3 + torch.randn(7, 4, generator=generator, dtype=torch.float64)).to(dtype).requires_grad_()
    following = torch.tensor([6, 0, 3, 3, 1])
    value = next_item(hidden, items, following, tile_rows=tile[0], tile_columns=tile[1])
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    a, b = (tensor.detach().to(wide).requires_grad_() for tensor in (hidden, items))
    expected = functional.cross_entropy(a @ b.T, following)
    assert value.dtype == wide
    assert torch.allclose(value, expected, rtol=1e-5)
    close = {"rtol": 0.02, "atol": 1e-3} if dtype == torch.bfloat16 else {"atol": 1e-6}
    found = torch.autograd.grad(value, (hidden, items))
    for one, other in zip(found, torch.autograd.grad(expected, (a, b)), strict=True):
        assert torch.allclose(one.to(wide), other, **close)


def test_closed_forms_and_reductions() -> None:
    hidden, following = torch.zeros(3, 2), torch.tensor([0, 4, 4])
    assert float(next_item(hidden, torch.randn(5, 2), following)) == pytest.approx(math.log(5))
    assert float(next_item(torch.randn(3, 2), torch.randn(1, 2), torch.zeros(3, dtype=torch.long))) == pytest.approx(0)
    hidden = torch.randn(3, 2)
    each = next_item(hidden, torch.randn(5, 2, generator=torch.Generator().manual_seed(1)), following, reduction="none")
    assert each.shape == (3,)
    items = torch.tensor([[2.0, 0.0], [0.0, 2.0]])
    expected = math.log(1 + math.exp(-4))
    assert float(next_item(torch.tensor([[2.0, 0.0]]), items, torch.tensor([0]))) == pytest.approx(expected, abs=1e-5)
    assert float(next_item(torch.tensor([[9.0, 0.0]]), items, torch.tensor([0]), normalize=True)) == pytest.approx(
        math.log(1 + math.exp(-1)), abs=1e-5
    )


@pytest.mark.parametrize(
    ("following", "options", "word"),
    [
        (torch.tensor([0, 5]), {}, "following names 5, and there are 5 items"),
        (torch.tensor([-1, 2]), {}, "following names -1"),
        (torch.tensor([0.0, 1.0]), {}, "following must be .* integers"),
        (torch.tensor([0]), {}, r"following must be \(2,\)"),
        (torch.tensor([0, 1]), {"temperature": 0.0}, "temperature"),
    ],
)
def test_bad_input_is_named(following: torch.Tensor, options: dict[str, float], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        next_item(torch.randn(2, 3), torch.randn(5, 3), following, **options)
    with pytest.raises(ArgumentError, match="dimensions"):
        next_item(torch.randn(2, 3), torch.randn(5, 4), torch.tensor([0, 1]))
