"""`contrapose embed`: embeddings to a file."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from contrapose.commands.embed_processes import command_of, device_of_worker
from contrapose.commands.embed_shards import embed_into, folder_to_write
from contrapose.commands.reading import Reading
from contrapose.commands.table_file import file_to_write, table_bytes
from contrapose.commands.unwritten import Rescued, write_or_rescue
from contrapose.data import Samples, class_texts
from contrapose.data.labels import UNLABELLED
from contrapose.data.shards.names import names_tars
from contrapose.embedder import load
from contrapose.modalities import modality_of
from contrapose.optional import optional

Parts = Iterator[np.ndarray]
"""Embeddings of the samples, in order, `(n, D)` each."""


def embed(
    run: str | Path,
    data: Any,
    *,
    out: str | Path,
    normalize: bool = False,
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    user_column: str | None = None,
    item_column: str | None = None,
    time_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    device: str = "cpu",
    shards: int | None = None,
    processes: int = 1,
    quiet: bool = False,
) -> Samples:
    """Embed `data` with a run's encoder and write one row a sample.

    Arguments:
        run: run folder, or that of a stage in it, or encoder folder.
        data: what `--data` takes, or arrays.
        out: `.parquet` or `.jsonl` (columns identifier, label where known, embedding), `.csv` (one column a dimension),
            `.npz` (arrays embeddings, identifiers, labels, class_names) or `.npy` (embeddings alone). In tables a label
            is the class's name (its number where it has no name), and empty where there is none. In `.npz` it is a
            number, -1 where there is none, and `class_names[label]` the name; two data sets number their classes
            apart, so compare names. Without an ending: a folder of parquet parts, in the order of the data, in which
            what is there is not made again after a kill (`embed_shards`).
        normalize: divide each embedding by its length.
        white: the value that is white in pictures deeper than 8 bits. None: as the encoder keeps it.
        image_column, text_column, user_column, item_column, time_column, label_column,
            labels: as in `open_data` and `open_texts`; `None`: the columns of the
            run's own data where `data` has such, else those with usual names.
        shards: how many parts the folder `out` gets; `None`: one for every 50,000 samples.
        processes: how many embed parts of it side by side; those of torchrun share them, too.

    Returns the data as read, with what was skipped.

    Errors:
        ArgumentError: an ending that is not one of these, or one where parts are asked for.
        RunError: the folder holds embeddings of other things.
        MissingExtraError: `.parquet`, `.csv` or `.jsonl` without the `tables` extra.
    """
    given = dict(locals())
    parts = shards is not None or processes > 1 or not Path(out).suffix
    path = folder_to_write(out, WRITERS, shards, processes) if parts else file_to_write(out, WRITERS, data)
    encoder = load(run, device=device_of_worker(device), white=white)
    reading = Reading.of(
        run,
        image_column=image_column,
        text_column=text_column,
        user_column=user_column,
        item_column=item_column,
        time_column=time_column,
        label_column=label_column,
        labels=labels,
    )
    how = {"cache": False} if parts and modality_of(encoder.encoder).name == "image" and names_tars(data) else {}
    samples = reading.open(encoder, data, limit=limit, progress=not quiet, **how)
    samples.notes = (*samples.notes, *modality_of(encoder.encoder).read_by(encoder.encoder, samples))
    if parts:
        again = command_of({**given, "quiet": True, "out": str(path)}) if processes > 1 else []
        table = partial(_table, wide=False)
        sized: dict[str, Any] = {"shards": shards, "processes": processes, "again": again}
        return embed_into(path, encoder, samples, table, normalize=normalize, **sized)
    rows = encoder.embed_in_parts(samples, normalize=normalize)
    write_or_rescue(path, partial(WRITERS[path.suffix], samples, rows), result=samples)
    return samples


def _table(samples: Samples, z: np.ndarray, *, wide: bool) -> Any:
    polars = optional("polars", extra="tables")
    columns: dict[str, Any] = {"identifier": list(samples.identifiers)}
    if samples.labels is not None:
        texts = class_texts(samples)
        numbers = [None if label == UNLABELLED else label for label in samples.labels.tolist()]
        columns["label"] = numbers if samples.class_names is None else texts
    if wide:
        columns |= {f"e{d}": z[:, d] for d in range(z.shape[1])}
    else:
        columns["embedding"] = polars.Series(values=z, dtype=polars.Array(polars.Float32, z.shape[1]))
    return polars.DataFrame(columns)


def _parquet(samples: Samples, parts: Parts, file: Rescued) -> None:
    file.write(table_bytes(_table(samples, np.concatenate(list(parts)), wide=False), ".parquet"))


def _csv(samples: Samples, parts: Parts, file: Rescued) -> None:
    for number, (some, z) in enumerate(_beside(samples, parts)):
        content = table_bytes(_table(some, z, wide=True), ".csv")
        file.write(content.partition(b"\n")[2] if number else content)  # one line of names


def _jsonl(samples: Samples, parts: Parts, file: Rescued) -> None:
    for some, z in _beside(samples, parts):
        file.write(table_bytes(_table(some, z, wide=False), ".jsonl"))


def _npz(samples: Samples, parts: Parts, file: Rescued) -> None:
    """What `np.savez` writes, the embeddings part by part."""
    arrays = {"identifiers": np.asarray(list(samples.identifiers))}
    if samples.labels is not None:
        arrays["labels"] = samples.labels
        if samples.class_names is not None:
            arrays["class_names"] = np.asarray(samples.class_names)
    with zipfile.ZipFile(cast("IO[bytes]", file), "w") as archive:
        with archive.open("embeddings.npy", "w", force_zip64=True) as member:
            _rows(samples, parts, member)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _npy(samples: Samples, parts: Parts, file: Rescued) -> None:
    _rows(samples, parts, file)


def _rows(samples: Samples, parts: Parts, file: Any) -> None:
    """An array of all parts, in numpy's format."""
    begun = False
    for z in parts:
        if not begun:
            form = {"descr": "<f4", "fortran_order": False, "shape": (len(samples), z.shape[1])}
            np.lib.format.write_array_header_1_0(file, form)
        begun = True
        file.write(np.ascontiguousarray(z, dtype="<f4").data.cast("B"))


def _beside(samples: Samples, parts: Parts) -> Iterator[tuple[Samples, np.ndarray]]:
    """The samples of each part, with their embeddings."""
    start = 0
    for z in parts:
        yield samples.subset(np.arange(start, start + len(z))), z
        start += len(z)


WRITERS: dict[str, Callable[[Samples, Parts, Rescued], None]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".npz": _npz,
    ".npy": _npy,
}
