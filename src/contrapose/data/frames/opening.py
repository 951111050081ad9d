"""`open_frames`: whatever sequences the user has, as `Frames`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.data.frames.archives import dense, open_archive, open_array_file
from contrapose.data.frames.files import open_folder
from contrapose.data.frames.found import Found, FramesRequest, assemble
from contrapose.data.frames.frames import Frames
from contrapose.data.frames.lists import of_sequence, of_source
from contrapose.data.ragged import Ragged
from contrapose.data.tables.files import JSON_LINES, PARQUET, readable
from contrapose.data.tables.foreign import columns_of, is_column, is_frame, items_of
from contrapose.data.tables.held import is_many
from contrapose.data.tables.named import Ways, of_name
from contrapose.data.tables.sources import Source, of_columns, of_dataset, of_table
from contrapose.errors import ArgumentError, DataError
from contrapose.words import a_type, capital

NESTED = (*PARQUET, *JSON_LINES)


def open_frames(
    spec: Any,
    *,
    limit: int | None = None,
    labels: Any = None,
    label_column: str | None = None,
    number_column: str | None = None,
    frames_column: str | None = None,
    skeleton: str | None = None,
) -> Frames:
    """Open sequences of frames of any length: joints of a body `(T, J, C)`, or plain channels `(T, C)`.

    Empty sequences, those of nothing but zeros and those with much missing are skipped, with the reason; a number that
    is missing for a moment is filled in time, and a note says so.

    Arguments:
        spec: one of the following.
            A `.npz` archive: frames of all sequences one after another, `(S, J, C)` or `(S, C)`, beside an array of
            pointers `(N + 1,)` called so (`frame_ptr`, `pointers`, `offsets`) or of lengths `(N,)` (`lengths`); or
            `(N, T, ...)`. Arrays `(N,)` besides are labels, numbers, and targets of their own names.
            A `.npy` file `(N, T, J, C)` or `(N, T, C)`. It and archives that are not compressed are mapped, not read.
            A folder of `.npy` files, a sequence each: classes from its sub-folders.
            A `.parquet` or `.jsonl` table with a column of nested lists; a pattern of the parts of a parquet.
            `"hub:OWNER/NAME[:SPLIT]"`, or `"hub:FOLDER[:SPLIT]"` as `datasets` saves it.
            From Python: a list of arrays, tensors or nested lists; an array or tensor of sequences of one length; a
            frame of pandas, polars or pyarrow; a dictionary of columns; a `datasets.Dataset`; `Ragged` or `Frames`.
        limit: at most so many, evenly spaced over all, so that sorted classes keep their shares.
        labels: `None` or `"auto"`: those that the data has; `False` or `"none"`: none; a sequence: one each, in which
            -1, `None` and NaN mean "not labelled".
        label_column: the column or array of classes; `None`: one with a usual name (label, class, action, ...).
        number_column: the column or array with a number of each sequence that is to be predicted.
        frames_column: the column or array with the sequences; `None`: the one that looks so.
        skeleton: which joint hangs on which: `"kinect"`, `"msr-action3d"` (20 joints), `"ntu"` (25), or `"none"`.
            `None` or `"auto"`: the one of these that the joints look like.

    Errors:
        DataError: it is not there, cannot be read, or holds no sequences; the text says what to do.
        ArgumentError: an option that makes no sense or names something that does not exist.
        MissingExtraError: tables need the extra `tables`, the hub the extra `hub`.
    """
    request = FramesRequest(
        limit=limit,
        labels=labels,
        label_column=label_column,
        number_column=number_column,
        frames_column=frames_column,
        skeleton=skeleton,
    )
    if isinstance(spec, Frames):
        return request.again(spec)
    named = isinstance(spec, str | os.PathLike)
    return assemble(_of_name(os.fspath(spec), request) if named else _of_object(spec, request), request)


def _of_name(name: str, request: FramesRequest) -> Found:
    ways = Ways(
        source=lambda source: _of_source(source, request),
        file=lambda path: _of_file(path, request),
        folder=open_folder,
        pattern=lambda paths: _of_pattern(paths, request),
        usual="a file of sequences (.npz, .npy, .parquet, .jsonl) or a folder of .npy files",
    )
    return of_name(name, ways)


def _of_file(path: Path, request: FramesRequest) -> Found:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return open_archive(path, request)
    if suffix == ".npy":
        return open_array_file(path, request)
    if suffix in NESTED:
        return _of_source(of_table([path]), request)
    known = " ".join((".npz", ".npy", *NESTED))
    raise DataError(
        f"{path} is no file of sequences that is known ({suffix or 'no suffix'}). Known: folders of .npy, and {known}."
    )


def _of_pattern(paths: Sequence[Path], request: FramesRequest) -> Found:
    if paths[0].suffix.lower() not in PARQUET:
        raise DataError(
            f"A pattern of {paths[0]}, ... cannot be read as one: give their folder, or a pattern of .parquet files."
        )
    return _of_source(of_table(paths), request)


def _of_source(source: Source, request: FramesRequest) -> Found:
    with readable(source.origin):
        return of_source(source, request)


def _of_object(spec: Any, request: FramesRequest) -> Found:
    """What was handed over in Python."""
    kind = a_type(spec)
    if isinstance(spec, Ragged):
        return Found(sequences=spec, where=kind, origin="sequences in memory")
    if hasattr(spec, "cast_column") and hasattr(spec, "features"):  # datasets.Dataset, without importing it
        return of_source(of_dataset(spec, "a hub data set"), request)
    if is_frame(spec):
        return of_source(of_columns(columns_of(spec), kind), request)
    if isinstance(spec, Mapping) and spec and all(is_many(values) for values in spec.values()):
        return of_source(of_columns({str(name): spec[name] for name in spec}, kind), request)
    if hasattr(spec, "detach"):
        spec = spec.detach().cpu().numpy()
    if is_column(spec):
        spec = items_of(spec)
    if isinstance(spec, np.ndarray) and spec.dtype.kind != "O":
        if spec.ndim == 2:
            raise DataError(
                f"An array of shape {spec.shape} is one sequence of plain channels, (T, channels): give a list of them."
            )
        return Found(sequences=dense(spec, kind), where=kind, origin=f"{kind} of sequences")
    if isinstance(spec, list | tuple | np.ndarray):
        if not len(spec):
            raise DataError(f"{capital(kind)} without items holds no sequences.")
        if isinstance(spec, list | tuple) and all(isinstance(row, Mapping) for row in spec):
            names = dict.fromkeys(str(name) for row in spec for name in row)
            return of_source(of_columns({name: [row.get(name) for row in spec] for name in names}, kind), request)
        return of_sequence(list(spec), kind)
    raise ArgumentError(
        f"{capital(kind)} holds no sequences: give a list of arrays (T, joints, channels) or (T, channels), the name "
        "of a file or folder, or a frame."
    )
