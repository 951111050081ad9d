"""The page of neighbours: originals with links to their files, whatever they were found in, and nothing that runs."""

from __future__ import annotations

import sys
import urllib.parse
import webbrowser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import contrapose
from contrapose.cli import main
from contrapose.commands.search import search
from contrapose.data.pairs import open_pairs
from contrapose.encoders import build, save_encoder


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    made = build("small_conv", channels=3, image_size=16, seed=0, widths=[4, 8], embedding=0, pool=1)
    save_encoder(made.eval(), tmp_path / "encoder", extra={})
    return tmp_path / "encoder"


@pytest.fixture
def photos(tmp_path: Path, pictures: np.ndarray) -> Path:
    for number, picture in enumerate(pictures[::8]):
        path = tmp_path / "my <photos>" / f"class & {number // 4}" / f"{number:02d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.transpose(1, 2, 0)).resize((48, 32)).save(path)
    return tmp_path / "my <photos>"


def test_each_neighbour_is_shown_and_opens_its_file(
    encoder: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sheet.html"
    main(
        [
            "search",
            str(encoder),
            str(photos / "class & 1" / "05.png"),
            "--in",
            str(photos),
            "-k",
            "4",
            "--out",
            str(file),
        ]
    )
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 4  # the lines for programs stay as they are
    assert f"Wrote {file}" in said.err
    html = file.read_text()
    links = [part.split('"')[0] for part in html.split('href="file://')[1:]]
    assert len(links) == 5  # the query and four neighbours
    assert all(Path(urllib.parse.unquote(link)).is_file() for link in links)
    assert html.count("data:image/webp") == 5
    assert "class &amp; 1" in html
    assert "<photos>" not in html
    assert "<script" not in html


def test_pictures_inside_a_table_of_arrays_are_shown_without_links(
    encoder: Path, pictures: np.ndarray, tmp_path: Path
) -> None:
    np.savez(tmp_path / "some.npz", images=pictures[:12].transpose(0, 2, 3, 1))
    main(
        [
            "search",
            str(encoder),
            str(tmp_path / "some.npz"),
            "--in",
            str(tmp_path / "some.npz"),
            "-k",
            "2",
            "--out",
            str(tmp_path / "s.html"),
        ]
    )
    html = (tmp_path / "s.html").read_text()
    assert html.count("data:image/webp") == 12 * 3
    assert "file://" not in html


def test_open_shows_a_page_of_its_own(
    encoder: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    main(["search", str(encoder), str(photos), "--in", str(photos), "--open"])
    (address,) = opened
    assert Path(urllib.parse.unquote(address.removeprefix("file://"))).is_file()
    assert "neighbours.html" in capsys.readouterr().err


def test_a_wrong_name_is_refused_before_the_work(
    encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "contrapose.search", None)  # the work cannot begin
    for out, said in (("sheet.pdf", "Take --out sheet.html"), ("nowhere/sheet.html", "nowhere does not exist")):
        with pytest.raises(SystemExit):
            main(["search", str(encoder), "cat.jpg", "--in", str(tmp_path), "--out", str(Path(out))])
        assert said in capsys.readouterr().err


def test_pictures_that_words_have_found_stand_beside_their_captions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = "made:scenes?count=24", str(tmp_path / "run")
    contrapose.train("clip", data=data, epochs=1, batch_size=12, out=run, quiet=True)
    captions = dict(zip(*_told(data), strict=True))
    main(["search", run, "a red three", "--in", data, "-k", "24", "--out", str(tmp_path / "sheet.html")])
    said = capsys.readouterr().out
    assert all(captions[name][0] in said for name in captions)
    html = (tmp_path / "sheet.html").read_text()
    assert html.count('<img class="card picture"') == 24
    assert html.count('<p class="card text"') == 25  # the query, and a caption of each
    assert "<mark>three</mark>" in html
    assert '<span class="name">0</span></figcaption></figure>\n<ol>' not in html  # words have no name


def test_columns_that_are_named_are_those_of_the_table_and_not_of_the_words(tmp_path: Path) -> None:
    data, run = "made:scenes?count=24", tmp_path / "run"
    contrapose.train("clip", data=data, epochs=1, batch_size=12, out=str(run), quiet=True)
    pairs = open_pairs(data)
    lines = ["drawing,told"]
    for row, some in enumerate(pairs.captions):
        Image.fromarray(pairs.pictures.batch([row])[0].numpy().transpose(1, 2, 0)).save(tmp_path / f"{row}.png")
        lines.append(f"{row}.png,{some[0]}")
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n")
    columns = {"image_column": "drawing", "text_column": "told"}
    (by_words,) = search(run, "a red three", data=tmp_path / "own.csv", k=24, quiet=True, **columns)
    assert {hit.excerpt for hit in by_words} == {some[0] for some in pairs.captions}
    (by_picture,) = search(run, tmp_path / "3.png", data=tmp_path / "own.csv", k=1, quiet=True, **columns)
    assert len(by_picture) == 1


def _told(data: str) -> tuple[list[str], list[tuple[str, ...]]]:
    pairs = open_pairs(data)
    return list(pairs.identifiers), [tuple(some) for some in pairs.captions]
