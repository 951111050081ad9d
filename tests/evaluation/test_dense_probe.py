"""A linear classifier of cells, upsampled to pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import dense_probe


def blocks(count: int = 8, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Maps `(N, 5, 4, 4)` whose first three channels say the class of each cell, and masks of 4 x 4 pixels a cell."""
    random = np.random.default_rng(seed)
    cells = random.integers(0, 3, (count, 4, 4))
    maps = random.normal(0, 0.1, (count, 5, 4, 4)).astype(np.float32)
    maps[:, :3] += np.moveaxis(np.eye(3, dtype=np.float32)[cells], -1, 1)
    return 100 * maps + 7, cells.repeat(4, axis=1).repeat(4, axis=2)


def test_it_reads_off_the_classes_of_cells() -> None:
    maps, masks = blocks()
    other_maps, others = blocks(seed=1)
    probe = dense_probe(maps, masks, classes=3)
    answers = probe.predict(other_maps, (16, 16))
    assert answers.shape == (8, 16, 16)
    assert (answers[:, 1::4, 1::4] == others[:, 1::4, 1::4]).mean() > 0.95  # within a cell; edges are blended
    assert (probe.predict(other_maps, (4, 4)) == others[:, ::4, ::4]).mean() == 1


def test_upsampled_scores_are_those_of_the_cells_between_them() -> None:
    maps, masks = blocks(2)
    probe = dense_probe(maps, masks, classes=3, steps=3)
    x = torch.from_numpy(maps)
    cells = torch.einsum("kc,nchw->nkhw", probe.weight, (x - probe.mean[:, None, None]) / probe.scale[:, None, None])
    cells = cells + probe.bias[:, None, None]
    torch.testing.assert_close(probe.logits(x, (4, 4)), cells, atol=1e-5, rtol=1e-4)
    large = torch.nn.functional.interpolate(cells, (16, 16), mode="bilinear")
    torch.testing.assert_close(probe.logits(x, (16, 16)), large, atol=1e-5, rtol=1e-4)


def test_pixels_without_a_class_teach_nothing() -> None:
    maps, masks = blocks()
    voided = masks.copy()
    voided[:, :, ::2] = -1
    twisted = np.where(voided < 0, -5, voided)  # whatever is below 0
    first, second = (dense_probe(maps, one, classes=3, steps=20) for one in (voided, twisted))
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, dense_probe(maps, masks, classes=3, steps=20).weight)


def test_constant_maps_give_the_most_frequent_class() -> None:
    _, masks = blocks()
    masks[:, :9] = 2
    probe = dense_probe(np.ones((8, 5, 4, 4), np.float32), masks, classes=3)
    assert (probe.predict(np.ones((2, 5, 4, 4), np.float32), (16, 16)) == 2).all()


def test_the_scale_of_channels_plays_no_part() -> None:
    maps, masks = blocks()
    scales = np.array([1, 10, 100, 0.1, 1000], np.float32)[:, None, None]
    first, second = (dense_probe(one, masks, classes=3) for one in (maps, maps * scales))
    torch.testing.assert_close(first.weight, second.weight, atol=1e-3, rtol=1e-3)


def test_it_repeats_itself_and_keeps_gradients_off() -> None:
    maps, masks = blocks(40)
    with torch.inference_mode():
        one = dense_probe(maps, masks, classes=3, steps=10)
    two = dense_probe(maps, masks, classes=3, steps=10, generator=torch.Generator().manual_seed(0))
    assert torch.equal(one.weight, two.weight)
    assert not one.weight.requires_grad


def test_what_does_not_fit_is_refused() -> None:
    maps, masks = blocks()
    broken = maps.copy()
    broken[0, 0, 0, 0] = np.nan
    for given, words in (
        ((maps[:3], masks), "of the same pictures"),
        ((maps[:, 0], masks), "of the same pictures"),
        ((maps, masks + 1), "got 1 to 3"),
        ((maps, np.full_like(masks, -1)), "some at least"),
        ((broken, masks), "NaN"),
    ):
        with pytest.raises(ArgumentError, match=words):
            dense_probe(*given, classes=3)
    with pytest.raises(ArgumentError, match="steps"):
        dense_probe(maps, masks, classes=3, steps=0)
