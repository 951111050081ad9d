"""Graphs from every form in which people have them, and a sentence for each of the usual slips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from graph_files import (
    EDGES,
    FEATURES,
    LABELS,
    TAGS,
    arrays,
    networkx_graphs,
    npz,
    pairs_of_graphs,
    pyg_graphs,
    tu_folder,
    tu_texts,
    tu_zip,
)

from contrapose.data import Graphs, Samples, kind_of, open_graphs
from contrapose.data.ragged import Ragged
from contrapose.data.rows import open_rows
from contrapose.errors import ArgumentError, ContraposeError, DataError
from contrapose.node_inputs import NodeInputs, degrees

FORMS: dict[str, Callable[[Path], Any]] = {
    "folder": lambda path: tu_folder(path / "SMALL"),
    "folder of it": lambda path: tu_folder(path / "data" / "SMALL").parent,
    "zip": lambda path: tu_zip(path / "small.zip"),
    "npz": lambda path: npz(path / "small.npz"),
    "torch-geometric": lambda path: pyg_graphs(),
    "networkx": lambda path: networkx_graphs(),
    "pairs": lambda path: pairs_of_graphs(),
}
REVERSED = ("pairs",)  # edges are written in one direction


def edges_of(graphs: Graphs, row: int) -> set[tuple[int, int]]:
    return set(map(tuple, graphs.batch([row]).edges.T.tolist()))


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_is_the_same_graphs(form: str, tmp_path: Path) -> None:
    spec = FORMS[form](tmp_path)
    assert kind_of(spec) == "graph"
    graphs = open_graphs(spec)
    assert isinstance(graphs, Samples)
    assert len(graphs) == 3
    assert graphs.inputs == NodeInputs("tags", ("1", "6", "7", "8"))
    for row, (tags, edges) in enumerate(zip(TAGS, EDGES, strict=True)):
        assert [int(graphs.inputs.values[tag]) for tag in graphs.batch([row]).nodes] == tags
        assert edges_of(graphs, row) == {*edges, *((b, a) for a, b in edges)}
    if form == "npz":
        assert graphs.labels.tolist() == [1, 0, 1]
        assert graphs.folds.tolist() == [0, 1, 2]
        assert graphs.subset([2, 0]).folds.tolist() == [2, 0]
    elif form == "pairs":
        assert graphs.labels is None
        assert "Edges are written in one direction and read in both" in graphs.notes[0]
    elif form in ("torch-geometric", "networkx"):
        assert graphs.labels.tolist() == LABELS
    else:
        assert [graphs.class_names[number] for number in graphs.labels] == ["1", "-1", "1"]  # -1 is a class there
        assert graphs.identifiers == ["1", "2", "3"]


def test_minus_one_is_no_label_but_in_files_of_tudataset(tmp_path: Path) -> None:
    told = "The only class is 1: -1 stands for no label. Where it is a class, write 0 in its place, or names."
    graphs = open_graphs(npz(tmp_path / "a.npz", label=np.array(LABELS)))
    assert graphs.labels.tolist() == LABELS
    assert graphs.notes[-2:] == (told, "1 of 3 samples are not labelled.")
    rows = open_rows({"x": [0.1, 0.2, 0.3], "y": [1.0, 2.0, 4.0], "label": LABELS})
    assert told in rows.notes  # as of any other kind
    assert told not in open_graphs(npz(tmp_path / "b.npz", label=np.array([1, -1, 0]))).notes
    assert told not in open_graphs(tu_folder(tmp_path / "c")).notes
    named = open_rows({"x": [0.1, 0.2, 0.3], "y": [1.0, 2.0, 4.0], "label": ["cat", None, "cat"]})
    assert named.notes[-1] == "1 of 3 samples are not labelled."
    assert not any("only class" in note for note in named.notes)


def test_a_batch_is_in_order_and_a_subset_of_it_too() -> None:
    graphs = open_graphs(pairs_of_graphs())
    batch = graphs.batch([2, 0])
    again = batch.with_edges(batch.edges)
    assert torch.equal(again.edges, batch.edges)
    assert batch.node_pointers.tolist() == [0, 4, 7]
    assert batch.edge_pointers.tolist() == [0, 6, 10]
    assert batch.nodes.tolist() == [graphs.inputs.values.index(str(tag)) for tag in (*TAGS[2], *TAGS[0])]
    part = graphs.subset([2, 0])
    assert torch.equal(part.every.edges, batch.edges)
    assert part.edge_counts().tolist() == [3, 2]
    assert part.node_counts().tolist() == [4, 3]


def test_the_reader_of_texts_gives_what_the_archive_does(shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Real graphs, written out as TUDataset writes them and read again."""
    wanted = open_graphs(shared_data("tu_graphs/mutag.npz"), limit=40)
    batch = wanted.every
    first, second = (batch.edges + 1).tolist()
    files = {
        "A": "".join(f"{a}, {b}\n" for a, b in zip(first, second, strict=True)),
        "graph_indicator": "".join(f"{graph + 1}\n" for graph in batch.graph_of_nodes.tolist()),
        "graph_labels": "".join(f"{label}\n" for label in wanted.labels.tolist()),
        "node_labels": "".join(f"{wanted.inputs.values[tag]}\n" for tag in batch.nodes.tolist()),
    }
    found = open_graphs(tu_folder(tmp_path / "MUTAG", "MUTAG", **files), inputs=wanted.inputs)
    assert all(torch.equal(one, two) for one, two in zip(batch._parts(), found.every._parts(), strict=True))
    assert [found.class_names[label] for label in found.labels] == [str(label) for label in wanted.labels]


