"""`contrapose reproduce` and `contrapose claims` from the command line, mistakes included."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from contrapose.cli import main
from contrapose.version import __version__

CLAIM = """
import numpy as np
from contrapose.claims import Arm, Claim, Ground, Prediction, Protocol, difference, nearest_neighbours
from contrapose.claims.ground import open_parts


def ground(source, protocol, seed):
    train, test = open_parts(source)
    return Ground({"pretraining": train}, train, test, test)


SIZE = Protocol(options={"epochs": 1, "batch_size": 20}, seeds=2, images=40, labelled=40, validation=20, test=20)
CLAIM = Claim(
    name="own",
    title="SimCLR beats raw pixels.",
    paper="nobody",
    arms=(Arm("simclr", "simclr", grid={"temperature": (0.1, 0.5)}),),
    predictions=(Prediction("simclr - raw", ("simclr", "raw pixels"), difference("simclr", "raw pixels", "kNN")),),
    protocol=SIZE,
    full=SIZE,
    ground=ground,
    measures=(nearest_neighbours,),
    remarks=("A claim of one's own.",),
)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A claim in a file, its data, and a folder to work in."""
    random = np.random.default_rng(0)
    for part, count in (("train", 40), ("test", 20)):
        images = random.integers(0, 255, size=(count, 16, 16, 3), dtype=np.uint8)
        np.savez(tmp_path / f"{part}.npz", images=images, labels=np.arange(count) % 4)
    (tmp_path / "own.py").write_text(CLAIM)
    monkeypatch.chdir(tmp_path)
    return ["reproduce", str(tmp_path / "own.py"), "--data", str(tmp_path)]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    return capsys.readouterr().err


def test_a_claim_of_ones_own_is_measured_recorded_and_shown(
    own: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(own)
    said = capsys.readouterr().out
    record = json.loads((tmp_path / "results/claims/own.json").read_text())
    assert f"verdict: {record['verdict']}" in said
    assert record["versions"]["contrapose"] == __version__
    assert {"commit", "machine", "time", "trials", "seeds", "findings"} <= record.keys()
    assert str(tmp_path) not in json.dumps(record)  # whose machine it was is nobody's business
    assert {arm: set(cells) for arm, cells in record["table"].items()}["raw pixels"] == {"kNN"}
    main(["claims", "--write", "claims.md"])
    page = (tmp_path / "claims.md").read_text()
    assert "| [own](#own) |" in page
    assert "A claim of one's own." in page
    assert "| raw pixels |" in page
    capsys.readouterr()
    main(own)  # everything is there already
    assert "seed" not in capsys.readouterr().out.split("tuned")[0]
    main([*own, "--fresh"])
    assert "[1/2] validation simclr" in capsys.readouterr().out


def test_the_list_says_what_was_not_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main(["claims", "--results", str(tmp_path)])
    assert "mmcl" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mmlc"], "Did you mean 'mmcl'"),
        (["none.py"], "none.py does not exist"),
        (["mmcl", "--data", "nowhere"], "nowhere holds no train part"),
        (["mmcl", "--quick", "--full"], "contradict"),
        (["mmcl", "--seeds", "1"], "at least 2"),
        (["mmcl", "--jobs", "0"], "at least 1"),
    ],
)
def test_mistakes_are_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = refused(["reproduce", *words], capsys)
    assert sentence in error
    assert "Traceback" not in error


def test_too_little_data_is_said_before_anything_runs(own: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "asks for 6,000 training" in refused(["reproduce", "mmcl", *own[2:]], capsys)


def test_no_records_no_page(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "holds no record" in refused(["claims", "--results", str(tmp_path), "--write", str(tmp_path / "x")], capsys)
    (tmp_path / "bad.json").write_text("{")
    assert "no record of a claim" in refused(["claims", "--results", str(tmp_path)], capsys)
