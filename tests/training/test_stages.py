"""Runs of several stages and of several data sets: killed anywhere and resumed, they are the undisturbed run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from staged_methods import Clusters, registered

import contrapose
from contrapose import cli
from contrapose.commands.report import collect
from contrapose.commands.run_learner import learner_of
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.estimator import ContrastiveEncoder
from contrapose.training.config import RunConfig
from contrapose.training.device import make_accelerator
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan, Stage
from distributed_helper import as_launched, run_ranks
from killed import KilledError, assert_same, check_killed_in_each_stage, contents, end, fatal

SMALL = "--batch-size 16 --epochs 1 --encoder tiny_conv --projection-hidden 16 --projection-dimension 8 --device cpu"
QUICK = f"{SMALL} --checkpoint-steps 2 --log-steps 1".split()


@pytest.fixture(scope="module", autouse=True)
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with two data sets, in which the methods of the tests are known."""
    folder, random = tmp_path_factory.mktemp("stages"), np.random.default_rng(0)
    np.save(folder / "pictures.npy", random.integers(0, 256, (96, 3, 16, 16), dtype=np.uint8))
    np.save(folder / "others.npy", random.integers(0, 256, (20, 3, 16, 16), dtype=np.uint8))
    before, threads = Path.cwd(), torch.get_num_threads()
    os.chdir(folder)
    torch.set_num_threads(1)
    with registered():
        yield folder
    torch.set_num_threads(threads)
    os.chdir(before)


def relabelled(out: str) -> list[str]:
    return ["train", "relabelled", "--data", "pictures.npy", "--out", out, *QUICK]


def two_sets(out: str) -> list[str]:
    return ["train", "two-sets", "--data", "pictures.npy", "--target-data", "others.npy", "--out", out, *QUICK]


@pytest.fixture(scope="module")
def whole(place: Path) -> Path:
    """The undisturbed run of 6 + 3 + 6 steps."""
    cli.main(relabelled("whole"))
    return place / "whole"


def test_a_run_of_stages_is_one_run_folder(whole: Path) -> None:
    found = contents(whole)
    rows = found.pop("rows")
    assert [row["step"] for row in rows] == list(range(1, 16))
    assert [row["stage"] for row in rows] == 6 * ["first"] + 3 * ["clusters"] + 6 * ["second"]
    told = list(RunFolder(whole).metrics())
    assert "views_per_second" in told[0]
    assert "rounds_per_second" in told[6]
    assert rows[0]["learning_rate"] == rows[9]["learning_rate"]  # a schedule of its own
    assert {name for name in found if not name.startswith("checkpoints/")} == {
        "encoder/encoder.json",
        "encoder/encoder.safetensors",
        "stages/first/encoder/encoder.json",
        "stages/first/encoder/encoder.safetensors",
        "stages/first/stage.json",
        "stages/clusters/clusters.npy",
        "stages/clusters/pictures/examples-of-clusters.png",
        "stages/clusters/pictures/pictures.json",
        "stages/clusters/stage.json",
    }
    described = json.loads(found["encoder/encoder.json"])["extra"]
    assert (described["stage"], described["step"], described["total_steps"]) == ("second", 6, 6)


def test_the_encoder_of_each_stage_is_usable_by_itself(whole: Path) -> None:
    shutil.copytree(whole, "used")
    for run, out in (("used/stages/first", "first.npy"), ("used", "last.npy")):
        cli.main(["embed", run, "pictures.npy", "--out", out])
    first, last = np.load("first.npy"), np.load("last.npy")
    assert first.shape == last.shape == (96, contrapose.load(whole).dimension)
    assert np.abs(first - last).max() > 1e-4
    pixels = np.load("pictures.npy").transpose(0, 2, 3, 1)
    np.savez("labelled.npz", images=pixels, labels=np.load(whole / "stages" / "clusters" / "clusters.npy"))
    for run in ("used/stages/first", "used"):
        cli.main(["evaluate", run, "--data", "labelled.npz"])


def test_the_report_lists_the_stages(whole: Path) -> None:
    facts = dict(collect(RunFolder.open(whole)).head.facts)
    rows = contents(whole)["rows"]
    assert facts["Steps"] == "6 of 6 of the stage second"
    assert facts["Stages"].startswith(f"first (loss {rows[5]['loss']:.3g} at its end), clusters (loss ")
    assert facts["Speed"].endswith("views a second")


@contextmanager
def in_export() -> Iterator[None]:
    """Killed while the artifacts of the first stage are written."""
    export = Trainer.export

    def half(self: Trainer, folder: Path, *, step: int) -> None:
        export(self, folder, step=step)
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Trainer, "export", half)
        yield


