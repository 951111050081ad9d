"""Data sets of the Hugging Face hub, and such data sets saved in a local folder: loaded, their columns told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contrapose.data.labels import Labels, encode_labels
from contrapose.data.tables.columns import Kind
from contrapose.errors import ArgumentError, ContraposeError, DataError, did_you_mean
from contrapose.optional import optional


def load_hub(name: str) -> Any:
    """The `datasets.Dataset` that `OWNER/NAME[:SPLIT]` or `/local/folder[:SPLIT]` names; without a split: `train`.

    Errors:
        MissingExtraError: the `datasets` package is not installed.
        DataError: it cannot be loaded.
        ArgumentError: a split that does not exist.
    """
    datasets = optional("datasets", extra="hub")
    found, split = _split_name(name)
    try:
        if Path(found).is_dir():
            return _choose(datasets.load_from_disk(found), split, name)
        return datasets.load_dataset(found, split=split or "train")
    except ContraposeError:
        raise
    except Exception as error:  # network, authorisation, spelling: many types of as many packages
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"hub:{name} cannot be loaded ({reason}). Check the spelling OWNER/NAME:SPLIT and the "
            "connection, or give "
            "a folder that save_to_disk has written."
        ) from error


def kinds_of_dataset(dataset: Any) -> dict[str, Kind]:
    """What each column of a `datasets.Dataset` holds."""
    datasets = optional("datasets", extra="hub")
    return {name: _kind(datasets, feature) for name, feature in dataset.features.items()}


def _kind(datasets: Any, feature: Any) -> Kind:
    if isinstance(feature, datasets.Image):
        return "struct"
    if isinstance(feature, datasets.ClassLabel):
        return "whole"
    dtype = getattr(feature, "dtype", "")
    if "binary" in dtype:
        return "bytes"
    if "string" in dtype:
        return "text"
    if dtype == "bool" or "int" in dtype:
        return "whole"
    return "number" if "float" in dtype else "other"


def labels_of_dataset(dataset: Any, column: str, where: str) -> Labels | None:
    """The classes in a column of a `datasets.Dataset`, with the names that it has for them."""
    values = dataset.with_format(None)[column][:]  # all -1 where the labels of a test set are kept secret
    names = getattr(dataset.features[column], "names", None)
    return encode_labels(values, where=where, names=names)


def _split_name(name: str) -> tuple[str, str | None]:
    if Path(name).is_dir() or ":" not in name:
        return name, None
    found, _, split = name.rpartition(":")
    return found, split


def _choose(loaded: Any, split: str | None, name: str) -> Any:
    if not hasattr(loaded, "keys"):
        if split is not None:
            raise ArgumentError(f"hub:{name} has no splits: leave out ':{split}'.")
        return loaded
    wanted = split or "train"
    if wanted not in loaded:
        raise ArgumentError(f"hub:{name} has no split {wanted!r}.{did_you_mean(wanted, loaded.keys())}")
    return loaded[wanted]
