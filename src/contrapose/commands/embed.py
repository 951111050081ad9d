"""`contrapose embed`: embeddings to a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.commands.embed_processes import command_of, device_of_worker
from contrapose.commands.embed_shards import embed_into, folder_to_write
from contrapose.commands.reading import Reading
from contrapose.commands.table_file import file_to_write, table_bytes
from contrapose.commands.unwritten import write_or_rescue
from contrapose.data import Samples, class_texts
from contrapose.data.labels import UNLABELLED
from contrapose.data.shards.names import names_tars
from contrapose.embedder import load
from contrapose.modalities import modality_of
from contrapose.optional import optional


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
        image_column, text_column, label_column, labels: as in `open_data` and `open_texts`; `None`: the columns of the
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
        run, image_column=image_column, text_column=text_column, label_column=label_column, labels=labels
    )
    how = {"cache": False} if parts and modality_of(encoder.encoder).name == "image" and names_tars(data) else {}
    samples = reading.open(encoder, data, limit=limit, progress=not quiet, **how)
    samples.notes = (*samples.notes, *modality_of(samples).read_by(encoder.encoder, samples))
    if parts:
        again = command_of({**given, "quiet": True, "out": str(path)}) if processes > 1 else []
        table = partial(_table, wide=False)
        sized: dict[str, Any] = {"shards": shards, "processes": processes, "again": again}
        return embed_into(path, encoder, samples, table, normalize=normalize, **sized)
    z = encoder.embed(samples, normalize=normalize)  # (N, D)
    write_or_rescue(path, WRITERS[path.suffix](samples, z), result=samples)
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


def _parquet(samples: Samples, z: np.ndarray) -> bytes:
    return table_bytes(_table(samples, z, wide=False), ".parquet")


def _csv(samples: Samples, z: np.ndarray) -> bytes:
    return table_bytes(_table(samples, z, wide=True), ".csv")


def _jsonl(samples: Samples, z: np.ndarray) -> bytes:
    return table_bytes(_table(samples, z, wide=False), ".jsonl")


def _npz(samples: Samples, z: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    arrays = {"embeddings": z, "identifiers": np.asarray(list(samples.identifiers))}
    if samples.labels is not None:
        arrays["labels"] = samples.labels
        if samples.class_names is not None:
            arrays["class_names"] = np.asarray(samples.class_names)
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _npy(samples: Samples, z: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, z, allow_pickle=False)
    return buffer.getvalue()


WRITERS: dict[str, Callable[[Samples, np.ndarray], bytes]] = {
    ".parquet": _parquet,
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".npz": _npz,
    ".npy": _npy,
}
