"""Sequences in the files of numpy: one long array with pointers, or an array with one length for all."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from contrapose.data.files.names import expanded
from contrapose.data.frames.described import described
from contrapose.data.frames.found import COORDINATES, LABELS, Found, FramesRequest
from contrapose.data.images.arrays import NAME_KEYS
from contrapose.data.labels import encode_labels
from contrapose.data.ragged import Ragged
from contrapose.data.tables.columns import asked_column
from contrapose.data.tables.sources import Source, of_columns
from contrapose.errors import ArgumentError, ContraposeError, DataError
from contrapose.words import counted

POINTERS = re.compile(r"(.*[_.-])?(ptr|indptr|pointers?|offsets?)", re.IGNORECASE)
LENGTHS = re.compile(r"(.*[_.-])?(lengths?|lens?|n_?frames|num_?frames)", re.IGNORECASE)
USUAL = ("frames", "sequences", "joints", "skeletons", "values", "series", "data", "x")
IDENTIFIERS = ("id", "ids", "identifier", "identifiers", "name", "file", "filename")
PICKLED = "Save one array of all frames and the place where each sequence begins: numpy.savez('sequences.npz', "
PICKLED += "frames=numpy.concatenate(sequences), frame_ptr=numpy.cumsum([0, *map(len, sequences)]), label=labels)."

Header = tuple[tuple[int, ...], np.dtype[Any]]


def headers_of(path: Path) -> dict[str, Header]:
    """Shape and type of every array of an archive, of which nothing else is read.

    Errors:
        OSError, ValueError, zipfile.BadZipFile: no archive of numpy.
    """
    found: dict[str, Header] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as file:
                version = npy.read_magic(file)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(file)
                found[name.removesuffix(".npy")] = (shape, dtype)
    return found


def pointer_of(headers: Mapping[str, Header]) -> str | None:
    """The array that says where each sequence begins, by its name; None where there is none, or more of them."""
    found = [
        name
        for name, (shape, dtype) in headers.items()
        if POINTERS.fullmatch(name) and len(shape) == 1 and shape[0] > 1 and dtype.kind in "iu"
    ]
    return found[0] if len(found) == 1 else None


def open_archive(path: Path, request: FramesRequest) -> Found:
    """A `.npz` archive: frames of all sequences with pointers, or an array of sequences of one length; arrays of one
    entry a sequence are labels, numbers and further targets.

    Errors:
        DataError: damaged, pickled, or nothing in it that could be sequences; pointers that do not fit.
        ArgumentError: an array that does not exist.
    """
    try:
        headers = headers_of(path)
        pickled = [name for name, (_, dtype) in headers.items() if dtype.hasobject]
        if request.frames_column in pickled or (pickled and not _able(headers)):
            raise DataError(f"{path} holds Python objects ({', '.join(pickled)}), which could run any code. {PICKLED}")
        with np.load(path, allow_pickle=False) as archive:
            plain = {name: archive[name] for name in headers if len(headers[name][0]) == 1 and name not in pickled}
            chosen = _chosen(path, headers, request.frames_column)
            values = _mapped(path, chosen)
            return _of_arrays(archive[chosen] if values is None else values, plain, chosen, headers, path, request)
    except (PermissionError, ContraposeError):
        raise  # not damaged
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise DataError(f"{path} is damaged or no archive of numpy ({error}).") from error


def open_array_file(path: Path, request: FramesRequest) -> Found:
    """A `.npy` file `(N, T, J, C)` or `(N, T, C)`, mapped rather than read.

    Errors:
        DataError: damaged, pickled, or of another shape.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except PermissionError:
        raise
    except (EOFError, OSError) as error:
        raise DataError(f"{path} is damaged or no file of numpy ({error}).") from error
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}). {PICKLED}") from error
    return Found(sequences=dense(array, str(path)), where=str(path), origin=str(path))


def sequence_file(name: str | os.PathLike[str], ndim: int) -> tuple[Path, np.ndarray] | None:
    """A `.npy` file of one sequence, as a folder of sequences holds them: its path, and an array of `ndim` axes; None
    where it is something else."""
    path = expanded(name)
    if path.suffix.lower() != ".npy" or not path.is_file():
        return None
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (EOFError, OSError, ValueError):
        return None  # opening it will say
    return (path, array) if array.ndim == ndim else None


def dense(array: np.ndarray, where: str, lengths: np.ndarray | None = None) -> Ragged:
    """`(N, T, J, C)` or `(N, T, C)` as sequences; of a padded one the first `lengths` frames of each.

    Errors:
        DataError: another shape, or lengths that do not fit.
    """
    if array.ndim == 5:
        raise DataError(
            f"{where} of shape {array.shape} looks like (N, coordinates, T, joints, persons): give (N, T, joints, "
            "coordinates), values.transpose(0, 2, 4, 3, 1).reshape(N, T, -1, coordinates)."
        )
    if array.ndim not in (3, 4) or 0 in array.shape or array.dtype.kind not in "fiu":
        raise DataError(
            f"{where} holds {array.dtype} of shape {array.shape}, and sequences of one length are numbers of shape (N, "
            "T, joints, channels) or (N, T, channels). Those of several lengths: one array of all frames beside "
            "pointers (frame_ptr), or a list of arrays."
        )
    if array.ndim == 4 and array.shape[1] in COORDINATES and array.shape[3] > max(COORDINATES):
        raise DataError(
            f"{where} of shape {array.shape} looks like (N, coordinates, T, joints): give (N, T, joints, coordinates), "
            "values.transpose(0, 2, 3, 1)."
        )
    count, time = array.shape[:2]
    flat = array.reshape(count * time, *array.shape[2:])  # (N·T, ...), still a map of one
    if lengths is None:
        return Ragged(flat, np.arange(count + 1) * time)
    if lengths.min() < 0 or lengths.max() > time:
        raise DataError(
            f"The lengths in {where} go from {lengths.min()} to {lengths.max()}, and there are {time} frames."
        )
    return Ragged(flat[(np.arange(time) < lengths[:, None]).reshape(-1)], np.concatenate([[0], np.cumsum(lengths)]))


