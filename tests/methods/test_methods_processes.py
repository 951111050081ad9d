"""Every registered method on several real processes takes the steps of one process on the joined batch.

What is each process's own by design is taken away: batch statistics, dropout, and the views, which are those of one
process, cut into shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from method_cases import NEEDS, OWN
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from contrapose.commands.run_start import context_of, open_others, open_samples
from contrapose.commands.train import configure
from contrapose.data import Batch, derived_generator
from contrapose.distributed import rank, world_size
from contrapose.encoders.attention import Attention
from contrapose.errors import ArgumentError
from contrapose.learners import Step
from contrapose.methods import METHODS, methods_of
from contrapose.methods.fit_to_data import class_names, fit_to_data
from contrapose.methods.method import one_job
from contrapose.training.loop import Trainer
from contrapose.training.monitor import Monitor
from contrapose.training.processes.gradients import is_shared
from contrapose.training.processes.sharded import check_shardable, move_one_by_one
from contrapose.training.processes.sharding import shard, whole
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of
from distributed_helper import run_ranks
from kind_cases import WRITERS

BATCH, STEPS = 8, 2  # in all
SMALL: dict[str, Any] = {"batch_size": BATCH, "projection_hidden": 16, "projection_dimension": 8, "epochs": 2}
SMALL |= {"optimizer": "sgd", "learning_rate": 0.02, "weight_decay": 0.0, "schedule": "constant", "warmup_share": 0.0}
SMALL |= {"precision": "float32", "device": "cpu"}
CASES = list(methods_of("train"))
ON_FOUR = ["cless", "code-clones", "contrabert", "dat", "supcon-ce"]
"""Those whose learners no other test has."""
FILES = {
    "image": "pictures",
    "text": "texts",
    "rows": "rows",
    "frames": "sequences",
    "items": "histories",
    "graph": "graphs",
    "pairs": "pairs",
}


SHARDABLE: dict[str, type] = {}
"""Methods whose steps were taken and that can be sharded, and their learners."""


def trainer_of(name: str, folder: str) -> Trainer:
    """The first job of a run of the method, as it is in one process."""
    kind = METHODS[name].modality
    file = str(next(path for path in Path(folder).iterdir() if path.stem == FILES[kind]))
    config = configure(name, {**SMALL, **OWN.get(name, {}), **NEEDS.get(name, {}), "data": file}, modality=kind)
    samples = open_samples(config, file, quiet=True)
    config, _ = fit_to_data(config, samples=len(samples), processes=1, classes=class_names(samples))
    alone: Any = SimpleNamespace(num_processes=1, process_index=0, is_main_process=True, device=torch.device("cpu"))
    context = context_of(config, samples, open_others(config, quiet=True), None, None, None, Monitor(quiet=True), alone)
    job = config.stages(context)[0].job(context)
    assert isinstance(job, Trainer), f"{name} begins with a job that is no training"
    return job


def without_own(module: nn.Module) -> None:
    """Take away what is each process's own."""
    for parent in list(module.modules()):
        if isinstance(parent, Attention):
            parent.dropout = 0.0
        for name, child in parent.named_children():
            if isinstance(child, _BatchNorm):
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.Dropout):
                child.p = 0.0


def share(batch: Batch) -> Batch:
    """The part of a batch that is this process's."""
    count = batch.size // world_size()
    own = slice(rank() * count, (rank() + 1) * count)
    return Batch(
        views=tuple(view[own] for view in batch.views),
        indices=batch.indices[own],
        targets={name: values[own] for name, values in batch.targets.items()},
        others={name: share(other) for name, other in batch.others.items()},
        part=batch.part,
        boxes=None if batch.boxes is None else batch.boxes[:, own],
    )


