"""Pictures with and without the trace of a made-up generator: a stand-in for real and synthetic pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from contrapose.data.images.images import Images
from contrapose.data.images.made.digit_scans import digit_scans
from contrapose.data.images.made.traces import TRACES
from contrapose.data.images.made.whole import check_whole
from contrapose.data.randomness import derived_generator
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.recompression import recompressed

SIDE = 32
"""Pixels a side of made pictures."""
LARGER = 40
"""Side to which scans are enlarged before so many pixels are cut out."""
DARK, LIGHT = 0.1, 0.9
"""What black and white of a scan become: at the ends of the scale noise and traces would be cut off."""
GRAIN = 0.02
"""Standard deviation of the noise of the made camera, where white is 1."""
QUALITIES = (50, 95)
"""Of the JPEG files that half of the processed pictures went through. As ImagiNet compresses, arXiv 2407.20020."""
SIGMAS = (0.5, 1.0)
"""Of the blur that the other half went through, in pixels. [design]"""
SEEN = "nearest+grid+truncated+palette"
REAL = "real"


def fingerprints(
    count: int = 2600,
    *,
    seed: int = 0,
    generators: str = SEEN,
    real: float = 0.5,
    processed: float = 0.5,
) -> Images:
    """Scanned digits, real ones and such as went through a made-up generator: a stand-in, and no forensics.

    Scans of 8 x 8 pixels (those of scikit-learn) are enlarged to 40 x 40, brought to 0.1 to 0.9 of white, and 32 x 32
    pixels are cut out at random, with noise of deviation 0.02 as a camera's. What becomes of them is `fingerprinted`'s.

    Shapes:
        the result: `(count, 1, 32, 32)` uint8. Targets "family" ("real", and a class for each generator) and "origin"
        ("real", "synthetic"); the labels are the families.

    Arguments:
        count: pictures.
        seed: of everything drawn; with another one these are other cuts, noise and processing of the same scans.
        generators: names of `traces.TRACES`, joined by a plus; the fifth, bilinear, is to be held out.
        real: share of real pictures.
        processed: share of all pictures that lost quality afterwards.

    Errors:
        ArgumentError: no picture, an unknown generator, a share outside [0, 1].

    Chance: the share of the largest class.
    """
    return from_scans(digit_scans()[0], count, seed=seed, generators=generators, real=real, processed=processed)


def from_scans(
    scans: np.ndarray,
    count: int,
    *,
    seed: int,
    generators: str = SEEN,
    real: float = 0.5,
    processed: float = 0.5,
) -> Images:
    """`fingerprints` of these scans, so that two sets can be of different ones.

    Shapes:
        scans: `(M, h, w)` in [0, 1], drawn from with replacement.
    """
    check_whole(count=(count, 1))
    _known(generators)  # before the work
    draw = _random(seed, "scans")
    chosen, place = np.unique(draw.integers(0, len(scans), count), return_inverse=True)  # (M',), (N,)
    top, left = draw.integers(0, LARGER - SIDE + 1, (2, count))  # (N,) each
    some = torch.from_numpy(scans[chosen]).unsqueeze(1)  # (M', 1, h, w)
    larger = functional.interpolate(some, size=(LARGER, LARGER), mode="bicubic").squeeze(1).numpy()  # (M', 40, 40)
    cut = np.stack([larger[c, y : y + SIDE, x : x + SIDE] for c, y, x in zip(place, top, left, strict=True)])
    noisy = DARK + (LIGHT - DARK) * cut + GRAIN * draw.standard_normal(cut.shape)  # (N, H, W)
    pixels = _bytes(noisy[:, None])  # (N, 1, H, W)
    images = Images(pixels, origin="scanned digits of scikit-learn")
    return fingerprinted(images, seed=seed, generators=generators, real=real, processed=processed)


def fingerprinted(
    images: Images, *, seed: int = 0, generators: str = SEEN, real: float = 0.5, processed: float = 0.5
) -> Images:
    """A share of the pictures stays as it is, the rest gets the trace of one of some made-up generators.

    Afterwards a share of all of them, real or not, loses quality: through a JPEG file of quality 50 to 95, or by a blur
    of 0.5 to 1 pixels. That both kinds do is what keeps the format from giving the answer away.

    Shapes:
        images: N of any size and number of channels (1 or 3 where any are processed); the result is of the same.

    Arguments:
        generators, real, processed: as in `fingerprints`. Every generator gets as many pictures as every other.
        seed: who gets what, and how it is processed.

    Errors:
        ArgumentError: an unknown generator, a share outside [0, 1].
    """
    names = _known(generators)
    for name, share in (("real", real), ("processed", processed)):
        if not 0 <= share <= 1:
            raise ArgumentError(f"{name} is {share!r}: give a share of the pictures, from 0 to 1.")
    count, draw = len(images), _random(seed, "generators")
    families = np.zeros(count, dtype=np.int64)  # (N,), 0 real
    synthetic = draw.permutation(count)[round(real * count) :]  # (n,)
    families[synthetic] = 1 + np.arange(len(synthetic)) % len(names)
    pixels = images.pixels.copy()  # (N, C, H, W)
    for number, name in enumerate(names, start=1):
        rows = np.flatnonzero(families == number)
        if len(rows):
            pixels[rows] = _bytes(TRACES[name](pixels[rows] / 255))
    rows = np.flatnonzero(draw.random(count) < processed)
    pixels[rows] = degraded(pixels[rows], draw)
    made = Images(
        pixels,
        families,
        class_names=(REAL, *names),
        identifiers=images.identifiers,
        origin=f"{images.origin}, with traces of made-up generators",
        notes=(*images.notes, "No generator made these pictures: simple operations stand in for some."),
        preparation=images.preparation,
    )
    return made.with_classes("family", families, (REAL, *names)).with_classes(
        "origin", (families > 0).astype(np.int64), (REAL, "synthetic")
    )


def degraded(
    pixels: np.ndarray, draw: np.random.Generator, *, qualities: Sequence[int] = QUALITIES, jpeg: float = 0.5
) -> np.ndarray:
    """The pictures, each through a JPEG file or a blur.

    Shapes:
        pixels: `(N, C, H, W)` uint8; returns the same.

    Arguments:
        qualities: the least and the largest of the files.
        jpeg: share of the pictures that go through a file.
    """
    from scipy.ndimage import gaussian_filter

    found = np.empty_like(pixels)
    for row, picture in enumerate(pixels):
        stored, quality, share = draw.random() < jpeg, draw.integers(qualities[0], qualities[1] + 1), draw.random()
        sigma = SIGMAS[0] + share * (SIGMAS[1] - SIGMAS[0])
        found[row] = (
            recompressed(picture, quality=int(quality))
            if stored
            else _bytes(gaussian_filter(picture / 255, (0, sigma, sigma), mode="nearest"))
        )
    return found


def _known(generators: str) -> list[str]:
    names = generators.split("+")
    for name in names:
        if name not in TRACES:
            raise ArgumentError(f"No made-up generator is called {name!r}.{did_you_mean(name, TRACES)}")
    if len(set(names)) < len(names):
        raise ArgumentError(f"generators names one twice ({generators}): name each once.")
    return names


def _bytes(pictures: np.ndarray) -> np.ndarray:
    return np.rint(pictures.clip(0, 1) * 255).astype(np.uint8)


def _random(seed: int, purpose: str) -> np.random.Generator:
    """Of numpy, as scipy's operations are, from a stream of the house."""
    start = torch.randint(2**62, (), generator=derived_generator(seed, "fingerprints", purpose))
    return np.random.default_rng(int(start))
