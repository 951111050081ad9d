"""Changes of edges that leave distances from leaders as they are: against searches, and one after another."""

from __future__ import annotations

import numpy as np
import pytest
from some_graphs import both_ways, complete, connected, joined, path, ring, searched, tree

from contrapose.controllability import pmi_bound
from contrapose.controllability.changes import CHANGES, ControlEdits
from contrapose.controllability.changes.additions import FreeAdditions
from contrapose.controllability.changes.deletions import FreeDeletions
from contrapose.controllability.distances import Distances, of_one
from contrapose.controllability.leaders import leader_counts, random_leaders
from contrapose.controllability.topology import Topology


def of(edges: np.ndarray, nodes: int, leaders: list[int]) -> Distances:
    return Distances(Topology.of(edges, nodes), of_one(np.array(leaders)))


def slow(topology: Topology, leaders: np.ndarray) -> list[list[int]]:
    edges = np.stack([topology.source, topology.target])
    return [searched(edges, topology.nodes, leader) for leader in leaders.tolist()]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("share", [0.1, 0.7])
def test_distances_stay(change, share):
    random = np.random.default_rng(0)
    sizes = [1, 2, 3, 5, 9, 16, 30, 40]
    graphs = [(connected(n, random, share=0.2), n) for n in sizes] + [(path(12), 12), (complete(7), 7)]
    graphs.append((np.concatenate([ring(6), ring(6) + 6], axis=1), 12))  # in two pieces
    topology = joined(graphs)
    leaders = random_leaders(topology, random, share=share)
    assert leaders.counts.tolist() == [max(1, int(np.ceil(share * n - 1e-9))) for n in [*sizes, 12, 7, 12]]
    edits, before = ControlEdits(Distances(topology, leaders)), slow(topology, leaders.nodes)
    changed = 0
    for _ in range(4):
        found = edits.draw(0.3, random, change=change)
        after = found.topology
        assert slow(after, leaders.nodes) == before
        assert (after.edge_counts == topology.edge_counts - found.deleted + found.added).all()
        assert (after.source != after.target).all()
        pairs = after.source * after.nodes + after.target
        assert (np.sort(pairs) == after.keys).all()  # each edge in both directions
        assert (np.diff(after.keys) > 0).all()  # in order, and once
        graph = after.graph_of_nodes
        assert (graph[after.source] == graph[after.target]).all()
        assert (found.deleted <= found.asked).all()
        assert (found.added <= found.asked).all()
        assert (found.asked == np.floor(0.3 * topology.edge_counts + 0.5)).all()
        old, new = set(topology.keys.tolist()), set(after.keys.tolist())
        assert len(old - new) == 2 * found.deleted.sum()
        assert len(new - old) == 2 * found.added.sum()
        if change == "substitute":
            assert (found.deleted == found.added).all()
        assert found.deleted.any() == (change != "add")
        assert found.added.any() == (change != "delete")
        changed += len(old ^ new)
    assert changed


def test_the_bound_stays():
    random = np.random.default_rng(1)
    for _ in range(20):
        edges, leaders = connected(20, random), random.choice(20, 2, replace=False)
        found = ControlEdits(of(edges, 20, leaders.tolist())).draw(0.5, random)
        after = np.stack([found.topology.source, found.topology.target])
        assert pmi_bound(after, 20, leaders, exact=True) == pmi_bound(edges, 20, leaders, exact=True)


def test_an_edge_may_go_if_and_only_if_distances_stay():
    random, both = np.random.default_rng(2), {True: 0, False: 0}
    for _ in range(200):
        n = int(random.integers(3, 9))
        edges = connected(n, random, share=0.2)
        leaders = np.sort(random.choice(n, int(random.integers(1, 4)), replace=False))
        distances = of(edges, n, leaders.tolist())
        deletions, before = FreeDeletions(distances), slow(distances.topology, leaders)
        for number, may in enumerate(deletions.may):
            rest = deletions.number != number
            less = Topology(distances.topology.source[rest], distances.topology.target[rest], np.array([0, n]))
            assert (slow(less, leaders) == before) == may
            both[bool(may)] += 1
    assert min(both.values()) > 100


