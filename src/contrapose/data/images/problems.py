"""What may be wrong with pictures that could be opened: empty ones, nearly black ones, copies."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from contrapose.data.images.images import BLOCK, Images
from contrapose.data.problems import Problem, copies, some
from contrapose.words import counted

DARK = 31  # an eighth of the grey levels


def picture_problems(images: Images) -> Iterator[Problem]:
    """Constant pictures, nearly black ones, and exact copies of the others (of the pixels at working resolution)."""
    constant, dark, groups = _looked_at(images)
    yield from _constant(images, constant)
    yield from _dark(images, dark)
    yield from copies(images, groups)


def _looked_at(images: Images) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Rows of pictures of one single colour, of others that are nearly black, and groups of rows with the same pixels
    (constant ones left aside)."""
    constant: list[int] = []
    dark: list[int] = []
    same: dict[bytes, list[int]] = defaultdict(list)
    for start in range(0, len(images), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(images)))  # (b,)
        pixels = images.batch(rows).numpy()  # (b, C, H, W)
        flat = (pixels == pixels[:, :, :1, :1]).all(axis=(1, 2, 3))  # (b, C, H, W) -> (b,)
        constant.extend(rows[flat].tolist())
        dark.extend(rows[~flat & (pixels.max(axis=(1, 2, 3)) <= DARK)].tolist())
        for row, picture in zip(rows[~flat].tolist(), pixels[~flat], strict=True):
            same[hashlib.sha256(np.ascontiguousarray(picture).data).digest()].append(row)
    found = [group for group in same.values() if len(group) > 1]
    return np.asarray(constant, dtype=np.int64), np.asarray(dark, dtype=np.int64), found


def _constant(images: Images, rows: np.ndarray) -> Iterator[Problem]:
    if len(rows):
        names = some([images.identifiers[row] for row in rows])
        yield Problem(
            "constant",
            f"{counted(len(rows), 'picture')} of one single colour, which teach nothing: {names}. Remove them."
            if len(rows) > 1
            else f"1 picture of one single colour, which teaches nothing by itself and spoils nothing: {names}.",
            harmless=len(rows) == 1,
        )


def _dark(images: Images, rows: np.ndarray) -> Iterator[Problem]:
    if len(rows):
        names = some([images.identifiers[row] for row in rows])
        yield Problem(
            "dark",
            f"{counted(len(rows), 'picture')} nearly black, with no value above {DARK} of 255: {names}. Where files "
            "have more than 8 bits, name the value that is white with --white; else look how they were saved.",
        )
