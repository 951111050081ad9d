"""Stand-ins for the traces that generators of pictures leave: simple operations, each with a mark of its own.

They are no generators, and what tells them apart need not tell real ones apart: they are for testing that a method
finds a faint, place-independent mark at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

AMPLITUDE = 0.03
"""Of the grid, where white is 1."""
PERIOD = 4
"""Of the grid, in pixels."""
LEVELS = 12
"""Of the palette."""


def nearest(pictures: np.ndarray) -> np.ndarray:
    """Every other pixel, repeated twice along both sides, under a 3 x 3 blur: images of the spectrum at its upper end.

    Shapes:
        pictures: `(N, C, H, W)` float64 in [0, 1]; returns the same, as all of these do.
    """
    repeated = _halved(pictures).repeat(2, axis=2).repeat(2, axis=3)  # (N, C, H', W')
    return _blurred(repeated[:, :, : pictures.shape[2], : pictures.shape[3]])


def grid(pictures: np.ndarray) -> np.ndarray:
    """A faint grid of period 4 laid over the picture, as transposed convolutions that overlap unevenly leave one."""
    height, width = pictures.shape[2:]
    waves = [np.cos(2 * math.pi * np.arange(side) / PERIOD) for side in (height, width)]
    pattern = AMPLITUDE * (waves[0][:, None] + waves[1][None]) / 2  # (H, W), at most the amplitude
    return pictures + pattern


def truncated(pictures: np.ndarray) -> np.ndarray:
    """The lower half of the cosine transform of the whole picture: no detail finer than that is left."""
    from scipy.fft import dctn, idctn

    height, width = pictures.shape[2:]
    kept = np.arange(height)[:, None] / height + np.arange(width)[None] / width < 1  # (H, W): a half of them
    return np.asarray(idctn(dctn(pictures, axes=(2, 3), norm="ortho") * kept, axes=(2, 3), norm="ortho"))


def palette(pictures: np.ndarray) -> np.ndarray:
    """Twelve levels in each channel."""
    return np.rint(pictures * (LEVELS - 1)) / (LEVELS - 1)


def bilinear(pictures: np.ndarray) -> np.ndarray:
    """Every other pixel, and the straight line between neighbours: to be held out, as the generator nobody knew."""
    from scipy.ndimage import zoom

    halved = _halved(pictures)
    scale = [wanted / there for wanted, there in zip(pictures.shape[2:], halved.shape[2:], strict=True)]
    return np.asarray(zoom(halved, (1, 1, *scale), order=1, mode="nearest", grid_mode=True))  # (N, C, H, W)


TRACES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "nearest": nearest,
    "grid": grid,
    "truncated": truncated,
    "palette": palette,
    "bilinear": bilinear,
}
"""What can be done to pictures, by name; the last one is held out in the claim that they are made for."""


def _halved(pictures: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, an odd last row or column repeated; `(N, C, ceil(H / 2), ceil(W / 2))`."""
    odd = [(0, side % 2) for side in pictures.shape[2:]]
    even = np.pad(pictures, [(0, 0), (0, 0), *odd], mode="edge")
    count, channels, height, width = even.shape
    return np.asarray(even.reshape(count, channels, height // 2, 2, width // 2, 2).mean(axis=(3, 5)))


def _blurred(pictures: np.ndarray) -> np.ndarray:
    """Binomial 3 x 3."""
    from scipy.ndimage import convolve1d

    weights = np.array([0.25, 0.5, 0.25])
    for axis in (2, 3):
        pictures = convolve1d(pictures, weights, axis=axis, mode="nearest")
    return pictures
