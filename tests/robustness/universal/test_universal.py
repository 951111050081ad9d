"""A patch and a delta for all pictures: where, how much, and what rounding leaves of it."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.robustness import (
    add_delta,
    kept_near,
    largest_change,
    paste,
    patch_mask,
    project_delta,
    rounded,
    sign_noise,
    total_variation,
)
from contrapose.robustness.universal import whole_levels


def pictures(count: int = 4, size: int = 12, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def test_the_mask_is_that_of_the_paper() -> None:
    mask = patch_mask(224, 224)
    assert int(mask.sum()) == 38 * 38 == 1444
    rows, columns = torch.nonzero(mask[0]).T
    assert (int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())) == (172, 209, 172, 209)
    assert int(patch_mask(24, 24, area=0.0278, margin=0).sum()) == 16


def test_pasting_changes_the_patch_alone_and_every_picture_alike() -> None:
    x, patch, mask = pictures(), pictures(1, seed=1)[0], patch_mask(12, 12, area=0.12, margin=1)
    changed, inside = paste(x, patch, mask), mask[0].bool()
    assert torch.equal(changed[..., ~inside], x[..., ~inside])
    assert torch.equal(changed[..., inside], patch[..., inside].expand(4, 3, -1))
    torch.testing.assert_close(paste(x, patch, torch.full((1, 12, 12), 0.25)), 0.25 * patch + 0.75 * x)
    patch = patch.requires_grad_()
    paste(x, patch, mask).sum().backward()
    assert patch.grad is not None
    torch.testing.assert_close(patch.grad, 4 * mask.expand(3, 12, 12))


def test_total_variation_counts_differences_of_neighbours() -> None:
    board = ((torch.arange(5)[:, None] + torch.arange(4)[None, :]) % 2).float().expand(2, 3, 5, 4)
    torch.testing.assert_close(total_variation(board), torch.full((2,), 3.0 * (5 * 3 + 4 * 4)))
    assert total_variation(torch.full((3, 5, 4), 0.3)).item() == 0


def test_a_delta_stays_in_its_ball_and_pictures_stay_pictures() -> None:
    radius = 12 / 255
    delta = project_delta(torch.randn(3, 12, 12, generator=torch.Generator().manual_seed(0)), radius)
    assert float(delta.abs().max()) == pytest.approx(radius)
    x = pictures()
    x[0], x[1] = 0.0, 1.0
    changed = add_delta(x, delta)
    assert float(largest_change(changed, x).max()) <= radius + 1e-7
    assert float(changed.min()) >= 0
    assert float(changed.max()) <= 1
    torch.testing.assert_close(changed[0], delta.clamp(min=0))
    torch.testing.assert_close(project_delta(delta, radius), delta)


@pytest.mark.parametrize("radius", [0.0, 8 / 255, 0.05])
def test_what_is_made_is_kept_near(radius: float) -> None:
    x, made = pictures(), pictures(seed=1)
    x[0], x[1] = 0.0, 1.0
    changed = kept_near(x, made, radius)
    assert float(largest_change(changed, x).max()) <= radius + 1e-7
    torch.testing.assert_close(kept_near(x, x, radius), x)
    near = (made - x).abs() < radius
    torch.testing.assert_close(changed[near], made[near])
    if radius == 0:
        assert torch.equal(changed, x)


@pytest.mark.parametrize(("radius", "levels"), [(12 / 255, 12), (0.05, 12), (1 / 255, 1), (0.003, 0), (0.0, 0)])
def test_rounding_never_leaves_the_ball(radius: float, levels: int) -> None:
    assert whole_levels(radius) == levels
    was = torch.randint(0, 256, (4, 3, 12, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    changed = add_delta(was / 255, project_delta(2 * pictures(1)[0] - 1, radius))
    found = rounded(was, changed, radius)
    assert found.dtype == torch.uint8
    assert int((found.int() - was.int()).abs().max()) <= levels
    assert float(largest_change(found / 255, was / 255).max()) <= radius + 1e-6
    exact = rounded(was, was / 255, radius)
    assert torch.equal(exact, was)


def test_noise_moves_every_value_by_the_radius_as_a_coin_falls() -> None:
    generator = torch.Generator().manual_seed(0)
    grey = torch.full((8, 3, 16, 16), 128, dtype=torch.uint8)
    change = sign_noise(grey, 24 / 255, generator=generator).int() - 128
    assert set(change.unique().tolist()) == {-24, 24}
    assert abs(float(change.float().mean())) < 1.5  # 24 / sqrt(6144) is a third
    black = torch.zeros_like(grey)
    assert set(sign_noise(black, 24 / 255, generator=generator).unique().tolist()) == {0, 24}
    assert torch.equal(sign_noise(grey, 0.0, generator=generator), grey)
    with pytest.raises(ArgumentError, match="must be uint8"):
        sign_noise(grey / 255, 0.1, generator=generator)


def test_without_a_radius_it_is_the_nearest_level() -> None:
    was = torch.zeros(1, 1, 1, 3, dtype=torch.uint8)
    assert rounded(was, torch.tensor([[[[0.5, 1.0, 0.1 / 255]]]])).flatten().tolist() == [128, 255, 0]


def test_bad_input() -> None:
    x, mask = pictures(), patch_mask(12, 12, margin=0)
    for area, margin, told in ((0, None, "between 0 and 1"), (0.001, 0, "less than a pixel"), (0.9, 3, "do not fit")):
        with pytest.raises(ArgumentError, match=told):
            patch_mask(12, 12, area=area, margin=margin)
    with pytest.raises(ArgumentError, match="The patch must be"):
        paste(x, x, mask)
    with pytest.raises(ArgumentError, match=r"The patch must lie in \[0, 1\]"):
        paste(x, x[0] * 3, mask)
    with pytest.raises(ArgumentError, match="The mask must be"):
        paste(x, x[0], mask[0])
    with pytest.raises(ArgumentError, match="delta must be"):
        add_delta(x, x)
    with pytest.raises(ArgumentError, match="made must be"):
        kept_near(x, x[:2], 0.1)
    for radius in (-0.1, math.nan):
        with pytest.raises(ArgumentError, match="radius must be 0 or more"):
            project_delta(x, radius)
    with pytest.raises(ArgumentError, match="must be uint8 of the shape"):
        rounded(x, x)
