"""`halp` from its options to a run folder."""

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
from contrapose.learners import HallucinatedPositives
from contrapose.methods import HaLP
from contrapose.methods.extent import Extent
from contrapose.training.checkpoint import load_newest
from contrapose.training.run_folder import RunFolder

MOCO: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "queue": 16,
    "log_steps": 1,
    "quiet": True,
}
QUICK: dict[str, Any] = {**MOCO, "prototypes": 4, "positives": 6}


def train(pictures: np.ndarray, out: Path, method: str = "halp", **options: Any) -> list[dict[str, Any]]:
    defaults = QUICK if method == "halp" else MOCO
    run = contrapose.train(method, data=pictures[:64], out=str(out), **{**defaults, **options})
    return list(RunFolder(run.path).metrics())


def test_until_half_of_the_run_it_is_moco(pictures: np.ndarray, tmp_path: Path) -> None:
    rows, plain = train(pictures, tmp_path / "halp"), train(pictures, tmp_path / "moco", "moco")
    assert all(math.isfinite(row["loss"]) for row in rows)
    assert [row["hallucinating"] for row in rows] == [0] * 4 + [1] * 4
    assert [row["loss"] for row in rows[:4]] == [row["loss"] for row in plain[:4]]
    assert rows[4]["loss"] == pytest.approx(rows[4]["loss_contrast"] + rows[4]["loss_attraction"], abs=1e-4)
    assert rows[4]["loss_contrast"] == pytest.approx(plain[4]["loss"], abs=1e-6)
    assert rows[0]["chance"] == pytest.approx(math.log(17))
    assert rows[-1]["chance"] == pytest.approx(math.log(17) - 1 / 0.2)
    assert all(0 < row["kept_share"] <= 1 and row["positive_angle"] > 0 for row in rows[4:])
    learner = load_newest(tmp_path / "halp" / "checkpoints")[0]["learner"]
    assert (int(learner["entered"]), int(learner["fits"])) == (128, 2)  # after 4 steps, and 5
    torch.testing.assert_close(learner["prototypes"].norm(dim=1), torch.ones(4))


@pytest.mark.parametrize("options", [{"mu": 0.0}, {"start": 1.0}], ids=str)
def test_without_attraction_it_is_moco_bit_for_bit(
    options: dict[str, Any], pictures: np.ndarray, tmp_path: Path
) -> None:
    rows, plain = train(pictures, tmp_path / "halp", **options), train(pictures, tmp_path / "moco", "moco")
    assert [row["loss"] for row in rows] == [row["loss"] for row in plain]
    learners = [load_newest(tmp_path / name / "checkpoints")[0]["learner"] for name in ("halp", "moco")]
    assert all(torch.equal(learners[0][name], value) for name, value in learners[1].items())


def test_positives_at_the_key_are_the_control(pictures: np.ndarray, tmp_path: Path) -> None:
    key = train(pictures, tmp_path / "key", positives_from="key")
    same = train(pictures, tmp_path / "same", hardness=1.0, hardness_from=1.0)
    other = train(pictures, tmp_path / "other")
    assert all(row["positive_angle"] == 0 and row["kept_share"] == 1 for row in (*key[4:], *same[4:]))
    for one, two, three in zip(key, same, other, strict=True):
        assert one["loss"] == pytest.approx(two["loss"], abs=0.02)
        assert (one["loss"] == three["loss"]) == (one["hallucinating"] == 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mu": -1.0}, "mu must be 0 or more, got -1"),
        ({"mu": math.inf}, "mu must be 0 or more"),
        ({"hardness": 1.2}, r"hardness must be in \[0, 1\], got 1.2"),
        ({"hardness": 0.5, "hardness_from": 0.7}, r"hardness_from must be in \[0, 0.5\], the most, got 0.7"),
        ({"start": -0.1}, r"start must be in \[0, 1\]"),
        ({"positives": 0}, "positives must be above 0"),
        ({"refit_steps": 0}, "refit_steps must be above 0"),
        ({"newest": 4096}, "newest must be in 2 to 2048, the length of the queue, got 4096"),
        ({"prototypes": 1}, "prototypes must be in 2 to 256, the keys that are grouped, got 1"),
        ({"prototypes": 20, "queue": 16}, "prototypes must be in 2 to 16, the keys that are grouped"),
        ({"queue": 1}, "queue must be 2 or more"),
        ({"positives_from": "queue"}, "positives_from must be one of prototypes, key, got 'queue'"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        HaLP(**options)


def test_a_run_that_ends_before_its_first_positives_takes_a_shorter_queue() -> None:
    short = Extent(samples=4_096, batch=64, block=64, steps=64)
    (fit,) = HaLP().fits(short)  # 2 · 2048 / 64 = 64 steps are all that there are
    assert (fit.option, fit.value) == ("queue", 960)
    assert "64 steps of 64 do not overwrite twice" in str(fit.refusal)
    assert 2 * fit.value // 64 + 1 <= 64 // 2
    assert not HaLP(queue=fit.value).fits(short)
    for moco in (HaLP(mu=0.0), HaLP(start=1.0)):
        assert not moco.fits(short)
    assert not HaLP().fits(Extent(samples=4_096, batch=64, block=64, steps=66))
    assert not HaLP(queue=64).fits(Extent(samples=96, batch=64, block=64, steps=3))  # no queue is short enough


def test_it_says_when_it_begins(pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(pictures, tmp_path / "run", quiet=False)
    assert "MoCo alone for 50 % of the steps, and until the queue of 16 has been overwritten twice" in (
        capsys.readouterr().err
    )


def test_options_reach_the_learner() -> None:
    def learner(**options: Any) -> HallucinatedPositives:
        config = HaLP(queue=64, projection_dimension=8, **options)
        made = config.new_learner(build("small_conv", channels=3, image_size=16))
        assert isinstance(made, HallucinatedPositives)
        return made

    plain, changed = learner(), learner(mu=2.0, prototypes=7, newest=32, refit_steps=3, start=0.2, positives=9)
    assert (plain.weight, len(plain.prototypes), plain.newest, plain.refit_steps, plain.start) == (1, 20, 64, 5, 0.5)
    assert (changed.weight, len(changed.prototypes), changed.newest, changed.refit_steps) == (2, 7, 32, 3)
    changed.see_steps(100)
    assert changed.plain_steps == 20
    keys = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(0)), dim=1)
    assert changed.hallucinate is not None
    centres = changed.fit(changed.newest_keys(), torch.Generator().manual_seed(1))
    assert centres.shape == (7, 8)
    positives, keep, _ = changed.hallucinate(keys, centres, None, torch.Generator().manual_seed(1))
    assert positives.shape == (5, 9, 8)
    assert keep.shape == (5, 9)
    q = torch.nn.functional.normalize(positives[:, 0] + 0.1, dim=1)
    one, half = (learner(temperature=t).attraction(q, positives, keep, keep.sum().float()) for t in (0.2, 0.4))
    torch.testing.assert_close(one, 2 * half)
    assert learner(positives_from="key").hallucinate is None
    border = learner(hardness=0.0).hallucinate
    assert border is not None
    farther = border(keys, centres, None, torch.Generator().manual_seed(1))[2]
    assert float(farther[:, :9].mean()) > 0
