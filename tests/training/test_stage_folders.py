"""The folder of a stage is used as that of a run is, and a slip in its name is answered with the names there are."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from staged_methods import registered

import contrapose
from contrapose import cli
from contrapose.commands.compare import compare
from contrapose.commands.report import collect
from contrapose.commands.search import search
from contrapose.errors import ArgumentError, RunError
from contrapose.training.run_folder import RunFolder
from killed import KilledError, fatal

QUICK = "--batch-size 16 --epochs 1 --encoder tiny_conv --projection-hidden 16 --projection-dimension 8 --device cpu"


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with labelled pictures, and `run`, of 2 + 3 + 2 steps."""
    folder, random = tmp_path_factory.mktemp("stage-folders"), np.random.default_rng(0)
    pixels = random.integers(0, 256, (32, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "pictures.npz", images=pixels, labels=np.arange(32) % 2)
    before = Path.cwd()
    os.chdir(folder)
    with registered():
        cli.main(["train", "relabelled", "--data", "pictures.npz", "--out", "run", *QUICK.split()])
        yield folder
    os.chdir(before)


def test_a_stage_is_embedded_searched_evaluated_and_compared() -> None:
    first, last = (contrapose.load(path).embed("pictures.npz") for path in ("run/stages/first", "run"))
    cli.main(["embed", "run/stages/first", "pictures.npz", "--out", "first.npy"])
    assert np.array_equal(np.load("first.npy"), first)
    assert np.abs(first - last).max() > 1e-4
    found = search("run/stages/first/", "pictures.npz", data="pictures.npz", k=1, quiet=True)
    assert len(found.rows) == 32
    own, whole = (
        contrapose.evaluate(path, quiet=True) for path in ("run/stages/first", "run")
    )  # on the run's own data
    assert own.data == whole.data
    assert own.arms.keys() == whole.arms.keys()
    assert Path("run/stages/first/evaluation.json").is_file()
    compared = compare(["run", "run/stages/first"], quiet=True)
    assert compared.options == {"stage": {"run": "second", "first": "first"}}


def test_the_page_of_a_stage_is_of_that_stage() -> None:
    page = collect(RunFolder.open("run/stages/first"))
    assert page.head.title == "relabelled on pictures.npz, stage first"
    assert dict(page.head.facts)["Steps"] == "2 of 2 of the stage first"
    assert page.stages == []
    whole = collect(RunFolder.open("run"))
    assert [part.name for part in whole.stages] == ["first", "clusters", "second"]
    assert [shown.title for shown in whole.stages[1].pictures] == ["Examples of clusters"]


def test_a_stage_is_exported_with_what_is_known_of_it() -> None:
    contrapose.export("run/stages/first", to="folder", out="share", quiet=True)
    assert "relabelled" in Path("share/README.md").read_text()
    assert contrapose.load("share").dimension == contrapose.load("run").dimension


THERE = "Encoders lie in run/stages/first, run"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("run/stages/frist", f"run has no stage 'frist'; its stages are first, clusters, second. {THERE}"),
        ("run/stages/second", "second is the last stage of run, and what it makes is the run's own. Give run."),
        (
            "run/stages/clusters",
            f"The stage clusters of run made no encoder \\(it made clusters.npy, pictures\\). {THERE}",
        ),
        ("run/first", "The stage first of run lies in run/stages/first."),
    ],
)
def test_a_slip_in_the_name_of_a_stage(path: str, said: str) -> None:
    with pytest.raises(RunError, match=said):
        contrapose.load(path)
    with pytest.raises(RunError, match=said):
        contrapose.evaluate(path, data="pictures.npz", quiet=True)
    with pytest.raises(RunError, match=said):
        contrapose.export(path, to="folder", out="nothing", quiet=True)
    if Path(path).is_dir():
        with pytest.raises(RunError, match="curves and pictures are on the page of the run: contrapose report run"):
            collect(RunFolder.open(path))
    else:
        with pytest.raises(RunError, match=said):
            contrapose.load_classifier(path)
        with pytest.raises(RunError, match=said):
            RunFolder.open(path)


def test_a_stage_is_not_resumed_by_itself() -> None:
    with pytest.raises(ArgumentError, match=r"is a stage, and a run goes on as a whole.* --resume run"):
        contrapose.resume("run/stages/first", quiet=True)


def test_a_run_that_stopped_in_an_early_stage_says_what_there_is_of_it() -> None:
    with fatal(4), pytest.raises(KilledError):
        cli.main(["train", "relabelled", "--data", "pictures.npz", "--out", "early", *QUICK.split()])
    with pytest.raises(
        RunError, match=r"has not come to the stage that makes its own.* Encoders lie in early/stages/first"
    ):
        contrapose.load("early")
    with pytest.raises(RunError, match=r"Encoders lie in early/stages/first. Continue it with: .*--resume early"):
        collect(RunFolder.open("early"))
    with pytest.raises(RunError, match="The stage clusters of early is not done"):
        contrapose.load("early/stages/clusters")


def test_the_time_of_a_stage_goes_on_where_a_resumed_run_does() -> None:
    words = ["train", "relabelled", "--data", "pictures.npz", "--out", "timed", *QUICK.split()]
    with fatal(7), pytest.raises(KilledError):
        cli.main([*words, "--log-steps", "1", "--checkpoint-steps", "1"])
    lines = Path("timed/metrics.jsonl").read_text().splitlines()
    row = json.loads(lines[-1])
    row["seconds"] = 1000.0
    Path("timed/metrics.jsonl").write_text("\n".join([*lines[:-1], json.dumps(row)]) + "\n")
    cli.main(["train", "--resume", "timed"])
    seconds = [row["seconds"] for row in RunFolder("timed").metrics()]
    assert all(0 <= one < 600 for one in seconds[:5])  # each stage from its own beginning
    assert seconds[5] == 1000.0
    assert 1000.0 <= seconds[6] < 1600
