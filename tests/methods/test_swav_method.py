"""SwAV as a method: it trains with and without small crops and a queue, and its options reach where they act."""

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
from contrapose.errors import ArgumentError
from contrapose.learners import Prototypes
from contrapose.methods import Method, SwAV
from contrapose.methods.assemble import assemble
from contrapose.methods.fit_to_data import fit_to_data
from contrapose.objectives import swapped_prediction
from contrapose.training.checkpoint import load_newest
from contrapose.training.in_memory import train_in_memory
from contrapose.training.run_folder import RunFolder
from contrapose.views import ImageViews

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "prototypes": 10,
    "log_steps": 1,
    "quiet": True,
}


@both_precisions
@pytest.mark.parametrize("queue", [0, 32])
def test_a_batch_goes_downhill(queue: int, precision: str) -> None:
    method = SwAV(projection_hidden=16, prototypes=10, queue=queue, batch_size=16, freeze_prototypes=5)
    assert goes_downhill(losses_of_one_batch(method, precision, views=3)["loss"])


def test_training_with_small_crops_and_a_queue(pictures: np.ndarray, tmp_path: Path) -> None:
    options = {**QUICK, "views": {"small_count": 3}, "queue": 32, "freeze_prototypes": 2}
    run = contrapose.train("swav", data=pictures[:64], out=str(tmp_path / "run"), **options)
    rows = list(RunFolder(run.path).metrics())
    losses = [row["loss"] for row in rows]
    assert np.isfinite(losses).all()
    assert rows[-1]["chance"] == pytest.approx(math.log(10))
    assert all(0 < row["prototypes_used"] <= 1 for row in rows)
    learner, views = assemble(_config(options), Images(pictures[:64]))
    made = views(torch.from_numpy(pictures[:16]), generator=torch.Generator().manual_seed(0))
    assert [view.shape[-1] for view in made] == [16, 16, 8, 8, 8]
    assert learner.eval()(Batch(views=made, indices=torch.arange(16))).prototype_scores.shape == (5 * 16, 10)  # type: ignore[union-attr]
    state = load_newest(run.path / "checkpoints")[0]["learner"]
    assert state["queue.rows"].shape == (32, 2 * 8)
    torch.testing.assert_close(state["queue.rows"].unflatten(1, (2, 8)).norm(dim=2), torch.ones(32, 2))
    assert int(state["steps"]) == 8


def _config(options: dict[str, Any], **changes: Any) -> SwAV:
    """Of what `contrapose.train` was given."""
    views = ImageViews(**options.get("views", {}))
    return SwAV(**{**{name: value for name, value in options.items() if name != "quiet"}, "views": views, **changes})


@pytest.mark.parametrize("in_memory", [False, True])
def test_both_loops_let_the_prototypes_stand_still_at_first(
    in_memory: bool, pictures: np.ndarray, tmp_path: Path
) -> None:
    options = {**QUICK, "epochs": 1, "optimizer": "adamw", "weight_decay": 0.5, "learning_rate": 0.01}
    moved = {}
    for frozen in (4, 3):  # of 4 steps
        config = _config(options, freeze_prototypes=frozen)
        learner, views = assemble(config, Images(pictures[:64]))
        assert isinstance(learner, Prototypes)
        start = learner.prototypes.weight.detach().clone()
        if in_memory:
            train_in_memory(learner, Images(pictures[:64]), views, config)
        else:
            where = str(tmp_path / str(frozen))
            run = contrapose.train("swav", data=pictures[:64], out=where, freeze_prototypes=frozen, **options)
            learner.load_state_dict(load_newest(run.path / "checkpoints")[0]["learner"])
        moved[frozen] = float((learner.prototypes.weight.detach() - start).abs().max())
    assert moved[4] < 1e-6  # it is only normalised again
    assert moved[3] > 1e-4


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"temperature": 0.3}, "temperature"),
        ({"epsilon": 0.2}, "epsilon"),
        ({"sinkhorn_iterations": 7}, "iterations"),
        ({"balanced": False}, "balanced"),
    ],
    ids=str,
)
def test_options_reach_the_objective(option: dict[str, Any], name: str, generator: torch.Generator) -> None:
    learner = SwAV(batch_size=4, **option).new_learner(build("small_conv", channels=3, image_size=16))
    assert isinstance(learner, Prototypes)
    scores, others = torch.rand(3, 4, 6, generator=generator), torch.rand(2, 5, 6, generator=generator)
    (value,) = option.values()
    expected = swapped_prediction(scores, others, **{name: value})
    assert torch.equal(learner.objective(scores, others), expected)
    assert not torch.equal(swapped_prediction(scores, others), expected)


