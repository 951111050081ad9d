"""The pixels of hidden patches: closed forms, and what plays no part."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import masked_patches


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


HIDDEN = torch.tensor([[True, False, True, True], [False, True, True, True]])


def test_nothing_made_costs_one_where_patches_have_contrast() -> None:
    patches = drawn(2, 4, 12)
    assert float(masked_patches(0 * patches, patches, HIDDEN)) == pytest.approx(1, abs=1e-5)
    patches[0, 0] = 3.0  # of one colour: one of six
    assert float(masked_patches(0 * patches, patches, HIDDEN)) == pytest.approx(5 / 6, abs=1e-5)


def test_brightness_and_contrast_of_a_patch_count_only_where_they_are_asked_for() -> None:
    made, patches = drawn(2, 4, 12), drawn(2, 4, 12, seed=1)
    other = 5 * patches - 2
    torch.testing.assert_close(
        masked_patches(made, patches, HIDDEN), masked_patches(made, other, HIDDEN), rtol=1e-5, atol=0
    )
    plain = masked_patches(made, patches, HIDDEN, normalized=False)
    torch.testing.assert_close(plain, (made - patches).square().mean(dim=2)[HIDDEN].mean())
    assert not torch.allclose(plain, masked_patches(made, other, HIDDEN, normalized=False))


def test_what_was_seen_plays_no_part() -> None:
    made, patches = drawn(2, 4, 12).requires_grad_(), drawn(2, 4, 12, seed=1)
    masked_patches(made, patches, HIDDEN).backward()
    assert made.grad is not None
    assert torch.equal(made.grad.abs().sum(dim=2) > 0, HIDDEN)
    # the closed form: 2 (made - target) / (P x hidden patches)
    target = (patches - patches.mean(2, keepdim=True)) / (patches.var(2, correction=0, keepdim=True) + 1e-6).sqrt()
    torch.testing.assert_close(made.grad[HIDDEN], (2 * (made.detach() - target) / (12 * 6))[HIDDEN])


def test_gradcheck_and_reduced_precision() -> None:
    made, patches = drawn(2, 4, 3).requires_grad_(), drawn(2, 4, 3, seed=1)
    assert torch.autograd.gradcheck(lambda m: masked_patches(m, patches, HIDDEN), (made,))
    low = masked_patches(made.bfloat16(), patches.bfloat16(), HIDDEN)
    assert low.dtype == torch.float32
    torch.testing.assert_close(low.double(), masked_patches(made, patches, HIDDEN), rtol=0.02, atol=0.02)


@pytest.mark.parametrize(
    ("made", "hidden", "told"),
    [
        ((2, 4, 3), (2, 3), r"must both be \(B, n, P\) and hidden \(B, n\); they are"),
        ((2, 3, 3), (2, 4), "must both be"),
        ((2, 4, 3), None, "No patch is hidden"),
    ],
)
def test_bad_input(made: tuple[int, ...], hidden: tuple[int, ...] | None, told: str) -> None:
    which = torch.zeros(2, 4, dtype=torch.bool) if hidden is None else torch.ones(hidden, dtype=torch.bool)
    with pytest.raises(ArgumentError, match=told):
        masked_patches(torch.zeros(made), torch.zeros(2, 4, 3), which)
