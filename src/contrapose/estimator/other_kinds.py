"""Kinds of data beside tables, pictures and texts, as their descriptors open, encode and vary them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.data import Samples, kind_of
from contrapose.encoders import Encoder
from contrapose.errors import DataError
from contrapose.modalities import MODALITIES

OTHERS = ("graph", "frames", "items")
"""Lists of these are told from tables; samples of any further kind have to be opened first."""
BESIDE = ("rows", "image", "text")


def other_kind(X: Any, fitted: str | None = None) -> str | None:
    """The kind of `X`, where it is none of the three that come as arrays, files or words.

    Arguments:
        fitted: the kind that an encoder was fitted on: lists that are as long as each other may then be histories of
            items, where else they are rows of a table.
    """
    if isinstance(X, Samples):
        return None if X.modality in BESIDE else X.modality
    if not isinstance(X, list | tuple) or len(X) == 0 or isinstance(X[0], str):
        return None
    if fitted == "items" and all(isinstance(one, list | tuple) for one in X):
        return fitted
    found = kind_of(X)
    return found if found in OTHERS else None


def open_other(X: Any, kind: str, encoder: Encoder | None = None) -> Samples:
    """`X` as samples of this kind, one for each, in the form of an encoder where there is one.

    Errors:
        DataError: not everything can be used: a transformer gives a row for each sample, so that none may be left out.
    """
    modality = MODALITIES[kind]
    samples = modality.open(X, labels=False) if encoder is None else modality.open_for(encoder, X, labels=False)
    if samples.skipped:
        worst = samples.skipped[0]
        raise DataError(
            f"{len(samples.skipped)} {modality.plural} cannot be used, the first is {worst.path} ({worst.reason}). "
            "Take them out of X and y."
        )
    return samples


def untrained_other(samples: Samples, config: Any, options: Mapping[str, Any]) -> Encoder:
    """A new encoder, fitted to the samples."""
    return MODALITIES[samples.modality].encoder(_WithArguments(config, options), samples)


class _WithArguments:
    """A configuration whose encoder has arguments of its own."""

    def __init__(self, config: Any, arguments: Mapping[str, Any]) -> None:
        self._config, self.encoder_arguments = config, {**config.encoder_arguments, **arguments}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)