def _chosen(path: Path, headers: Mapping[str, Header], asked: str | None) -> str:
    """The array with the sequences."""
    asked_column(dict.fromkeys(headers, "other"), asked, str(path))
    if asked is not None:
        return asked
    able = _able(headers)
    usual = {name.lower(): name for name in able}
    chosen = next((usual[name] for name in USUAL if name in usual), able[0] if len(able) == 1 else None)
    if chosen is None:
        shown = ", ".join(f"{name} {shape}" for name, (shape, _) in headers.items()) or "none"
        raise DataError(
            f"{path} has no one array of sequences: its arrays are {shown}. Give frames of all sequences, (S, joints, "
            "channels) or (S, channels), beside frame_ptr (N + 1,); or (N, T, ...) of one length. frames_column= "
            "(--frames-column) names the array."
        )
    return chosen


def _able(headers: Mapping[str, Header]) -> list[str]:
    """The arrays that could be sequences."""
    ragged = pointer_of(headers) is not None or any(LENGTHS.fullmatch(name) for name in headers)
    ndims = (2, 3, 4) if ragged else (3, 4)
    return [name for name, (shape, dtype) in headers.items() if len(shape) in ndims and dtype.kind in "fiu"]


def _of_arrays(
    values: np.ndarray,
    plain: dict[str, np.ndarray],
    chosen: str,
    headers: Mapping[str, Header],
    path: Path,
    request: FramesRequest,
) -> Found:
    where, pointer = f"array {chosen!r} of {path}", pointer_of(headers)
    lengths = [name for name, array in plain.items() if LENGTHS.fullmatch(name) and array.dtype.kind in "iu"]
    if pointer is not None and values.ndim in (2, 3):
        sequences = _by_pointers(values, plain.pop(pointer), f"{where}, {pointer!r}")
    elif lengths and values.ndim in (2, 3) and plain[lengths[0]].sum() == len(values):
        sequences = _by_pointers(values, np.cumsum([0, *plain.pop(lengths[0])]), where)
    else:
        padded = plain.pop(lengths[0]) if lengths and len(plain[lengths[0]]) == len(values) else None
        sequences = dense(values, where, padded)
    count = len(sequences)
    _check_labels(plain, count, where, str(path))
    beside = {name: array for name, array in plain.items() if len(array) == count}
    names = next((plain[name].tolist() for name in NAME_KEYS if name in plain and len(plain[name]) != count), None)
    identifiers = next((beside.pop(name) for name in IDENTIFIERS if name in beside and _are_names(beside[name])), None)
    return Found(
        sequences=sequences,
        where=where,
        origin=str(path),
        identifiers=None if identifiers is None else identifiers.tolist(),
        **described(_source(beside, names, str(path)) if beside else None, request, str(path)),
    )


def _check_labels(plain: Mapping[str, np.ndarray], count: int, where: str, origin: str) -> None:
    """Refuse labels that are not one a sequence: to pass them by would look like data without any."""
    for name, array in plain.items():
        if name.lower() in LABELS and len(array) != count:
            raise DataError(
                f"{origin} has {counted(len(array), 'entry', 'entries')} in {name!r} for {counted(count, 'sequence')} "
                f"in {where}: give one for each, or leave {name!r} out."
            )


def _source(arrays: Mapping[str, np.ndarray], names: list[str] | None, origin: str) -> Source:
    """Arrays of one entry a sequence as the columns of a table; `names` are of the classes 0, 1, ..."""
    source = of_columns(arrays, origin)

    def labels(name: str, where: str) -> Any:
        return encode_labels(arrays[name], where=where, names=names if arrays[name].dtype.kind in "iuf" else None)

    return Source(source.kinds, source.read, labels, source.count, origin)


def _by_pointers(values: np.ndarray, pointers: np.ndarray, where: str) -> Ragged:
    try:
        return Ragged(values, pointers)
    except ArgumentError as error:
        ends = pointers.ndim == 1 and len(pointers) and pointers[0] == 0 and pointers[-1] < len(values)
        starts = ends and (np.diff(pointers) > 0).all()
        hint = f" Where they are the beginnings alone, put {len(values)} behind them." if starts else ""
        raise DataError(f"{where}: {error}{hint}") from None


def _are_names(array: np.ndarray) -> bool:
    return array.dtype.kind == "U" and len(np.unique(array)) == len(array)


def _mapped(path: Path, name: str) -> np.ndarray | None:
    """An array of an archive as a map of the file, where it was not compressed (`numpy.savez`); else None."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy") if f"{name}.npy" in archive.namelist() else None
    if member is None or member.compress_type != zipfile.ZIP_STORED:
        return None
    with path.open("rb") as file:
        file.seek(member.header_offset)
        head = file.read(30)  # of the file in the archive: its name and more stand behind it
        file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), 1)
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
        place = file.tell()
    if dtype.hasobject or 0 in shape:
        return None
    return np.memmap(path, dtype, "r", place, shape, "F" if fortran else "C")
