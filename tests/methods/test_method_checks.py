"""Common checks: whatever is registered as a method trains and resumes bit for bit, and runs on every kind of data."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from method_cases import NEEDS, OWN

import contrapose
from contrapose.errors import ArgumentError
from contrapose.methods import METHODS, methods_of
from contrapose.modalities import MODALITIES
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder
from killed import assert_same, check_killed_in_each_stage
from kind_cases import WRITERS

QUICK: dict[str, Any] = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}
OWN_ON = {("image", "swav"): {"views": {"small_count": 2}}}
EVERYWHERE = ("simclr", "moco")  # without memory, and with
TRAINED = methods_of("train")  # of the other verbs see test_verbs
FIRST = [(METHODS[name].modality, name) for name in TRAINED]
RESUMED = [
    *FIRST,
    *(
        (kind, name)
        for kind in MODALITIES
        for name in EVERYWHERE
        if (kind, name) not in FIRST and METHODS[name].takes(kind)
    ),
]
RUN = [(kind, name) for kind in MODALITIES for name in TRAINED if (kind, name) not in RESUMED]


@pytest.fixture(scope="module")
def data_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The file with samples of a kind."""
    folder = tmp_path_factory.mktemp("kinds")
    files = {kind: str(write(folder)) for kind, write in WRITERS.items()}
    return files.__getitem__


def options_of(kind: str, name: str) -> dict[str, Any]:
    return {**QUICK, "modality": kind, **NEEDS.get(name, {})}


def state_of(run: Path) -> dict[str, Any]:
    state, problems = load_newest(RunFolder(run).checkpoints)
    assert not problems
    return state


def test_every_kind_of_data_has_samples_to_be_tested_with() -> None:
    assert set(WRITERS) == set(MODALITIES)


@pytest.mark.parametrize(("kind", "name"), RESUMED)
def test_it_trains_stops_and_resumes_bit_for_bit(
    kind: str, name: str, data_of: Callable[[str], str], tmp_path: Path
) -> None:
    own = {**OWN.get(name, {}), **OWN_ON.get((kind, name), {})}
    options = {**options_of(kind, name), **own, "epochs": 3, "log_steps": 1, "checkpoint_steps": 5}

    def train(out: Path, **changes: Any) -> Any:
        return contrapose.train(name, data=data_of(kind), out=str(out), **{**options, **changes})

    whole = train(tmp_path / "whole")
    assert whole.outcome.finished
    assert math.isfinite(whole.outcome.loss)
    if (whole.path / "stages").is_dir():
        check_killed_in_each_stage(whole.path, partial(train, checkpoint_steps=1), tmp_path / "stopped")
        return
    shutil.copytree(whole.path, tmp_path / "stopped")
    for path in list_checkpoints(tmp_path / "stopped" / "checkpoints"):  # back to step 5 of 9, as after a kill
        if load_checkpoint(path)["step"] > 5:
            path.unlink()
    assert state_of(tmp_path / "stopped")["step"] == 5
    resumed = contrapose.resume(tmp_path / "stopped", quiet=True)
    assert resumed.outcome.steps == 9
    assert_same(state_of(whole.path), state_of(resumed.path))
    steps = [row["step"] for row in RunFolder(resumed.path).metrics()]
    assert steps == list(range(1, 10))


@pytest.mark.parametrize(("kind", "name"), RUN)
def test_it_runs_on_other_kinds_too_or_says_what_is_missing(
    kind: str, name: str, data_of: Callable[[str], str], tmp_path: Path
) -> None:
    def run() -> Any:
        return contrapose.train(name, data=data_of(kind), out=str(tmp_path / "run"), epochs=1, **options_of(kind, name))

    if MODALITIES[kind].sides and not METHODS[name].takes(kind):
        with pytest.raises(ArgumentError, match=rf"^{name} (learns from .*|is for .*) these are \w+"):
            run()
        assert not (tmp_path / "run").exists()
        return
    if METHODS[name].kinds and kind not in METHODS[name].kinds:
        with pytest.raises(ArgumentError, match=rf"^{name} is for \w+, for .*; these are \w+\. Take another method"):
            run()
        assert not (tmp_path / "run").exists()
        return
    if METHODS[name].needs:
        with pytest.raises(ArgumentError, match=rf"^{name} needs an encoder with \w+; \w+ has none\. Take --encoder "):
            run()
        assert not (tmp_path / "run").exists()
        return
    trained = run()
    assert trained.outcome.steps == 3 or (trained.path / "stages").is_dir()
    assert math.isfinite(trained.outcome.loss)
    assert trained.load().encoder.modality == kind
