"""Results that cannot be written are on the screen all the same, and the command does not end well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.commands import unwritten
from contrapose.commands.compare import compare
from contrapose.errors import RunError, UnwrittenError

QUICK = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}


@pytest.fixture
def data(tmp_path: Path, pictures: np.ndarray) -> str:
    np.savez(tmp_path / "data.npz", images=pictures, labels=np.repeat([0, 1, 2], 32))
    return str(tmp_path / "data.npz")


@pytest.fixture
def trained(tmp_path: Path, pictures: np.ndarray) -> Path:
    return contrapose.train("simclr", data=pictures, out=str(tmp_path / "run"), **QUICK).path


def blocked(path: Path) -> Path:
    """A folder where a file is to be written, which even root cannot replace."""
    (path / "x").mkdir(parents=True)
    return path


def fails(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[str, str]:
    with pytest.raises(SystemExit) as leaving:
        main([str(word) for word in words])
    assert leaving.value.code == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.err
    return printed.out, printed.err


def test_evaluate_prints_what_it_cannot_write(trained: Path, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    blocked(trained / "evaluation.json")
    out, err = fails(capsys, "evaluate", trained, "--data", data, "--k", 5)
    assert "raw pixels" in out
    assert "Written to" not in out
    assert "Could not write" in err
    with pytest.raises(UnwrittenError) as caught:
        contrapose.evaluate(trained, data=data, k=5, quiet=True)
    assert "kNN" in caught.value.result.arms["trained"]  # type: ignore[attr-defined]


def test_data_check_too(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = fails(capsys, "data", "check", data, "--out", blocked(tmp_path / "sheet.png"))
    assert "3 classes" in out
    assert "sheet.png" in err
    assert "views drawn" not in out


def test_compare_too_and_a_missing_folder_is_said_before_the_work(
    trained: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], pictures: np.ndarray
) -> None:
    other = contrapose.train("simclr", data=pictures, out=str(tmp_path / "other"), **QUICK).path
    words = ("compare", trained, other, "--data", data, "--k", 5, "--out")
    out, err = fails(capsys, *words, blocked(tmp_path / "out.json"))
    assert "not resolved" in out
    assert "out.json" in err
    with pytest.raises(RunError):
        compare([trained, other], data=data, k=5, out=tmp_path / "out.json", quiet=True)
    out, err = fails(capsys, *words, tmp_path / "nowhere" / "out.json")
    assert not out
    assert "nowhere does not exist" in err


def test_embeddings_are_rescued(trained: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = fails(capsys, "embed", trained, data, "--out", blocked(tmp_path / "z.npy"))
    rescued = Path(err.split("It was written to ")[1].split(" instead")[0])
    assert np.load(rescued).shape[0] == 96


def test_matches_are_shown_where_the_index_cannot_be_kept(
    trained: Path, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    out, err = fails(capsys, "search", trained, data, "--in", data, "-k", 1, "--index", tmp_path / "file" / "index")
    assert out.count("1.0000") == 96
    assert "index" in err


def test_where_nothing_can_be_written_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unwritten.tempfile, "mkdtemp", refuse)
    with pytest.raises(UnwrittenError, match="Nor could it be written to the temporary folder"):
        unwritten.write_or_rescue(blocked(tmp_path / "z.npy"), b"content")


def test_a_file_goes_on_elsewhere_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = unwritten.Rescued._append

    def full(self: unwritten.Rescued, content: object) -> None:
        if self.goal.parent == tmp_path and self._size >= 4:
            raise OSError(28, "No space left on device")
        append(self, content)

    monkeypatch.setattr(unwritten.Rescued, "_append", full)

    def parts(file: unwritten.Rescued) -> None:
        for part in (b"1234", b"56", b"78"):
            file.write(part)

    with pytest.raises(UnwrittenError, match="the disk is full") as found:
        unwritten.write_or_rescue(tmp_path / "z.npy", parts)
    rescued = Path(str(found.value).split("It was written to ")[1].split(" instead")[0])
    assert rescued.read_bytes() == b"12345678"
    assert list(tmp_path.iterdir()) == []
