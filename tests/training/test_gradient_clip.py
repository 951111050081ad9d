"""Gradients are clipped by one norm; of two networks with nothing in common, each by its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.data import Images
from contrapose.learners import Learner
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.training.checkpoint import load_newest
from contrapose.training.in_memory import train_in_memory
from contrapose.training.run_folder import RunFolder

LIMIT = 0.01
ONE_STEP: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "optimizer": "sgd",  # whose first step is the gradient
    "learning_rate": 1.0,
    "schedule": "constant",
    "warmup_share": 0.0,
    "weight_decay": 0.0,
    "gradient_clip": LIMIT,
}


def after_one_step(loop: str, learner: Learner, config: Any, views: Any, images: Images, out: Path) -> None:
    """`learner` as a step of this loop leaves it."""
    if loop == "in memory":
        train_in_memory(learner, images, views, config)
        return
    options = {name: getattr(config, name) for name in config.differences() if name not in ("data", "out")}
    run = contrapose.train(loop, data=images, out=str(out), quiet=True, **options)
    state, _ = load_newest(RunFolder(run.path).checkpoints)
    learner.load_state_dict(state["learner"])


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize(
    ("method", "networks"),
    [("simclr", [("encoder", "head")]), ("bias-debias", [("encoder", "head"), ("reference", "reference_head")])],
    ids=["one", "two"],
)
def test_each_network_moves_by_the_limit(
    method: str, networks: list[tuple[str, ...]], in_memory: bool, pictures: np.ndarray, tmp_path: Path
) -> None:
    images = Images(pictures[:16])
    options = {"reference_rate": 1.0} if len(networks) == 2 else {}
    config = METHODS[method](**ONE_STEP, **options)
    learner, views = assemble(config, images)
    before = {name: weight.detach().clone() for name, weight in learner.named_parameters()}
    after_one_step("in memory" if in_memory else method, learner, config, views, images, tmp_path / "run")
    moved = {name: weight.detach() - before[name] for name, weight in learner.named_parameters()}
    for parts in networks:
        step = torch.cat([change.flatten() for name, change in moved.items() if name.split(".")[0] in parts])
        assert float(step.norm()) == pytest.approx(LIMIT, rel=0.01)
    assert len(learner.clip_groups()) == len(networks)
    assert {id(weight) for group in learner.clip_groups() for weight in group} == set(map(id, learner.parameters()))
