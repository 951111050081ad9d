"""`contrapose train` without a method, without data, and with words in the wrong place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.cli import main
from contrapose.errors import ArgumentError
from contrapose.methods import DEFAULT_METHOD, METHODS
from contrapose.modalities import MODALITIES
from contrapose.training.run_folder import RunFolder

SMALL = ["--epochs", "1", "--batch-size", "32", "--projection-hidden", "16", "--projection-dimension", "8"]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["train", *words])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_the_default_method_is_taken_and_said(
    tmp_path: Path, pictures: np.ndarray, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("photos.npy", pictures)
    main(["train", "--data", "photos.npy", "--views.rotation-degrees", "5", *SMALL])
    said = capsys.readouterr()
    assert f"No method was named, so this is {DEFAULT_METHOD}, " in said.out + said.err
    record = RunFolder(tmp_path / "runs" / f"{DEFAULT_METHOD}-photos").read_record()
    assert record["method"] == DEFAULT_METHOD
    assert record["config"]["views"]["rotation_degrees"] == 5.0
    run = contrapose.train(data=pictures, epochs=1, batch_size=32, out=str(tmp_path / "run"), quiet=True)
    assert RunFolder(run.path).read_record()["method"] == DEFAULT_METHOD
    main(["train", DEFAULT_METHOD, "--data", "photos.npy", *SMALL])
    said = capsys.readouterr()
    assert "No method was named" not in said.out.split(f"runs/{DEFAULT_METHOD}-photos-2")[-1] + said.err


def test_texts_and_tables_take_the_baseline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("words.txt").write_text("\n".join(f"some words and number {n}" for n in range(40)))
    main(["train", "--data", "words.txt", "--encoder", "bag_of_words", *SMALL])
    said = capsys.readouterr()
    assert "No method was named, so this is simclr, the baseline" in said.out + said.err
    run = contrapose.train(data=np.random.default_rng(0).normal(size=(40, 3)), epochs=1, batch_size=8, quiet=True)
    assert RunFolder(run.path).read_record()["method"] == "simclr"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mmcl"], "Say what to learn from: contrapose train mmcl --data DATA"),
        (["--epochs", "3"], f"Say what to learn from: contrapose train {DEFAULT_METHOD} --data DATA"),
        (["omniglot", "--epochs", "3"], "it can be learned from: contrapose train --data omniglot --epochs 3"),
        (["my photos"], "it can be learned from: contrapose train --data 'my photos'"),
        (["--data", "x", "mmcl"], "The method comes first: contrapose train mmcl --data x"),
        (["moco", "--resume", "run"], "leave 'moco' out: contrapose train --resume run"),
        (["--resum", "run"], "Did you mean '--resume'?"),
        (["SimCLR", "--data", "x"], "Did you mean 'simclr'?"),
        (["--data", "mmcl"], "mmcl"),  # a folder of that name is not there
    ],
)
def test_what_is_missing_or_misplaced_is_said(
    words: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my photos").mkdir()
    assert sentence in refused(capsys, *words)
    assert not (tmp_path / "runs").exists()


def test_from_python_data_are_asked_for_too() -> None:
    with pytest.raises(ArgumentError, match="Say what to learn from: data='photos/'"):
        contrapose.train("simclr", epochs=1)


def test_help_begins_with_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    main(["train", "--help"])
    said = capsys.readouterr().out
    assert f"Without METHOD it is {DEFAULT_METHOD}" in said
    assert min(METHODS, key=lambda name: said.index(f"\n{name} ")) == DEFAULT_METHOD
    assert said.count(f"\n{DEFAULT_METHOD} ") == 1


def test_no_address_is_broken_however_narrow_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    main(["methods"])
    said = capsys.readouterr().out
    for method in METHODS.values():
        address = next(word for word in method.about.paper.split() if word.startswith("http"))
        assert address in said


def test_help_is_of_the_kind_of_the_data_and_names_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("one text\nanother text\n")
    for words, own, other in (
        ([], "--image-size", "contrapose train simclr --modality text --help"),
        (["--data", str(tmp_path / "a.txt")], "--max-length", "contrapose train simclr --modality rows --help"),
        (["--data", str(tmp_path / "none.csv")], "--image-size", "contrapose train simclr --modality text --help"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(["train", "simclr", *words, "--help"])
        assert stop.value.code == 0
        shown = capsys.readouterr().out
        assert own in shown
        assert shown.splitlines()[-1].startswith("These are the options of ")
        assert other in shown


@pytest.mark.parametrize("kind", [kind for kind in MODALITIES if kind != "image" and METHODS["simclr"].takes(kind)])
def test_figures_of_pictures_are_not_told_as_if_they_were_of_another_kind(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, method in METHODS.items():
        if method.kinds:  # its figures are of these
            continue
        own, other = (" ".join((made.__doc__ or "").split()) for made in (method, method.on(kind)))
        assert own.count("What to expect: ") == own.count("What to expect") == other.count("What to expect (")
        assert ("What to expect" in own) == (f"of pictures, and not of {MODALITIES[kind].plural}): " in other), name
    with pytest.raises(SystemExit):
        main(["train", "simclr", "--modality", kind, "--help"])
    said = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert f"figures are of pictures, and not of {MODALITIES[kind].plural}): on 4,000 pictures" in said