def test_usual_slips_are_mended_and_said(tmp_path: Path) -> None:
    """A directed edge, an edge from a node to itself, one that is there twice, and a graph without nodes."""
    edges = [(0, 1), (1, 0), (1, 2), (2, 2), (0, 1)]
    graphs = open_graphs([(["a", "b", "a", "c"], edges), (0, []), (["b"], [])], labels=["x", "y", "x"])
    assert edges_of(graphs, 0) == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert graphs.notes == (
        "1 edge from a node to itself left out.",
        "1 repeated edge taken once.",
        "1 of 3 edges lead one way only and are read in both: graphs are undirected here.",
    )
    assert [(one.path, one.reason) for one in graphs.skipped] == [("1", "it has no nodes")]
    assert graphs.identifiers == ["0", "2"]
    assert graphs.labels.tolist() == [0, 0]
    assert graphs.node_counts().tolist() == [4, 1]


def test_nodes_in_any_order_are_put_to_their_graphs(tmp_path: Path) -> None:
    """Nodes 1, 3 belong to graph 1, nodes 2, 4 to graph 2, and no node to graph 3."""
    changed = {
        "A": "1, 3\n4,2\n",
        "graph_indicator": "1\n2\n1\n2",
        "node_labels": "5\n6\n7\n8",
        "graph_labels": "0\n1\n1",
    }
    graphs = open_graphs(tu_folder(tmp_path, edge_labels="1\n1", **changed))
    assert [graphs.inputs.values[tag] for tag in graphs.every.nodes] == ["5", "7", "6", "8"]
    assert edges_of(graphs, 1) == {(0, 1), (1, 0)}
    assert [one.path for one in graphs.skipped] == ["3"]
    assert graphs.notes[0] == "Labels of edges are not read."


@pytest.mark.parametrize("local", [True, False])
def test_an_archive_may_number_nodes_over_all_graphs(local: bool, tmp_path: Path) -> None:
    found = arrays()
    shift = np.repeat(found["node_ptr"][:-1], np.diff(found["edge_ptr"]))
    wanted = open_graphs(npz(tmp_path / "local.npz"))
    changed: dict[str, Any] = {"edge_index": found["edge_index"] + shift}
    changed |= {} if local else {"edge_ptr": None}
    graphs = open_graphs(npz(tmp_path / "over.npz", **changed))
    assert torch.equal(graphs.every.edges, wanted.every.edges)


def test_nodes_without_tags_have_their_degrees_and_larger_ones_are_one() -> None:
    graphs = open_graphs([(3, [(0, 1), (1, 2)]), (300, [(0, node) for node in range(1, 300)])])
    assert graphs.inputs == degrees(255)
    assert graphs.batch([0]).nodes.tolist() == [1, 2, 1]
    assert graphs.batch([1]).nodes.tolist() == [255] + 299 * [1]
    assert "Nodes have no tags: how many edges each has is taken in its place." in graphs.notes
    assert "Degrees above 255 are taken as 255; the largest is 299." in graphs.notes
    assert graphs.inputs.shown(255) == "degree 255 or more"
    same = open_graphs([([7, 7], [(0, 1)]), ([7], [])])
    assert "Nodes all have the same tag: how many edges each has is taken in its place." in same.notes
    assert same.inputs == degrees(1)


def test_features_are_read_where_there_are_no_tags_or_they_are_asked_for(tmp_path: Path) -> None:
    lines = "".join(f"{a}, {b}\n" for nodes in FEATURES for a, b in nodes)
    graphs = open_graphs(tu_folder(tmp_path / "both", node_attributes=lines))
    assert graphs.inputs.kind == "tags"
    assert "Nodes have features besides their tags" in graphs.notes[-1]
    for spec, asked in (
        (tmp_path / "both", "features"),
        (tu_folder(tmp_path / "one", node_attributes=lines, node_labels=None), None),
    ):
        graphs = open_graphs(spec, node_input=asked)
        assert graphs.inputs == NodeInputs("features", features=2)
        assert graphs.batch([1]).nodes.tolist() == FEATURES[1]
    mean, scale = graphs.statistics()
    every = np.concatenate(FEATURES)
    np.testing.assert_allclose([mean, scale], [every.mean(0), every.std(0)], rtol=1e-6)
    alone = open_graphs([(np.array(nodes), edges) for nodes, edges in zip(FEATURES, EDGES, strict=True)])
    assert torch.equal(alone.every.nodes, graphs.every.nodes)
    assert open_graphs(tmp_path / "both", node_input="degree").inputs == degrees(2)