@dataclass
class Together:
    """The `Computation` of steps of which each process has a share of the batch."""

    job: Trainer
    step: int = 0
    gradients: dict[str, Tensor] = field(default_factory=dict)

    def batch(self, part: int) -> Batch:
        return share(self.job.source.batch(self.step, part, generator=derived_generator(0, self.step, part)))

    def gradient(self, batch: Batch, *, parts: int, last: bool) -> Step:
        step: Step = self.job.learner(batch)
        (step.loss / parts).backward()
        found = {name: weight.grad for name, weight in self.job.learner.named_parameters() if weight.grad is not None}
        if world_size() > 1:
            average([gradient for gradient in found.values() if not is_shared(gradient)])
        for name, gradient in found.items():
            self.gradients[f"{name}, step {self.step}, turn {batch.turn}"] = whole(gradient).clone()
        return step

    def clip(self, batch: Batch) -> float:
        return 0.0


def average(gradients: list[Tensor]) -> None:
    """Average over processes, in place."""
    if not gradients:
        return
    joined = torch.cat([gradient.flatten() for gradient in gradients])  # (P,)
    dist.all_reduce(joined)
    parts = (joined / world_size()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def taken(name: str, folder: str, *, sharded: bool = False) -> dict[str, Tensor]:
    """The gradients of two steps of the method, and what it remembers after them."""
    torch.manual_seed(0)
    job = trainer_of(name, folder)
    without_own(job.learner)
    if can_be_sharded(job):
        SHARDABLE[name] = type(job.learner)
    if sharded:
        shard(job.learner.encoder, torch.device("cpu"))
        job.optimizers = optimizers_of(job.config, job.learner)
        move_one_by_one(job.optimizers)
    work = Together(job)
    for step in range(STEPS):
        work.step = step
        take_step(job.learner, job.optimizers, work, seed=step)
    memory = {key: value.detach().clone() for key, value in job.learner.named_buffers()}
    return work.gradients | {key: value for key, value in memory.items() if value.is_floating_point()}


def taken_of(folder: str, names: list[str]) -> dict[str, dict[str, Tensor]]:
    return {name: taken(name, folder) for name in names}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("data")
    for write in WRITERS.values():
        write(folder)
    return str(folder)


def can_be_sharded(job: Trainer) -> bool:
    if type(job) is not Trainer or not one_job(type(job.config)):  # type: ignore[arg-type]
        return False
    try:
        check_shardable(job.config, job.learner)
    except ArgumentError:
        return False
    return True


def sharded_of(folder: str, names: list[str]) -> dict[str, dict[str, Tensor]]:
    return {name: taken(name, folder, sharded=True) for name in names}


@pytest.fixture(scope="module")
def of_ranks(folder: str) -> list[dict[str, dict[str, Tensor]]]:
    return run_ranks(taken_of, folder, CASES) + run_ranks(taken_of, folder, ON_FOUR, world_size=4)


@pytest.fixture(scope="module")
def alone(folder: str) -> dict[str, dict[str, Tensor]]:
    return taken_of(folder, CASES)


def test_whatever_can_be_sharded_takes_the_same_steps(folder: str, alone: dict[str, dict[str, Tensor]]) -> None:
    """The first method of each learner."""
    first = {learner: name for name, learner in reversed(SHARDABLE.items())}
    results, _ = run_ranks(sharded_of, folder, list(first.values()))
    assert len(results) >= 5
    for name, found in results.items():
        check_same(found, alone[name], name)


@pytest.mark.parametrize("name", CASES)
def test_several_processes_take_the_steps_of_one(
    name: str, alone: dict[str, dict[str, Tensor]], of_ranks: list[dict[str, dict[str, Tensor]]]
) -> None:
    expected = alone[name]
    steps = [value for key, value in expected.items() if ", step " in key]
    assert sum(bool(gradient.abs().max() > 0) for gradient in steps) > 4
    for found in (results[name] for results in of_ranks if name in results):
        check_same(found, expected, name)


def check_same(found: dict[str, Tensor], expected: dict[str, Tensor], name: str) -> None:
    assert found.keys() == expected.keys(), name

    def largest(key: str) -> float:
        return float(expected[key].abs().max()) if expected[key].numel() else 0.0

    noise = max(1e-4 * max(map(largest, expected)), 1e-6)  # of gradients that cancel, on any processor
    for key, value in expected.items():
        near = 3e-3 * largest(key) + noise
        torch.testing.assert_close(
            found[key], value, rtol=0.0, atol=near, msg=lambda found, key=key: f"{name}: {key}: {found}"
        )
