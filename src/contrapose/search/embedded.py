"""Embeddings in files, as `contrapose embed` writes them: parquet, JSON lines, CSV, .npz and .npy."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from contrapose.errors import DataError
from contrapose.optional import optional


@dataclass(frozen=True)
class Embedded:
    """Embeddings that were computed before, and what is known of each.

    Shapes:
        rows: `(N, D)` float32, not normalised.

    Arguments:
        names: what each is called; its number where the file does not say.
        labels: the name of its class, or `None`; in place of all where the file has no labels.
    """

    rows: Float[np.ndarray, "N D"]
    names: Sequence[str]
    labels: Sequence[str | None] | None
    origin: str

    @cached_property
    def fingerprint(self) -> str:
        """A text that identifies the embeddings and their names from run to run."""
        digest = hashlib.sha256(np.ascontiguousarray(self.rows).tobytes())
        digest.update("\n".join(self.names).encode("utf-8", "surrogateescape"))
        return digest.hexdigest()

    def recorded_as(self, fingerprint: str) -> bool:
        """Whether these are the embeddings that had this fingerprint."""
        return fingerprint == self.fingerprint


def read_embedded(file: Any) -> Embedded | None:
    """The embeddings in a file; `None` when it holds something else, or cannot be read (others say why).

    A `.npz` with an array `embeddings`, a `.npy` of two dimensions, a table with the columns `identifier` and
    `embedding`, or `identifier` and `e0`, `e1`, ....

    Errors:
        DataError: a table of embeddings in which some are missing or of another length.
        MissingExtraError: a table, and polars is not installed.
    """
    if not isinstance(file, (str, os.PathLike)) or not Path(file).is_file():
        return None
    path = Path(file)
    if path.suffix.lower() in (".npz", ".npy"):
        return _arrays(path)
    if path.suffix.lower() in (".parquet", ".pq", ".csv", ".jsonl", ".ndjson"):
        return _table(path)
    return None


def _arrays(path: Path) -> Embedded | None:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _made(path, loaded, None, None) if loaded.ndim == 2 else None
        with loaded as archive:
            if "embeddings" not in archive.files:
                return None
            names, numbers, classes = (archive.get(key) for key in ("identifiers", "labels", "class_names"))
            labels = None if numbers is None else [_class(number, classes) for number in numbers.tolist()]
            return _made(path, archive["embeddings"], None if names is None else names.tolist(), labels)
    except (ValueError, OSError, EOFError, IndexError, zipfile.BadZipFile):
        return None


def _class(number: int, names: np.ndarray | None) -> str | None:
    if number < 0:
        return None
    return str(number) if names is None else str(names[number])


def _table(path: Path) -> Embedded | None:
    polars = optional("polars", extra="tables")
    kind = path.suffix.lower()
    try:
        if kind in (".parquet", ".pq"):
            if not {"identifier", "embedding"} <= set(polars.read_parquet_schema(path)):
                return None  # pictures, which are not to be read here
            frame = polars.read_parquet(path)
        else:
            frame = polars.read_csv(path, infer_schema_length=0) if kind == ".csv" else polars.read_ndjson(path)
    except Exception:  # polars has many error types; whoever reads the file for pictures says what is wrong
        return None
    wide = [name for name in frame.columns if name[:1] == "e" and name[1:].isdigit()]
    if "identifier" not in frame.columns or not ("embedding" in frame.columns or wide):
        return None
    try:
        if "embedding" in frame.columns:
            rows = np.asarray(frame["embedding"].to_list(), dtype=np.float32)  # (N, D)
        else:
            rows = frame.select(polars.col(wide).cast(polars.Float32)).to_numpy()  # (N, D)
    except Exception as error:
        raise DataError(
            f"{path}: the embeddings are not N rows of D numbers ({str(error).splitlines()[0]})."
        ) from error
    labels = None
    if "label" in frame.columns:
        labels = [None if label is None or label == "" else str(label) for label in frame["label"].to_list()]
    return _made(path, rows, frame["identifier"].to_list(), labels)


def _made(path: Path, rows: np.ndarray, names: list[Any] | None, labels: list[str | None] | None) -> Embedded | None:
    if rows.ndim != 2:
        raise DataError(f"{path}: the embeddings are of shape {rows.shape}, not N rows of D numbers.")
    fitting = names is not None and len(names) == len(rows)
    called = [str(name) for name in names] if fitting and names is not None else [str(row) for row in range(len(rows))]
    return Embedded(rows, called, labels if labels is not None and len(labels) == len(rows) else None, str(path))
