"""The CTRL descriptors of many graphs, on several processes if asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from contrapose.controllability.descriptor import DESCRIPTOR_NAMES, DRAWS, ctrl_descriptor
from contrapose.data.graphs.graphs import Graphs

_TOGETHER = 16  # graphs that a process is handed at once


def ctrl_descriptors(
    graphs: Graphs, *, draws: int = DRAWS, seed: int = 0, jobs: int = 1, done: Callable[[int], None] | None = None
) -> np.ndarray:
    """The descriptor of each graph, from its edges alone.

    Shapes:
        returns `(N, 154)` float64.

    Arguments:
        draws, seed: as of `ctrl_descriptor`. That of a graph does not depend on the others, nor on `jobs`.
        jobs: processes side by side.
        done: told after some graphs how many are done.

    Errors:
        ArgumentError: what `ctrl_descriptor` refuses.
    """
    found = np.empty((len(graphs), len(DESCRIPTOR_NAMES)))
    first = 0
    for rows in _parts(_described(graphs), draws, seed, jobs):
        found[first : first + len(rows)] = rows
        first += len(rows)
        if done is not None:
            done(first)
    return found


def _described(graphs: Graphs) -> list[tuple[np.ndarray, int]]:
    rows = graphs.stored_rows(np.arange(len(graphs))).tolist()
    return [(np.asarray(graphs.edges[row]).T, len(graphs.nodes[row])) for row in rows]


def _parts(graphs: list[tuple[np.ndarray, int]], draws: int, seed: int, jobs: int) -> Iterator[list[np.ndarray]]:
    parts = [graphs[first : first + _TOGETHER] for first in range(0, len(graphs), _TOGETHER)]
    if jobs == 1:
        yield from (_some(part, draws, seed) for part in parts)
        return
    from joblib import Parallel, delayed

    yield from Parallel(n_jobs=jobs, return_as="generator")(delayed(_some)(part, draws, seed) for part in parts)


def _some(graphs: list[tuple[np.ndarray, int]], draws: int, seed: int) -> list[np.ndarray]:
    return [ctrl_descriptor(edges, nodes, draws=draws, seed=seed) for edges, nodes in graphs]