def test_a_pair_may_be_joined_if_and_only_if_distances_stay():
    random = np.random.default_rng(3)
    for _ in range(40):
        n = int(random.integers(4, 11))
        edges = connected(n, random, share=0.1)[:, : random.integers(2, 5) * -2]
        edges = both_ways([(a, b) for a, b in edges.T.tolist() if a < b])  # some in pieces
        leaders = np.sort(random.choice(n, int(random.integers(1, 5)), replace=False))
        distances = of(edges, n, leaders.tolist())
        every = FreeAdditions(distances).draw(np.array([n * n]), random)
        before, joined_pairs = slow(distances.topology, leaders), set(zip(*edges.tolist(), strict=True))
        for b in range(n):
            for a in range(b):
                if (a, b) not in joined_pairs:
                    more = Topology.of(np.concatenate([edges, [[a, b], [b, a]]], axis=1), n)
                    assert (slow(more, leaders) == before) == ((a, b) in set(zip(*every.tolist(), strict=True)))


def test_deletions_are_those_of_one_after_another():
    random = np.random.default_rng(4)
    graphs = [(connected(n, random, share=0.3), n) for n in (4, 8, 13)]
    topology = joined(graphs)
    waited = 0
    for share in (0.1, 0.5):
        leaders = random_leaders(topology, random, share=share)
        deletions = FreeDeletions(Distances(topology, leaders))
        for _ in range(4):
            order = random.random(len(deletions.may))
            fast = deletions._in_turn(order)
            left, before = np.ones(len(topology.source), dtype=bool), slow(topology, leaders.nodes)
            for number in order.argsort():
                without = left & (deletions.number != number)
                less = Topology(topology.source[without], topology.target[without], topology.node_pointers)
                if slow(less, leaders.nodes) == before:
                    left = without
            gone = ~left
            assert (gone == fast[deletions.number]).all()
            waited += int((deletions.may & ~fast).sum())
    assert waited  # edges that may go alone, but not after others


def test_two_edges_that_may_go_alone_do_not_go_together():
    edits = ControlEdits(of(ring(4), 4, [0]))  # node 2 has two parents
    for seed in range(8):
        found = edits.draw(1.0, np.random.default_rng(seed), change="delete")
        assert found.deleted.tolist() == [1]


def test_of_a_tree_nothing_goes():
    random = np.random.default_rng(5)
    topology = joined([(tree(n, random), n) for n in (2, 6, 15, 30)])
    leaders = random_leaders(topology, random, share=0.01)
    assert leaders.counts.tolist() == [1, 1, 1, 1]
    found = ControlEdits(Distances(topology, leaders)).draw(0.5, random)
    assert found.deleted.tolist() == [0, 0, 0, 0]
    assert found.asked.tolist() == [1, 3, 7, 15]
    assert found.added.sum() > 0
    assert not ControlEdits(Distances(topology, leaders)).draw(0.5, random, change="substitute").added.any()


def test_pairs_are_joined_with_equal_chances():
    star = ControlEdits(of(both_ways([(0, v) for v in range(1, 6)]), 6, [0]))  # any two of the five leaves
    random, counts = np.random.default_rng(6), np.zeros((6, 6), dtype=int)
    for _ in range(1000):
        a, b = star.additions.draw(np.array([1]), random)
        counts[a, b] += 1
    found = counts[counts > 0]
    assert len(found) == 10
    assert found.sum() == 1000
    assert ((found - 100) ** 2 / 100).sum() < 30  # chi squared of nine degrees; beyond 28 once in a thousand


def test_leaders_are_drawn_with_equal_chances():
    topology = joined([(path(5), 5), (ring(4), 4)])
    random, counts = np.random.default_rng(7), np.zeros(9, dtype=int)
    for _ in range(1000):
        leaders = random_leaders(topology, random, share=0.4)
        assert leaders.counts.tolist() == [2, 2]
        assert len(set(leaders.nodes.tolist())) == 4
        counts[leaders.nodes] += 1
    assert np.abs(counts[:5] - 400).max() < 70
    assert np.abs(counts[5:] - 500).max() < 70
    assert leader_counts(np.array([1, 9, 10, 11, 100]), 0.1).tolist() == [1, 1, 1, 2, 10]
