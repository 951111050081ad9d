"""The multi-view method: every objective trains on four views, and one view is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import torch
from downhill import both_precisions, goes_downhill, losses_of_one_batch

import contrapose
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.learners import Siamese
from contrapose.methods import MultiView
from contrapose.objectives import mv_info_nce
from contrapose.objectives.many_views.view_chances import VIEW_CHANCES
from contrapose.pairing import by_views
from contrapose.training.run_folder import RunFolder
from contrapose.views import ImageViews

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "projection_hidden": 16, "log_steps": 1, "quiet": True}
NAMES = get_args(get_type_hints(MultiView)["objective"])


def test_all_multi_view_objectives_are_on_offer() -> None:
    assert set(NAMES) == set(VIEW_CHANCES)
    assert MultiView().views.count == 4


@both_precisions
@pytest.mark.parametrize("name", NAMES)
def test_a_batch_goes_downhill(name: Any, precision: str) -> None:
    method = MultiView(projection_hidden=16, objective=name, temperature=0.2)
    assert goes_downhill(losses_of_one_batch(method, precision, views=4)["loss"])


@pytest.mark.parametrize("name", NAMES)
def test_a_run_knows_its_chance(name: str, pictures: np.ndarray, tmp_path: Path) -> None:
    options = {**QUICK, "objective": name, "temperature": 0.2}
    run = contrapose.train("multiview", data=pictures[:64], out=str(tmp_path / "run"), **options)
    rows = list(RunFolder(run.path).metrics())
    losses = [row["loss"] for row in rows]
    assert np.isfinite(losses).all()
    assert rows[-1]["chance"] == pytest.approx(VIEW_CHANCES[name](by_views(4, 16), 0.2))


def test_the_number_of_views_is_an_option_of_the_views(pictures: np.ndarray, tmp_path: Path) -> None:
    options = {**QUICK, "epochs": 1, "views": {"count": 3}, "objective": "pvc_geometric"}
    run = contrapose.train("multiview", data=pictures[:32], out=str(tmp_path / "run"), **options)
    assert list(RunFolder(run.path).metrics())[-1]["chance"] == pytest.approx(np.log(1 + 3 * 15))


def test_negatives_of_the_same_view_can_be_left_out() -> None:
    method = MultiView(objective="mv_info_nce", temperature=0.3, same_view_negatives=False)
    learner = method.new_learner(build("small_conv", channels=1, image_size=8, widths=[8, 8]))
    assert isinstance(learner, Siamese)
    assert learner.chance is not None
    z, pairing = torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0)), by_views(3, 6)
    without = mv_info_nce(z, temperature=0.3, same_view_negatives=False)
    assert learner.objective(z, pairing, None) == without
    assert without < mv_info_nce(z, temperature=0.3)
    equal = mv_info_nce(torch.ones(3, 6, 4, dtype=torch.float64), same_view_negatives=False)
    assert learner.chance(pairing) == pytest.approx(float(equal))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"views": ImageViews(count=1)}, "at least 2 of each sample"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"same_view_negatives": False}, "same_view_negatives must be left on, but for mv_info_nce"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
        ({"objective": "mv_dehl"}, "mv_dhel"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        MultiView(**options)
