"""Both stages of dual training on two and four real processes: each ends where the others do, and where one does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from accelerate import Accelerator
from dual_cases import CLASSES, SIZE, first_stage, second_stage, smooth
from torch import Tensor

from contrapose.data import Beside, Images, PlainSource
from contrapose.encoders.heads import Question
from contrapose.learners import AttackedClassifier, Curriculum, DualAdversarial
from contrapose.training.averaged import AveragedTrainer
from contrapose.training.config import RunConfig
from contrapose.training.device import make_accelerator
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan
from distributed_helper import run_ranks

COUNT = 32


def as_floats(raw: Tensor, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    return (raw.double() / 255,)


def images(seed: int) -> Images:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (COUNT, 1, SIZE, SIZE), dtype=np.uint8)
    return Images(pixels, random.integers(0, CLASSES, COUNT))


def as_launched() -> None:
    """What a launcher tells a process, for accelerate to join the group that is there."""
    rank, size = str(dist.get_rank()), str(dist.get_world_size())
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, LOCAL_WORLD_SIZE=size)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
    Accelerator.end_training = lambda self: None  # type: ignore[method-assign]  # the group is the helper's to end


def trained(learner: AttackedClassifier, path: str) -> dict[str, Tensor]:
    """The state after eight steps of 8 pictures of all processes, by `AveragedTrainer`."""
    accelerator = make_accelerator("cpu")
    share = 8 // accelerator.num_processes
    config = RunConfig(
        epochs=2,
        batch_size=share,
        optimizer="sgd",
        learning_rate=0.2,
        schedule="constant",
        warmup_share=0.0,
        precision="float32",
        log_steps=1,
        checkpoint_minutes=1e6,
    )
    ranks = {"world_size": accelerator.num_processes, "rank": accelerator.process_index}

    def source(seed: int) -> PlainSource:
        return PlainSource.shuffled(images(seed), as_floats, batch_size=share, seed=seed, **ranks)

    others: dict[str, Any] = {"classified": source(1), "seeds": source(2)}
    question = Question("label", ("a", "b", "c"), (1, 1, 1))
    trainer = AveragedTrainer(
        learner,
        Beside(source(0), others if isinstance(learner, DualAdversarial) else {}),
        config,
        accelerator,
        question=question,
    )
    trainer.export = lambda folder, *, step: None  # type: ignore[method-assign]  # no encoder that can be rebuilt
    Runner(Plan.of(trainer), Context(config, accelerator)).fit(RunFolder.create(path, {}))
    assert trainer.number + 1 == trainer.total_steps == 8
    return {name: value.detach().clone() for name, value in learner.state_dict().items()}


def learners() -> list[AttackedClassifier]:
    return [first_stage(smooth()), second_stage(smooth(), length=0, curriculum=Curriculum(2, threshold=0.5))]


def both_stages(folder: str) -> list[dict[str, Tensor]]:
    if dist.is_initialized():
        as_launched()
        place = [folder]
        dist.broadcast_object_list(place)
        folder = f"{place[0]}-{dist.get_rank()}"
    return [trained(learner, f"{folder}-{number}") for number, learner in enumerate(learners())]


@pytest.mark.slow
@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_end_with_equal_states_which_are_those_of_one_process(world_size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, *_, second = run_ranks(both_stages, str(Path(folder) / "two"), world_size=world_size)
        alone = both_stages(str(Path(folder) / "one"))
    for start, one, two, expected in zip(learners(), first, second, alone, strict=True):
        assert one.keys() == expected.keys()
        for name, value in expected.items():
            assert torch.equal(one[name], two[name]), name
            torch.testing.assert_close(one[name], value, rtol=1e-5, atol=1e-7, msg=name)
        begun = start.state_dict()
        moved = [name for name, value in expected.items() if not torch.equal(value, begun[name])]
        assert any(name.startswith("encoder.") for name in moved)
        assert any(name.startswith("average.") for name in moved)
    assert int(alone[1]["curriculum.length"]) > 0  # and the processes agree on it
