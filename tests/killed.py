"""Runs that are killed in the middle of a step and resumed: how to end one, and what must be the same afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch

import contrapose
from contrapose.training.checkpoint import load_checkpoint
from contrapose.training.job import Report
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner


class KilledError(BaseException):
    """No mistake of anybody's."""


def end() -> None:
    raise KilledError


@contextmanager
def fatal(step: int, end: Callable[[], Any] = end) -> Iterator[None]:
    """`end` is called when so many steps of a run are done, before anything of the last one is written."""
    tell = Runner._tell

    def watched(self: Runner, report: Report, rate: float) -> None:
        if self.steps == step:
            end()
        tell(self, report, rate)

    Runner._tell = watched  # type: ignore[method-assign]
    try:
        yield
    finally:
        Runner._tell = tell  # type: ignore[method-assign]


def contents(run: Path) -> dict[str, Any]:
    """All that must be the same: files to the byte, checkpoints to the bit, and what each step computed; health is told
    anew on resuming."""
    files = {str(file.relative_to(run)): file.read_bytes() for file in run.rglob("*") if file.is_file()}
    rows = [json.loads(line) for line in files.pop("metrics.jsonl").splitlines()]
    del files["config.json"]  # names the folder
    for name in [name for name in files if name.endswith(".pt")]:  # the same numbers may lie otherwise in memory
        del files[name]
        files[name[:-12]] = load_checkpoint(run / name)
    computed = ("step", "stage", "loss", "learning_rate", "gradient_norm", "target_loss")
    return {**files, "rows": [{name: row[name] for name in computed if name in row} for row in rows]}


def assert_same(one: Any, two: Any, where: str = "") -> None:
    """Equal to the last bit, through dictionaries and lists."""
    assert type(one) is type(two), where
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, two), where
    elif isinstance(one, dict):
        assert one.keys() == two.keys(), where
        for key in one:
            assert_same(one[key], two[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(two), where
        for number, pair in enumerate(zip(one, two, strict=True)):
            assert_same(*pair, f"{where}[{number}]")
    else:
        assert one == two, where


def stage_steps(run: Path) -> dict[str, int]:
    """The steps of each stage of a whole run whose every step has a line of metrics; one where it has no stages."""
    names = [row.get("stage", "") for row in RunFolder(run).metrics()]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def check_killed_in_each_stage(whole: Path, train: Callable[[Path], Any], out: Path) -> None:
    """Once more the run that lies in `whole`, killed in the middle of each of its stages and resumed as often: what
    each stage made, and in the end all, is the same.

    Arguments:
        train: starts the run in a folder. It writes a checkpoint and a line of metrics a step.
    """
    steps = stage_steps(whole)
    assert len(steps) > 1, f"{whole} has one stage"
    killed_at = [done - count // 2 for done, count in zip(accumulate(steps.values()), steps.values(), strict=True)]
    names = list(steps)
    for number, step in enumerate(killed_at):
        with fatal(step), pytest.raises(KilledError):
            contrapose.resume(out, quiet=True) if number else train(out)
        there = {path.name for path in out.glob("stages/[!.]*")}
        assert there == set(names[:number]), f"killed at step {step}, in {names[number]}"
        for name in there:
            place = Path("stages") / name
            made = sorted(file.relative_to(out) for file in (out / place).rglob("*") if file.is_file())
            assert made == sorted(file.relative_to(whole) for file in (whole / place).rglob("*") if file.is_file())
            for file in made:
                assert (out / file).read_bytes() == (whole / file).read_bytes(), file
    assert contrapose.resume(out, quiet=True).outcome.finished
    assert_same(_at_the_end(out), _at_the_end(whole))


def _at_the_end(run: Path) -> dict[str, Any]:
    """Its contents without the checkpoints before the last: how many are kept is of no interest."""
    found = contents(run)
    *earlier, _ = sorted(name for name in found if name.startswith("checkpoints/"))
    return {name: value for name, value in found.items() if name not in earlier}
