"""A graph as a small SVG: nodes as discs, coloured by their tags, edges as lines."""

from __future__ import annotations

from html import escape

import numpy as np

SIDE, MARGIN, RADIUS = 240, 16, 6.0
MOST = 60
"""Nodes that are drawn; of a larger graph those nearest to its busiest node."""
ROUNDS = 60  # of improving the places
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bb5500", "#44aa99", "#882255", "#999933")
PLAIN, UNKNOWN = "#4477aa", "#bbbbbb"


def drawn(edges: np.ndarray, nodes: int, tags: np.ndarray | None, title: str) -> str:
    """An SVG of one graph, the same for the same graph.

    Shapes:
        edges: `(2, E)`, in both directions; tags: `(n,)`, -1 where unknown, or None.

    Arguments:
        title: what it is, in words.
    """
    near = np.zeros((nodes, nodes), bool) if nodes <= MOST else None
    if near is None:
        kept = _around(edges, nodes)  # (m,)
        number = np.full(nodes, -1)
        number[kept] = np.arange(len(kept))
        edges = number[edges]
        edges = edges[:, (edges >= 0).all(axis=0)]
        tags = None if tags is None else tags[kept]
        title = f"{title}; the {len(kept)} nodes around the one with most edges are drawn"
        nodes, near = len(kept), np.zeros((len(kept), len(kept)), bool)
    near[edges[0], edges[1]] = True
    places = _fitted(_places(near))  # (n, 2)
    lines = "".join(
        f'<line x1="{places[a, 0]:.1f}" y1="{places[a, 1]:.1f}" x2="{places[b, 0]:.1f}" y2="{places[b, 1]:.1f}"/>'
        for a, b in edges.T.tolist()
        if a < b
    )
    radius = RADIUS if nodes <= 30 else RADIUS * 0.7
    discs = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" fill="{_colour(tags, node)}"/>'
        for node, (x, y) in enumerate(places.tolist())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}" '
        f'role="img"><title>{escape(title)}</title><g stroke="#888888" stroke-width="1.2">{lines}</g>'
        f'<g stroke="#ffffff" stroke-width="0.8">{discs}</g></svg>'
    )


def _colour(tags: np.ndarray | None, node: int) -> str:
    if tags is None:
        return PLAIN
    return UNKNOWN if tags[node] < 0 else COLOURS[int(tags[node]) % len(COLOURS)]


def _around(edges: np.ndarray, nodes: int) -> np.ndarray:
    """`(MOST,)` nodes, those that are fewest edges away from the one with most edges."""
    start = int(np.bincount(edges[0], minlength=nodes).argmax())
    steps = np.full(nodes, nodes)
    steps[start], front, step = 0, np.array([start]), 0
    while len(front) and (steps < nodes).sum() < MOST:
        step += 1
        reached = np.unique(edges[1][np.isin(edges[0], front)])
        front = reached[steps[reached] == nodes]
        steps[front] = step
    return np.sort(np.argsort(steps, kind="stable")[:MOST])


def _places(near: np.ndarray) -> np.ndarray:
    """`(n, 2)` places whose distances are close to the numbers of edges between nodes.

    Classical scaling of these numbers to begin with, then stress majorisation: each node goes to the mean of where the
    others would have it, near ones counting most (Gansner et al. 2004).
    """
    steps = _steps(near)  # (n, n)
    n = len(steps)
    if n == 1:
        return np.zeros((1, 2))
    centred = np.eye(n) - 1 / n  # (n, n)
    values, vectors = np.linalg.eigh(-0.5 * centred @ steps**2 @ centred)
    vectors = vectors[:, -2:] * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(n)])[-2:]  # signs are free
    places = vectors * np.sqrt(np.maximum(values[-2:], 1e-3))  # (n, 2)
    places += 1e-3 * np.stack([np.cos(np.arange(n)), np.sin(np.arange(n))], axis=1)  # none upon another
    weight = 1 / np.maximum(steps, 1) ** 2 * (1 - np.eye(n))  # (n, n)
    for _ in range(ROUNDS):
        apart = places[:, None] - places[None]  # (n, n, 2)
        length = np.maximum(np.sqrt((apart**2).sum(axis=2)), 1e-9)  # (n, n)
        wanted = places[None] + apart * (steps / length)[:, :, None]  # (n, n, 2)
        places = (weight[:, :, None] * wanted).sum(axis=1) / weight.sum(axis=1, keepdims=True)
    return places


def _steps(near: np.ndarray) -> np.ndarray:
    """`(n, n)`, how many edges lie between nodes; between parts that do not touch a little more than the most."""
    n = len(near)
    steps = np.where(near, 1.0, np.inf)
    np.fill_diagonal(steps, 0)
    for node in range(n):
        steps = np.minimum(steps, steps[:, node, None] + steps[None, node])
    most = steps[np.isfinite(steps)].max()
    return np.where(np.isfinite(steps), steps, min(most, 4) + 1.5)


def _fitted(places: np.ndarray) -> np.ndarray:
    """Places within the margins, in the middle, turned so that the longer side lies flat."""
    centred = places - places.mean(axis=0)
    _, _, turn = np.linalg.svd(centred, full_matrices=False)
    if turn.shape == (2, 2):
        turn = turn * np.sign(turn[np.arange(2), np.abs(turn).argmax(axis=1)])[:, None]
        centred = centred @ turn.T
    low, high = centred.min(axis=0), centred.max(axis=0)
    extent = max(float((high - low).max()), 1e-9)
    scale = min((SIDE - 2 * MARGIN) / extent, 60.0)
    return (centred - (low + high) / 2) * scale + SIDE / 2
