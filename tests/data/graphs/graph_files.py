"""Three small graphs in every form in which people have them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

TAGS = [[6, 6, 8], [6, 7], [8, 6, 6, 1]]
EDGES = [[(0, 1), (1, 2)], [(0, 1)], [(0, 1), (1, 2), (2, 0)]]  # each once; the last node of the last has none
LABELS = [1, -1, 1]
FEATURES = [[[0.5 * node, float(graph)] for node in range(len(tags))] for graph, tags in enumerate(TAGS)]


def tu_texts(**changed: str | None) -> dict[str, str]:
    """The files of a set by the endings of their names; `None` leaves one out."""
    firsts = np.cumsum([1, *map(len, TAGS)])
    pairs = [(a + first, b + first) for edges, first in zip(EDGES, firsts, strict=False) for a, b in edges]
    texts: dict[str, str | None] = {
        "A": "".join(f"{a}, {b}\n{b}, {a}\n" for a, b in pairs),
        "graph_indicator": "".join(f"{graph}\n" * len(tags) for graph, tags in enumerate(TAGS, 1)),
        "graph_labels": "".join(f"{label}\n" for label in LABELS),
        "node_labels": "".join(f"{tag}\n" for tags in TAGS for tag in tags),
        **changed,
    }
    return {name: text for name, text in texts.items() if text is not None}


def tu_folder(folder: Path, name: str = "SMALL", **changed: str | None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for ending, text in tu_texts(**changed).items():
        (folder / f"{name}_{ending}.txt").write_text(text)
    return folder


def tu_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for ending, text in tu_texts().items():
            archive.writestr(f"SMALL/SMALL_{ending}.txt", text)
    return path


def arrays(**changed: np.ndarray | None) -> dict[str, np.ndarray]:
    both = [np.array([*edges, *((b, a) for a, b in edges)]).T for edges in EDGES]
    found: Mapping[str, np.ndarray | None] = {
        "edge_index": np.concatenate(both, axis=1),
        "edge_ptr": np.cumsum([0, *(one.shape[1] for one in both)]),
        "node_ptr": np.cumsum([0, *map(len, TAGS)]),
        "node_tag": np.concatenate(TAGS),
        "label": np.array([1, 0, 1]),
        "test_fold": np.array([0, 1, 2]),
        **changed,
    }
    return {name: array for name, array in found.items() if array is not None}


def npz(path: Path, **changed: np.ndarray | None) -> Path:
    np.savez(path, **arrays(**changed))
    return path


def pyg_graphs(**changed: Any) -> list[Any]:
    """What looks like torch-geometric's `Data`."""
    return [
        SimpleNamespace(
            edge_index=np.array([*edges, *((b, a) for a, b in edges)]).T,
            x=np.array(tags)[:, None],
            y=np.array([label]),
            num_nodes=len(tags),
            **changed,
        )
        for tags, edges, label in zip(TAGS, EDGES, LABELS, strict=True)
    ]


class Networkx:
    """What looks like a graph of networkx, its nodes called by letters."""

    def __init__(self, tags: list[int], edges: list[tuple[int, int]], label: int, *, directed: bool = False) -> None:
        self.held = {"abcd"[node]: {"label": tag} for node, tag in enumerate(tags)}
        self.pairs, self.directed, self.graph = [("abcd"[a], "abcd"[b]) for a, b in edges], directed, {"label": label}

    def nodes(self, data: bool = False) -> Any:
        return self.held.items() if data else list(self.held)

    def edges(self) -> list[tuple[str, str]]:
        return self.pairs

    def is_directed(self) -> bool:
        return self.directed


def networkx_graphs(*, directed: bool = False) -> list[Networkx]:
    return [Networkx(*one, directed=directed) for one in zip(TAGS, EDGES, LABELS, strict=True)]


def pairs_of_graphs() -> list[Any]:
    return list(zip(TAGS, EDGES, strict=True))
