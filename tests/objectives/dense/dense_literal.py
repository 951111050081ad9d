"""Cells of two crops compared one by one, slowly: what the library must agree with."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def centre(box: Tensor, row: int, column: int, height: int, width: int) -> tuple[float, float]:
    left, top, right, bottom = (float(edge) for edge in box)
    return left + (column + 0.5) * (right - left) / width, top + (row + 0.5) * (bottom - top) / height


def matches(first: Tensor, second: Tensor, height: int, width: int, threshold: float) -> list[list[bool]]:
    """Of one picture: `[cell of the first][cell of the second]`."""

    def diagonal(box: Tensor) -> float:
        return math.hypot(float(box[2] - box[0]) / width, float(box[3] - box[1]) / height)

    longest = max(diagonal(first), diagonal(second))
    cells = [(row, column) for row in range(height) for column in range(width)]
    return [
        [
            math.dist(centre(first, *one, height, width), centre(second, *two, height, width)) / longest < threshold
            for two in cells
        ]
        for one in cells
    ]


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b) / (a.norm() * b.norm())


def cells_of(maps: Tensor) -> list[Tensor]:
    """Of one map `(D, H, W)`, row by row."""
    return [maps[:, row, column] for row in range(maps.shape[1]) for column in range(maps.shape[2])]


def literal_pix_pro(queries: Tensor, keys: Tensor, boxes: Tensor, threshold: float) -> Tensor:
    total = queries.new_zeros(())
    height, width = queries.shape[3:]
    for picture in range(queries.shape[1]):
        for one, two in ((0, 1), (1, 0)):
            near = matches(boxes[one, picture], boxes[two, picture], height, width, threshold)
            found, count = queries.new_zeros(()), 0
            for i, y in enumerate(cells_of(queries[one, picture])):
                for j, k in enumerate(cells_of(keys[two, picture])):
                    if near[i][j]:
                        found, count = found + cosine(y, k), count + 1
            total = total - 2 * found / (count + 1e-6)
    return total / queries.shape[1]


def literal_pix_contrast(queries: Tensor, keys: Tensor, boxes: Tensor, threshold: float, temperature: float) -> Tensor:
    pictures = []
    height, width = queries.shape[3:]
    for picture in range(queries.shape[1]):
        directions = []
        for one, two in ((0, 1), (1, 0)):
            near = matches(boxes[one, picture], boxes[two, picture], height, width, threshold)
            each = []
            for i, x in enumerate(cells_of(queries[one, picture])):
                if any(near[i]):
                    terms = [(cosine(x, k) / temperature).exp() for k in cells_of(keys[two, picture])]
                    positive = sum(term for term, match in zip(terms, near[i], strict=True) if match)
                    each.append(-torch.log(positive / sum(terms)))
            directions.append(torch.stack(each).mean() if each else queries.new_zeros(()))
        pictures.append(sum(directions) / 2)
    return torch.stack(pictures).mean()
