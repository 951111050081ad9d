"""An index finds what is there, comes back from disk as it was, and notices when it is no longer true."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from contrapose.data import open_data
from contrapose.embedder import Embedder
from contrapose.errors import ArgumentError, DataError, MissingExtraError, RunError
from contrapose.search import Hit, Index


def test_a_picture_finds_itself_and_its_class(embedder: Embedder, photos: Path) -> None:
    index = Index.build(embedder, photos)
    assert len(index) == 12
    assert repr(index).startswith("Index(12 embeddings of 8 dimensions, from folder")
    matches = index.query(photos / "class-1" / "05.png", k=4)
    assert list(matches.queries) == ["05.png"]
    assert matches[0][0] == Hit(1, 1.0, "class-1/05.png", "class-1")
    assert [hit.label for hit in matches[0]] == ["class-1"] * 4
    assert matches.similarity.shape == matches.rows.shape == (1, 4)
    assert (np.diff(matches.similarity) <= 0).all()
    torch.testing.assert_close(index.embeddings.norm(dim=1), torch.ones(12))


def test_every_form_of_a_query_finds_the_same(embedder: Embedder, photos: Path, tmp_path: Path) -> None:
    index = Index.build(embedder, photos)
    path = photos / "class-2" / "09.png"
    pixels = np.asarray(Image.open(path))
    z = embedder.embed(pixels[None])  # (1, D)
    np.save(tmp_path / "pictures.npy", pixels[None])
    np.save(tmp_path / "rows.npy", 7 * z)
    np.savez(tmp_path / "rows.npz", embeddings=z, identifiers=np.array(["nine"]))
    forms = (path, str(path), Image.open(path), pixels[None], [path], tmp_path / "pictures.npy", tmp_path / "rows.npy")
    for form in (*forms, tmp_path / "rows.npz", open_data([path], cache=False)):
        assert index.query(form, k=3).rows.tolist() == index.query(path, k=3).rows.tolist()
    assert list(index.query(tmp_path / "rows.npz").queries) == ["nine"]
    assert index.query_rows(torch.from_numpy(z), k=1)[0][0].identifier == "class-2/09.png"


def test_queries_that_cannot_be_read_are_listed(embedder: Embedder, photos: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    asked.mkdir()
    (photos / "class-0" / "00.png").rename(asked / "good.png")
    (asked / "bad.png").write_bytes(b"no picture")
    matches = Index.build(embedder, photos).query(asked, k=2)
    assert list(matches.queries) == ["good.png"]
    assert [item.path for item in matches.skipped] == ["bad.png"]
    assert [hit.rank for hit in next(iter(matches))] == [1, 2]
    assert json.loads(json.dumps(matches.to_dict()))["queries"][0]["hits"][0]["label"] == "class-0"


def test_k_is_cut_to_what_there_is(embedder: Embedder, photos: Path) -> None:
    index = Index.build(embedder, photos, limit=5, labels=False)
    assert index.labels is None
    assert [hit.label for hit in index.query(photos, k=99)[0]] == [None] * 5
    for k in (0, -1, 1.5):
        with pytest.raises(ArgumentError, match="k must be a whole number"):
            index.query(photos, k=k)  # type: ignore[arg-type]


def test_a_saved_index_is_the_same_index(embedder: Embedder, photos: Path, tmp_path: Path) -> None:
    index = Index.build(embedder, photos)
    index.save(tmp_path / "deep" / "index")
    assert {p.name for p in (tmp_path / "deep" / "index").iterdir()} == {"embeddings.safetensors", "index.json"}
    again = Index.open(tmp_path / "deep" / "index", embedder, data=embedder.open(photos))
    assert again.about == index.about
    torch.testing.assert_close(again.embeddings, index.embeddings, rtol=0, atol=0)
    assert again.query(photos, k=3).to_dict() == index.query(photos, k=3).to_dict()
    index.save(tmp_path / "deep" / "index")  # over itself


def test_a_stale_index_says_to_rebuild(embedder: Embedder, photos: Path, tmp_path: Path) -> None:
    Index.build(embedder, photos).save(tmp_path / "index")
    (photos / "class-0" / "00.png").unlink()
    with pytest.raises(RunError, match=r"files were added, changed or removed.*--rebuild"):
        Index.open(tmp_path / "index", embedder, data=embedder.open(photos))
    with torch.no_grad():
        next(embedder.encoder.parameters()).add_(1e-3)
    with pytest.raises(RunError, match=r"another encoder.*--rebuild"):
        Index.open(tmp_path / "index", embedder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "embeddings.safetensors").unlink(), "embeddings.safetensors is missing"),
        (lambda folder: (folder / "index.json").unlink(), "index.json is missing"),
        (lambda folder: (folder / "index.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "index.json").write_text('{"format": 9}'), "is damaged"),
        (lambda folder: (folder / "index.json").write_text('{"format": 9, "checksum": ""}'), "Update contrapose"),
        (lambda folder: (folder / "index.json").write_text("[]"), "is damaged"),
        (lambda folder: (folder / "embeddings.safetensors").write_bytes(b"x"), "does not belong to index.json"),
    ],
)
def test_a_damaged_index_is_a_sentence(
    damage: object, message: str, embedder: Embedder, photos: Path, tmp_path: Path
) -> None:
    Index.build(embedder, photos).save(tmp_path / "index")
    damage(tmp_path / "index")  # type: ignore[operator]
    with pytest.raises(RunError, match=message):
        Index.open(tmp_path / "index", embedder)


def test_an_index_is_not_written_among_other_files(embedder: Embedder, photos: Path) -> None:
    with pytest.raises(ArgumentError, match="exists and is no index"):
        Index.build(embedder, photos).save(photos)


def test_embeddings_without_a_direction_are_left_out(photos: Path, embedder: Embedder) -> None:
    def embed(data: object, **_: object) -> np.ndarray:
        z = np.ones((12, 8), dtype=np.float32)
        z[3] = 0
        return z

    embedder.embed = embed  # type: ignore[method-assign, assignment]
    index = Index.build(embedder, photos)
    assert len(index) == len(index.identifiers) == 11
    assert list(index.left_out) == ["class-0/03.png (embedding of zeros)"]
    assert "class-0/03.png" not in index.identifiers
    embedder.embed = lambda data, **_: np.zeros((12, 8), np.float32)  # type: ignore[method-assign]
    with pytest.raises(ArgumentError, match="the encoder is dead"):
        Index.build(embedder, photos)


def test_what_cannot_be_asked(embedder: Embedder, photos: Path, tmp_path: Path) -> None:
    index = Index.build(embedder, photos)
    np.save(tmp_path / "rows.npy", np.ones((2, 5)))
    with pytest.raises(ArgumentError, match="have 5 numbers and the index has 8"):
        index.query(tmp_path / "rows.npy")
    with pytest.raises(ArgumentError, match="1 of 2 queries have an embedding of zeros \\(first: 1\\)"):
        index.query_rows(np.stack([np.ones(8), np.zeros(8)]))
    with pytest.raises(ArgumentError, match=r"Unknown backend 'fais'\. Did you mean 'faiss'"):
        index.query(photos, backend="fais")
    with pytest.raises(DataError, match="does not exist"):
        index.query(tmp_path / "nowhere.png")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(DataError, match="cannot be read"):
        index.query(tmp_path / "broken.npz")


def test_faiss_finds_what_exact_finds(embedder: Embedder, photos: Path) -> None:
    pytest.importorskip("faiss", reason="the search extra is not installed")
    index = Index.build(embedder, photos)
    assert index.query(photos, k=5, backend="faiss").to_dict() == index.query(photos, k=5).to_dict()


def test_without_faiss_one_sentence_names_the_extra(
    embedder: Embedder, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'contrapose\[search\]'"):
        Index.build(embedder, photos).query(photos, backend="faiss")
