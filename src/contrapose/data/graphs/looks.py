"""Whether something looks like graphs: a folder or zip as TUDataset has them, an archive of arrays, objects."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

EDGES, INDICATOR = "_A.txt", "_graph_indicator.txt"
EDGE_KEYS = ("edge_index", "edges")
MOST_LOOKED_AT = 20  # objects of a list


def is_graph_folder(path: Path) -> bool:
    """Whether a folder holds `NAME_A.txt` and `NAME_graph_indicator.txt`, itself or one folder deeper."""
    return any(
        (edges.parent / (edges.name.removesuffix(EDGES) + INDICATOR)).is_file()
        for pattern in (f"*{EDGES}", f"*/*{EDGES}", f"raw/*{EDGES}")
        for edges in path.glob(pattern)
    )


def is_graph_zip(path: Path) -> bool:
    """Whether a zip file holds such a folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
    return any(name.endswith(EDGES) and name.removesuffix(EDGES) + INDICATOR in names for name in names)


def are_graph_arrays(names: Iterable[str]) -> bool:
    """Whether arrays are called as those of graphs are: edges, and where each graph begins."""
    known = {name.lower() for name in names}
    return "edge_index" in known and any(name.startswith(("node_ptr", "node_pointers")) for name in known)


def is_graph_object(item: Any) -> bool:
    """Whether something is a graph of torch-geometric or networkx, or a pair of nodes and edges."""
    return is_data(item) or is_networkx(item) or is_pair(item)


def are_graphs(items: Sequence[Any]) -> bool:
    """Whether a list holds graphs."""
    return len(items) > 0 and all(is_graph_object(item) for item in items[:MOST_LOOKED_AT])


def is_data(item: Any) -> bool:
    """A graph of torch-geometric, or an object like it."""
    return hasattr(item, "edge_index") and (hasattr(item, "num_nodes") or hasattr(item, "x"))


def is_networkx(item: Any) -> bool:
    return hasattr(item, "is_directed") and hasattr(item, "nodes") and hasattr(item, "edges")


def is_pair(item: Any) -> bool:
    """`(nodes, edges)`: how many nodes, or what each of them holds, and a list of pairs of nodes, or `(2, E)`."""
    if not isinstance(item, tuple) or len(item) != 2:
        return False
    nodes, edges = item
    if isinstance(nodes, str | bytes) or isinstance(edges, str | bytes):
        return False
    shape = getattr(edges, "shape", None)
    if shape is not None:
        fits = len(shape) == 2 and 2 in tuple(shape)
    else:
        fits = isinstance(edges, list | tuple) and all(
            isinstance(pair, list | tuple) and len(pair) == 2 for pair in edges[:MOST_LOOKED_AT]
        )
    return fits and (isinstance(nodes, int) or hasattr(nodes, "__len__"))
