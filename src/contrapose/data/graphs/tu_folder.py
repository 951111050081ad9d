"""Graphs in the text files of TUDataset: `NAME_A.txt` and what lies beside it, in a folder or a zip file of it.

Nodes and graphs are numbered from 1, over all graphs.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from contrapose.data.graphs.found import Found
from contrapose.data.graphs.looks import EDGES, INDICATOR
from contrapose.errors import DataError
from contrapose.words import counted

Read = Callable[[str], str | None]
"""The text of a file by the ending of its name; None where it is not there."""


def of_folder(folder: Path) -> Found:
    """The graphs of a folder, or of the one folder in it.

    Errors:
        DataError: several data sets, or files that do not fit each other.
    """
    found = sorted(folder.glob(f"*{EDGES}")) or sorted(folder.glob(f"*/*{EDGES}"))
    edges = _the_one([str(path) for path in found], str(folder))
    stem = edges.removesuffix(EDGES)

    def read(ending: str) -> str | None:
        path = Path(stem + ending)
        return path.read_text("utf-8", "replace") if path.is_file() else None

    return _found(read, str(folder), Path(stem).name)


def of_zip(path: Path) -> Found:
    """The graphs of a zip file.

    Errors:
        DataError: as of `of_folder`, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(EDGES) and "__MACOSX" not in name]
            stem = _the_one(names, str(path)).removesuffix(EDGES)

            def read(ending: str) -> str | None:
                return archive.read(stem + ending).decode("utf-8", "replace") if stem + ending in inside else None

            inside = set(archive.namelist())
            return _found(read, str(path), PurePosixPath(stem).name)
    except zipfile.BadZipFile as error:
        raise DataError(f"{path} is damaged or no zip file ({error}).") from error


def _the_one(names: Sequence[str], origin: str) -> str:
    if not names:
        raise DataError(f"{origin} holds no graphs: there is no NAME{EDGES} in it.")
    if len(names) > 1:
        shown = ", ".join(PurePosixPath(name).name for name in names[:5])
        raise DataError(f"{origin} holds several sets of graphs ({shown}): give the folder of one.")
    return names[0]


def _found(read: Read, origin: str, name: str) -> Found:
    files = _Files(read, name)
    indicator = files.numbers(INDICATOR, 1)  # (S, 1)
    if indicator is None or not len(indicator):
        raise DataError(f"{origin}: {name}{INDICATOR}, which says of each node to which graph it belongs, is missing.")
    edges = files.numbers(EDGES, 2)  # (M, 2)
    assert edges is not None  # its name is how the set was found
    labels = files.words("_graph_labels.txt")
    owner, nodes = indicator[:, 0] - 1, len(indicator)  # (S,)
    count = int(owner.max()) + 1 if labels is None else len(labels)
    if owner.min() < 0 or owner.max() >= count:
        raise DataError(
            f"{origin}: {name}{INDICATOR} names graphs {owner.min() + 1} to {owner.max() + 1}, and there are "
            f"{counted(count, 'graph label')}: graphs are numbered from 1, a label each."
        )
    ends = edges.T - 1  # (2, M)
    if ends.size and (ends.min() < 0 or ends.max() >= nodes):
        wrong = int(((ends < 0) | (ends >= nodes)).any(axis=0).argmax())
        raise DataError(
            f"{origin}: line {wrong + 1} of {name}{EDGES} is an edge from node {edges[wrong, 0]} to {edges[wrong, 1]}, "
            f"and {name}{INDICATOR} has {counted(nodes, 'node')}: they are numbered 1 to {nodes}."
        )
    torn = owner[ends[0]] != owner[ends[1]]  # (M,)
    if torn.any():
        raise DataError(
            f"{origin}: line {int(torn.argmax()) + 1} of {name}{EDGES} is an edge between graphs "
            f"{owner[ends[0]][torn][0] + 1} and {owner[ends[1]][torn][0] + 1}: nodes of an edge belong to one graph."
        )
    order = np.argsort(owner, kind="stable")  # (S,), nodes of a graph together
    place = np.empty(nodes, np.int64)
    place[order] = np.arange(nodes)
    node_counts = np.bincount(owner, minlength=count)
    starts = np.concatenate([[0], np.cumsum(node_counts)])
    by_graph = np.argsort(owner[ends[0]], kind="stable")  # (M,)
    graphs = owner[ends[0]][by_graph]  # (M,)
    tags, features = _nodes(files, nodes)
    tags = None if tags is None else tags[order]
    return Found(
        node_counts=node_counts,
        edges=place[ends[:, by_graph]] - starts[graphs],  # (2, M)
        edge_counts=np.bincount(graphs, minlength=count),
        origin=origin,
        tags=tags,
        features=None if features is None else features[order],
        values=_values(files, labels, count),
        missing=frozenset(),  # -1 is a class here
        identifiers=[str(graph + 1) for graph in range(count)],
        notes=["Labels of edges are not read."] if read("_edge_labels.txt") is not None else [],
    )


def _nodes(files: _Files, nodes: int) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Tags and features, where there are such files."""
    words = files.words("_node_labels.txt")
    features = files.numbers("_node_attributes.txt", None, float)
    for name, found in (("_node_labels.txt", words), ("_node_attributes.txt", features)):
        if found is not None and len(found) != nodes:
            raise DataError(
                f"{files.name}{name} has {counted(len(found), 'line')} for {counted(nodes, 'node')}: give one each."
            )
    if words is None:
        return None, features
    try:
        return np.array(words).astype(np.int64), features
    except ValueError:
        return np.array(words), features


def _values(files: _Files, labels: list[str] | None, count: int) -> dict[str, np.ndarray]:
    values = {} if labels is None else {"label": np.array(labels)}
    numbers = files.numbers("_graph_attributes.txt", None, float)  # (N, K)
    if numbers is not None and len(numbers) == count:
        one = numbers.shape[1] == 1
        values |= {
            "attribute" if one else f"attribute {place}": column for place, column in enumerate(numbers.T, start=1)
        }
    return values


class _Files:
    """The files of one set, as numbers or words a line."""

    def __init__(self, read: Read, name: str) -> None:
        self.read, self.name = read, name

    def words(self, ending: str) -> list[str] | None:
        """The lines of a file without blanks around them; None where it is not there."""
        text = self.read(ending)
        return None if text is None else [line.strip() for line in text.strip().splitlines()]

    def numbers(self, ending: str, columns: int | None, dtype: type = int) -> np.ndarray | None:
        """A file as `(lines, columns)`.

        Errors:
            DataError: a line that holds something else.
        """
        text = self.read(ending)
        if text is None:
            return None
        lines = text.strip().splitlines()
        wide = columns or (len(lines[0].replace(",", " ").split()) if lines else 1)
        try:
            found = np.array(text.replace(",", " ").split(), dtype=np.int64 if dtype is int else np.float64)
            if len(found) != wide * len(lines):
                raise ValueError
        except ValueError:
            row = next(row for row, line in enumerate(lines, 1) if not _fits(line, wide, dtype))
            what = "whole numbers" if dtype is int else "numbers"
            raise DataError(
                f"{self.name}{ending}, line {row} is {lines[row - 1][:60]!r} and should be {wide} {what}."
            ) from None
        return found.reshape(-1, wide)


def _fits(line: str, wide: int, dtype: type) -> bool:
    try:
        return len([dtype(cell) for cell in line.replace(",", " ").split()]) == wide
    except ValueError:
        return False
