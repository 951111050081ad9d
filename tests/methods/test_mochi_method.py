"""`mochi` from its options to a run folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.methods import MoCHi
from contrapose.objectives import mochi
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "queue": 64,
    "hardest": 8,
    "pair_mixes": 4,
    "query_mixes": 2,
    "mix_after": 4,
    "log_steps": 1,
    "quiet": True,
}


def train(method: str, pictures: np.ndarray, out: Path, **options: Any) -> Any:
    return contrapose.train(method, data=pictures[:64], out=str(out), **{**QUICK, **options})


def test_it_trains_and_mixes_from_the_step_it_was_told(pictures: np.ndarray, tmp_path: Path) -> None:
    run = train("mochi", pictures, tmp_path / "run")
    assert run.outcome.steps == 8
    rows = list(RunFolder(run.path).metrics())
    assert all(math.isfinite(row["loss"]) for row in rows)
    assert len({row["loss"] for row in rows}) == 8
    assert [row["harder_share"] > 0 for row in rows] == [False] * 4 + [True] * 4
    assert all(row["proxy_accuracy"] <= row["proxy_accuracy_unmixed"] for row in rows)
    assert all(row["positive_cosine"] <= 1 and row["hardest_cosine"] <= 1 for row in rows)
    assert ["hardest_mixed_cosine" in row for row in rows] == [False] * 4 + [True] * 4
    assert rows[0]["chance"] == pytest.approx(math.log(65))
    assert rows[-1]["chance"] == pytest.approx(math.log(65 + 6))
    learner = load_newest(run.path / "checkpoints")[0]["learner"]
    assert int(learner["steps"]) == 8
    assert {"queue.rows", "queue.position", "seed"} <= learner.keys()
    torch.testing.assert_close(learner["queue.rows"].norm(dim=1), torch.ones(64))


def test_until_it_mixes_it_is_moco(pictures: np.ndarray, tmp_path: Path) -> None:
    shared = {name: QUICK[name] for name in QUICK if name not in ("hardest", "pair_mixes", "query_mixes", "mix_after")}
    moco = contrapose.train("moco", data=pictures[:64], out=str(tmp_path / "moco"), **shared)
    mochi = train("mochi", pictures, tmp_path / "mochi")
    one, two = ([row["loss"] for row in RunFolder(run.path).metrics()] for run in (moco, mochi))
    assert one[:4] == two[:4]
    assert one[4] < two[4]  # the same step with more negatives


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hardest": 4096}, "hardest must be in 1 to 2048, the length of the queue, got 4096"),
        ({"hardest": 0}, "hardest must be in 1 to 2048"),
        ({"pair_mixes": -1}, "pair_mixes must be 0 or more"),
        ({"query_mixes": -1}, "query_mixes must be 0 or more"),
        ({"mix_after": -1}, "mix_after must be 0 or more"),
        ({"temperature": 0.0}, "temperature must be above 0"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        MoCHi(**options)


def test_decoupled_its_chance_is_that_of_the_negatives(pictures: np.ndarray, tmp_path: Path) -> None:
    rows = list(RunFolder(train("mochi", pictures, tmp_path / "run", decoupled=True).path).metrics())
    assert rows[0]["chance"] == pytest.approx(math.log(64))
    assert rows[-1]["chance"] == pytest.approx(math.log(64 + 6))


def mixing_objective(**options: Any) -> Any:
    config = MoCHi(**{"queue": 16, "hardest": 8, "pair_mixes": 4, "query_mixes": 2, **options})
    return config.new_learner(build("small_conv", channels=3, image_size=16)).with_mixtures


@pytest.mark.parametrize(
    "options",
    [{"hardest": 2}, {"pair_mixes": 1}, {"query_mixes": 1}, {"temperature": 0.5}, {"decoupled": True}],
    ids=str,
)
def test_options_reach_the_objective(options: dict[str, Any], generator: torch.Generator) -> None:
    q, k = torch.randn(2, 4, 3, generator=generator)
    queue, rows = torch.randn(16, 3, generator=generator), torch.tensor([0, 3])

    def loss_of(**changed: Any) -> torch.Tensor:
        default = {"hardest": 8, "pair_mixes": 4, "query_mixes": 2, "temperature": 0.2}
        return mochi(q, k, queue, rows=rows, generator=torch.Generator().manual_seed(1), **{**default, **changed})

    found, _ = mixing_objective(**options)(q, k, queue, rows, torch.Generator().manual_seed(1))
    assert torch.equal(found, loss_of(**options))
    assert not torch.equal(loss_of(), found)


def test_the_hardest_are_128_or_the_whole_of_a_shorter_queue(generator: torch.Generator) -> None:
    q, k = torch.randn(2, 4, 3, generator=generator)
    for length, expected in ((512, 128), (32, 32)):
        queue = torch.randn(length, 3, generator=generator)
        asked, same = (torch.Generator().manual_seed(1) for _ in range(2))
        found, _ = mixing_objective(queue=length, hardest=None)(q, k, queue, None, asked)
        wanted = mochi(q, k, queue, hardest=expected, pair_mixes=4, query_mixes=2, generator=same)
        assert torch.equal(found, wanted)
