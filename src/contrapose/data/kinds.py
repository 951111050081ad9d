"""What kind of data something is: pictures, texts, both, rows, sequences, items or graphs. A look, not a reading."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from contrapose.data.files.captioned import are_captioned, is_coco
from contrapose.data.files.known_sets import EMBEDDED, MADE_BY_NAME, kind_of_set
from contrapose.data.files.names import expanded, missing
from contrapose.data.files.walk import SUFFIXES
from contrapose.data.frames.archives import headers_of
from contrapose.data.frames.looks import SUFFIX, archive_of_frames, column_of_frames, list_of_frames
from contrapose.data.graphs.looks import are_graph_arrays, are_graphs, is_graph_folder, is_graph_object, is_graph_zip
from contrapose.data.items.looks import are_histories, look_like_items
from contrapose.data.samples import Samples
from contrapose.data.shards.kinds import of_tar
from contrapose.data.shards.names import STREAM, TAR, shard_paths
from contrapose.data.tables.columns import LABEL_NAMES, PICTURE_NAMES, TEXT_NAMES, Kind
from contrapose.data.tables.files import JSON_LINES, PARQUET, ParquetFiles, TextTable
from contrapose.data.tables.foreign import columns_of, is_column, is_frame, is_missing, items_of
from contrapose.data.tables.held import is_many, kind_of_column
from contrapose.data.tables.separated import SEPARATORS
from contrapose.errors import DataError

PLAIN_TEXT = (".txt", ".py")
CAPTION_LISTS = ("caption", "captions", "texts", "sentences")
"""Columns whose lists of strings are captions, however short these are."""
MOST_LOOKED_AT = 200  # entries of a folder, items of a list


def kind_of(spec: Any, *, wanted: Sequence[str] = ()) -> str:
    """The name of the kind of data that `spec` names, or is; "image" where nothing speaks for another one.

    Pictures: arrays of three or four axes, picture files, tables with a column of them. Texts: plain `.txt`, Python's
    `.py`, lists of strings that are no names of files, tables with a column of texts. Rows: arrays of two axes, tables
    of numbers and short words. Sequences: archives with pointers, folders of `.npy`, lists of arrays that differ in
    their first axis alone, tables with nested lists of numbers. Items: tables of users and lists of items, or of user,
    item and time; lists of lists. Graphs: folders and zip files as TUDataset has them, archives with `edge_index`,
    graphs of torch-geometric and networkx, pairs of nodes and edges. Pairs:
    tables and tars of pictures and texts, `x.jpg` beside `x.txt`, COCO's captions: methods of one side refuse these,
    and say how a side is named.

    Arguments:
        wanted: kinds that are asked for, where not all are: lists of whole numbers, all of one length, are items then.
    """
    if isinstance(spec, Samples):
        return spec.modality
    if isinstance(spec, str | os.PathLike):
        return _of_name(os.fspath(spec))
    if is_graph_object(spec) or (isinstance(spec, list | tuple) and are_graphs(spec)):
        return "graph"
    if is_frame(spec) or (isinstance(spec, Mapping) and spec and all(map(is_many, spec.values()))):
        columns = {str(name): values for name, values in (columns_of(spec) if is_frame(spec) else spec).items()}
        kinds = {name: kind_of_column(values) for name, values in columns.items()}
        return _of_columns(kinds, lambda name: _items(columns[name]))
    if is_column(spec):
        spec = items_of(spec)
    if isinstance(spec, np.ndarray | Tensor):
        return _of_array(spec)
    if isinstance(spec, list | tuple) and spec and _are_texts(spec):
        return "text"
    asked = "items" in wanted and "image" not in wanted
    if isinstance(spec, list | tuple) and spec and are_histories(spec[:MOST_LOOKED_AT], asked=asked):
        return "items"
    if isinstance(spec, list | tuple) and spec and all(isinstance(row, Mapping) for row in spec[:MOST_LOOKED_AT]):
        some = spec[:MOST_LOOKED_AT]
        return kind_of(
            {str(name): [row.get(name) for row in some] for name in dict.fromkeys(n for r in some for n in r)}
        )
    if isinstance(spec, list | tuple) and list_of_frames(spec[:MOST_LOOKED_AT]):
        return "frames"
    return "image"


def check_there(spec: Any) -> None:
    """Refuse the path of a file or a folder that does not exist; patterns, addresses and all else pass.

    Errors:
        DataError: it does not exist.
    """
    if not isinstance(spec, str | os.PathLike) or not os.fspath(spec):
        return
    name, path = os.fspath(spec), expanded(spec)
    if name in EMBEDDED or ":" in name or any(sign in name for sign in "*?[{") or shard_paths(name) or path.exists():
        return
    raise DataError(missing(path, tuple(EMBEDDED)))


def names_data(text: str) -> bool:
    """Whether a text is, or looks like, the name of data rather than words: something is there, or its ending is one
    of data."""
    if text in EMBEDDED or text.startswith(("hub:", STREAM, MADE_BY_NAME)) or _is_file_name(text):
        return True
    return Path(text).suffix.lower() in (*PLAIN_TEXT, *TAR, *PARQUET, *SEPARATORS, *JSON_LINES, ".npz", ".npy")


def _of_name(name: str) -> str:
    if name in EMBEDDED or name.startswith(("hub:", MADE_BY_NAME)):
        return kind_of_set(name) or "image"
    if not name:
        return "image"
    shards = shard_paths(name)
    path = shards[0] if shards else expanded(name)
    suffix = path.suffix.lower()
    if suffix in TAR and shards:
        return of_tar(path)
    if path.is_dir():
        if is_graph_folder(path):
            return "graph"
        entries = list(_entries(path))
        if are_captioned([entry for entry in entries if Path(entry).suffix.lower() in SUFFIXES]):
            return "pairs"
        found = Counter(Path(entry).suffix.lower() for entry in entries)
        texts, pictures = (sum(found[one] for one in known) for known in (PLAIN_TEXT, SUFFIXES))
        if found[SUFFIX] > texts + pictures:
            return "frames"
        return "text" if texts > pictures else "image"
    if not path.is_file():
        return "image"  # a pattern, or nothing: opening it will say
    if suffix in PLAIN_TEXT:
        return "text"
    if suffix == ".zip" and is_graph_zip(path):
        return "graph"
    if suffix == ".json" and is_coco(path):
        return "pairs"
    if suffix in (".npy", ".npz"):
        return _of_array_file(path)
    if suffix in (*PARQUET, *SEPARATORS, *JSON_LINES):
        table = (ParquetFiles if suffix in PARQUET else TextTable)([path])
        return _of_columns(table.kinds, lambda name: table.head(name, MOST_LOOKED_AT))
    return "image"


def _of_columns(kinds: Mapping[str, Kind], read: Any) -> str:
    if look_like_items(kinds, read):
        return "items"
    names = {name.lower(): name for name in kinds}
    encoded = [name for name, kind in kinds.items() if kind in ("bytes", "struct")]
    pictures = encoded or [names[one] for one in PICTURE_NAMES if kinds.get(names.get(one, "")) == "text"]
    pictures = encoded or [name for name in pictures if _names_pictures(read(name))]
    strings = [name for name, kind in kinds.items() if kind == "text" and name not in pictures]
    texts = [name for name in strings if name.lower() in TEXT_NAMES or _is_prose(name, read(name))]
    if pictures and (texts or any(kind == "other" and _are_captions(name, read(name)) for name, kind in kinds.items())):
        return "pairs"
    if texts:
        return "text"
    if pictures or any(_names_pictures(read(name)) for name in strings):  # in a column without a usual name
        return "image"
    if any(kind == "other" and column_of_frames(read(name)) for name, kind in kinds.items()):
        return "frames"
    held = {name: kind for name, kind in kinds.items() if name.lower() not in (*LABEL_NAMES, *PICTURE_NAMES)}
    learned = {"whole", "number", "text"}.intersection(held.values())
    return "rows" if learned or not any(name in names for name in PICTURE_NAMES) else "image"


def _is_prose(name: str, values: Sequence[Any]) -> bool:
    """Whether a column of strings holds texts rather than names of categories: most differ, or have several words."""
    cells = [str(value) for value in values[:MOST_LOOKED_AT] if not is_missing(value)]
    if not cells or name.lower() in LABEL_NAMES:
        return False
    several = sum(len(cell.split()) > 2 for cell in cells) / len(cells)
    return several > 0.5


def _are_captions(name: str, values: Sequence[Any]) -> bool:
    """Whether the cells of a column are lists of texts, rather than of tags or numbers."""
    cells = [cell for cell in values[:MOST_LOOKED_AT] if is_many(cell)]
    flat = [one for cell in cells for one in _items(cell) if not is_missing(one)]
    if not flat or not all(isinstance(one, str) for one in flat):
        return False
    return name.lower() in CAPTION_LISTS or _is_prose(name, flat)


def _names_pictures(values: Sequence[Any]) -> bool:
    cells = [str(value) for value in values[:MOST_LOOKED_AT] if not is_missing(value)]
    return any(Path(cell).suffix.lower() in SUFFIXES for cell in cells)


def _are_texts(items: Sequence[Any]) -> bool:
    """Whether a list holds strings of which most name no files: a text may be called like a folder that is there."""
    some = [item for item in items[:MOST_LOOKED_AT] if not is_missing(item)]
    if not some or not all(isinstance(item, str) for item in some):
        return False
    return sum(map(_is_file_name, some)) <= len(some) / 2


def _is_file_name(text: str) -> bool:
    if "\n" in text or len(text) > 1000:
        return False
    return Path(text).suffix.lower() in SUFFIXES or os.path.exists(text)  # noqa: PTH110 - a text may be no path at all


def _of_array(array: np.ndarray | Tensor) -> str:
    if isinstance(array, np.ndarray) and array.dtype.kind in "UO":
        return "text" if array.ndim == 1 and _are_texts(array.tolist()) else "image"
    return "rows" if array.ndim == 2 and array.shape[1] > 1 else "image"


def _of_array_file(path: Path) -> str:
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError):
        return "image"  # damaged: opening it will say
    if isinstance(found, np.ndarray):
        return _of_array(found)
    with found:
        if are_graph_arrays(found.files):
            return "graph"
        if archive_of_frames(path):
            return "frames"
    shapes = [len(shape) for name, (shape, _) in headers_of(path).items() if name.lower() not in LABEL_NAMES]
    return "rows" if 2 in shapes and not any(ndim in (3, 4) for ndim in shapes) else "image"


def _items(values: Any) -> Sequence[Any]:
    return items_of(values) if is_column(values) else list(values)


def _entries(folder: Path) -> Iterator[str]:
    """Some files in a folder and in its folders."""
    seen = 0
    for root, _, files in os.walk(folder):
        for name in files:
            yield os.path.join(root, name)  # noqa: PTH118 - text
            seen += 1
            if seen >= MOST_LOOKED_AT:
                return
