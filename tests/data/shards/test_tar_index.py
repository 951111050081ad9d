"""Where the members of a tar file lie."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrapose.data.shards import tar_index as module
from contrapose.data.shards.members import TarSamples
from contrapose.data.shards.tar_index import split_name, tar_index
from contrapose.errors import DataError

MEMBERS = {"a/1.jpg": b"one", "a/1.cls": b"0", "a/2.cls": b"1", "a/2.jpg": b"two!", "b/1.jpg": b"three"}


def test_members_of_one_name_are_a_sample(make_tar) -> None:
    second = {"x.cls": b"2", "._x.jpg": b"", "y.jpg": b"5"}
    samples = TarSamples([make_tar("a.tar", MEMBERS), make_tar("b.tar", second)])
    assert list(samples.keys()) == ["a/1", "a/2", "b/1", "x", "y"]
    assert list(samples.members(["jpg"])) == [b"one", b"two!", b"three", None, b"5"]
    assert list(samples.members(["cls", "jpg"])) == [b"0", b"1", b"three", b"2", b"5"]
    assert [samples.members(["cls"])[row] for row in (3, 0, -2)] == [b"2", b"0", b"2"]


def test_keys_that_are_there_twice_are_told_apart(make_tar) -> None:
    samples = TarSamples([make_tar("a.tar", {"0.txt": b"x"}), make_tar("b.tar", {"0.txt": b"y"})])
    assert list(samples.keys()) == ["a.tar:0", "b.tar:0"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a/b.jpg", ("a/b", "jpg")),
        ("b.seg.PNG", ("b", "seg.png")),
        ("a.b/12.5.2020.jpg", ("a.b/12.5.2020", "jpg")),
        ("b", ("b", "")),
    ],
)
def test_endings(name: str, parts: tuple[str, str]) -> None:
    assert split_name(name) == parts


@given(st.text("ab.1/", min_size=1, max_size=12))
def test_key_and_ending_are_the_name(name: str) -> None:
    key, ending = split_name(name)
    assert name.lower() in (key.lower(), f"{key.lower()}.{ending}")


def test_the_index_is_read_once_and_anew_when_the_file_changes(make_tar, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_tar("a.tar", MEMBERS)
    first = tar_index(path)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_members", lambda path: pytest.fail("read again"))
        again = tar_index(path)
    assert (again.digest, again.endings, list(again.keys)) == (first.digest, first.endings, list(first.keys))
    assert (again.offset == first.offset).all()
    make_tar("a.tar", {**MEMBERS, "b/1.jpg": b"THREE"})
    assert tar_index(path).digest != first.digest


def test_a_copy_has_the_same_digest(make_tar, tmp_path: Path) -> None:
    path = make_tar("a.tar", MEMBERS)
    copy = tmp_path / "other" / "name.tar"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    assert tar_index(copy).digest == tar_index(path).digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: b"", "is empty"),
        (lambda content: b"\x1f\x8b" + content, "is packed as a whole"),
        (lambda content: b"no tar at all" * 100, "is damaged, or no tar file"),
        (lambda content: content[:515], "is cut short"),  # inside the first member
        (lambda content: content[:1300], "is damaged, or cut short, behind 1 file"),  # inside the second header
        (lambda content: content[:1024] + b"\x01" * 512 + content[1536:], "is damaged, or cut short, behind 1 file"),
        (lambda content: b"\0" * 10240, "holds no files"),
    ],
)
def test_broken_files_are_told(change, said: str, make_tar) -> None:
    path = make_tar("a.tar", MEMBERS)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=said):
        tar_index(path)


def test_a_file_without_its_end_is_read_with_a_note(make_tar) -> None:
    path = make_tar("a.tar", MEMBERS)
    path.write_bytes(path.read_bytes()[: 4 * 1024])
    samples = TarSamples([path])
    assert len(samples) == 2
    assert "a.tar: no end mark, so it may be cut short" in samples.notes[0]
