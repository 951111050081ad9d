"""Sharpness-aware steps of learners: statistics and queues move once, and two processes are one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

import contrapose
from contrapose.data import Batch, Images
from contrapose.distributed import own_rows
from contrapose.errors import ArgumentError
from contrapose.learners import Learner, Siamese, Step
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.objectives import nt_xent
from contrapose.training.checkpoint import load_newest
from contrapose.training.in_memory import train_in_memory
from contrapose.training.run_folder import RunFolder
from contrapose.training.sharpness_aware import SharpnessAware
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of
from distributed_helper import run_ranks

QUICK: dict[str, Any] = {
    "epochs": 2,
    "batch_size": 16,
    "projection_hidden": 16,
    "projection_dimension": 8,
    "encoder": "tiny_conv",
    "learning_rate": 0.01,
}
OWN: dict[str, dict[str, Any]] = {
    "mmcl": {},
    "moco": {"queue": 64},
    "swav": {"prototypes": 12, "gradient_clip": 1.0},
    "auc-cl": {"gradient_clip": 1.0},
    "supcon": {},
}


class Work:
    """The same batch at every pass; the network may be wrapped."""

    def __init__(self, network: nn.Module, batch: Batch) -> None:
        self.network, self.fixed = network, batch

    def batch(self, part: int) -> Batch:
        return self.fixed

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        step: Step = self.network(batch)
        (step.loss / parts).backward()
        return step

    def clip(self, batch: Batch) -> float:
        return 0.0


def trained(method: str, images: Images, **options: Any) -> tuple[Learner, list[float]]:
    config = METHODS[method](**QUICK, **OWN[method], **options)
    learner, views = assemble(config, images)
    learned_from = images.with_targets(config.about.needs_targets)
    return learner, train_in_memory(learner, learned_from, views, config)


@pytest.mark.parametrize("method", list(OWN))
def test_methods_train_with_it(method: str, pictures: np.ndarray) -> None:
    images = Images(pictures[:32], np.repeat([0, 1], 16))
    plain, _ = trained(method, images)
    learner, losses = trained(method, images, sam_radius=0.05)
    assert np.isfinite(losses).all()
    before, after = plain.state_dict(), learner.state_dict()
    assert not all(torch.equal(before[name], after[name]) for name in before)  # it is honoured
    if method == "moco":  # four steps of sixteen keys: written once a step, however many passes
        assert int(after["queue.position"]) == int(before["queue.position"]) == 0
        assert int(after["steps"]) == int(before["steps"]) == 4


def test_a_queue_is_written_once_with_what_the_last_pass_saw(pictures: np.ndarray) -> None:
    images = Images(pictures[:16])
    config = METHODS["moco"](**QUICK, queue=64, sam_radius=0.1)
    learner, views = assemble(config, images)
    made = views(images.batch(torch.arange(16)), generator=torch.Generator().manual_seed(0))
    before = learner.queue.rows.clone()  # type: ignore[union-attr, operator]
    batch = Batch(views=made, indices=torch.arange(16))
    take_step(learner, optimizers_of(config, learner), Work(learner, batch), seed=1)
    changed = (learner.queue.rows != before).any(dim=1)  # type: ignore[union-attr]
    assert changed.nonzero().flatten().tolist() == list(range(16))
    assert int(learner.queue.position) == 16  # type: ignore[union-attr, arg-type]


def test_running_statistics_are_those_of_a_forward_at_the_weights() -> None:
    class Normed(Learner):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.encoder = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))

        def forward(self, batch: Batch) -> Step:
            z = self.encoder(batch.views[0])
            return Step(z.square().mean(), z.detach(), None)  # type: ignore[arg-type]

    batch = Batch(views=(torch.randn(32, 4, generator=torch.Generator().manual_seed(2)),), indices=torch.arange(32))
    once, sharp = Normed(), Normed()
    once(batch)
    optimizer = SharpnessAware(torch.optim.SGD(sharp.parameters(), lr=0.1), radius=5.0)
    take_step(sharp, {"all": optimizer}, Work(sharp, batch), seed=0)
    for name, value in once.encoder[1].named_buffers():
        assert torch.equal(value, sharp.encoder[1].get_buffer(name)), name


def test_the_flags_reach_both_loops_and_zero_is_the_base() -> None:
    config = METHODS["simclr"](**QUICK)
    net = Siamese(nn.Linear(3, 3), nn.Linear(3, 2), lambda z, p, rows: nt_xent(z, p, rows=rows))
    assert not isinstance(optimizers_of(config, net)["all"], SharpnessAware)
    found = optimizers_of(replace(config, sam_radius=0.2, sam_adaptive=True), net)["all"]
    assert isinstance(found, SharpnessAware)
    assert (found.radius, found.adaptive) == (0.2, True)
    with pytest.raises(ArgumentError, match="sam_radius"):
        replace(config, sam_radius=-0.1)


def test_a_run_says_the_cost_and_resumes_bit_for_bit(
    pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = Images(pictures[:32])
    options: dict[str, Any] = {**QUICK, "sam_radius": 0.05, "schedule": "constant"}
    run = contrapose.train("simclr", data=images, out=str(tmp_path / "run"), **options)
    assert "two passes" in "".join(capsys.readouterr())
    state, _ = load_newest(RunFolder(run.path).checkpoints)
    off = contrapose.train("simclr", data=images, out=str(tmp_path / "off"), quiet=True, **{**options, "sam_radius": 0})
    plain, _ = load_newest(RunFolder(off.path).checkpoints)
    assert not all(torch.equal(value, plain["learner"][name]) for name, value in state["learner"].items())

    half = contrapose.train("simclr", data=images, out=str(tmp_path / "half"), quiet=True, **{**options, "epochs": 1})
    contrapose.resume(half.path, epochs=2, data=images, quiet=True)
    resumed, _ = load_newest(RunFolder(half.path).checkpoints)
    for name, value in state["learner"].items():
        assert torch.equal(value, resumed["learner"][name]), name


BATCH = 8


def one_step(adaptive: bool) -> dict[str, Tensor]:
    """The weights after two steps on this process's share of a batch, as the trainer takes them."""
    torch.manual_seed(0)
    net = Siamese(
        nn.Sequential(nn.Linear(5, 6), nn.Tanh()).double(),
        nn.Linear(6, 4).double(),
        lambda z, p, rows: nt_xent(z, p, rows=rows),
    )
    # DistributedDataParallel averages the gradient at the end of every backward: at w, and at w + e
    several = dist.is_initialized()
    model = nn.parallel.DistributedDataParallel(net) if several else net
    views = torch.randn(2, BATCH, 5, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    rows = own_rows(BATCH // dist.get_world_size()) if several else slice(0, BATCH)
    batch = Batch(views=tuple(views[:, rows]), indices=torch.arange(BATCH)[rows])
    optimizer = SharpnessAware(torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9), radius=0.4, adaptive=adaptive)
    for seed in range(2):
        take_step(net, {"all": optimizer}, Work(model, batch), seed=seed)
    return {name: value.clone() for name, value in net.state_dict().items()}


def both_kinds() -> list[dict[str, Tensor]]:
    return [one_step(adaptive) for adaptive in (False, True)]


def test_two_processes_are_one() -> None:
    whole = both_kinds()
    for found in run_ranks(both_kinds):
        for one, other in zip(whole, found, strict=True):
            for name in one:
                torch.testing.assert_close(one[name], other[name], rtol=1e-9, atol=1e-12)