def test_rows_with_a_single_one_are_tags() -> None:
    data = pyg_graphs()
    for one, tags in zip(data, TAGS, strict=True):
        one.x = torch.eye(9)[tags]
    graphs = open_graphs(data)
    assert graphs.inputs == NodeInputs("tags", ("1", "6", "7", "8"))
    data[0].x[0] = 0.5
    assert open_graphs(data).inputs == NodeInputs("features", features=9)


def test_a_graph_by_itself_is_a_graph_and_targets_are_found_by_name() -> None:
    data = pyg_graphs(edge_attr=np.zeros((2, 1)), energy=1.5)
    graphs = open_graphs(data, number_column="energy")
    assert graphs.targets["number"].tolist() == [1.5, 1.5, 1.5]
    assert "Attributes of edges are not read." in graphs.notes
    assert len(open_graphs(data[0])) == len(open_graphs(networkx_graphs()[0])) == 1
    assert open_graphs(networkx_graphs(directed=True)).notes[0].startswith("Edges are written in one direction")
    with pytest.raises(ArgumentError, match="has no 'energi' of each graph"):
        open_graphs(data, number_column="energi")
    assert open_graphs(data, labels=False).labels is None


def test_what_an_encoder_takes_is_found_by_name(tmp_path: Path) -> None:
    known = NodeInputs("tags", ("8", "6", "9"))
    graphs = open_graphs(pairs_of_graphs(), inputs=known)
    assert graphs.batch([0]).nodes.tolist() == [1, 1, 0]
    assert graphs.batch([1]).nodes.tolist() == [1, -1]
    assert graphs.notes[-1] == "2 tags of nodes ('1', ...) are unknown to the encoder."
    again = open_graphs(pairs_of_graphs()).recoded(known)
    assert torch.equal(again.every.nodes, graphs.every.nodes)
    few = open_graphs([(4, [(0, 1), (0, 2), (0, 3)])]).recoded(degrees(2))
    assert few.every.nodes.tolist() == [2, 1, 1, 1]
    assert open_graphs(pairs_of_graphs(), inputs=degrees(9)).batch([1]).nodes.tolist() == [1, 1]
    with pytest.raises(DataError, match="nodes have 3 tags, and those of a list of graphs have no tags: give data"):
        open_graphs([(3, [(0, 1)])], inputs=known)
    with pytest.raises(ArgumentError, match="nodes have 2 features, and these"):
        open_graphs(pairs_of_graphs()).recoded(NodeInputs("features", features=2))


def test_samples_tell_what_they_are() -> None:
    graphs = open_graphs(pairs_of_graphs())
    assert graphs.excerpt(2) == "4 nodes, 3 edges; 6 (2), 8 (1), 1 (1)"
    assert graphs.in_words() == "2 to 4 nodes and 1 to 3 edges, 4 tags"
    assert graphs.subset([2]).in_words() == "4 nodes and 3 edges, 4 tags"
    assert graphs.facts()["edges"] == 6
    assert len({*graphs.contents()}) == 3
    assert graphs.fingerprint == open_graphs(pairs_of_graphs()).fingerprint
    changed = pairs_of_graphs()
    changed[0] = (TAGS[0], [(0, 1), (0, 2)])
    assert graphs.fingerprint != open_graphs(changed).fingerprint


