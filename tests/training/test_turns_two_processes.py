"""Games of two networks on two real processes: each rank ends where the other does, and where one process does."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from turn_games import Numbers, PriorGame, ViewGame, config, run

from distributed_helper import as_launched, run_ranks

SGD = {"optimizer": "sgd", "learning_rate": 0.1, "weight_decay": 0.0}


def play(folder: str) -> list[dict[str, Tensor]]:
    """The weights after a game that gathers its negatives, and after one that draws noise and accumulates."""
    if dist.is_initialized():
        as_launched()
        place = [folder]
        dist.broadcast_object_list(place)
        folder = f"{place[0]}-{dist.get_rank()}"
    share = 4 if dist.is_initialized() else 8
    made = (
        (ViewGame(shared=True), config(batch_size=share, **SGD)),
        (PriorGame(), config(batch_size=share // 2, accumulate=2, sam_radius=0.05)),
    )
    found = []
    for number, (game, options) in enumerate(made):
        trainer = run(game, Path(f"{folder}-{number}"), options, data=Numbers(32))
        assert trainer.number + 1 == trainer.total_steps > 1
        found.append({name: value.detach().clone() for name, value in game.named_parameters()})
    return found


@pytest.mark.slow
def test_ranks_end_with_equal_weights_which_are_those_of_one_process() -> None:
    with tempfile.TemporaryDirectory() as folder:
        first, second = run_ranks(play, f"{folder}/two")
        alone = play(f"{folder}/one")
    for one, two in zip(first, second, strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)
    start = dict(ViewGame(shared=True).named_parameters())
    for name, weight in alone[0].items():  # the other game draws noise of its own in each process
        torch.testing.assert_close(first[0][name], weight, rtol=1e-4, atol=1e-6, msg=name)
        assert not torch.allclose(weight, start[name], atol=1e-3), name
