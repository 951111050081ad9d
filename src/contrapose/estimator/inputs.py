"""What `X` and `y` are: a table or pictures, and class numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from contrapose.data import Images, open_data
from contrapose.errors import ArgumentError, DataError


@dataclass(frozen=True)
class Rows:
    """A table in memory, with the interface that the loop knows from `Images`.

    Shapes:
        values: `(N, F)` float32.
    """

    values: Tensor

    def __len__(self) -> int:
        return len(self.values)

    def batch(self, indices: Tensor) -> Float[Tensor, "B F"]:
        """The rows of these numbers, in this order."""
        return self.values[indices]  # (B, F)


def is_pictures(X: Any) -> bool:
    """Whether `X` holds pictures: an array of 3 or 4 axes, `Images`, or a list of paths, Pillow images or arrays."""
    if isinstance(X, Images):
        return True
    X = _plain(X)
    if isinstance(X, np.ndarray | Tensor):
        return X.ndim in (3, 4)
    if not isinstance(X, list | tuple) or len(X) == 0:
        return False
    first = X[0]
    if isinstance(first, np.ndarray | Tensor):
        return first.ndim in (2, 3)
    return isinstance(first, str | os.PathLike | Image.Image)


def open_pictures(X: Any, **options: Any) -> Images:
    """`X` as pictures, one for each sample.

    Arguments:
        options: of `open_data`.

    Errors:
        DataError: nothing can be read, or not everything: a transformer gives a row for each sample, so that none may
            be left out.
    """
    images = open_data(_plain(X), labels=False, cache=False, progress=False, **options)
    if images.skipped:
        worst = images.skipped[0]
        raise DataError(
            f"{len(images.skipped)} pictures cannot be read, the first is {worst.path} ({worst.reason}). "
            "Take them out of X and y."
        )
    return images


def class_numbers(y: Any, samples: int, method: str) -> Tensor:
    """Classes of any kind as numbers 0, 1, ...; the number -1 stays, and means "not labelled".

    Shapes:
        y: `(N,)` or `(N, 1)`; returns `(N,)` int64.

    Errors:
        ArgumentError: no `y`, or another number of samples.
        ValueError: scikit-learn's, where `y` is continuous or has more than one column.
    """
    from sklearn.utils import check_array, column_or_1d
    from sklearn.utils.multiclass import check_classification_targets

    if y is None:
        raise ArgumentError(
            f"ContrastiveEncoder requires y to be passed, but the target y is None: method {method!r} learns from "
            "labels. Give fit(X, y), or choose a method without labels such as 'mmcl'."
        )
    y = column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)  # (N,)
    if len(y) != samples:
        raise ArgumentError(f"X has {samples} samples and y has {len(y)}: give one label for each sample.")
    check_classification_targets(y)
    names, numbers = np.unique(y, return_inverse=True)  # (classes,), (N,)
    if names.dtype.kind in "if" and names[0] == -1:
        numbers = numbers - 1  # it sorts first (classes are counted from 0)
    return torch.from_numpy(numbers.astype(np.int64))


def _plain(X: Any) -> Any:
    """A column of paths (a series, or an array of text) as a list; everything else as it is."""
    if getattr(X, "ndim", None) == 1:
        X = X.to_numpy() if hasattr(X, "to_numpy") else X
        if isinstance(X, np.ndarray) and X.dtype.kind in "OU":
            return X.tolist()
    return X
