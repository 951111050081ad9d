"""The CTRL descriptor: what its numbers are on graphs of which they are known, and what it depends on."""

from __future__ import annotations

import numpy as np
import pytest
from some_graphs import both_ways, complete, connected, joined, path, petersen, ring, star

from contrapose.controllability import leader_distances
from contrapose.controllability.descriptor import DESCRIPTOR_NAMES, ctrl_descriptor, prepared
from contrapose.controllability.structure import biconnected_components
from contrapose.controllability.topology import Topology
from contrapose.errors import ArgumentError


def named(edges: np.ndarray, nodes: int, **how: int) -> dict[str, float]:
    rows = ctrl_descriptor(edges, nodes, **{"draws": 6, **how})
    assert rows.shape == (154,)
    assert np.isfinite(rows).all()
    return dict(zip(DESCRIPTOR_NAMES, rows.tolist(), strict=True))


def test_there_are_154_numbers_of_different_names():
    assert len(set(DESCRIPTOR_NAMES)) == 154


def test_a_ring():
    found = named(ring(12), 12)
    assert found["nodes"] == found["edges"] == 12
    assert found["biconnected components"] == 1
    assert [found[f"cyclomatic number {one}"] for one in ("0", "1", "2", "above 2")] == [0, 1, 0, 0]
    for which in ("max", "min", "mean"):
        assert found[f"{which} trace, 1 lead"] == pytest.approx(1)  # half of the degree
        assert found[f"{which} rank, 1 lead"] == 6  # a ring of 12 seen from a node: nodes at distances 1 to 6
        assert found[f"{which} distinct distance vectors, 1 lead"] == 7
    assert found["Laplacian eigenvalue 1"] == pytest.approx(2 - 2 * np.cos(2 * np.pi / 12))
    assert found["Laplacian eigenvalue -1"] == pytest.approx(4)
    assert found["Wiener index"] == 12**3 / 8
    assert found["largest eccentricity eigenvalue"] == pytest.approx(6)  # six pairs at distance 6
    assert found["eccentricity energy"] == pytest.approx(12 * 6)
    assert found["trace of the degree sequence"] == 2


def test_a_path_and_a_complete_graph():
    line, full = named(path(10), 10), named(complete(11), 11)
    assert line["cyclomatic number 0"] == full["cyclomatic number above 2"] == 1
    assert line["biconnected components"] == 9
    assert full["biconnected components"] == 1
    assert line["Wiener index"] == 165
    assert full["Wiener index"] == 55
    assert line["max rank, 9 lead"] == 1  # one follower is left
    assert full["mean rank, 1 lead"] == 1
    assert full["mean trace, 1 lead"] == pytest.approx(5)
    assert full["Laplacian energy"] == pytest.approx(10 * abs(11 - 10) + abs(0 - 10))
    assert line["min smallest eigenvalue, 1 lead"] <= 1e-4


def test_distance_vectors_are_counted_exactly():
    random = np.random.default_rng(0)
    edges = connected(40, random, share=0.02)
    found = named(edges, 40, draws=1, seed=3)
    # The same draws as the descriptor's, told by the number of vectors of all possible single leaders.
    alone = {len(np.unique(leader_distances(edges, 40, [leader]))) for leader in range(40)}
    assert found["max distinct distance vectors, 1 lead"] in alone
    many = [found[f"max distinct distance vectors, {count} lead"] for count in ("1", "2", "5", "9", "30 %")]
    assert many[-1] > many[0]
    assert max(many) <= 40
    assert min(many[1:]) > 1


def test_it_depends_on_the_graph_and_the_seed_alone():
    random = np.random.default_rng(1)
    edges = connected(15, random)
    shuffled = edges[:, random.permutation(edges.shape[1])]
    one = ctrl_descriptor(edges, 15, draws=3)
    assert (one == ctrl_descriptor(shuffled, 15, draws=3)).all()
    assert (one != ctrl_descriptor(edges, 15, draws=3, seed=1)).any()
    moved = random.permutation(15)[edges]
    same = [number for number, name in enumerate(DESCRIPTOR_NAMES) if "lead" not in name]
    assert ctrl_descriptor(moved, 15, draws=1)[same] == pytest.approx(one[same])


def test_small_graphs_and_graphs_in_pieces_are_prepared():
    three = prepared(Topology.of(path(3), 3))
    assert (three.nodes, three.edge_counts.tolist()) == (12, [4 * 2 + 3])
    assert biconnected_components(three) == 11  # a path again
    alone = prepared(Topology.of(np.zeros((2, 0), dtype=int), 1))
    assert (alone.nodes, alone.edge_counts.tolist()) == (10, [9])
    pieces = prepared(Topology.of(np.concatenate([ring(6), ring(5) + 6], axis=1), 11))
    assert (pieces.nodes, pieces.edge_counts.tolist()) == (12, [11 + 11])
    whole = Topology.of(petersen(), 10)
    assert prepared(whole).keys.tolist() == whole.keys.tolist()


def test_parts_that_no_single_node_holds_together():
    networkx = pytest.importorskip("networkx")
    random = np.random.default_rng(2)
    for _ in range(30):
        n = int(random.integers(1, 14))
        edges = connected(n, random, share=0.05)
        edges = edges[:, (edges != 0).all(axis=0)] if random.random() < 0.3 else edges
        graph = networkx.Graph()
        graph.add_nodes_from(range(n))
        graph.add_edges_from(edges.T.tolist())
        assert biconnected_components(Topology.of(edges, n)) == len(list(networkx.biconnected_components(graph)))
    assert biconnected_components(joined([(star(4), 4), (ring(5), 5)])) == 4


def test_what_cannot_be_described_is_refused():
    with pytest.raises(ArgumentError, match="at least 1"):
        ctrl_descriptor(ring(12), 12, draws=0)
    with pytest.raises(ArgumentError, match="directed"):
        ctrl_descriptor(both_ways([(0, 1)])[:, :1], 2)
    with pytest.raises(ArgumentError, match="one node or more"):
        ctrl_descriptor(np.zeros((2, 0), dtype=int), 0)
