from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.graph_batch import GraphBatch
from contrapose.view import View, alike, join

PATH, TRIANGLE, ALONE = ([0, 1, 2], [(0, 1), (1, 2)]), ([3, 4, 5], [(0, 1), (1, 2), (0, 2)]), ([6], [])


def batch_of(*graphs: tuple[list[int], list[tuple[int, int]]], wide: bool = False) -> GraphBatch:
    """Graphs of tags and of edges, each written in one direction."""
    nodes, edges, counts, first = [], [], [0], 0
    for tags, pairs in graphs:
        nodes += tags
        edges += [(a + first, b + first) for a, b in pairs] + [(b + first, a + first) for a, b in pairs]
        first += len(tags)
        counts.append(first)
    tags = torch.tensor(nodes)
    empty = GraphBatch(
        torch.stack([tags, -tags], dim=1).float() if wide else tags,
        torch.zeros(2, 0, dtype=torch.int64),
        torch.tensor(counts),
        torch.zeros(len(counts), dtype=torch.int64),
    )
    return empty.with_edges(torch.tensor(edges, dtype=torch.int64).reshape(-1, 2).T)


def same(one: GraphBatch, other: GraphBatch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one._parts(), other._parts(), strict=True))


def test_a_batch_of_graphs_is_a_view() -> None:
    batch = batch_of(PATH, TRIANGLE, ALONE)
    assert isinstance(batch, View)
    assert (len(batch), tuple(batch.shape), batch.device) == (3, (3,), torch.device("cpu"))
    assert tuple(batch_of(PATH, ALONE, wide=True).shape) == (2, 2)
    assert batch.node_counts.tolist() == [3, 3, 1]
    assert batch.edge_counts.tolist() == [4, 6, 0]
    assert batch.graph_of_nodes.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert batch.graph_of_edges.tolist() == 4 * [0] + 6 * [1]


def test_edges_are_put_in_order() -> None:
    batch = batch_of(PATH, TRIANGLE)
    assert batch.edges.tolist() == [[1, 0, 2, 1, 4, 5, 3, 5, 3, 4], [0, 1, 1, 2, 3, 3, 4, 4, 5, 5]]
    again = batch.with_edges(batch.edges[:, torch.randperm(10, generator=torch.Generator().manual_seed(0))])
    assert same(again, batch)
    fewer = batch.with_edges(batch.edges[:, [0, 1]])
    assert fewer.edge_pointers.tolist() == [0, 2, 2]
    assert batch.with_nodes(batch.nodes + 1).nodes.tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("rows", [[2, 0], torch.tensor([2, 0, 0]), torch.tensor([True, False, True]), slice(1, 3), 1])
def test_graphs_are_chosen_with_their_edges(rows: object, wide: bool) -> None:
    every = (PATH, TRIANGLE, ALONE)
    numbers = torch.arange(3)[rows].reshape(-1).tolist()
    assert same(batch_of(*every, wide=wide)[rows], batch_of(*(every[row] for row in numbers), wide=wide))


def test_none_of_them_is_an_empty_batch() -> None:
    none = batch_of(PATH, TRIANGLE)[[]]
    assert (len(none), none.nodes.tolist(), none.edges.shape[1]) == (0, [], 0)


def test_batches_are_joined() -> None:
    assert same(join([batch_of(PATH), batch_of(ALONE, TRIANGLE)]), batch_of(PATH, ALONE, TRIANGLE))


def test_only_batches_of_one_form_are_alike() -> None:
    assert alike(batch_of(PATH, ALONE)) == alike(batch_of(TRIANGLE, TRIANGLE))
    assert alike(batch_of(PATH)) != alike(batch_of(PATH, ALONE))
    assert alike(batch_of(PATH)) != alike(batch_of(PATH, wide=True))


@pytest.mark.parametrize("wide", [False, True])
def test_those_of_all_processes_are_joined(wide: bool) -> None:
    """Two threads stand for processes; what they bring has one shape."""
    every = [batch_of(PATH, ALONE, wide=wide), batch_of(TRIANGLE, TRIANGLE, wide=wide)]
    meeting, brought = Barrier(2, timeout=10), [torch.empty(0)] * 2
    seen: list[list[tuple[int, ...]]] = [[], []]

    def process(rank: int) -> GraphBatch:
        def gather(values: Tensor) -> Tensor:
            brought[rank] = values
            seen[rank].append(tuple(values.shape))
            meeting.wait()
            together = torch.cat(brought)
            meeting.wait()
            return together

        return every[rank].gathered(gather)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(process, range(2)))
    assert all(same(one, batch_of(PATH, ALONE, TRIANGLE, TRIANGLE, wide=wide)) for one in found)
    assert seen[0] == seen[1]


def test_moving_keeps_all_parts() -> None:
    moved = batch_of(PATH, ALONE).to("meta")
    assert {part.device.type for part in moved._parts()} == {"meta"}


def test_parts_that_do_not_fit_are_refused() -> None:
    batch = batch_of(PATH)
    with pytest.raises(ArgumentError, match=r"shape \(2, E\), not \(4, 2\)"):
        GraphBatch(batch.nodes, batch.edges.T, batch.node_pointers, batch.edge_pointers)
    with pytest.raises(ArgumentError, match=r"of the shapes \(3,\), \(2,\) and \(1,\)"):
        GraphBatch(batch.nodes, batch.edges, batch.node_pointers, batch.edge_pointers[:1])