SLIPS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "edge to a node that is not there": (
        lambda path: [(2, [(0, 1)]), (2, [(0, 5)])],
        "Graph 1 of .* 0 to 1, and an edge from 0 to 5; correct the edge",
    ),
    "nodes from 1": (lambda path: [(2, [(1, 2)]), (3, [(1, 3)])], "run from 1 on: subtract 1"),
    "no graph": (lambda path: [(0, []), (0, [])], "holds no graph with a node"),
    "no edges but words": (lambda path: [(2, [("a", "b")])], "Graph 0 cannot be read .*pairs of whole numbers"),
    "some without features": (
        lambda path: [([1, 2], []), (2, [])],
        "Some graphs have tags or features of nodes, and others",
    ),
    "something else": (lambda path: [(2, []), "graph"], "A str is no graph that can be opened"),
    "a missing feature": (
        lambda path: [(np.zeros((2, 1)), []), (np.array([[0.0], [np.nan]]), [])],
        "Node 1 of graph 1 of .* missing or infinite",
    ),
    "no indicator": (
        lambda path: tu_folder(path, graph_indicator=None),
        "there is no NAME_A.txt beside a NAME_graph_indicator",
    ),
    "an edge between graphs": (
        lambda path: tu_folder(path, A="1, 2\n3, 4\n"),
        "line 2 of SMALL_A.txt is an edge between graphs 1 and 2",
    ),
    "a node that is not there": (
        lambda path: tu_folder(path, A="1, 2\n9, 10\n"),
        "line 2 of SMALL_A.txt is an edge from node 9 to 10, .* numbered 1 to 9",
    ),
    "nodes from 0": (lambda path: tu_folder(path, A="0, 1\n"), "line 1 of SMALL_A.txt is an edge from node 0 to 1"),
    "no number": (
        lambda path: tu_folder(path, A="1, 2\n1; 3\n"),
        "SMALL_A.txt, line 2 is '1; 3' and should be 2 whole numbers",
    ),
    "too few labels": (
        lambda path: tu_folder(path, graph_labels="1\n"),
        "names graphs 1 to 3, and there are 1 graph label",
    ),
    "too few tags": (
        lambda path: tu_folder(path, node_labels="1\n2\n"),
        "SMALL_node_labels.txt has 2 lines for 9 nodes",
    ),
    "two sets": (
        lambda path: tu_folder(tu_folder(path), "OTHER"),
        r"several sets of graphs \(OTHER_A.txt, SMALL_A.txt\)",
    ),
    "pointers that fall": (
        lambda path: npz(path / "a.npz", edge_ptr=np.array([0, 6, 2, 12])),
        "edge_ptr must be 4 whole numbers from 0 to 12 that never fall",
    ),
    "edges as fractions": (
        lambda path: npz(path / "a.npz", edge_index=np.zeros((2, 12))),
        "edge_index must be whole numbers",
    ),
    "tags of other nodes": (
        lambda path: npz(path / "a.npz", node_tag=np.zeros(4)),
        r"node_tag of \(4,\) does not fit 9 nodes",
    ),
    "a file of something else": (
        lambda path: (path / "a.gml").write_text("graph") and path / "a.gml",
        r"no file of graphs that is known \(.gml\)",
    ),
}


@pytest.mark.parametrize("slip", list(SLIPS))
def test_a_slip_is_a_sentence(slip: str, tmp_path: Path) -> None:
    make, sentence = SLIPS[slip]
    with pytest.raises(ContraposeError, match=sentence) as refused:
        open_graphs(make(tmp_path))
    assert "\n" not in str(refused.value)


def test_a_damaged_zip_or_archive_is_a_sentence(tmp_path: Path) -> None:
    for name in ("a.zip", "a.npz"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 no more")
        with pytest.raises(DataError, match="is damaged or no"):
            open_graphs(tmp_path / name)


@pytest.mark.parametrize(
    "other",
    [[(1, 2), (3, 4)], [([1, 2], [3, 4])], [[[0, 1], [1, 0]]], SimpleNamespace(nodes=1), "x.zip", [(1.0, 2.0, 3.0)]],
)
def test_other_things_are_no_graphs(other: Any) -> None:
    assert kind_of(other) != "graph"


def test_parts_that_do_not_fit_are_refused() -> None:
    nodes, edges = (
        Ragged(np.zeros(3, np.int64), np.array([0, 1, 3])),
        Ragged(np.zeros((0, 2), np.int32), np.zeros(2, int)),
    )
    with pytest.raises(ArgumentError, match="as many graphs"):
        Graphs(nodes, edges, degrees(1))
    none = Ragged(np.zeros((0, 2), np.int32), np.zeros(3, int))
    assert len(Graphs(nodes, none, degrees(1))) == 2
    with pytest.raises(ArgumentError, match="one node or more each"):
        Graphs(Ragged(np.zeros(3, np.int64), np.array([0, 0, 3])), none, degrees(1))
    assert "node_labels" in tu_texts()


def test_graphs_of_the_real_networkx_are_read() -> None:
    networkx = pytest.importorskip("networkx")
    star, way = networkx.star_graph(3), networkx.DiGraph([("a", "b"), ("b", "c"), ("b", "b")])
    star.graph["label"], way.graph["label"] = "star", "way"
    assert kind_of([star, way]) == "graph"
    graphs = open_graphs([star, way, networkx.MultiGraph([(0, 1), (0, 1)])], labels=None)
    assert edges_of(graphs, 0) == {(0, 1), (1, 0), (0, 2), (2, 0), (0, 3), (3, 0)}
    assert edges_of(graphs, 1) == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert edges_of(graphs, 2) == {(0, 1), (1, 0)}
    assert graphs.labels.tolist() == [0, 1, -1]
    assert "1 edge from a node to itself left out." in graphs.notes
