"""Edits of graphs: what they change, how much of it, and what they leave."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor

from contrapose.errors import OptionError
from contrapose.graph_batch import GraphBatch
from contrapose.views.graphs import EDITS, GraphViewMaker, GraphViews
from contrapose.views.graphs.draws import chosen, once, pair_numbers, pairs_of
from contrapose.views.graphs.edges import change_edges, free_pairs
from contrapose.views.graphs.nodes import induced

SHARE = 0.2


def drawn(seed: int = 0) -> Tensor:
    return torch.Generator().manual_seed(seed)


def random_graphs(*sizes: int, chance: float = 0.3, seed: int = 0) -> GraphBatch:
    """Each pair of nodes is an edge by this chance."""
    generator, ends = drawn(seed), torch.tensor([0, *sizes]).cumsum(0)
    pairs = [
        torch.combinations(torch.arange(size)).T + first for size, first in zip(sizes, ends.tolist(), strict=False)
    ]
    edges = torch.cat(pairs, dim=1)
    edges = edges[:, torch.rand(edges.shape[1], generator=generator) < chance]
    nodes = torch.randint(5, (int(ends[-1]),), generator=generator)
    empty = GraphBatch(nodes, edges[:, :0], ends, torch.zeros_like(ends))
    return empty.with_edges(torch.cat([edges, edges.flip(0)], dim=1))


def complete(*sizes: int) -> GraphBatch:
    return random_graphs(*sizes, chance=2.0)


GRAPHS = random_graphs(12, 1, 30, 5, 2, 17)


def edges_of(graphs: GraphBatch) -> set[tuple[int, int]]:
    return set(map(tuple, graphs.edges.T.tolist()))


def counts(graphs: GraphBatch) -> list[int]:
    return (graphs.edge_counts // 2).tolist()


@pytest.mark.parametrize("name", list(EDITS))
def test_every_edit_gives_graphs_in_order_that_it_draws_anew(name: str) -> None:
    before = [part.clone() for part in GRAPHS._parts()]
    view = EDITS[name](GRAPHS, SHARE, generator=drawn())
    assert len(view) == len(GRAPHS)
    assert (view.node_counts > 0).all()
    assert (view.edges[0] != view.edges[1]).all()
    assert torch.equal(view.graph_of_nodes[view.edges[0]], view.graph_of_nodes[view.edges[1]])
    edges = edges_of(view)
    assert len(edges) == view.edges.shape[1], "an edge twice"
    assert {(b, a) for a, b in edges} == edges
    again = view.with_edges(view.edges)
    assert torch.equal(again.edges, view.edges)
    assert torch.equal(again.edge_pointers, view.edge_pointers)
    same, other = (EDITS[name](GRAPHS, SHARE, generator=drawn(seed)) for seed in (0, 1))
    assert all(torch.equal(one, two) for one, two in zip(view._parts(), same._parts(), strict=True))
    alike = zip(view._parts(), other._parts(), strict=True)
    assert all(torch.equal(one, two) for one, two in alike) == (name == "none")
    assert all(torch.equal(one, two) for one, two in zip(before, GRAPHS._parts(), strict=True)), "the graphs themselves"


def test_as_many_edges_are_put_elsewhere_as_are_taken_away() -> None:
    view = EDITS["edges"](GRAPHS, SHARE, generator=drawn())
    assert counts(view) == counts(GRAPHS)
    gone = edges_of(GRAPHS) - edges_of(view)
    assert (
        len(gone) == 2 * sum(round(SHARE * count) for count in counts(GRAPHS)) == len(edges_of(view) - edges_of(GRAPHS))
    )
    assert torch.equal(view.nodes, GRAPHS.nodes)


def test_edges_are_taken_away_alone() -> None:
    view = EDITS["delete_edges"](GRAPHS, 0.5, generator=drawn())
    assert counts(view) == [count - round(0.5 * count) for count in counts(GRAPHS)]
    assert edges_of(view) < edges_of(GRAPHS)


def test_a_complete_graph_has_no_place_for_an_edge() -> None:
    graphs = complete(6, 4)
    view = EDITS["edges"](graphs, SHARE, generator=drawn())
    assert counts(view) == [15 - 3, 6 - 1]
    nearly = graphs.with_edges(graphs.edges[:, (graphs.edges.amin(0) > 0) | (graphs.edges.amax(0) > 2)])  # 0-1, 0-2
    assert counts(nearly) == [13, 6]
    assert free_pairs(nearly, torch.tensor([5, 5]), drawn()).sort().values.tolist() == [0, 1]
    filled = change_edges(nearly, torch.tensor([0, 0]), torch.tensor([2, 9]), generator=drawn())
    assert edges_of(filled) == edges_of(graphs)


def test_all_choices_are_equally_likely() -> None:
    """Of a path of five nodes each edge and each free pair, one time in so many."""
    path = random_graphs(5, chance=0.0)
    pairs = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 4]])
    path = path.with_edges(torch.cat([pairs, pairs.flip(0)], dim=1))
    generator, one = drawn(), torch.tensor([1])
    many = path[[0] * 3000]
    view = change_edges(many, one.expand(3000), one.expand(3000), generator=generator)
    number = pair_numbers(once(view), view) % 10
    found = Counter(number.tolist())
    taken = set(pair_numbers(once(path), path).tolist())
    for pair in range(10):
        share = found[pair] / 3000
        assert share == pytest.approx(0.75 if pair in taken else 1 / 6, abs=0.04)


def test_pairs_are_numbered_and_found_again() -> None:
    graphs = complete(5, 1, 200, 3)
    edges = once(graphs)
    numbers = pair_numbers(edges, graphs)
    assert torch.equal(numbers, torch.arange(10 + 19_900 + 3))
    assert torch.equal(pairs_of(numbers, graphs), edges)


def test_so_many_of_each_graph_are_chosen() -> None:
    found = chosen(torch.tensor([4, 0, 7, 1]), torch.tensor([2, 0, 7, 0]), drawn())
    assert [part.sum().item() for part in found.split([4, 0, 7, 1])] == [2, 0, 7, 0]


def test_nodes_are_left_out_with_their_edges() -> None:
    view = EDITS["nodes"](GRAPHS, 0.5, generator=drawn())
    assert view.node_counts.tolist() == [6, 1, 15, 3, 1, 9]  # halves go to the even number
    kept = torch.tensor([True, False, True, True])
    square = random_graphs(4, chance=2.0).with_nodes(torch.tensor([7, 8, 9, 6]))
    triangle = induced(square, kept)
    assert triangle.nodes.tolist() == [7, 9, 6]
    assert edges_of(triangle) == {(a, b) for a in range(3) for b in range(3) if a != b}
    assert triangle.edge_pointers.tolist() == [0, 6]
    assert len(EDITS["nodes"](GRAPHS, 0.99, generator=drawn()).nodes) == len(GRAPHS)  # one node is left of each


def test_what_nodes_hold_is_hidden() -> None:
    view = EDITS["mask"](GRAPHS, SHARE, generator=drawn())
    hidden = [int((part == -1).sum()) for part in view.nodes.split(GRAPHS.node_counts.tolist())]
    assert hidden == [round(SHARE * size) for size in GRAPHS.node_counts.tolist()]
    assert torch.equal(view.nodes[view.nodes >= 0], GRAPHS.nodes[view.nodes >= 0])
    wide = GRAPHS.with_nodes(torch.ones(len(GRAPHS.nodes), 3))
    assert EDITS["mask"](wide, SHARE, generator=drawn()).nodes.sum(1).eq(0).sum() == sum(hidden)


def test_a_part_hangs_together() -> None:
    ring = random_graphs(20, 9, chance=0.0)
    around = torch.cat([torch.arange(20), 20 + torch.arange(9)])
    after = torch.cat([torch.arange(20).roll(-1), 20 + torch.arange(9).roll(-1)])
    ring = ring.with_edges(torch.stack([torch.cat([around, after]), torch.cat([after, around])]))
    view = EDITS["subgraph"](ring, 0.5, generator=drawn())
    assert view.node_counts.tolist() == [10, 5]  # 9 less round(4.5), which is 4
    assert counts(view) == [9, 4], "a path, which is a tree"
    alone = random_graphs(5, chance=0.0).with_edges(torch.tensor([[1, 3], [3, 1]]))
    for seed in range(5):
        assert EDITS["subgraph"](alone, 0.2, generator=drawn(seed)).node_counts.tolist() == [2]


def test_a_part_ends_where_its_piece_does() -> None:
    pieces = random_graphs(6, chance=0.0)
    edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    for seed in range(5):
        assert int(EDITS["subgraph"](pieces.with_edges(edges), 0.1, generator=drawn(seed)).node_counts) in (1, 2)


def test_a_mixture_edits_each_graph_in_its_place() -> None:
    names = torch.arange(16).repeat_interleave(10)
    graphs = random_graphs(*[10] * 16, chance=0.5).with_nodes(names)
    view = EDITS["mixed"](graphs, SHARE, generator=drawn())
    for row in range(16):
        assert set(view[row].nodes.tolist()) <= {row, -1}
    sizes = Counter(view.node_counts.tolist())
    assert sizes.keys() == {8, 10}
    hidden = [int((view[row].nodes < 0).sum()) for row in range(16)]
    assert set(hidden) == {0, 2}


def test_views_are_as_many_as_asked_and_the_first_may_stay() -> None:
    made = GraphViewMaker(GraphViews(count=3, keep_first=True, edit="edges"), lambda raw: raw)(
        GRAPHS, generator=drawn()
    )
    assert len(made) == 3
    assert torch.equal(made[0].edges, GRAPHS.edges)
    assert not torch.equal(made[1].edges, made[2].edges)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"edit": "edge"}, "must be one of mixed, edges, .* Did you mean 'edges'"),
        ({"share": 1.0}, "from 0 to below 1"),
        ({"share": True}, "from 0 to below 1"),
        ({"count": 0}, "at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(OptionError, match=sentence):
        GraphViews(**options)


def test_what_is_done_is_said() -> None:
    assert GraphViews().in_words() == "2 views of each graph: one of nodes, edges, mask, subgraph (20 %)"
    assert GraphViews(edit="delete_edges", share=0.1, keep_first=True).in_words() == (
        "2 views of each graph: 10 % of the edges taken away, in all but the first"
    )
    assert GraphViews(edit="none").in_words() == "2 views of each graph: copies"
