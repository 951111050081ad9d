from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.data import Images, Skipped, open_data
from contrapose.data.samples import evenly_spaced
from contrapose.errors import ArgumentError


def test_batch_gives_the_rows_in_order(pictures: np.ndarray) -> None:
    images = Images(pictures)
    batch = images.batch(torch.tensor([5, 0, 5]))
    assert batch.dtype == torch.uint8
    assert np.array_equal(batch.numpy(), pictures[[5, 0, 5]])


def test_batch_of_a_view_with_channels_last_is_contiguous(pictures: np.ndarray) -> None:
    stored = np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))
    batch = Images(stored.transpose(0, 3, 1, 2)).batch([1, 2])
    assert batch.is_contiguous()
    assert np.array_equal(batch.numpy(), pictures[[1, 2]])


def test_batch_is_a_copy(pictures: np.ndarray) -> None:
    images = Images(pictures.copy())
    images.batch([0]).zero_()
    assert np.array_equal(images.pixels[0], pictures[0])


@pytest.mark.parametrize("indices", [[96], [-1], [0.5], [[0]], [True]])
def test_rows_that_do_not_exist_are_errors(pictures: np.ndarray, indices: list) -> None:
    with pytest.raises(ArgumentError, match=r"[Rr]ow"):
        Images(pictures).batch(indices)


def test_statistics_are_mean_and_deviation_per_channel(pictures: np.ndarray) -> None:
    mean, std = Images(pictures).statistics()
    scaled = pictures / 255
    assert np.allclose(mean, scaled.mean(axis=(0, 2, 3)), atol=1e-6)
    assert np.allclose(std, scaled.std(axis=(0, 2, 3)), atol=1e-6)


def test_statistics_of_constant_pictures_can_be_divided_by() -> None:
    mean, std = Images(np.full((3, 1, 4, 4), 51, np.uint8)).statistics()
    assert mean == pytest.approx((0.2,))
    assert std == pytest.approx((0.001,))


def test_statistics_look_at_samples_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.data.images.images.STATISTICS_SAMPLES", 10)
    pixels = np.zeros((1000, 1, 2, 2), np.uint8)
    pixels[500:] = 255  # sorted by class, as folders are
    assert Images(pixels).statistics()[0] == pytest.approx((0.5,))


def test_subset_keeps_what_is_known_of_its_samples(pictures: np.ndarray) -> None:
    names = [f"{row}.png" for row in range(96)]
    whole = Images(pictures, np.arange(96), identifiers=names, skipped=[Skipped("x", "y")], class_names=["a"] * 96)
    part = whole.subset([90, 3, 7]).subset([2, 0])
    assert part.identifiers == ["7.png", "90.png"]
    assert part.labels.tolist() == [7, 90]
    assert np.array_equal(part.batch([0, 1]).numpy(), pictures[[7, 90]])
    assert np.array_equal(part.pixels, pictures[[7, 90]])
    assert part.skipped == whole.skipped
    assert part.store is whole.store
    assert len(part) == 2
    with pytest.raises(ArgumentError, match="Row 2 does not exist"):
        part.batch([2])


def test_fingerprint_follows_the_pixels(pictures: np.ndarray) -> None:
    first = Images(pictures)
    assert first.fingerprint == Images(pictures.copy(), np.zeros(96)).fingerprint
    changed = pictures.copy()
    changed[95, 0, 0, 0] ^= 1
    assert first.fingerprint != Images(changed).fingerprint
    assert first.fingerprint != first.subset(range(95)).fingerprint
    assert first.subset([1, 2]).fingerprint != first.subset([2, 1]).fingerprint
    assert first.subset([1, 2]).fingerprint == Images(pictures).subset([1, 2]).fingerprint


def test_repr_is_one_line(pictures: np.ndarray) -> None:
    text = repr(Images(pictures, np.arange(96) % 3, origin="here", skipped=[Skipped("x", "y")]))
    assert text == "Images(96 of 3 x 16 x 16, 3 classes, 1 skipped, from here)"


@pytest.mark.parametrize("shape", [(2, 3, 8, 9), (2, 8, 8), (0, 3, 8, 8)])
def test_other_shapes_are_errors(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"\(N, C, H, H\)"):
        Images(np.zeros(shape, np.uint8))


def test_other_types_and_lengths_are_errors(pictures: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="float64"):
        Images(pictures / 255)
    with pytest.raises(ArgumentError, match="96 pictures came with 95 labels"):
        Images(pictures, np.zeros(95))
    with pytest.raises(ArgumentError, match="1 identifiers"):
        Images(pictures, identifiers=["a"])


@settings(max_examples=30, deadline=None)
@given(length=st.integers(1, 500), limit=st.integers(1, 500))
def test_evenly_spaced_rows_are_distinct_and_even(length: int, limit: int) -> None:
    rows = evenly_spaced(length, limit)
    assert len(rows) == min(length, limit)
    gaps = np.diff([*rows, length])
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= 1


def test_labels_among_the_targets_stay_labels() -> None:
    """As when pictures that are open already are brought to another size."""
    images = Images(np.zeros((4, 1, 8, 8), np.uint8), np.array([0, 1, 0, 1]), targets={"age": np.arange(4)})
    again = Images(images.pixels, targets=images.targets)
    assert (again.labels == images.labels).all()  # type: ignore[union-attr]
    smaller = open_data(images, image_size=4)
    assert (smaller.labels == images.labels).all()  # type: ignore[union-attr]
    assert (smaller.targets["age"] == np.arange(4)).all()
