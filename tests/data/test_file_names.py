"""Names that are not UTF-8, users without a home, and what the system refuses to read."""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from made_pictures import colour_picture

from contrapose.cli import main
from contrapose.commands.data_check import data_check
from contrapose.data import Images, open_data
from contrapose.data.files.names import as_on_disk, expanded, printable
from contrapose.data.images.folders import list_folder, list_glob
from contrapose.data.images.packing.cache import cache_folder
from contrapose.data.images.pixels.decoding import PictureError, decode
from contrapose.errors import ArgumentError, DataError

LATIN = os.fsdecode(b"caf\xe9")


def opened(data: object, **options: object) -> Images:
    return open_data(data, progress=False, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Folder, class and picture of names that are latin-1; one file that is no picture."""
    root = tmp_path / LATIN
    for seed, name in enumerate([f"{LATIN}/{LATIN}.png", f"{LATIN}/1.png", "ünï/2.png"]):
        try:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            pytest.skip("names are UTF-8 here")
        colour_picture(seed).save(root / name)
    (root / LATIN / f"{LATIN}.gif").write_bytes(b"x")
    return root


def test_every_byte_of_a_name_is_kept_and_printable() -> None:
    assert printable(LATIN) == r"caf\xe9"
    assert printable("ünï") == "ünï"
    assert as_on_disk(printable(LATIN + "/ü")) == LATIN + "/ü"
    assert as_on_disk("plain.png") == "plain.png"


def test_what_is_known_of_pictures_can_be_encoded(folder: Path) -> None:
    for spec in (folder, f"{folder}/*/*", [*folder.glob("*/*")]):
        for _ in range(2):  # decoded, and from the cache
            images = opened(spec)
            texts = [*images.identifiers, images.origin, *images.notes, *(skipped.path for skipped in images.skipped)]
            assert "".join([*texts, *(images.class_names or ())]).encode()
            assert any(r"caf\xe9.png" in name for name in images.identifiers)
            assert r"caf\xe9.gif" in images.skipped[0].path
    assert opened(folder).class_names == (r"caf\xe9", "ünï")
    pl.DataFrame({"identifier": images.identifiers}).write_csv()


def test_data_check_finds_such_a_file_again(folder: Path) -> None:
    report = data_check(folder, quiet=True)
    assert [sample.shown for sample in report.samples] == ["20 x 20"] * 3


def test_the_command_line_prints_any_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(sys, "stderr", shown)
    main(["data", "check", str(folder), "--out", ""])
    with pytest.raises(SystemExit):
        main(["data", "check", str(folder / "nothing")])
    shown.flush()
    said = shown.buffer.getvalue().decode("ascii")
    assert r"caf\xe9/caf\xe9.gif" in said
    assert "does not exist" in said


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user whom neither the environment nor the list of users gives a home."""

    def nobody(_: int) -> None:
        raise KeyError("uid not found")

    pwd = pytest.importorskip("pwd")
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    for name in ("HOME", "CONTRAPOSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))


@pytest.mark.usefixtures("homeless")
def test_without_a_home_the_cache_is_a_private_temporary_folder(
    tmp_path: Path, write_pictures: Callable[..., Path]
) -> None:
    folder = cache_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    assert len(opened(write_pictures("a.png"))) == 1
    assert (folder / "pictures").is_dir()
    with pytest.raises(ArgumentError, match="no home folder"):
        expanded("~/x")


@pytest.mark.usefixtures("homeless")
def test_the_command_line_gives_a_home_to_packages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--version"])
    assert Path.home().parent == tmp_path
    assert Path.home().is_dir()
    assert capsys.readouterr().err == ""


def test_a_home_that_cannot_be_written_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("CONTRAPOSE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/")
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != Path("/"))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    assert cache_folder().parent == tmp_path


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders called `locked` that may not be listed, as of another user (root may, so it is only played)."""
    original = os.scandir

    def scandir(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "locked")


@pytest.mark.usefixtures("refused")
def test_a_folder_that_may_not_be_read_is_named(write_pictures: Callable[..., Path]) -> None:
    folder = write_pictures("cat/1.png", "dog/2.png", "dog/locked/3.png", "locked/4.png")
    listing = list_folder(folder)
    assert listing.labels.names == ("cat", "dog")
    (note,) = listing.notes
    assert note.startswith("2 folders could not be read, left out with all that is in them: ")
    assert "dog/locked (Permission denied)" in note
    assert "1 folder could not be read" in list_glob(f"{folder}/*/*.png").notes[-1]
    with pytest.raises(DataError, match="cannot be read"):
        list_folder(folder / "locked")
    alone = write_pictures("n/locked/1.png") / "n"
    with pytest.raises(DataError, match=r"holds no pictures.*could not be read.*locked \(Permission denied\)"):
        list_folder(alone)


def test_a_file_that_may_not_be_read_is_skipped_with_that_reason(
    write_pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    folder = write_pictures("a.png")

    def refused(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Image, "open", refused)
    with pytest.raises(PictureError, match="no permission to read it"):
        decode(str(folder / "a.png"), size=8, channels=3)


def test_the_index_of_packed_pictures_holds_such_names(folder: Path) -> None:
    opened(folder)
    (entry,) = (cache_folder() / "pictures").iterdir()
    assert f"{LATIN}/{LATIN}.png" in [name for name, *_ in json.loads((entry / "index.json").read_text())["files"]]
