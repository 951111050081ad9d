from __future__ import annotations

import errno
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_pictures import colour_picture

from contrapose.data import Images, open_data
from contrapose.data.images.packing import cache, packing
from contrapose.data.images.packing.cache import cache_folder
from contrapose.data.images.pixels import picture_limits
from contrapose.errors import DataError

NAMES = ("a/1.png", "a/2.png", "b/1.png", "b/2.png")


def opened(folder: Path, **options: object) -> Images:
    return open_data(folder, progress=False, **options)


def entries() -> list[Path]:
    return sorted((cache_folder() / "pictures").iterdir())


def test_pictures_are_decoded_once(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures(*NAMES)
    first, again = opened(folder), opened(folder)
    assert len(decoded) == 4
    assert isinstance(again.store, np.memmap)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.identifiers == again.identifiers == list(NAMES)
    assert first.labels.tolist() == again.labels.tolist() == [0, 0, 1, 1]
    assert first.fingerprint == again.fingerprint


def test_a_file_that_is_changed_added_or_removed_is_noticed(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures(*NAMES)
    prints = [opened(folder).fingerprint]
    colour_picture(99).save(folder / "a/1.png")
    changed = opened(folder)
    assert np.array_equal(changed.pixels[0], np.asarray(colour_picture(99)).transpose(2, 0, 1))
    prints.append(changed.fingerprint)
    colour_picture(5).save(folder / "b/3.png")
    assert len(opened(folder)) == 5
    prints.append(opened(folder).fingerprint)
    (folder / "a/2.png").unlink()
    assert opened(folder).identifiers == ["a/1.png", "b/1.png", "b/2.png", "b/3.png"]
    prints.append(opened(folder).fingerprint)
    assert len(decoded) == 4 + 4 + 5 + 4
    assert len(set(prints)) == 4
    assert len(entries()) == 1  # built anew in its place
    assert len(list(entries()[0].glob("pixels-*.npy"))) == 1


def test_a_touched_file_counts_as_changed(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures(*NAMES)
    opened(folder)
    opened(folder, limit=2)
    os.utime(folder / "a/1.png", ns=(1, 1))
    opened(folder)
    opened(folder, limit=2)
    assert len(decoded) == 4 + 2 + 4 + 2


def test_other_options_have_an_entry_of_their_own(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures(*NAMES)
    for options in ({}, {"image_size": 10}, {"channels": 1}, {"limit": 2}):
        assert opened(folder, **options).fingerprint == opened(folder, **options).fingerprint
    assert len(entries()) == 4
    assert len(decoded) == 4 + 4 + 4 + 2


def test_labels_are_no_reason_to_decode_again(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures(*NAMES)
    opened(folder)
    assert opened(folder, labels=False).labels is None
    assert opened(folder, labels=[4, 3, 2, 1]).labels.tolist() == [4, 3, 2, 1]
    assert len(decoded) == 4


def test_skipped_pictures_are_remembered(write_pictures: Callable[..., Path], decoded: list) -> None:
    folder = write_pictures(*NAMES)
    (folder / "a/2.png").write_bytes(b"")
    first, again = opened(folder), opened(folder)
    assert len(decoded) == 4
    assert first.skipped == again.skipped
    assert again.skipped[0].path == "a/2.png"
    assert again.identifiers == ["a/1.png", "b/1.png", "b/2.png"]
    assert again.labels.tolist() == [0, 1, 1]


def test_a_picture_skipped_for_its_size_is_tried_again_when_the_limit_or_the_memory_is_larger(
    write_pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_pictures(*NAMES)
    colour_picture(9, 30, 20).save(folder / "a/1.png")
    monkeypatch.setenv("CONTRAPOSE_MAX_PIXELS", "500")
    assert [item.path for item in opened(folder).skipped] == ["a/1.png"]
    monkeypatch.setenv("CONTRAPOSE_MAX_PIXELS", "600")
    assert len(opened(folder)) == 4
    monkeypatch.setattr(picture_limits, "HUGE", 500)
    monkeypatch.setattr(picture_limits, "_free_memory", lambda: 0)
    monkeypatch.delenv("CONTRAPOSE_MAX_PIXELS")
    assert len(opened(folder).skipped) == 1
    monkeypatch.setattr(picture_limits, "_free_memory", lambda: 10**9)
    assert len(opened(folder)) == 4


def test_the_index_says_what_was_packed(write_pictures: Callable[..., Path]) -> None:
    folder = write_pictures(*NAMES)
    opened(folder)
    index = json.loads((entries()[0] / "index.json").read_text())
    assert [name for name, *_ in index["files"]] == list(NAMES)
    assert index["files"][0][1] == (folder / "a/1.png").stat().st_size
    assert index["image_size"] == 20
    assert index["pillow"]


@pytest.mark.parametrize("damage", ["index cut", "pixels cut", "pixels gone", "index of another shape", "index gone"])
def test_a_damaged_entry_is_built_anew(write_pictures: Callable[..., Path], decoded: list, damage: str) -> None:
    folder = write_pictures(*NAMES)
    expected = np.array(opened(folder).pixels)
    index, (pixels,) = entries()[0] / "index.json", entries()[0].glob("pixels-*.npy")
    if damage == "index cut":
        index.write_text(index.read_text()[:50])
    elif damage == "pixels cut":
        pixels.write_bytes(pixels.read_bytes()[:-100])
    elif damage == "pixels gone":
        pixels.unlink()
    elif damage == "index of another shape":
        index.write_text("[1, 2]")
    else:
        index.unlink()
    assert np.array_equal(opened(folder).pixels, expected)
    assert len(decoded) == 8
    opened(folder)
    assert len(decoded) == 8


def test_an_interrupted_build_leaves_nothing_behind(
    write_pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_pictures(*NAMES)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache.FileSink, "finish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            opened(folder)
    assert {path.name for path in entries()[0].iterdir()} == {"lock"}
    assert len(opened(folder)) == 4


def test_what_a_killed_build_left_is_removed(write_pictures: Callable[..., Path]) -> None:
    folder = write_pictures(*NAMES)
    opened(folder)
    left = entries()[0] / "0123.partial"
    left.write_bytes(b"half")
    colour_picture(9).save(folder / "a/1.png")
    opened(folder)
    assert not left.exists()


def test_a_full_disk_is_an_error_that_names_the_folder(
    write_pictures: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_pictures(*NAMES)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError, match="disk is full") as error:
        opened(folder)
    assert str(cache_folder()) in str(error.value)
    assert {path.name for path in entries()[0].iterdir()} == {"lock"}


def test_a_cache_that_is_no_folder_is_an_error_with_a_remedy(
    write_pictures: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"cannot be used.*CONTRAPOSE_CACHE"):
        opened(write_pictures(*NAMES), cache=tmp_path / "file")


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTRAPOSE_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    assert cache_folder(tmp_path) == tmp_path
    monkeypatch.delenv("CONTRAPOSE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "contrapose"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "contrapose"


def test_no_cache_on_request(write_pictures: Callable[..., Path], tmp_path: Path) -> None:
    folder = write_pictures(*NAMES)
    images = opened(folder, cache=False)
    assert not isinstance(images.store, np.memmap)
    assert not (cache_folder() / "pictures").exists()
    assert images.fingerprint == opened(folder, cache=tmp_path / "own").fingerprint


def test_openers_at_the_same_time_decode_once(
    write_pictures: Callable[..., Path], decoded: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fcntl")
    folder = write_pictures(*NAMES)
    results: list[Images] = []
    threads = [threading.Thread(target=lambda: results.append(opened(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(decoded) == 4
    assert all(np.array_equal(result.pixels, results[0].pixels) for result in results)


def test_without_locks_builders_do_not_harm_each_other(
    write_pictures: Callable[..., Path], decoded: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    folder = write_pictures(*NAMES)
    results: list[Images] = []
    threads = [threading.Thread(target=lambda: results.append(opened(folder))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert 1 <= len(decoded) / 4 <= 4
    left = list(entries()[0].glob("pixels-*.npy"))
    for file in left:
        os.utime(file, (1, 1))  # long ago: nobody is about to use them
    colour_picture(9).save(folder / "a/1.png")
    opened(folder)
    assert not any(file.exists() for file in left)
    assert all(np.array_equal(result.pixels, results[0].pixels) for result in results)
    assert len(opened(folder)) == 4


def decode_slowly(folder: Path, log: Path, start: Any, results: Any) -> None:
    """What one of two processes does: open a folder at a signal, and log every picture that it decodes."""
    original = packing.decode

    def logging(picture: object, **options: Any) -> object:
        with log.open("a") as file:
            file.write("x")
        time.sleep(0.05)
        return original(picture, **options)

    packing.decode = logging
    start.wait()
    images = opened(folder)
    results.put((images.fingerprint, images.pixels.tobytes()))


def test_two_processes_build_one_entry(write_pictures: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    folder, log = write_pictures(*NAMES), tmp_path / "log"
    context = multiprocessing.get_context("fork")  # to start as fast as they can, and together
    start, results = context.Barrier(2), context.Queue()
    children = [context.Process(target=decode_slowly, args=(folder, log, start, results)) for _ in range(2)]
    for child in children:
        child.start()
    found = [results.get(timeout=60) for _ in children]
    for child in children:
        child.join(timeout=60)
    assert [child.exitcode for child in children] == [0, 0]
    assert found[0] == found[1]
    assert len(log.read_text()) == 4  # one process decoded, the other waited and found
