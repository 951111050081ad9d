"""What `X` and `y` are: a table or pictures (texts: `kinds.py`), and class numbers."""

from __future__ import annotations

import os
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from contrapose.data import Images, Samples, open_data
from contrapose.data.labels import UNLABELLED, encode_labels
from contrapose.data.samples import LABEL, NUMBER
from contrapose.data.tables.columns import PICTURE_NAMES
from contrapose.data.tables.foreign import columns_of, is_column, is_frame, is_missing, items_of
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import METHODS

S = TypeVar("S", bound=Samples)


def is_pictures(X: Any) -> bool:
    """Whether `X` holds pictures: an array of 3 or 4 axes, `Images`, a list of paths, Pillow images or
    arrays, or a frame with a column of these.
    """
    if isinstance(X, Images) or _has_pictures(X):
        return True
    X = plain(X)
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
    images = open_data(plain(X), labels=False, cache=False, progress=False, **options)
    if images.skipped:
        worst = images.skipped[0]
        raise DataError(
            f"{len(images.skipped)} pictures cannot be read, the first is {worst.path} ({worst.reason}). "
            "Take them out of X and y."
        )
    return images


def class_numbers(y: Any, samples: int, method: str) -> Tensor:
    """Classes of any kind as numbers 0, 1, ...; -1 and missing values are -1, which means "not labelled".

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
    y = column_or_1d(check_array(_known(y), ensure_2d=False, dtype=None, input_name="y"), warn=True)  # (N,)
    if len(y) != samples:
        raise ArgumentError(f"X has {samples} samples and y has {len(y)}: give one label for each sample.")
    check_classification_targets(y)
    labels = encode_labels(y, where="y")
    if labels is None:
        return torch.full((samples,), UNLABELLED)
    numbers = np.unique(np.append(labels.numbers, UNLABELLED), return_inverse=True)[1][:-1] - 1  # counted from 0
    return torch.from_numpy(numbers.astype(np.int64))


def numbers(y: Any, samples: int, method: str) -> np.ndarray:
    """The number of each sample as `(N,)` float64; NaN where it is not known.

    Errors:
        ArgumentError: none was given, or not one a sample.
        ValueError: scikit-learn's, where `y` is no number.
    """
    from sklearn.utils import check_array, column_or_1d

    if y is None:
        raise ArgumentError(
            f"ContrastiveEncoder requires y to be passed, but the target y is None: method {method!r} learns from a "
            "number of each sample. Give fit(X, y), or choose a method without targets such as 'simclr'."
        )
    values = check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite="allow-nan", input_name="y")
    values = column_or_1d(values, warn=True)  # (N,)
    if len(values) != samples:
        raise ArgumentError(f"X has {samples} samples and y has {len(values)}: give one number for each sample.")
    return values


def with_targets(data: S, y: Any, method: str) -> S:
    """The samples with what a method learns from besides: classes, or a number of each."""
    wanted = METHODS[method].about.needs_targets
    if LABEL in wanted:
        data = data.with_labels(class_numbers(y, len(data), method).numpy())  # (N,)
    if NUMBER in wanted:
        data = data.with_target(NUMBER, numbers(y, len(data), method))  # (N,)
    return data


def _known(y: Any) -> Any:
    """`y` by position, with `UNLABELLED` or `""` for what is missing, which scikit-learn would refuse."""
    if is_column(y):
        y = items_of(y)
    values = np.asarray(y, dtype=object) if isinstance(y, list | tuple) else np.asarray(y)
    if values.dtype.kind not in "Of" or values.ndim != 1:
        return y
    absent = np.fromiter((is_missing(value) for value in values), bool, len(values))  # (N,)
    if not absent.any():
        return y
    texts = any(isinstance(value, str) for value in values)
    filled = np.where(absent, "" if texts else UNLABELLED, values)
    return filled.astype(str) if texts else np.asarray(filled.tolist())


def _has_pictures(X: Any) -> bool:
    """Whether `X` is a frame with a column that is called, and filled, as pictures are."""
    if not is_frame(X) or len(X) == 0:
        return False
    named = (items_of(column[:1]) for name, column in columns_of(X).items() if name.lower() in PICTURE_NAMES)
    return any(isinstance(first, str | os.PathLike | bytes | Image.Image) for (first,) in named)


def plain(X: Any) -> Any:
    """A column of paths or texts (a series, an array of str, or an array of one such column) as a list; else itself."""
    if is_column(X):
        X = items_of(X)
    if isinstance(X, np.ndarray) and X.dtype.kind in "OU" and (X.ndim == 1 or (X.ndim == 2 and X.shape[1] == 1)):
        return X.reshape(-1).tolist()
    return X
