"""Defaults that are too long for the data are shortened, aloud; the same as an option is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import CACR, METHODS, MMCL, GroCo, Method, MoCHi, MoCo, SimCLR
from contrapose.methods.fit_to_data import fit_to_data
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 32, "projection_hidden": 16, "projection_dimension": 8}


@pytest.mark.parametrize(
    ("config", "samples"),
    [
        (MoCo(batch_size=64), 2048),
        (MoCo(queue=512, batch_size=64), 512),
        (MoCo(queue=500, batch_size=64), 600),  # the learner refuses it, and says what fits
        (MoCo(batch_size=64), 63),  # a batch that was set: the loop refuses it
        (MMCL(), 1),  # as it does what cannot be contrasted
        (CACR(batch_size=64), 100),
        (MMCL(), 200),
        (MoCHi(batch_size=64, queue=256, epochs=1, pair_mixes=0, query_mixes=0), 256),  # never mixes, as it was asked
        (MoCHi(batch_size=64, queue=256, epochs=1, mix_after=3), 256),  # mixes in the last of its 4 steps
    ],
)
def test_what_fits_is_left_alone(config: Method, samples: int) -> None:
    assert fit_to_data(config, samples=samples) == (config, [])


def test_the_batch_of_all_processes_and_the_steps_that_they_take_count() -> None:
    config: Any
    config, notes = fit_to_data(MoCHi(batch_size=64, epochs=30, accumulate=2), samples=1000, processes=3)
    assert config.queue == 960
    assert config.mix_after == 6  # of 60 steps: 5 batches of 192 are 2 steps an epoch
    assert notes == [
        "queue is 960 instead of 2048: whole batches of 192, and no more than the 1,000 samples",
        "mix_after is 6 instead of 100: the run has 60 steps",
    ]


@pytest.mark.parametrize(
    ("config", "samples", "processes", "batch"),
    [(MMCL(), 100, 1, 50), (MMCL(), 3, 1, 2), (MMCL(), 2, 1, 2), (SimCLR(), 200, 2, 50), (MoCo(), 90, 1, 45)],
)
def test_the_default_batch_shrinks_to_a_small_folder(config: Method, samples: int, processes: int, batch: int) -> None:
    fitted, notes = fit_to_data(config, samples=samples, processes=processes)
    assert fitted.batch_size == batch
    assert notes[0].startswith(f"batch_size is {batch} instead of 128: {samples} samples do not fill one batch")


def test_what_is_counted_in_the_batch_shrinks_with_it() -> None:
    config: Any = fit_to_data(GroCo(), samples=12)[0]
    assert (config.batch_size, config.negatives) == (6, 5)
    config, notes = fit_to_data(GroCo(batch_size=8), samples=500)
    assert (config.batch_size, config.negatives) == (8, 7)
    assert notes == ["negatives is 7 instead of 10: a batch of 8 has no more"]
    config, notes = fit_to_data(MoCo(), samples=90)
    assert (config.batch_size, config.queue) == (45, 90)
    assert len(notes) == 2


@pytest.mark.parametrize("method", list(METHODS))
def test_a_batch_of_one_is_refused(method: str) -> None:
    with pytest.raises(ArgumentError, match="batch_size must be at least 2"):
        METHODS[method](batch_size=1)


def test_a_handful_of_pictures_trains_and_one_does_not(pictures: np.ndarray, tmp_path: Path) -> None:
    options = {key: value for key, value in QUICK.items() if key != "batch_size"}
    run = contrapose.train("simclr", data=pictures[:9], out=str(tmp_path / "a"), quiet=True, **options)
    assert RunFolder(run.path).read_record()["config"]["batch_size"] == 4
    with pytest.raises(DataError, match="holds one picture: contrast needs at least two"):
        contrapose.train("simclr", data=pictures[:1], out=str(tmp_path / "b"), quiet=True, **options)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (MoCo(queue=1024, batch_size=64), r"queue is 1024, but there are 500 samples.* Take --queue 448 or less"),
        (
            MoCHi(queue=448, batch_size=64, mix_after=7, epochs=1),
            "mix_after is 7, but the run has 7 steps.*mix-after 0",
        ),
        (MoCHi(queue=448, batch_size=64, mix_after=200), "the run has 140 steps.* Take --mix-after 14"),
        (
            GroCo(negatives=16, batch_size=16),
            "negatives is 16, and a batch of 16 has 15 beside an anchor. Take --negatives 15",
        ),
        (GroCo(negatives=700), "negatives is 700, and a batch of 128 has 127"),
    ],
)
def test_what_was_set_is_refused(config: Method, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        fit_to_data(config, samples=500)


def test_a_run_says_what_it_changed_and_records_it(
    pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = contrapose.train("mochi", data=pictures, out=str(tmp_path / "run"), **QUICK)
    said = capsys.readouterr().err
    assert "note: queue is 96 instead of 2048" in said
    assert "note: mix_after is 0 instead of 100" in said
    folder = RunFolder(run.path)
    config = folder.read_record()["config"]
    assert (config["queue"], config["mix_after"]) == (96, 0)
    assert "hardest_mixed_cosine" in list(folder.metrics())[-1]  # it did mix


def test_a_long_queue_leaves_no_run_folder_behind(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="Take --queue 96 or less"):
        contrapose.train("moco", data=pictures, out=str(tmp_path / "run"), quiet=True, queue=128, **QUICK)
    assert not (tmp_path / "run").exists()
