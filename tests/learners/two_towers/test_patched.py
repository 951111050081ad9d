"""Towers that see patches: which rows wear which, what is contrasted, and processes that are one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from test_two_towers import BATCH, average, towers, views
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.distributed import rank, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.two_towers import PatchedContrast, TwoTowerContrast
from contrapose.objectives import clip
from contrapose.paired import Paired
from contrapose.robustness import paste, patch_mask
from distributed_helper import run_ranks


def objective(weak: Tensor, strong: Any, scales: Tensor, bias: Any, rows: Tensor | None) -> Tensor:
    return clip(weak[0], weak[1], temperature=1 / scales[0], rows=rows)


def patches(count: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    mask = patch_mask(4, 4, area=0.25, margin=0)
    return [(torch.rand(2, 4, 4, generator=generator), mask) for _ in range(count)]


def learner(count: int = 2, **options: Any) -> PatchedContrast:
    return PatchedContrast(towers(), objective, patches(count), **options).train()


def batch(own: slice = slice(None), dtype: torch.dtype = torch.float32) -> Batch:
    return Batch(views=tuple(views(1, own, dtype)), indices=torch.arange(BATCH)[own])


@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [
        (0.5, 1, [-1, 0, -1, 0, -1, 0]),
        (0.5, 2, [-1, 0, -1, 1, -1, 0]),
        (1.0, 3, [0, 1, 2, 0, 1, 2]),
        (1 / 3, 1, [-1, -1, 0, -1, -1, 0]),
    ],
)
def test_a_share_of_the_batch_wears_patches_by_turns(share: float, count: int, expected: list[int]) -> None:
    assert learner(count, share=share).worn(BATCH) == expected


def test_it_contrasts_what_was_pasted_by_hand() -> None:
    made, view = learner(), batch().views[0]
    x, pasted = view.first, view.first.clone()
    for row, number in ((1, 0), (3, 1), (5, 0)):
        patch, mask = patches(2)[number]
        pasted[row] = paste(x[row : row + 1], patch, mask)[0]
    assert torch.equal(made.patched(x, torch.tensor(made.worn(BATCH))), pasted)
    assert not torch.equal(x, pasted)
    by_hand = Batch(views=(Paired(pasted, view.second),), indices=torch.arange(BATCH))
    step, plain = made(batch()), TwoTowerContrast(towers(), objective).train()(by_hand)
    assert torch.equal(step.loss, plain.loss)
    assert step.log["patched"] == 0.5
    whole = (255 * x).round().to(torch.uint8)
    again = made.patched(whole, torch.tensor(made.worn(BATCH)))
    assert torch.equal(again[0], whole[0].float() / 255)


def test_patches_are_kept_and_are_not_learned() -> None:
    made = learner()
    step = made(batch())
    step.loss.backward()
    assert all(weight.grad is not None for weight in made.encoder.parameters())
    assert not any("patch" in name for name, _ in made.named_parameters())
    assert torch.equal(made.state_dict()["patch_1"], patches(2)[1][0])


def two_steps() -> dict[str, Tensor]:
    made = learner().double()
    share = BATCH // world_size()
    own = slice(rank() * share, (rank() + 1) * share)
    result = {}
    for number in range(2):
        made.zero_grad()
        step = made(batch(own, torch.float64))
        step.loss.backward()
        value = step.loss.detach().clone()
        for weight in made.parameters():
            if weight.grad is not None:
                weight.data -= 0.1 * average(weight.grad)
        result[f"loss {number}"] = average(value)
    return result | {key: value.clone() for key, value in made.state_dict().items()}


def test_two_processes_are_one() -> None:
    """With three rows a process, the second begins with a row that wears a patch."""
    alone, start = two_steps(), learner().double().state_dict()
    assert any(not torch.allclose(start[key], alone[key]) for key in start)
    for found in run_ranks(two_steps):
        for key, value in alone.items():
            torch.testing.assert_close(found[key], value, rtol=1e-6, atol=1e-9, msg=key)


def test_bad_input() -> None:
    with pytest.raises(ArgumentError, match="one patch at least"):
        learner(0)
    for share in (0.0, 1.5):
        with pytest.raises(ArgumentError, match=r"must lie in \(0, 1\]"):
            learner(share=share)
    wrong = PatchedContrast(towers(), objective, [(torch.rand(2, 5, 5), patch_mask(5, 5, area=0.25))])
    with pytest.raises(ArgumentError, match="The patch must be"):
        wrong(batch())
    assert isinstance(wrong, nn.Module)
