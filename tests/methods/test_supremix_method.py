"""`supremix` from its options to a trained encoder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from downhill import both_precisions, goes_downhill, losses_of_one_batch

import contrapose
from contrapose.data import Batch, Images
from contrapose.encoders import build
from contrapose.errors import ArgumentError, DataError
from contrapose.methods import SupReMix
from contrapose.objectives import adaptive_margin, rank_n_contrast, sup_con, supremix
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "log_steps": 1,
    "quiet": True,
}
OBJECTIVES = ("supremix", "rank_n_contrast", "adaptive_margin", "supcon_weighted", "supcon_binned", "absolute_error")


def bright(pictures: np.ndarray, count: int = 64) -> Images:
    """Pictures whose number is their brightness; of one it is not known."""
    numbers = pictures[:count].mean(axis=(1, 2, 3))
    numbers[3] = math.nan
    return Images(pictures[:count], targets={"number": numbers})


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_it_trains_and_resumes_bit_for_bit(objective: str, pictures: np.ndarray, tmp_path: Path) -> None:
    data = bright(pictures)
    options: dict[str, Any] = {**QUICK, "objective": objective}
    whole = contrapose.train("supremix", data=data, out=str(tmp_path / "whole"), **options)
    rows = list(RunFolder(whole.path).metrics())
    assert len(rows) == 8
    assert all(math.isfinite(row["loss"]) for row in rows)
    assert len({row["loss"] for row in rows}) == 8
    half = contrapose.train("supremix", data=data, out=str(tmp_path / "half"), **options, checkpoint_steps=3)
    for path in list_checkpoints(half.path / "checkpoints"):  # go back to step 6 of 8, as after a kill
        if load_checkpoint(path)["step"] > 6:
            path.unlink()
    resumed = contrapose.resume(half.path, data=data, quiet=True)
    one, other = (load_newest(RunFolder(run.path).checkpoints)[0]["learner"] for run in (whole, resumed))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert float(one["scale.lowest"]) == float(np.nanmin(data.targets["number"]))
    assert contrapose.load(whole.path).embed(pictures).shape == (96, 256)
    chances = [row["chance"] for row in rows if "chance" in row]
    assert chances
    if objective == "absolute_error":
        assert chances == [None] * len(chances)
    else:
        assert {"head.layers.4.weight", "seed", "steps"} <= one.keys()
        assert all(0 < chance < 10 for chance in chances)


@both_precisions
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_batch_goes_downhill(objective: str, precision: str) -> None:
    method = SupReMix(objective=objective, projection_hidden=16, projection_dimension=8)  # type: ignore[arg-type]
    numbers = torch.randn(16, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    assert goes_downhill(losses_of_one_batch(method, precision, targets={"number": numbers})["loss"])


def test_options_reach_the_objective_and_the_head_ends_in_a_batch_normalisation() -> None:
    numbers = torch.tensor([1.0, 3.0, 2.0, 6.0, 11.0, 2.1], dtype=torch.float64)
    scaled = 10 * (numbers - 1)

    def step_of(**options: Any) -> tuple[Any, torch.Tensor]:
        encoder = build("small_conv", channels=1, image_size=8, seed=0, widths=[8, 8])
        learner = SupReMix(projection_hidden=8, projection_dimension=4, batch_size=6, **options).new_learner(encoder)
        learner.train().see_targets({"number": numbers})
        views = tuple(torch.rand(2, 6, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
        step = learner(Batch(views=views, indices=torch.arange(6), targets={"number": numbers}))
        return step.loss.detach(), step.embeddings.view(2, 6, 4)

    options: dict[str, Any] = {"mixtures": "positives", "weighting": "squared", "temperature": 0.3}
    loss, z = step_of(**options, window=0.2)
    torch.testing.assert_close(loss, supremix(z, scaled, window=20.0, **options))
    torch.testing.assert_close(z.flatten(0, 1).mean(0), torch.zeros(4), atol=1e-5, rtol=0)
    loss, z = step_of(objective="supcon_weighted")
    torch.testing.assert_close(loss, supremix(z, scaled, mixtures="none"))
    loss, z = step_of(objective="rank_n_contrast")
    torch.testing.assert_close(loss, rank_n_contrast(z, scaled))
    loss, z = step_of(objective="adaptive_margin", margin=0.4)
    torch.testing.assert_close(loss, adaptive_margin(z, scaled, margin=0.4))
    loss, z = step_of(objective="supcon_binned", bins=5)
    torch.testing.assert_close(loss, sup_con(z, torch.tensor([0, 1, 0, 2, 4, 0]), temperature=0.5))
    first, again = step_of()[0], step_of()[0]
    assert torch.equal(first, again)  # the mixtures are those of the seed
    assert not torch.equal(step_of(seed=1)[0], first)


def test_data_without_a_number_are_refused_before_there_is_a_folder(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="supremix learns from a number of each sample, and the data has none"):
        contrapose.train("supremix", data=pictures[:64], out=str(tmp_path / "run"), **QUICK)
    assert not (tmp_path / "run").exists()
    equal = Images(pictures[:64], targets={"number": np.full(64, 7.0)})
    with pytest.raises(DataError, match="are all 7"):
        contrapose.train("supremix", data=equal, out=str(tmp_path / "run"), **QUICK)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"objective": "l1"}, "objective must be one of supremix"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"window": 5.0}, "a share of the range"),
        ({"mixtures": "all"}, "mixtures must be one of both"),
        ({"weighting": "l2"}, "weighting must be one of absolute"),
        ({"margin": -1.0}, "margin must be 0 or more"),
        ({"bins": 1}, "bins must be at least 2"),
    ],
)
def test_bad_options_are_refused_before_anything_starts(options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        SupReMix(**options)
