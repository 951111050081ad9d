"""`open_data`: whatever the user has, as `Images`."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, MappingView
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from contrapose.data.files.known_sets import MADE_BY_NAME, refuse_known_set
from contrapose.data.files.names import expanded, missing, printable
from contrapose.data.files.walk import SUFFIXES
from contrapose.data.images import tables
from contrapose.data.images.arrays import open_array, open_array_file
from contrapose.data.images.assembly import decode_listing, refitted
from contrapose.data.images.folders import list_folder, list_glob
from contrapose.data.images.frames import open_frame, open_mapping
from contrapose.data.images.hub import list_hub, list_hub_dataset
from contrapose.data.images.images import Images
from contrapose.data.images.listing import Listing
from contrapose.data.images.made.naming import open_made
from contrapose.data.images.objects import holds_paths, open_dataset, open_paths_array, open_sequence, to_array
from contrapose.data.images.omniglot import omniglot
from contrapose.data.images.request import Request
from contrapose.data.kinds import PLAIN_TEXT
from contrapose.data.labelled import with_unlabelled_note
from contrapose.data.shards.names import TAR, shard_paths
from contrapose.data.shards.pictures import list_tars
from contrapose.data.tables.foreign import is_column, is_frame, items_of
from contrapose.data.tables.named import HUB, is_saved
from contrapose.errors import ArgumentError, DataError
from contrapose.preparation import Fit, Preparation
from contrapose.words import a_type, capital

ARRAYS = (".npz", ".npy")
ARCHIVES = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z")
PICTURES = "pictures, by a folder of them, a table that names or holds them, or an array (.npz, .npy)"
PICKLES = (".pt", ".pth", ".pkl", ".pickle")


def open_data(
    spec: Any,
    *,
    image_size: int | None = None,
    channels: int | None = None,
    limit: int | None = None,
    labels: Any = None,
    image_column: str | None = None,
    label_column: str | None = None,
    number_column: str | None = None,
    cache: str | os.PathLike[str] | bool | None = None,
    workers: int | None = None,
    progress: bool = True,
    fit: Fit | None = None,
    white: float | None = None,
    preparation: Preparation | None = None,
    masks: Any = None,
) -> Images:
    """Open pictures of any kind.

    Arguments:
        spec: one of the following.
            A folder of pictures: classes from its sub-folders; `train` is taken where there is also `test`.
            A pattern of pictures or of the parts of a parquet table, such as `"photos/**/*.jpg"`.
            Shards: tar files (webdataset) or parquet files, by a folder, a pattern, `"train-{000..009}.tar"`, or
            addresses (`"s3://..."`, `"https://..."`: what fsspec opens), which are copied into the cache;
            `"stream:OWNER/NAME[:SPLIT]"`, a data set of the hub read once, of `...:SPLIT[:10000]` the first so many.
            A `.npz` or `.npy` file of arrays.
            A `.parquet`, `.csv`, `.tsv` or `.jsonl` table: pictures encoded in a column of the parquet, or a
            column of paths relative to the table.
            `"omniglot"`, the embedded data set.
            `"made:NAME?option=value&..."`, pictures made by a generator (`data.images.made.MADE`).
            `"hub:OWNER/NAME[:SPLIT]"`, or `"hub:FOLDER[:SPLIT]"` as `datasets` saves it.
            From Python: an array or tensor; a list, series or array of paths; Pillow images or arrays; a list of
            (picture, label); a frame of pandas, polars or pyarrow; `{"images": ..., "labels": ...}`; `{path: label}`; a
            map-style data set, a `datasets.Dataset`, or `Images`. All are taken by position, whatever index they have.
        image_size: side of the square working pictures in pixels. `None`: arrays stay as they are; files keep
            a common size of at most 96 pixels, else become 64 (sizes at which a CPU can train).
        channels: 1 or 3 for photos. `None`: as in the array; 1 if all pictures are grey, else 3.
        limit: at most so many samples, evenly spaced over all, so that sorted classes keep their shares.
        labels: `None` or `"auto"`: those that the data has; `False` or `"none"`: none; a sequence: one a sample,
            in which -1, `None` and NaN mean "not labelled"; for `"omniglot"`, `"character"` or `"alphabet"` (it
            has none by default, being for pretraining without labels).
        image_column, label_column: columns of a table or arrays of a `.npz`, where their names are not the
            usual ones.
        number_column: column of a table, or array of a `.npz`, with a number of each sample that is to be predicted.
        cache: folder for decoded pictures; `None` or `True`: `$CONTRAPOSE_CACHE`, else the user's cache;
            `False`: none, in memory; pictures of tar files are then decoded each time they are asked for, as they are
            where the decoded ones would take more than 4 GB.
        workers: decoding threads; `None`: one a CPU core.
        progress: show a bar while decoding, on a terminal.
        fit: what becomes of pictures that are not square: `"crop"` (the default) keeps their central square, `"pad"`
            scales them whole and continues the colour of their edge.
        white: the value that is white in pictures deeper than 8 bits, e.g. 4095 for 12 bits in 16. `None`: decided
            once for all pictures, by their range; a note says what came out. 8 bits are always 0 to 255.
        preparation: what an encoder keeps (`ImageEncoder.preparation`), so that these pictures decide nothing: they
            become the same pixels alone and among others. `fit` and `white` go before it.
        masks: a class for every pixel: column of a table, array of a `.npz`, or folder of masks that are called as the
            pictures are; from Python also an array `(N, H, W)`. They become the target "mask"; `None`: none are read.

    Errors:
        DataError: it is not there, cannot be read, or holds no pictures; the text says what to do.
        ArgumentError: an option that makes no sense or names something that does not exist.
        MissingExtraError: tables need the extra `tables`, the hub the extra `hub`.
    """
    request = Request(
        image_size=image_size,
        channels=channels,
        limit=limit,
        labels=labels,
        image_column=image_column,
        label_column=label_column,
        number_column=number_column,
        cache=cache,
        workers=workers,
        progress=progress,
        fit=fit,
        white=white,
        preparation=preparation,
        masks=masks,
    )
    found = find_pictures(spec, request)
    return with_unlabelled_note(decode_listing(found, request) if isinstance(found, Listing) else found)


def find_pictures(spec: Any, request: Request) -> Images | Listing:
    """What `open_data` opens, before it is decoded, where it has to be."""
    return _open_named(os.fspath(spec), request) if isinstance(spec, str | os.PathLike) else _open_object(spec, request)


def _open_object(spec: Any, request: Request) -> Images | Listing:
    """What was handed over in Python."""
    if isinstance(spec, Images):
        return refitted(spec, request)
    if isinstance(spec, (np.ndarray, Tensor)):
        array = to_array(spec)
        return open_paths_array(array, request) if holds_paths(array) else open_array(array, request)
    if isinstance(spec, (list, tuple)):
        return open_sequence(spec, request)
    if hasattr(spec, "cast_column") and hasattr(spec, "features"):  # datasets.Dataset, without importing it
        return list_hub_dataset(spec, request, origin="a hub data set")
    if isinstance(spec, Mapping):
        return open_mapping(spec, request)
    if is_frame(spec):
        return open_frame(spec, request)
    if is_column(spec):
        return open_sequence(items_of(spec), request)
    if hasattr(spec, "__array__") and hasattr(spec, "shape"):  # jax, h5py, xarray
        return _open_object(np.asarray(spec), request)
    one_or_later = isinstance(spec, (bytes, bytearray, memoryview)) or hasattr(spec, "collect")
    if hasattr(spec, "__getitem__") and not one_or_later:
        return open_dataset(spec, request)
    raise ArgumentError(_not_data(spec))


def _not_data(spec: Any) -> str:
    """What to give in place of an object that is no data, or has no order."""
    kind = capital(a_type(spec))
    if isinstance(spec, (set, frozenset)):
        return f"{kind} has no order, so that no row could be told to be whose: give sorted(...) or a list."
    if hasattr(spec, "collect"):
        return f"{kind} is not read yet: give .collect() of it."
    if hasattr(spec, "__next__"):
        return f"{kind} is no data that can be opened: it can be read but once. Give list(...) of it."
    if isinstance(spec, MappingView):
        return f"{kind} is no data that can be opened: give list(...) of it."
    if isinstance(spec, (bytes, bytearray, memoryview)) or hasattr(spec, "getbands"):
        return f"{kind} is one picture: give a list, [picture]."
    return f"{kind} is no data that can be opened: give a path, an array, a list of pictures or a map-style data set."


def _open_named(name: str, request: Request) -> Images | Listing:
    if not name:
        raise ArgumentError("The name of the data is empty: give a folder, a file, a pattern or 'omniglot'.")
    if name == "omniglot":
        kind = request.labels if isinstance(request.labels, str) else None
        rest = replace(request, labels=None) if kind else request
        return refitted(omniglot(kind), rest)
    if name.startswith(MADE_BY_NAME):
        return refitted(open_made(name, request), request)
    if name.startswith(HUB):
        return list_hub(name.removeprefix(HUB), request)
    shards = shard_paths(name)
    if shards is not None:
        return list_tars(shards, request) if shards[0].suffix.lower() in TAR else tables.list_table(shards, request)
    path = expanded(name)
    try:
        return _open_path(path, name, request)
    except PermissionError as error:
        where = printable(str(error.filename or path))
        raise DataError(f"{where} cannot be read ({error.strerror}): ask its owner, or check with ls -ld.") from error


def _open_path(path: Path, name: str, request: Request) -> Images | Listing:
    if path.is_dir():
        if is_saved(path):
            return list_hub(str(path), request)
        request.check_no_columns(path)
        return list_folder(path)
    if path.is_file():
        return _open_file(path, request)
    if glob.has_magic(name):
        request.check_no_columns(name)
        return list_glob(str(path))
    refuse_known_set(name, remedy=f"name {PICTURES}")
    raise DataError(missing(path, ["omniglot"]))


def _open_file(path: Path, request: Request) -> Images | Listing:
    suffix = path.suffix.lower()
    if suffix in ARRAYS:
        return open_array_file(path, request)
    if suffix in tables.SUFFIXES:
        return tables.list_table([path], request)
    if suffix in SUFFIXES:
        raise DataError(f"{path} is one picture: give its folder, {path.parent}, or a pattern.")
    if suffix in ARCHIVES:
        raise DataError(f"{path} is an archive: unpack it, and give the folder.")
    if suffix in PICKLES:
        raise DataError(
            f"{path} is a pickle, which could run any code when opened. Save the pictures with numpy: "
            "numpy.savez('pictures.npz', images=images, labels=labels)."
        )
    if suffix in PLAIN_TEXT:
        raise DataError(f"{path} holds texts, and another kind of data is wanted here: name {PICTURES}.")
    known = " ".join((*ARRAYS, *tables.SUFFIXES))
    remedy = {".json": " Write an object a line, as .jsonl.", ".xlsx": " Save it as CSV.", ".xls": " Save it as CSV."}
    raise DataError(
        f"{path} is of an unknown kind ({suffix or 'no suffix'}). Known: folders, and {known}.{remedy.get(suffix, '')}"
    )
