"""Choosing from each graph of a batch at once."""

from __future__ import annotations

import numpy as np


def first_of_each(graph: np.ndarray, order: np.ndarray, most: np.ndarray) -> np.ndarray:
    """Of things of several graphs the first in order, at most so many of each graph: their places, `(k,)`.

    Shapes:
        graph, order: `(n,)`, the order in [0, 1); most: `(B,)`.
    """
    places = (graph + order).argsort()  # (n,)
    sorted_graph = graph[places]
    begins = np.searchsorted(sorted_graph, np.arange(len(most)))  # (B,), where the things of a graph begin
    return places[np.arange(len(places)) - begins[sorted_graph] < most[sorted_graph]]
