"""Data sets of the Hugging Face hub, and such data sets saved in a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contrapose.data.columns import Kind, choose_columns
from contrapose.data.labels import Labels, encode_labels
from contrapose.data.listing import Listing
from contrapose.data.request import Request
from contrapose.data.tables import row_names
from contrapose.errors import ArgumentError, ContraposeError, DataError, did_you_mean
from contrapose.optional import optional

BLOCK = 256  # rows read at a time: one by one is several times slower


def list_hub(name: str, request: Request) -> Listing:
    """The pictures of `OWNER/NAME[:SPLIT]` on the hub, or of `/local/folder[:SPLIT]` as `save_to_disk` leaves
    it.

    Without a split: `train`.

    Errors:
        MissingExtraError: the `datasets` package is not installed.
        DataError: it cannot be loaded or has no pictures.
        ArgumentError: a split or column that does not exist.
    """
    return list_hub_dataset(load_hub(name), request, origin=f"hub:{name}", place=f"hub:{name}")


def load_hub(name: str) -> Any:
    """The `datasets.Dataset` that `OWNER/NAME[:SPLIT]` or `/local/folder[:SPLIT]` names; see `list_hub`."""
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


def list_hub_dataset(dataset: Any, request: Request, *, origin: str, place: str | None = None) -> Listing:
    """The pictures of a `datasets.Dataset`.

    Arguments:
        origin: what to call it.
        place: what it is called on this machine; `None`: its fingerprint. Data sets that live in memory have
            a new one in every run: what is decoded from them is not kept on disk.
    """
    datasets = optional("datasets", extra="hub")
    fingerprint = str(dataset._fingerprint)  # of the rows as they are now: casting makes another one
    place, kept = place or fingerprint, bool(dataset.cache_files)
    columns = choose_columns(kinds_of_dataset(dataset), request, origin=origin)
    labels = None
    if columns.label is not None:
        labels = labels_of_dataset(dataset, columns.label, f"column {columns.label!r} of {origin}")
    names: list[str | None] = []
    if columns.kind == "struct":  # as stored: decoding is done here, at the working size
        names = _file_names(dataset, columns.picture)
        dataset = dataset.cast_column(columns.picture, datasets.Image(decode=False))
    return Listing(
        pictures=_HubPictures(dataset.with_format(None).select_columns([columns.picture]), columns.picture),
        identifiers=row_names(names, len(dataset)),
        labels=labels,
        origin=origin,
        place=f"{place}#{columns.picture}" if kept else None,
        stamps=[(f"{fingerprint}#{columns.picture}", len(dataset), 0, 0)] if kept else (),
        within=[file["filename"] for file in dataset.cache_files],  # one saved anew may keep its fingerprint
        notes=(columns.noted(labels),),
    )


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


def _file_names(dataset: Any, column: str) -> list[str | None]:
    """The file that each picture came from, without a look at the pictures; none at all where that is not known."""
    try:
        stored = dataset.data.column(column)
        names = [name for chunk in stored.chunks for name in chunk.field("path").to_pylist()]
        indices = dataset._indices  # of a data set that was shuffled or cut: the rows that it shows
        return names if indices is None else [names[row] for row in indices.column(0).to_pylist()]
    except (AttributeError, KeyError, IndexError, TypeError):
        return []


class _HubPictures(Sequence[Any]):
    """A column of pictures, read block by block."""

    def __init__(self, dataset: Any, column: str) -> None:
        self.dataset = dataset
        self.column = column
        self.current: tuple[int, list[Any]] | None = None

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, row: Any) -> Any:
        block = int(row) // BLOCK
        if self.current is None or self.current[0] != block:
            self.current = block, self.dataset[block * BLOCK : (block + 1) * BLOCK][self.column]
        value = self.current[1][int(row) % BLOCK]
        if not isinstance(value, dict):
            return value
        return value["path"] if value["bytes"] is None else value["bytes"]
