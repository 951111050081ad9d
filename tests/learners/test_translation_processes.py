"""Translator and classifier on two and four real processes: each ends where the others do, and where one does."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from accelerate import Accelerator
from torch import Tensor, nn

from contrapose.data import PlainSource
from contrapose.data.embedded_samples import as_they_are
from contrapose.data.images.made.tint import tint
from contrapose.encoders.images.critic import Critic
from contrapose.encoders.images.translator import Translator
from contrapose.learners import Learner, TranslatedHeads, Translation
from contrapose.learners.turn import batches_of
from contrapose.methods.cdvg_parts import game
from contrapose.objectives import nt_xent
from contrapose.training.config import RunConfig
from contrapose.training.device import make_accelerator
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan
from distributed_helper import run_ranks

STEPS = 3


class Pixels(nn.Module):
    """An encoder without what is each process's own, such as batch statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(3 * 8 * 8, 6)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.map(x.flatten(1))
        return found


def translation() -> Learner:
    torch.manual_seed(0)
    size = {"channels": 3, "image_size": 8}
    translator = Translator(**size, classes=tuple("0123456789"), width=4, blocks=1)  # type: ignore[arg-type]
    critic = Critic(**size, classes=10, width=4)
    return Translation(
        translator, critic, game(), classes=10, critic_turns=2, generator=torch.Generator().manual_seed(1)
    )


def classifier() -> Learner:
    torch.manual_seed(0)
    heads = TranslatedHeads(
        Pixels(),
        nn.Linear(6, 4),
        lambda z, pairing, rows: nt_xent(z, pairing, temperature=0.1, rows=rows),
        dimension=6,
        classes=10,
        generator=torch.Generator().manual_seed(1),
    )
    translator = Translator(channels=3, image_size=8, classes=tuple("0123456789"), width=4, blocks=1)
    heads.translated_by(translator)
    heads.difficulty = torch.linspace(0, 2, 96)
    heads.see_targets({"label": torch.arange(10)})
    with torch.no_grad():
        for weight in heads.heads.weights:
            weight.copy_(0.1 * torch.randn(weight.shape))
    return heads


def play(folder: str) -> list[dict[str, Tensor]]:
    """The weights after some steps of both."""
    share = 16
    if dist.is_initialized():
        rank, size = str(dist.get_rank()), str(dist.get_world_size())
        os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE=size, LOCAL_WORLD_SIZE=size)
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
        Accelerator.end_training = lambda self: None  # type: ignore[method-assign]  # the group is the helper's to end
        place = [folder]
        dist.broadcast_object_list(place)
        folder, share = f"{place[0]}-{rank}", 16 // dist.get_world_size()
    found = []
    for number, learner in enumerate((translation(), classifier())):
        turns = batches_of(learner.turns())
        options: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.02, "weight_decay": 0.0}
        config = RunConfig(
            epochs=1, batch_size=share, schedule="constant", warmup_share=0.0, precision="float32", **options
        )
        accelerator = make_accelerator("cpu")
        where = {"world_size": accelerator.num_processes, "rank": accelerator.process_index}
        samples = tint(96, side=8)
        source = PlainSource.shuffled(samples, as_they_are, batch_size=share, seed=0, turns=turns, **where)
        trainer = Trainer(learner, source, config, accelerator)
        run = RunFolder.create(Path(f"{folder}-{number}"), {})
        Runner(Plan.of(trainer), Context(config, accelerator)).fit(run)
        assert trainer.number + 1 == (STEPS if number == 0 else 2 * STEPS)
        found.append({name: value.detach().clone() for name, value in learner.named_parameters()})
    return found


@pytest.mark.slow
@pytest.mark.parametrize("world_size", [2, 4])
def test_ranks_end_with_equal_weights_which_are_those_of_one_process(world_size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, *_, second = run_ranks(play, f"{folder}/two", world_size=world_size)
        alone = play(f"{folder}/one")
    starts = (translation(), classifier())
    for one, two, single, start in zip(first, second, alone, starts, strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)
        moved = 0
        for name, weight in start.named_parameters():
            torch.testing.assert_close(one[name], single[name], rtol=1e-4, atol=1e-6, msg=name)
            moved += not torch.allclose(single[name], weight, atol=1e-5)
        assert moved > len(single) / 2
