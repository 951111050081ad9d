"""`contrapose search` as it is called: what is printed, what is kept, and what goes wrong before any work."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tyro
from PIL import Image

from contrapose.commands.search import SearchOptions, print_matches, search
from contrapose.encoders import build, save_encoder
from contrapose.errors import ArgumentError, DataError, MissingExtraError, RunError


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    made = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(made.eval(), tmp_path / "encoder", extra={})
    return tmp_path / "encoder"


@pytest.fixture
def photos(tmp_path: Path, pictures: np.ndarray) -> Path:
    folder = tmp_path / "photos"
    for number, picture in enumerate(pictures[::8]):
        path = folder / f"class-{number // 4}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
    return folder


def test_options_are_read_as_typed() -> None:
    words = ["runs/x", "cat.jpg", "--in", "photos", "-k", "3", "--index", "idx", "--json", "--backend", "faiss"]
    options = tyro.cli(SearchOptions, args=words)
    assert options == SearchOptions(
        run="runs/x", query="cat.jpg", data="photos", k=3, index="idx", json=True, backend="faiss"
    )


def test_lines_for_people_and_json_for_programs(
    encoder: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matches = search(encoder, photos / "class-1" / "05.png", data=photos, k=3, quiet=True)
    print_matches(matches)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["1", "1.0000", "class-1/05.png", "class-1"]
    print_matches(matches, as_json=True)
    (query,) = json.loads(capsys.readouterr().out)["queries"]
    assert query["query"] == "05.png"
    assert query["hits"][0] == {"rank": 1, "similarity": 1.0, "identifier": "class-1/05.png", "label": "class-1"}
    print_matches(search(encoder, photos, data=photos, k=1, quiet=True))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "class-0/00.png:"
    assert len(lines) == 24


def test_what_was_left_out_is_said_on_standard_error(
    encoder: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "class-0" / "bad.png").write_bytes(b"")
    print_matches(search(encoder, photos, data=photos, k=1, index=tmp_path / "index", quiet=True), as_json=True)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        "skipped: class-0/bad.png (empty (0 bytes))",
        "note: not in the index (1): class-0/bad.png (empty (0 bytes))",
    ]
    assert json.loads(printed.out)["left_out"] == ["class-0/bad.png (empty (0 bytes))"]
    again = search(encoder, photos / "class-1" / "05.png", index=tmp_path / "index")
    assert list(again.left_out) == ["class-0/bad.png (empty (0 bytes))"]


def test_an_index_is_made_used_found_stale_and_rebuilt(encoder: Path, photos: Path, tmp_path: Path) -> None:
    query, index = photos / "class-1" / "05.png", tmp_path / "index"
    first = search(encoder, query, data=photos, index=index, quiet=True)
    assert search(encoder, query, data=photos, index=index, quiet=True).to_dict() == first.to_dict()
    assert search(encoder, query, index=index).to_dict() == first.to_dict()  # without the data
    (photos / "class-0" / "00.png").unlink()
    with pytest.raises(RunError, match="--rebuild"):
        search(encoder, query, data=photos, index=index, quiet=True)
    rebuilt = search(encoder, query, data=photos, index=index, rebuild=True, quiet=True)
    assert "class-0/00.png" in first.identifiers
    assert search(encoder, query, index=index).to_dict() == rebuilt.to_dict()
    assert "class-0/00.png" not in rebuilt.identifiers


def test_mistakes_are_found_before_the_work(
    encoder: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, index = photos / "class-1" / "05.png", tmp_path / "index"
    with pytest.raises(ArgumentError, match="Say what to look in: contrapose search RUN QUERY --in DATA"):
        search(encoder, query)
    with pytest.raises(ArgumentError, match="is no index yet, so say what to look in"):
        search(encoder, query, index=index)
    with pytest.raises(ArgumentError, match="exists and is no index"):
        search(encoder, query, data=photos, index=photos)
    with pytest.raises(DataError, match="does not exist"):
        search(encoder, tmp_path / "typo.png", data=photos, index=index)
    assert not index.exists()
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match="search"):
        search("nowhere", query, data=photos, backend="faiss")


def test_options_need_no_torch() -> None:
    code = "import sys, contrapose.commands.search, contrapose.commands.data_check\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code + "\nassert 'numpy' not in sys.modules"], check=True, timeout=60)
