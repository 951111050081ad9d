"""Graphs as arrays in an `.npz` archive."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from contrapose.data.graphs.found import Found
from contrapose.data.images.arrays import NAME_KEYS
from contrapose.errors import DataError

EDGES = ("edge_index",)
EDGE_POINTERS = ("edge_ptr", "edge_pointers")
NODE_POINTERS = ("node_ptr", "node_pointers")
TAGS = ("node_tag", "node_tags", "node_label", "node_labels")
FEATURES = ("x", "node_attributes", "node_features", "features")
FOLDS = ("test_fold", "fold")


def of_archive(path: Path) -> Found:
    """The graphs of an archive.

    Errors:
        DataError: damaged, arrays that lack or do not fit each other.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except PermissionError:
        raise  # not damaged
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, AttributeError) as error:
        raise DataError(f"{path} is damaged or no archive of arrays ({error}).") from error
    taken = {name.lower(): name for name in arrays}

    def one_of(*names: str) -> np.ndarray | None:
        name = next((taken[name] for name in names if name in taken), None)
        return None if name is None else arrays.pop(name)

    edges, nodes = one_of(*EDGES), one_of(*NODE_POINTERS)
    if edges is None or nodes is None:
        shown = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "none"
        raise DataError(
            f"{path} has no graphs: besides edge_index (2, E) it needs node_ptr and edge_ptr (N + 1,); its other "
            f"arrays are {shown}."
        )
    node_pointers = _pointers(nodes, "node_ptr", path)
    edges = _edges(edges, path)  # (2, M)
    tags, features = one_of(*TAGS), one_of(*FEATURES)
    edge_pointers = one_of(*EDGE_POINTERS)
    total, local = node_pointers[-1], True
    if edge_pointers is None:  # then nodes are numbered over all, and edges stand with that of their first node
        owners = np.searchsorted(node_pointers, edges[0], side="right") - 1  # (M,)
        edges = edges[:, np.argsort(owners, kind="stable")]
        edge_pointers, local = np.searchsorted(np.sort(owners), np.arange(len(node_pointers))), False
    edge_pointers = _pointers(edge_pointers, "edge_ptr", path, total=edges.shape[1], count=len(node_pointers))
    starts = np.repeat(node_pointers[:-1], np.diff(edge_pointers))  # (M,)
    ends = np.repeat(node_pointers[1:], np.diff(edge_pointers))  # (M,)
    overall = ((edges >= starts) & (edges < ends)).all() and (edges >= ends - starts).any()
    if not local or overall:
        edges = edges - starts  # (2, M)
    if tags is not None:
        tags = tags[:, 0] if tags.ndim == 2 and tags.shape[1] == 1 else tags
        _check_length(tags, "node_tag", (total,), path)
    if features is not None:
        features = features[:, None] if features.ndim == 1 else features  # (S, F)
        _check_length(features, "x", (total, features.shape[-1]), path)
    folds, count = one_of(*FOLDS), len(node_pointers) - 1
    names = one_of(*NAME_KEYS)
    return Found(
        node_counts=np.diff(node_pointers),
        edges=edges,
        edge_counts=np.diff(edge_pointers),
        origin=str(path),
        tags=tags,
        features=features,
        values={name: array for name, array in arrays.items() if array.shape == (count,)},
        names=None if names is None else [str(name) for name in names.tolist()],
        folds=folds if folds is not None and folds.shape == (count,) and folds.dtype.kind in "iu" else None,
    )


def _pointers(
    found: np.ndarray, name: str, path: Path, *, total: int | None = None, count: int | None = None
) -> np.ndarray:
    """Pointers as int64."""
    usable = found.ndim == 1 and found.dtype.kind in "iu" and len(found) > 0
    pointers = found.astype(np.int64) if usable else np.zeros(1, np.int64)
    usable = usable and pointers[0] == 0 and bool((np.diff(pointers) >= 0).all())
    if not usable or count not in (None, len(pointers)) or total not in (None, pointers[-1]):
        wanted = f"{'N + 1' if count is None else count} whole numbers from 0 to "
        wanted += "how many there are" if total is None else f"{total:,}"
        raise DataError(f"{path}: {name} must be {wanted} that never fall; it is {found.dtype} of {found.shape}.")
    return pointers


def _edges(found: np.ndarray, path: Path) -> np.ndarray:
    if found.ndim == 2 and found.shape[0] != 2 and found.shape[1] == 2:
        found = found.T
    if found.ndim != 2 or found.shape[0] != 2 or found.dtype.kind not in "iu":
        raise DataError(f"{path}: edge_index must be whole numbers (2, E), not {found.dtype} of {found.shape}.")
    return found.astype(np.int64)


def _check_length(found: np.ndarray, name: str, shape: tuple[int, ...], path: Path) -> None:
    if found.shape != shape:
        raise DataError(
            f"{path}: {name} of {found.shape} does not fit {shape[0]:,} nodes, the end of node_ptr: give one each."
        )
