"""Pictures of data sets of the Hugging Face hub, and of such data sets saved in a local folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contrapose.data.images.columns import choose_columns
from contrapose.data.images.listing import Listing
from contrapose.data.images.request import Request
from contrapose.data.images.tables import row_names
from contrapose.data.shards.streaming import refuse_stream
from contrapose.data.tables.hub import kinds_of_dataset, labels_of_dataset, load_hub
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


def list_hub_dataset(dataset: Any, request: Request, *, origin: str, place: str | None = None) -> Listing:
    """The pictures of a `datasets.Dataset`.

    Arguments:
        origin: what to call it.
        place: what it is called on this machine; `None`: its fingerprint. Data sets that live in memory have
            a new one in every run: what is decoded from them is not kept on disk.
    """
    refuse_stream(dataset)
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
