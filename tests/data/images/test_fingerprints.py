"""Traces of made-up generators: who has which, and that they are there to be found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contrapose.data import Images
from contrapose.data.images.made.fingerprints import degraded, fingerprinted, fingerprints
from contrapose.data.images.made.traces import AMPLITUDE, LEVELS, TRACES
from contrapose.errors import ArgumentError


def pictures(count: int = 12, channels: int = 1, side: int = 32) -> np.ndarray:
    """Waves and grain in the middle of the scale, `(N, C, H, W)` in [0, 1]."""
    random = np.random.default_rng(0)
    waves = np.sin(np.linspace(0, 3, side))[None, None, None] * np.ones((count, channels, side, 1))
    return 0.5 + 0.2 * waves + 0.05 * random.standard_normal((count, channels, side, side))


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("side", [32, 31])
def test_a_trace_keeps_the_shape_and_about_the_picture(name: str, side: int) -> None:
    plain = pictures(4, 3, side)
    found = TRACES[name](plain)
    assert found.shape == plain.shape
    assert 0 < np.abs(found - plain).mean() < 0.06
    assert np.corrcoef(found.ravel(), plain.ravel())[0, 1] > 0.75


def test_each_trace_is_what_it_is_called() -> None:
    plain = pictures()
    difference = TRACES["grid"](plain) - plain
    assert np.abs(difference).max() == pytest.approx(AMPLITUDE)
    assert np.allclose(difference[..., 4:, :], difference[..., :-4, :])
    assert len(np.unique(TRACES["palette"](plain).round(9))) <= LEVELS
    spectrum = np.abs(np.fft.rfft2(TRACES["truncated"](plain))).mean(axis=(0, 1))  # (H, W // 2 + 1)
    assert spectrum[15, 15] < 0.1 * np.abs(np.fft.rfft2(plain)).mean(axis=(0, 1))[15, 15]
    constant = np.full((1, 1, 8, 8), 0.4)
    for name in ("nearest", "truncated", "bilinear"):
        assert np.allclose(TRACES[name](constant), constant)
    checkers = np.indices((8, 8)).sum(axis=0)[None, None] % 2 * 1.0
    for name in ("nearest", "bilinear"):
        assert np.allclose(TRACES[name](checkers), 0.5)  # the finest detail is gone


def test_the_labels_say_who_has_which() -> None:
    images = Images((pictures(200) * 255).astype(np.uint8))
    made = fingerprinted(images, seed=3, processed=0)
    assert np.bincount(made.labels).tolist() == [100, 25, 25, 25, 25]  # type: ignore[arg-type]
    assert made.class_names == ("real", "nearest", "grid", "truncated", "palette")
    assert made.names_of["origin"] == ("real", "synthetic")
    labels = np.asarray(made.labels)
    assert (made.targets["origin"] == (labels > 0)).all()
    assert (made.targets["family"] == labels).all()
    changed = (made.pixels != images.pixels).any(axis=(1, 2, 3))
    assert (changed == (labels > 0)).all()
    expected = np.rint(TRACES["grid"](images.pixels[labels == 2] / 255).clip(0, 1) * 255)
    assert (made.pixels[labels == 2] == expected).all()
    assert any("stand in" in note for note in made.notes)


def test_real_and_synthetic_pictures_are_processed_alike() -> None:
    images = Images((pictures(400) * 255).astype(np.uint8))
    plain, made = (fingerprinted(images, seed=3, processed=share) for share in (0.0, 0.5))
    assert (plain.labels == made.labels).all()  # type: ignore[union-attr]
    touched = (plain.pixels != made.pixels).any(axis=(1, 2, 3))
    labels = np.asarray(made.labels)
    assert 0.4 < touched[labels == 0].mean() < 0.6
    assert 0.4 < touched[labels > 0].mean() < 0.6


def test_digits_are_made_by_the_seed_and_a_spectrum_tells_the_families() -> None:
    one, same, other = (fingerprints(40, seed=seed) for seed in (1, 1, 2))
    assert one.pixels.shape == (40, 1, 32, 32)
    assert (one.pixels == same.pixels).all()
    assert not (one.pixels == other.pixels).all()
    held = fingerprints(20, generators="bilinear", real=0.25)
    assert held.class_names == ("real", "bilinear")
    assert np.bincount(held.labels).tolist() == [5, 15]  # type: ignore[arg-type]

    def spectra(images: Images) -> np.ndarray:
        return np.log(1e-3 + np.abs(np.fft.rfft2(images.pixels[:, 0] / 255))).reshape(len(images), -1)

    train, test = (fingerprints(300, seed=seed, processed=0) for seed in (5, 6))
    means = np.stack([spectra(train)[train.labels == family].mean(axis=0) for family in range(5)])  # (5, F)
    nearest = np.square(spectra(test)[:, None] - means).sum(axis=2).argmin(axis=1)
    assert (nearest == test.labels).mean() > 0.7  # the largest class has 0.5


def test_harsh_processing_reaches_every_picture() -> None:
    pixels = (pictures(30) * 255).astype(np.uint8)
    found = degraded(pixels, np.random.default_rng(0), qualities=(20, 40), jpeg=1.0)
    assert (found != pixels).any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"count": 0}, "count is 0"),
        ({"generators": "grid+nerest"}, "Did you mean 'nearest'"),
        ({"generators": "grid+grid"}, "names one twice"),
        ({"real": 1.5}, "real is 1.5: give a share"),
        ({"processed": -0.1}, "processed is -0.1"),
    ],
)
def test_slips_are_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        fingerprints(**{"count": 10, **options})
