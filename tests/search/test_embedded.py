"""Files of embeddings that are searched with, and in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, DataError
from contrapose.search import Index
from contrapose.search.embedded import read_embedded

pl = pytest.importorskip("polars")

ROWS = np.arange(24, dtype=np.float32).reshape(3, 8) + 1


def write(path: Path) -> Path:
    names, labels = ["a", "b", "c"], ["x", None, "y"]
    frame = pl.DataFrame({"identifier": names, "label": labels, "embedding": list(map(list, ROWS.tolist()))})
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".jsonl":
        frame.write_ndjson(path)
    elif path.suffix == ".csv":
        frame.drop("embedding").hstack(pl.DataFrame(ROWS, schema=[f"e{d}" for d in range(8)])).write_csv(path)
    else:
        np.savez(path, embeddings=ROWS, identifiers=names, labels=[1, -1, 0], class_names=["y", "x"])
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".npz"])
def test_rows_names_and_labels_come_back(suffix: str, tmp_path: Path, embedder: Embedder) -> None:
    found = read_embedded(write(tmp_path / f"z{suffix}"))
    assert found is not None
    np.testing.assert_array_equal(found.rows, ROWS)
    assert (found.names, found.labels) == (["a", "b", "c"], ["x", None, "y"])
    index = Index.build(embedder, found)
    assert index.labels == ["x", None, "y"]
    index.save(tmp_path / "index")
    assert Index.open(tmp_path / "index", embedder, data=found).identifiers == ["a", "b", "c"]


def test_what_holds_no_embeddings_is_left_to_others(tmp_path: Path) -> None:
    pl.DataFrame({"image": [b"x"], "embedding": [[1.0]]}).write_parquet(tmp_path / "pictures.parquet")
    (tmp_path / "paths.csv").write_text("path,label\na.png,1\n")
    np.save(tmp_path / "pictures.npy", np.zeros((2, 8, 8)))
    (tmp_path / "broken.parquet").write_text("nothing")
    for name in ("pictures.parquet", "paths.csv", "pictures.npy", "broken.parquet", "missing.npz"):
        assert read_embedded(tmp_path / name) is None


def test_rows_that_do_not_fit_say_so(tmp_path: Path, embedder: Embedder) -> None:
    pl.DataFrame({"identifier": ["a", "b"], "embedding": [[1.0], [1.0, 2.0]]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match="not N rows of D numbers"):
        read_embedded(tmp_path / "x.parquet")
    np.save(tmp_path / "x.npy", np.ones((2, 5)))
    with pytest.raises(ArgumentError, match="have 5 numbers and those of the encoder 8"):
        Index.build(embedder, read_embedded(tmp_path / "x.npy"))
