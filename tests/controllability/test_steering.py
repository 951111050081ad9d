"""Distances from leaders, bounds, dimensions and Gramians: closed forms, slow searches, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from some_graphs import complete, connected, path, petersen, ring, searched, star, tree

from contrapose.controllability import (
    UNREACHABLE,
    bounds,
    controllable_dimension,
    follower_gramian,
    followers,
    gramian,
    greedy_leaders,
    inputs_at_leaders,
    laplacian,
    leader_distances,
    pmi_bound,
    zero_forcing,
)
from contrapose.errors import ArgumentError


@pytest.mark.parametrize(
    ("edges", "nodes", "leaders", "bound", "dimension"),
    [
        (path(8), 8, [0], 8, 8),
        (path(30), 30, [29], 30, 30),  # powers of A are rubbish here
        (ring(8), 8, [0], 5, 5),
        (ring(8), 8, [0, 1], 8, 8),
        (petersen(), 10, [0], 3, 3),
        (star(4), 4, [1], 3, 3),
        (star(9), 9, [3], 3, 3),
        (complete(6), 6, [2], 2, 2),
    ],
)
def test_closed_forms(edges, nodes, leaders, bound, dimension):
    assert pmi_bound(edges, nodes, leaders) == bound
    assert pmi_bound(edges, nodes, leaders, exact=True) == bound
    assert controllable_dimension(*inputs_at_leaders(edges, nodes, leaders)) == dimension


def test_bounds_hold_for_all_weights():
    random, closer = np.random.default_rng(0), 0
    for trial in range(200):
        n = int(random.integers(2, 11))
        edges = connected(n, random) if trial % 4 else tree(n, random)
        leaders = random.choice(n, int(random.integers(1, min(n, 4) + 1)), replace=False)
        drawn = random.uniform(0.5, 2, (n, n))
        weights = (drawn + drawn.T)[edges[0], edges[1]]
        greedy, exact = pmi_bound(edges, n, leaders), pmi_bound(edges, n, leaders, exact=True)
        forced = int(zero_forcing(edges, n, leaders).sum())
        for given in (None, weights):
            dimension = controllable_dimension(*inputs_at_leaders(edges, n, leaders, given))
            assert greedy <= exact <= dimension
            assert forced <= dimension
            closer += exact < dimension
    assert closer  # else the bound would be no bound, but the thing itself


def test_the_exact_bound_is_the_longest_sequence():
    random, better = np.random.default_rng(1), 0
    for _ in range(25):
        n = 5
        edges, leaders = connected(n, random, share=0.25), random.choice(n, 2, replace=False)
        D = leader_distances(edges, n, leaders)
        longest = max(
            len(order)
            for size in range(1, n + 1)
            for order in itertools.permutations(range(n), size)
            if all((D[order[i]] < D[list(order[i + 1 :])].min(axis=0)).any() for i in range(size - 1))
        )
        assert pmi_bound(edges, n, leaders, exact=True) == longest
        better += longest > 2
    assert better


def test_distances_are_those_of_a_search():
    random = np.random.default_rng(2)
    for n, count in [(1, 1), (9, 2), (20, 9), (40, 17), (90, 40), (150, 70), (150, 130)]:
        edges = connected(n, random, share=0.01)
        edges = edges[:, (edges != n // 2).all(axis=0)]  # a node by itself
        leaders = np.sort(random.choice(n, count, replace=False))
        slow = np.array([searched(edges, n, leader) for leader in leaders]).T
        assert (leader_distances(edges, n, leaders) == np.where(slow < 0, UNREACHABLE, slow)).all()


def test_zero_forcing():
    assert zero_forcing(path(9), 9, [0]).all()
    assert zero_forcing(ring(9), 9, [0]).sum() == 1
    assert zero_forcing(ring(9), 9, [4, 5]).all()
    assert zero_forcing(star(5), 5, [0]).tolist() == [True, False, False, False, False]


def test_what_no_leader_reaches_is_not_steered():
    edges = np.concatenate([path(3), path(3) + 3], axis=1)  # two paths
    assert pmi_bound(edges, 6, [0]) == pmi_bound(edges, 6, [0], exact=True) == 3
    assert pmi_bound(edges, 6, [0, 3]) == pmi_bound(edges, 6, [0, 3], exact=True) == 6
    assert controllable_dimension(*inputs_at_leaders(edges, 6, [0])) == 3


def test_the_gramian_solves_its_equation():
    random = np.random.default_rng(3)
    for _ in range(30):
        n = int(random.integers(3, 12))
        edges = connected(n, random)
        leaders = random.choice(n, int(random.integers(1, n - 1)), replace=False)
        A, B = followers(edges, n, leaders)
        W = gramian(A, B)
        assert np.abs(A @ W + W @ A.T + B @ B.T).max() < 1e-10
        assert (W == W.T).all()
        assert np.linalg.eigvalsh(W).min() > -1e-12
        assert np.trace(W) == pytest.approx(np.trace(B.T @ np.linalg.solve(-A, B)) / 2, abs=1e-10)
        one = int(leaders[0])
        degree = int((edges[0] == one).sum())
        assert np.trace(follower_gramian(edges, n, [one])) == pytest.approx(degree / 2, abs=1e-10)


def test_the_dimension_is_not_the_rank_of_the_gramian():
    A, B = followers(path(25), 25, [0])
    assert controllable_dimension(A, B) == 24
    assert np.linalg.matrix_rank(gramian(A, B)) < 24


def test_other_numbers_of_the_nodes_change_nothing():
    random = np.random.default_rng(4)
    edges, n = connected(11, random), 11
    new = random.permutation(n)
    leaders = np.array([2, 7])
    moved, led = new[edges], np.sort(new[leaders])
    order = [int(np.flatnonzero(led == new[leader])[0]) for leader in leaders]
    assert (leader_distances(moved, n, led)[new][:, order] == leader_distances(edges, n, leaders)).all()
    assert pmi_bound(moved, n, led) == pmi_bound(edges, n, leaders)
    assert (zero_forcing(moved, n, led)[new] == zero_forcing(edges, n, leaders)).all()
    one, other = (inputs_at_leaders(*given) for given in ((moved, n, led), (edges, n, leaders)))
    assert controllable_dimension(*one) == controllable_dimension(*other)
    traces = [np.trace(follower_gramian(*given)) for given in ((moved, n, led), (edges, n, leaders))]
    assert traces[0] == pytest.approx(traces[1], rel=1e-12)


def test_greedy_leaders_steer_more():
    assert greedy_leaders(path(7), 7, 1).tolist() == [0]
    assert pmi_bound(ring(8), 8, greedy_leaders(ring(8), 8, 2)) == 8
    random = np.random.default_rng(5)
    edges = connected(30, random, share=0.05)
    chosen = pmi_bound(edges, 30, greedy_leaders(edges, 30))
    drawn = [pmi_bound(edges, 30, random.choice(30, 3, replace=False)) for _ in range(20)]
    assert len(greedy_leaders(edges, 30)) == 3
    assert chosen > np.mean(drawn)


@pytest.mark.parametrize(
    ("edges", "nodes", "leaders", "said"),
    [
        (path(4), 4, [], "Without a leader"),
        (path(4), 4, [4], "nodes 0 to 3"),
        (path(4), 4, [-1], "nodes 0 to 3"),
        (path(4), 4, [1.5], "nodes 0 to 3"),
        (path(4), 4, [1, 1], "named twice"),
        (path(4)[:, :3], 4, [0], "directed"),
        (np.vstack([path(4), np.ones((1, 6), dtype=int)]), 4, [0], "Weights"),
        (path(4) * 1.0, 4, [0], "whole numbers"),
        (path(4), 3, [0], "nodes 0 to 2"),
        (np.array([[0, 1, 1], [1, 0, 1]]), 2, [0], "joined to itself"),
        (np.concatenate([path(2), path(2)], axis=1), 2, [0], "twice"),
        (np.zeros((2, 0), dtype=int), 0, [0], "one node or more"),
    ],
)
def test_what_cannot_be_is_refused(edges, nodes, leaders, said):
    for ask in (leader_distances, pmi_bound, zero_forcing, follower_gramian):
        with pytest.raises(ArgumentError, match=said):
            ask(edges, nodes, leaders)


def test_no_gramian_where_nothing_comes_to_rest(monkeypatch):
    monkeypatch.setattr(bounds, "MOST_STATES", 500)
    two = np.concatenate([path(3), path(3) + 3], axis=1)
    with pytest.raises(ArgumentError, match="in each"):
        follower_gramian(two, 6, [0])
    with pytest.raises(ArgumentError, match="none is left"):
        follower_gramian(path(3), 3, [0, 1, 2])
    with pytest.raises(ArgumentError, match="not below 0"):
        gramian(-laplacian(path(3), 3), np.ones((3, 1)))
    for wrong in (gramian, controllable_dimension):
        with pytest.raises(ArgumentError, match="symmetric"):
            wrong(np.array([[-1.0, 1.0], [0.0, -1.0]]), np.ones((2, 1)))
    with pytest.raises(ArgumentError, match="above 0"):
        laplacian(path(3), 3, [1, 1, 0, 1])
    with pytest.raises(ArgumentError, match="another weight each way"):
        laplacian(path(3), 3, [1, 2, 3, 4])
    with pytest.raises(ArgumentError, match="1 to 3 leaders"):
        greedy_leaders(path(3), 3, 4)
    with pytest.raises(ArgumentError, match="fewer leaders"):
        pmi_bound(connected(30, np.random.default_rng(0), share=0.01), 30, range(9), exact=True)
