"""`mcl` from its options to its stages: what each is made of, and what is refused before anything is trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from downhill import goes_downhill

import contrapose
from contrapose.data import Batch
from contrapose.data.images.made import trifeature
from contrapose.encoders import build
from contrapose.errors import ArgumentError
from contrapose.learners.within_groups import WithinGroupSiamese
from contrapose.methods import MCL, one_job
from contrapose.objectives import OBJECTIVES
from contrapose.pairing import by_views, within_groups

SMALL: dict[str, Any] = {"projection_hidden": 16, "projection_dimension": 8}


def views(count: int = 16) -> tuple[torch.Tensor, ...]:
    return tuple(torch.rand(2, count, 3, 8, 8, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("loss", ["nt_xent", "dcl", "hard_contrastive"])
def test_a_batch_goes_downhill_by_each_loss(precision: str, loss: Any) -> None:
    encoder = build("mlp", channels=3, image_size=8, seed=0, widths=[16, 8])
    learner = MCL(loss=loss, temperature=0.5, **SMALL).new_learner(encoder).train()
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
    batch, losses = Batch(views(), torch.arange(16)), []
    for _ in range(20):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            loss_now = learner(batch).loss
        optimizer.zero_grad()
        loss_now.backward()
        optimizer.step()
        losses.append(float(loss_now.detach()))
    assert goes_downhill(losses)


def test_options_reach_the_objective_and_groups_the_pairing() -> None:
    encoder = build("tiny_conv", channels=3, image_size=8, seed=0, embedding=8)
    learner = MCL(temperature=0.3, **SMALL).new_learner(encoder).train()
    assert isinstance(learner, WithinGroupSiamese)
    groups = torch.arange(16) % 3
    step = learner(Batch(views(), torch.arange(16), targets={"group": groups.double()}))
    z = step.embeddings.view(2, 16, 8)
    expected = OBJECTIVES["nt_xent"].function(z, within_groups(by_views(2, 16), groups, views=2), temperature=0.3)
    torch.testing.assert_close(step.loss.detach(), expected)


def test_stages_alternate_and_end_side_by_side() -> None:
    names = ["train-1", "cluster-1", "train-2", "cluster-2", "train-3", "concatenate"]
    from contrapose.training.device import make_accelerator
    from contrapose.training.stages import Context

    config = MCL(batch_size=10, epochs=2, clusters=3, starts=4, **SMALL)
    context = Context(config, make_accelerator("cpu"), samples=trifeature(45))
    stages = config.stages(context)
    assert [stage.name for stage in stages] == names
    assert [stage.steps for stage in stages] == [8, 4, 8, 4, 8, 1]
    assert not one_job(MCL)
    assert [stage.name for stage in replace(config, stage_count=2).stages(context)] == [*names[:3], "concatenate"]
    with pytest.raises(ArgumentError, match="46 clusters of 45 samples cannot be found"):
        replace(config, clusters=46).stages(context)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stage_count": 0}, "stage_count"),
        ({"clusters": 0}, "clusters"),
        ({"starts": 0}, "starts"),
        ({"min_group": -1}, "min_group"),
        ({"loss": "info_nce"}, "loss"),
        ({"batches": "pure"}, "batches"),
        ({"assign": "random"}, "assign"),
        ({"loss": "dcl", "batches": "mixed"}, "dcl needs a negative for each"),
        ({"stage_dimension": 8, "encoder": "resnet18"}, "small_conv, tiny_conv, micro_conv"),
        ({"views": contrapose.views.ImageViews(count=1)}, "views must be at least 2"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        MCL(**options)


def test_a_stage_may_be_as_narrow_as_asked() -> None:
    assert MCL(encoder="tiny_conv", stage_dimension=12).encoder_arguments == {"embedding": 12}
    assert MCL().encoder_arguments == {}
