"""What was read of graphs into `Graphs`: edges in both directions, none from a node to itself and none twice."""

from __future__ import annotations

import numpy as np

from contrapose.data.graphs.found import Found, GraphRequest
from contrapose.data.graphs.graphs import Graphs
from contrapose.data.graphs.node_values import choose_inputs, node_values
from contrapose.data.labels import Labels, encode_labels
from contrapose.data.numbers import as_numbers
from contrapose.data.ragged import Ragged
from contrapose.data.samples import LABEL, NUMBER, Skipped
from contrapose.data.tables.columns import LABEL_NAMES
from contrapose.errors import ArgumentError, DataError, did_you_mean
from contrapose.words import counted


def assemble(found: Found, request: GraphRequest) -> Graphs:
    """Graphs with edges in both directions, none from a node to itself and none twice; empty ones are skipped.

    Errors:
        DataError: no graph, an edge to a node that is not there, labels that are none, nodes that an encoder cannot
            take.
        ArgumentError: a column that does not exist.
    """
    _check_edges(found)
    count = len(found.node_counts)
    own, number = _targets(found, request)
    labels = request.choose_labels(own, count, Graphs.noun)
    kept = np.flatnonzero(found.node_counts > 0)  # (n,)
    if not len(kept):
        raise DataError(f"{found.origin} holds no graph with a node: give one at least.")
    pointers = np.concatenate([[0], np.cumsum(found.node_counts)]).astype(np.int64)  # (N + 1,)
    edges, notes = _both_ways(found, pointers)  # (2, E), numbered over all
    degree = np.bincount(edges[1], minlength=pointers[-1])  # (S,)
    inputs, said = choose_inputs(found, degree, request)
    nodes, unknown = node_values(found, degree, inputs)
    starts = np.searchsorted(edges[1], pointers)  # (N + 1,)
    local = edges - np.repeat(pointers[:-1], np.diff(starts))  # (2, E)
    identifiers = [found.name(graph) for graph in kept.tolist()]
    skipped = [
        Skipped(found.name(graph), "it has no nodes") for graph in np.flatnonzero(found.node_counts == 0).tolist()
    ]
    graphs = Graphs(
        Ragged(nodes, np.concatenate([[0], pointers[kept + 1]])),
        Ragged(np.ascontiguousarray(local.T.astype(np.int32)), np.concatenate([[0], starts[kept + 1]])),
        inputs,
        folds=None if found.folds is None else np.asarray(found.folds, np.int64)[kept],
        targets={
            LABEL: None if labels is None else labels.numbers[kept],
            NUMBER: None if number is None else number[kept],
        },
        class_names=None if labels is None else labels.names,
        identifiers=identifiers,
        skipped=skipped,
        origin=found.origin,
        notes=[*found.notes, *notes, *said, *unknown],
    )
    return request.limited(graphs)


def _check_edges(found: Found) -> None:
    """Stop at the first edge to a node that its graph does not have."""
    owners = np.repeat(np.arange(len(found.edge_counts)), found.edge_counts)  # (M,)
    wrong = ((found.edges < 0) | (found.edges >= found.node_counts[owners])).any(axis=0)  # (M,)
    if not wrong.any():
        return
    edge = int(wrong.argmax())
    graph = int(owners[edge])
    nodes = int(found.node_counts[graph])
    from_one = found.edges.min() >= 1 and (found.edges <= found.node_counts[owners]).all()
    remedy = "they run from 1 on: subtract 1" if from_one else "correct the edge, or give the graph more nodes"
    raise DataError(
        f"Graph {found.name(graph)} of {found.origin} has {counted(nodes, 'node')}, numbered 0 to {nodes - 1}, and an "
        f"edge from {found.edges[0, edge]} to {found.edges[1, edge]}; {remedy}."
    )


def _both_ways(found: Found, pointers: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """All edges `(2, E)` in both directions and in order, and what was changed, in sentences."""
    edges = found.edges + np.repeat(pointers[:-1], found.edge_counts)  # (2, M)
    loops = edges[0] == edges[1]  # (M,)
    edges, total = edges[:, ~loops], pointers[-1]
    keys = _distinct(edges[1] * total + edges[0])  # (m,)
    every = _distinct(np.concatenate([keys, keys % total * total + keys // total]))  # (E,), with all turned round
    alone = len(every) - len(keys)
    notes = []
    if loops.any():
        notes.append(f"{counted(int(loops.sum()), 'edge')} from a node to itself left out.")
    if len(keys) < edges.shape[1]:
        notes.append(f"{counted(edges.shape[1] - len(keys), 'repeated edge')} taken once.")
    if alone == len(keys) > 0:
        notes.append("Edges are written in one direction and read in both: graphs are undirected here.")
    elif alone:
        notes.append(
            f"{alone:,} of {len(keys):,} edges lead one way only and are read in both: graphs are undirected here."
        )
    return np.stack([every % total, every // total]), notes


def _distinct(keys: np.ndarray) -> np.ndarray:
    """Each once, ascending: of so many integers sorting is several times as fast as numpy's own hashing."""
    keys = np.sort(keys)
    return keys[np.diff(keys, prepend=-1) > 0]


def _targets(found: Found, request: GraphRequest) -> tuple[Labels | None, np.ndarray | None]:
    """Labels and numbers of the graphs, as they were asked for or are usually called."""
    for asked in (request.label_column, request.number_column):
        if asked is not None and asked not in found.values:
            raise ArgumentError(
                f"{found.origin} has no {asked!r} of each graph.{did_you_mean(asked, found.values)}"
                f"{'' if found.values else ' It has nothing besides nodes and edges.'}"
            )
    number, label = request.number_column, request.label_column
    numbers = None
    if number is not None:
        numbers = as_numbers(found.values[number], where=f"{number!r} of {found.origin}")
    if label is None:
        usual = {name.lower(): name for name in found.values if name != number}
        label = next((usual[name] for name in LABEL_NAMES if name in usual), None)
    if label is None or not request.reads_labels:
        return None, numbers
    more = {} if found.missing is None else {"missing": found.missing}
    return encode_labels(found.values[label], where=f"{label!r} of {found.origin}", names=found.names, **more), numbers
