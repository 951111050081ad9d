"""Graphs as objects in Python: of torch-geometric, of networkx, or pairs of nodes and edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from contrapose.data.graphs.found import Found
from contrapose.data.graphs.looks import is_data, is_networkx
from contrapose.data.tables.columns import LABEL_NAMES
from contrapose.errors import DataError

TAG_NAMES = ("label", "tag", "type", "element", "category")
FEATURE_NAMES = ("x", "feature", "features", "attributes")


@dataclass
class _One:
    """One graph: `edges` `(2, M)` numbered from 0; what nodes hold in `held`, or told apart as tags and features."""

    nodes: int
    edges: np.ndarray
    held: np.ndarray | None = None
    tags: np.ndarray | None = None
    features: np.ndarray | None = None
    values: dict[str, Any] = field(default_factory=dict)
    note: str | None = None


def of_objects(graphs: Sequence[Any], origin: str, wanted: Sequence[str]) -> Found:
    """The graphs of a list.

    Arguments:
        wanted: names of what is asked for of each graph, besides what is usually called a label.

    Errors:
        DataError: graphs whose nodes hold different things, or something that is no edge.
    """
    names = (*wanted, *LABEL_NAMES)
    ones = [_one(graph, row, names) for row, graph in enumerate(graphs)]
    some = [one for one in ones if one.nodes]
    held = _of_all([one.held for one in some], "tags or features")
    if held is not None:
        tags, features = _tags_or_features(held)
    else:
        tags, features = (
            _of_all([one.tags for one in some], "tags"),
            _of_all([one.features for one in some], "features"),
        )
    return Found(
        node_counts=np.array([one.nodes for one in ones], np.int64),
        edges=np.concatenate([one.edges for one in ones], axis=1),
        edge_counts=np.array([one.edges.shape[1] for one in ones], np.int64),
        origin=f"{origin} of graphs" if len(graphs) > 1 or origin in ("a list", "a tuple") else origin,
        tags=tags,
        features=features,
        values={
            name: [one.values.get(name) for one in ones]
            for name in names
            if any(one.values.get(name) is not None for one in ones)
        },
        notes=list(dict.fromkeys(one.note for one in ones if one.note)),
    )


def _one(graph: Any, row: int, names: Sequence[str]) -> _One:
    try:
        if is_data(graph):
            return _of_data(graph, names)
        if is_networkx(graph):
            return _of_networkx(graph, names)
        return _of_pair(*graph)
    except (TypeError, ValueError) as error:
        raise DataError(f"Graph {row} cannot be read ({error}): edges are pairs of whole numbers of nodes.") from error


def _of_data(graph: Any, names: Sequence[str]) -> _One:
    """torch-geometric's: `x` of one-hot rows is tags."""
    edges = _ends(_array(graph.edge_index))
    x = None if getattr(graph, "x", None) is None else _array(graph.x)
    nodes = getattr(graph, "num_nodes", None)
    if nodes is None:
        nodes = len(x) if x is not None else int(edges.max(initial=-1)) + 1
    values = {name: _scalar(getattr(graph, name)) for name in names if getattr(graph, name, None) is not None}
    values = {name: value for name, value in values.items() if value is not None}
    note = "Attributes of edges are not read." if getattr(graph, "edge_attr", None) is not None else None
    return _One(int(nodes), edges, x, values=values, note=note)


def _of_networkx(graph: Any, names: Sequence[str]) -> _One:
    """Tags and features are attributes of nodes with a usual name; edges of an undirected graph are there once."""
    held = dict(graph.nodes(data=True))
    place = {node: number for number, node in enumerate(held)}
    pairs = [(place[edge[0]], place[edge[1]]) for edge in graph.edges()]
    edges = np.array(pairs, np.int64).reshape(-1, 2).T  # (2, M)
    if not graph.is_directed():
        edges = np.concatenate([edges, edges[::-1, edges[0] != edges[1]]], axis=1)
    known = list(held.values())
    tag, feature = (
        next((name for name in usual if known and all(name in node for node in known)), None)
        for usual in (TAG_NAMES, FEATURE_NAMES)
    )
    tags = None if tag is None else np.array([str(node[tag]) for node in known])
    features = None if feature is None else np.array([np.ravel(_array(node[feature])) for node in known], np.float64)
    if tags is not None and all(isinstance(node[tag], int) for node in known):
        tags = tags.astype(np.int64)
    values = {name: graph.graph[name] for name in names if name in getattr(graph, "graph", {})}
    return _One(len(held), edges, None, tags, features, values)


def _of_pair(nodes: Any, edges: Any) -> _One:
    listed = isinstance(edges, list | tuple)  # of pairs, even where there are two of them
    found = _ends(_array(edges).reshape(-1, 2).T if listed else _array(edges))
    if isinstance(nodes, int):
        return _One(nodes, found)
    return _One(len(nodes), found, _array(nodes))


def _tags_or_features(x: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """What nodes hold: whole numbers or words, one each, and rows with a single 1 are tags; all else is features."""
    if x.ndim == 2 and x.shape[1] == 1 and x.dtype.kind in "iuU":
        x = x[:, 0]
    if x.ndim == 1:
        return (None, x[:, None].astype(np.float64)) if x.dtype.kind == "f" else (x, None)
    if x.ndim != 2 or x.dtype.kind not in "biuf":
        raise DataError(f"Nodes hold {x.dtype} of {x.shape}: give a tag each, (n,), or numbers, (n, F).")
    one_hot = x.shape[1] > 1 and np.isin(x, (0, 1)).all() and (x.sum(axis=1) == 1).all()
    return (x.argmax(axis=1), None) if one_hot and len(x) else (None, x.astype(np.float64))


def _ends(edges: np.ndarray) -> np.ndarray:
    """Edges as `(2, M)`, from pairs or from that."""
    if edges.size == 0:
        return np.zeros((2, 0), np.int64)
    if edges.ndim != 2 or 2 not in edges.shape or edges.dtype.kind not in "iu":
        raise ValueError(f"edges are {edges.dtype} of {edges.shape}")
    return (edges.T if edges.shape[0] != 2 else edges).astype(np.int64)


def _array(values: Any) -> np.ndarray:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else np.asarray(values)


def _scalar(value: Any) -> Any:
    """One number or word for a graph; None of what is several."""
    if isinstance(value, str):
        return value
    found = _array(value)
    return found.reshape(()).item() if found.size == 1 else None


def _of_all(parts: Sequence[np.ndarray | None], what: str) -> np.ndarray | None:
    """What the nodes of all graphs hold, where all have it.

    Errors:
        DataError: some graphs lack it, or have it in another form.
    """
    there = [part for part in parts if part is not None]
    if not there:
        return None
    if len(there) < len(parts) or len({part.shape[1:] for part in there}) > 1:
        raise DataError(
            f"Some graphs have {what} of nodes, and others have none, or of another length: give all alike."
        )
    if len({part.dtype.kind for part in there}) > 1:
        there = [part.astype(str) for part in there]
    return np.concatenate(there)