@contextmanager
def between() -> Iterator[None]:
    """Killed when the first stage is in its place, and the second not begun."""
    finish = Runner._finish_stage
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Runner, "_finish_stage", lambda self: (finish(self), end()))
        yield


@pytest.mark.parametrize(
    ("name", "killed", "there"),
    [
        ("at-once", lambda: fatal(1, end), []),
        ("first", lambda: fatal(5, end), []),
        ("export", in_export, []),
        ("between", between, ["first"]),
        ("clusters", lambda: fatal(9, end), ["first"]),
        ("second", lambda: fatal(13, end), ["clusters", "first"]),
    ],
)
def test_killed_in_any_stage_and_resumed_it_is_the_same_run(
    name: str, killed: Callable[[], Any], there: list[str], whole: Path
) -> None:
    with killed(), pytest.raises(KilledError):
        cli.main(relabelled(name))
    assert sorted(path.name for path in Path(name).glob("stages/*") if not path.name.startswith(".")) == there
    assert (Path(name) / "encoder").exists() == (name == "second")
    cli.main(["train", "--resume", name])
    assert_same(contents(Path(name)), contents(whole))
    with pytest.raises(SystemExit):
        cli.main(["train", "--resume", name])  # it is finished


def test_the_common_check_of_stages_sees_a_job_that_forgets(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(out: Path) -> None:
        cli.main(["1" if word == "2" else word for word in relabelled(str(out))])  # checkpoint steps

    check_killed_in_each_stage(whole, train, Path("checked"))
    monkeypatch.setattr(Clusters, "restore", lambda self, state: None)
    with pytest.raises(AssertionError):
        check_killed_in_each_stage(whole, train, Path("forgetful"))


def test_more_epochs_lengthen_the_last_stage(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(relabelled("longer"))
    before = contents(Path("longer"))
    cli.main(["train", "--resume", "longer", "--epochs", "2"])
    after = contents(Path("longer"))
    assert [row["step"] for row in after["rows"]] == list(range(1, 22))
    assert after["stages/first/encoder/encoder.safetensors"] == before["stages/first/encoder/encoder.safetensors"]
    assert "stages: first (6 steps), clusters (3 steps), second (12 steps)" in capsys.readouterr().err


def test_a_stage_that_is_gone_is_missed(whole: Path) -> None:
    cli.main(relabelled("robbed"))
    (Path("robbed") / "stages" / "first").rename("elsewhere")
    with pytest.raises(RunError, match="stages/first is gone, and later stages stand on it"):
        contrapose.resume("robbed", epochs=2, quiet=True)


def test_an_interrupted_run_of_stages_says_where_it_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    import signal

    with fatal(7, lambda: os.kill(os.getpid(), signal.SIGTERM)), pytest.raises(SystemExit) as left:
        cli.main(relabelled("stopped"))
    assert left.value.code == 143
    assert "Stopped at step 7 of 15." in capsys.readouterr().out


def test_a_job_without_batches_runs_like_any_other(tmp_path: Path) -> None:
    """k-means by itself: no samples, no learner; killed and resumed."""
    rows = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)

    def run(path: Path, *, resume: bool = False) -> Any:
        folder = RunFolder(path) if resume else RunFolder.create(path, {})
        context = Context(RunConfig(checkpoint_steps=2, log_steps=1, seed=3), make_accelerator("cpu"))
        stage = Stage("cluster", 7, lambda context: Clusters(rows, 5, 7, context.generator("centres")))
        return Runner(Plan([stage]), context, run=folder if resume else None).fit(folder)

    outcome = run(tmp_path / "whole")
    assert outcome.finished
    assert outcome.unit == "rounds"
    with fatal(6, end), pytest.raises(KilledError):
        run(tmp_path / "killed")
    assert run(tmp_path / "killed", resume=True).steps == 7
    found, expected = contents(tmp_path / "killed"), contents(tmp_path / "whole")
    assert_same(found, expected)
    assert [row["step"] for row in found["rows"]] == list(range(1, 8))
    assert "clusters.npy" in found


def test_stages_that_no_run_can_be_made_of() -> None:
    context = Context(RunConfig(), make_accelerator("cpu"))
    rows = np.zeros((4, 2), dtype=np.float32)
    stage = Stage("cluster", 3, lambda context: Clusters(rows, 2, 4, context.generator()))
    with pytest.raises(ArgumentError, match="announces 3 steps, its job has 4"):
        Runner(Plan([stage]), context)
    with pytest.raises(ArgumentError, match="different names"):
        Plan([stage, stage])
    with pytest.raises(ArgumentError, match="is no such name"):
        Stage("../first", 3, stage.job)
    with pytest.raises(ArgumentError, match="one at least"):
        Stage("first", 0, stage.job)


def test_each_of_several_stages_has_a_seed_of_its_own(tmp_path: Path) -> None:
    context = Context(RunConfig(seed=5), make_accelerator("cpu"))
    stages = [Stage(name, 1, lambda context: Clusters(np.zeros((2, 2)), 1, 1, context.generator())) for name in "ab"]
    first, second = (Plan(stages).context(number, tmp_path, context) for number in (0, 1))
    assert len({first.config.seed, second.config.seed, 5}) == 3
    assert first.config.seed == Plan(stages[::-1]).context(1, tmp_path, context).config.seed  # by name, not by place
    assert (first.artifacts, second.artifacts) == ({}, {"a": tmp_path / "stages" / "a"})
    assert Plan(stages[:1]).context(0, tmp_path, context) is context


def test_two_data_sets_in_a_batch_killed_and_resumed() -> None:
    cli.main(two_sets("both"))
    record = RunFolder("both").read_record()
    assert record["others"]["target"]["samples"] == 20
    assert record["others"]["target"]["places"]["absolute"].endswith("others.npy")
    with fatal(5, end), pytest.raises(KilledError):
        cli.main(two_sets("both-killed"))
    cli.main(["train", "--resume", "both-killed"])
    assert_same(contents(Path("both-killed")), contents(Path("both")))
    assert all(row["target_loss"] > 0 for row in contents(Path("both"))["rows"])


def test_what_trains_one_learner_refuses_methods_of_several_jobs(whole: Path) -> None:
    pixels = np.load("pictures.npy").transpose(0, 2, 3, 1)
    with pytest.raises(ArgumentError, match="relabelled makes a run of jobs of its own"):
        ContrastiveEncoder("relabelled").fit(pixels)
    with pytest.raises(ArgumentError, match="two-sets makes a run of jobs of its own"):
        ContrastiveEncoder("two-sets").fit(pixels)
    with pytest.raises(ArgumentError, match="contrapose train relabelled"):
        learner_of(whole)


def test_a_second_data_set_that_has_changed_is_refused(place: Path) -> None:
    changed = np.load("others.npy")
    np.save("second.npy", changed)
    words = [word.replace("others.npy", "second.npy") for word in two_sets("changed")]
    with fatal(5, end), pytest.raises(KilledError):
        cli.main(words)
    changed[0, 0, 0, 0] ^= 1
    np.save("second.npy", changed)
    with pytest.raises(RunError, match="data has changed since this run started"):
        contrapose.resume("changed", quiet=True)
    Path("second.npy").unlink()
    with pytest.raises(DataError, match=r"no longer there \(tried: second.npy"):
        contrapose.resume("changed", quiet=True)


def test_data_that_changed_while_a_job_without_batches_ran_are_refused(place: Path) -> None:
    changed = np.load("pictures.npy")
    np.save("own.npy", changed)
    words = [word.replace("pictures.npy", "own.npy") for word in relabelled("own")]
    with fatal(8, end), pytest.raises(KilledError):
        cli.main(words)
    changed[0, 0, 0, 0] ^= 1
    np.save("own.npy", changed)
    with pytest.raises(RunError, match="data has changed since this run started"):
        contrapose.resume("own", quiet=True)


def killed_and_resumed(folder: str, name: str, step: int) -> list[str]:
    """On each of two processes: the run in `folder`, then once more, killed after so many steps and resumed. Its
    folders, as the main process calls them."""
    as_launched()
    words, out = {"two_sets": two_sets, "relabelled": relabelled}[name], f"{name}-2"
    with chdir(folder), registered():
        cli.main(words(out))
        with fatal(step), pytest.raises(KilledError):
            cli.main(words(f"{out}-killed"))
        cli.main(["train", "--resume", f"{out}-killed"])
    return [str(Path(folder) / out), str(Path(folder) / f"{out}-killed")]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step", "steps"), [("two_sets", 3, 3), ("relabelled", 6, 9)])
def test_two_processes_killed_and_resumed(place: Path, name: str, step: int, steps: int) -> None:
    """At the last of three steps on two data sets, and in a job without batches. What a launcher starts, and what a
    signal kills, is tried in test_launch and test_kill."""
    (whole, resumed), _ = run_ranks(killed_and_resumed, str(place), name, step)
    assert len(contents(Path(whole))["rows"]) == steps  # half as many as of one process
    assert_same(contents(Path(resumed)), contents(Path(whole)))