def test_options_reach_the_learner() -> None:
    method = SwAV(
        prototypes=7,
        assigned_views=3,
        views=ImageViews(count=3),
        queue=256,
        queue_after=11,
        freeze_prototypes=13,
        temperature=0.2,
    )
    learner: Any = method.new_learner(build("small_conv", channels=3, image_size=16))
    assert learner.prototypes.weight.shape == (7, 128)
    assert learner.queue.rows.shape == (256, 3 * 128)
    assert (learner.assigned, learner.queue_after, learner.freeze_prototypes) == (3, 11, 13)
    assert learner.temperature == 0.2
    again: Any = method.new_learner(build("small_conv", channels=3, image_size=16))
    assert torch.equal(learner.prototypes.weight, again.prototypes.weight)  # drawn from the run's seed


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"epsilon": -1.0}, "epsilon must be above 0"),
        ({"sinkhorn_iterations": 0}, "sinkhorn_iterations must be at least 1"),
        ({"prototypes": 1}, "prototypes must be at least 2"),
        ({"queue": -1}, "queue must be 0 or more"),
        ({"queue_after": -1}, "queue_after must be 0 or more"),
        ({"freeze_prototypes": -1}, "freeze_prototypes must be 0 or more"),
        ({"assigned_views": 0}, "assigned_views must be from 1 to 2"),
        ({"assigned_views": 3, "views": ImageViews(small_count=4)}, "from 1 to 2, the number of full views"),
        ({"assigned_views": 1, "views": ImageViews(count=1)}, "views must be at least 2 of each sample"),
        ({"batch_size": 1}, "batch_size must be at least 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        SwAV(**options)


def test_a_queue_that_the_batch_does_not_divide_is_refused(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="take --queue 48"):
        contrapose.train("swav", data=pictures, out=str(tmp_path / "run"), **{**QUICK, "queue": 50})


def test_a_short_run_freezes_its_prototypes_for_a_tenth_of_it() -> None:
    fitted: Any
    fitted, notes = fit_to_data(SwAV(batch_size=16), samples=64)
    assert fitted.freeze_prototypes == 8  # of 80 steps
    assert notes == ["freeze_prototypes is 8 instead of 30: the run has 80 steps"]
    for config in (SwAV(batch_size=16, freeze_prototypes=70), SwAV(batch_size=16, epochs=75)):
        assert fit_to_data(config, samples=64) == (config, [])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (SwAV(batch_size=16, queue=64, epochs=1), "full 4 steps later, but the run has 4 steps"),
        (
            SwAV(batch_size=16, queue=32, queue_after=78, accumulate=1),
            "starts after 78 steps and is full 2 steps later",
        ),
        (SwAV(batch_size=16, queue=128), "Take --queue 64 or less"),
    ],
)
def test_a_queue_that_would_never_be_used_is_refused(config: Method, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        fit_to_data(config, samples=64)


def test_a_queue_that_is_used_in_the_last_step_is_not() -> None:
    config = SwAV(batch_size=16, queue=32, queue_after=77, freeze_prototypes=0)
    assert fit_to_data(config, samples=64) == (config, [])
    halved = SwAV(batch_size=16, queue=64, queue_after=37, accumulate=2, freeze_prototypes=0)  # 40 steps of two batches
    assert fit_to_data(halved, samples=64) == (halved, [])


def test_it_has_the_views_of_other_kinds_of_data() -> None:
    config = SwAV.on("text")(queue=128)
    assert (config.views.total(), config.modality) == (2, "text")
    with pytest.raises(ArgumentError, match="assigned_views must be from 1 to 2"):
        SwAV.on("text")(assigned_views=3)
