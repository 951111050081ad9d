"""`open_graphs`: whatever graphs the user has, as `Graphs`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contrapose.data.graphs.archives import of_archive
from contrapose.data.graphs.assembling import assemble
from contrapose.data.graphs.found import Found, GraphRequest
from contrapose.data.graphs.graphs import Graphs
from contrapose.data.graphs.looks import is_graph_folder, is_graph_object
from contrapose.data.graphs.objects import of_objects
from contrapose.data.graphs.tu_folder import of_folder, of_zip
from contrapose.data.tables.named import Ways, of_name
from contrapose.data.tables.sources import Source
from contrapose.errors import ArgumentError, DataError
from contrapose.node_inputs import NodeInputs
from contrapose.words import a_type, capital

KNOWN = "a folder or .zip as TUDataset has them (NAME_A.txt, NAME_graph_indicator.txt, ...), or an .npz of arrays"


def open_graphs(
    spec: Any,
    *,
    limit: int | None = None,
    labels: Any = None,
    label_column: str | None = None,
    number_column: str | None = None,
    node_input: str | None = None,
    inputs: NodeInputs | None = None,
) -> Graphs:
    """Open graphs of any kind. They are undirected: each edge is read in both directions, once; edges from a node to
    itself are left out, nodes without edges stay, graphs without nodes are skipped.

    Arguments:
        spec: one of the following.
            A folder, or a `.zip` of one, as TUDataset has them: `NAME_A.txt`, `NAME_graph_indicator.txt`, and where
            there are such `NAME_graph_labels.txt`, `NAME_node_labels.txt`, `NAME_node_attributes.txt`. Numbers from 1.
            An `.npz` archive with `edge_index` `(2, E)`, `edge_ptr` and `node_ptr` `(N + 1,)`, graph i having the edges
            `edge_ptr[i]` to `edge_ptr[i + 1]`; where there are such `node_tag` `(S,)`, `x` `(S, F)` and `test_fold`
            `(N,)`; labels and numbers are arrays `(N,)` in it, and -1 is no label, as everywhere but in the files of
            TUDataset, where it is a class. Nodes are numbered from 0, in each graph or over all.
            From Python: a list of graphs of torch-geometric or networkx, or of pairs `(nodes, edges)`, where nodes are
            how many there are, a tag each, or features `(n, F)`, and edges are pairs of numbers of nodes from 0; or
            `Graphs`.
        limit: at most so many, evenly spaced over all, so that sorted classes keep their shares.
        labels: `None` or `"auto"`: those that the data has; `False` or `"none"`: none; a sequence: one a graph, in
            which -1, `None` and NaN mean "not labelled".
        label_column, number_column: what classes, and numbers to predict, are called in the archive or in each graph;
            `None`: one with a usual name (label, class, y, ...), and no numbers.
        node_input: what is read of nodes: "tags", "features", or "degree", how many edges each has; `None` or "auto":
            tags where there are several, else features, else degrees.
        inputs: what an encoder takes, in the place of a choice; tags that it does not know are unknown.

    Errors:
        DataError: it is not there, cannot be read, or holds no graphs; the text says what to do.
        ArgumentError: an option that makes no sense or names something that does not exist.
    """
    request = GraphRequest(
        limit=limit,
        labels=labels,
        label_column=label_column,
        number_column=number_column,
        node_input=node_input or "auto",
        inputs=inputs,
    )
    if isinstance(spec, Graphs):
        return request.again(spec if inputs is None else spec.recoded(inputs))
    if isinstance(spec, str | os.PathLike):
        ways = Ways(source=_of_source, file=_of_file, folder=_of_folder, pattern=_of_pattern, usual=KNOWN)
        return assemble(of_name(os.fspath(spec), ways), request)
    graphs = [spec] if is_graph_object(spec) else list(spec) if hasattr(spec, "__iter__") else []
    if not graphs or not all(map(is_graph_object, graphs)):
        wrong = next((graph for graph in graphs if not is_graph_object(graph)), spec)
        raise ArgumentError(
            f"{capital(a_type(wrong))} is no graph that can be opened: give a list of graphs of torch-geometric or "
            "networkx, or of pairs (nodes, edges)."
        )
    wanted = tuple(name for name in (label_column, number_column) if name is not None)
    return assemble(of_objects(graphs, a_type(spec), wanted), request)


def _of_file(path: Path) -> Found:
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return of_archive(path)
    if suffix == ".zip":
        return of_zip(path)
    raise DataError(f"{path} is no file of graphs that is known ({suffix or 'no suffix'}). Known: {KNOWN}.")


def _of_folder(path: Path) -> Found:
    if not is_graph_folder(path):
        raise DataError(f"{path} holds no graphs: there is no NAME_A.txt beside a NAME_graph_indicator.txt in it.")
    return of_folder(path)


def _of_pattern(paths: Sequence[Path]) -> Found:
    raise DataError(f"A pattern of {paths[0]}, ... cannot be read as graphs: give {KNOWN}.")


def _of_source(source: Source) -> Found:
    raise DataError(f"{source.origin} is a table, and graphs come as {KNOWN}.")
