"""Views that keep distances from leaders, and their random match: leaders, counts, repetition."""

from __future__ import annotations

import pytest
import torch

from contrapose.controllability.distances import Distances, Leaders
from contrapose.controllability.leaders import random_leaders
from contrapose.controllability.topology import Topology
from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs import EDITS, GraphViewMaker, GraphViews
from contrapose.views.graphs import control as module
from contrapose.views.graphs.control import ControlViews, control_views


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_graphs(*sizes: int) -> GraphBatch:
    """Rings with as many chords as nodes, and paths of an odd number of nodes."""
    generator, ends = drawn(5), torch.tensor([0, *sizes]).cumsum(0)
    edges = []
    for size, first in zip(sizes, ends.tolist(), strict=False):
        nodes = torch.arange(size - 1)
        edges.append(torch.stack([nodes, nodes + 1]) + first)
        if size % 2 == 0:
            pairs = torch.combinations(torch.arange(size))
            edges.append(pairs[torch.randperm(len(pairs), generator=generator)[:size]].T + first)
    both = torch.cat(edges, dim=1)
    both = torch.cat([both, both.flip(0)], dim=1).unique(dim=1)  # (2, E)
    nodes = torch.randint(5, (int(ends[-1]),), generator=generator)
    return GraphBatch(nodes, both[:, :0], ends, torch.zeros_like(ends)).with_edges(both)


GRAPHS = some_graphs(12, 1, 30, 9, 2, 16)


def topology(graphs: GraphBatch) -> Topology:
    return Topology(*graphs.edges.numpy(), graphs.node_pointers.numpy())


def changes(before: GraphBatch, after: GraphBatch) -> tuple[list[int], list[int]]:
    """Edges of each graph that went, and that came."""
    gone, come = [], []
    for row in range(len(before)):
        old, new = (set(map(tuple, graphs[row].edges.T.tolist())) for graphs in (before, after))
        gone.append(len(old - new) // 2)
        come.append(len(new - old) // 2)
    return gone, come


@pytest.mark.parametrize("edit", ["control", "matched"])
def test_counts_are_those_of_the_edges_that_changed(edit: str) -> None:
    make = ControlViews(GraphViews(edit=edit, share=0.3), lambda raw: raw)
    one, other, counts = make(GRAPHS, generator=drawn())
    found = [changes(GRAPHS, view) for view in (one, other)]
    asked = 2 * torch.floor(0.3 * (GRAPHS.edge_counts // 2).double() + 0.5)  # of two views
    assert counts[:, 0].tolist() == asked.tolist()
    assert counts[:, 1].tolist() == torch.tensor([gone for gone, _ in found]).sum(0).tolist()
    assert counts[:, 2].tolist() == torch.tensor([come for _, come in found]).sum(0).tolist()
    assert counts[3, 1] == 0  # a path has no edge to spare
    assert counts[[0, 2, 5], 1].min() > 0
    assert one.edges.tolist() != other.edges.tolist()
    for view in (one, other):
        assert view.nodes is GRAPHS.nodes
        assert view.edges.tolist() == view.with_edges(view.edges).edges.tolist()  # in the order of the house
        assert view.edge_pointers.tolist() == view.with_edges(view.edges).edge_pointers.tolist()


def test_matched_changes_as_many_edges_of_each_graph_and_view() -> None:
    ours, theirs = (control_views(GRAPHS, 0.3, 2, at_random=random, generator=drawn(3))[0] for random in (False, True))
    for one, other in zip(ours, theirs, strict=True):
        assert changes(GRAPHS, one) == changes(GRAPHS, other)
        assert one.edges.tolist() != other.edges.tolist()


def test_leaders_are_the_same_in_all_views_and_others_in_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Leaders] = []

    def noted(*given, **how) -> Leaders:
        seen.append(random_leaders(*given, **how))
        return seen[-1]

    monkeypatch.setattr(module, "random_leaders", noted)
    generator = drawn()
    for step in (0, 1):
        views, _ = control_views(GRAPHS, 0.4, 3, leaders=0.2, generator=generator)
        assert len(seen) == step + 1
        before = Distances(topology(GRAPHS), seen[step]).values()
        for view in views:
            assert (Distances(topology(view), seen[step]).values() == before).all()
    assert seen[0].counts.tolist() == seen[1].counts.tolist() == [3, 1, 6, 2, 1, 4]
    assert seen[0].nodes.tolist() != seen[1].nodes.tolist()


@pytest.mark.parametrize("edit", ["control", "matched"])
def test_the_same_generator_gives_the_same_views(edit: str) -> None:
    make = GraphViewMaker(GraphViews(edit=edit, keep_first=True, count=3), lambda raw: raw)
    one, other = make(GRAPHS, generator=drawn(1)), make(GRAPHS, generator=drawn(1))
    assert one[0] is GRAPHS
    assert [view.edges.tolist() for view in one] == [view.edges.tolist() for view in other]
    assert one[1].edges.tolist() != one[2].edges.tolist()
    assert make(GRAPHS, generator=drawn(2))[1].edges.tolist() != one[1].edges.tolist()


def test_what_is_done_to_edges_may_be_chosen() -> None:
    only = {
        change: control_views(GRAPHS, 0.4, 1, change=change, generator=drawn())[1].sum(0)
        for change in ("delete", "add", "substitute")
    }
    assert only["delete"][1] > 0 == only["delete"][2]
    assert only["add"][2] > 0 == only["add"][1]
    assert only["substitute"][1] == only["substitute"][2] > 0


def test_graphs_without_edges_stay() -> None:
    alone = some_graphs(1, 1, 1)
    (view,), counts = control_views(alone, 0.5, 1, generator=drawn())
    assert view.edges.shape == (2, 0)
    assert counts.sum() == 0
    assert EDITS["control"].views(alone, 0.5, 2, generator=drawn())[1].edges.shape == (2, 0)
