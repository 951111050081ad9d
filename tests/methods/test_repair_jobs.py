"""The jobs of a repair on an encoder whose backdoor was built by hand: found, inverted, and nothing else moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.perturbations import Victim
from contrapose.methods.repairing.inversion import TriggerInversion
from contrapose.methods.repairing.suspect import Suspect
from contrapose.methods.repairing.target_scan import TargetScan, read_suspects
from contrapose.robustness import patch_mask
from contrapose.robustness.backdoors import Limits, Suspects, Weights

CLASSES, SIDE, TARGET = 4, 12, 2


class Planted(nn.Module):
    """Sees the class in the upper left corner, and the target wherever the place of the patch is not grey."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(40.0))
        self.register_buffer("place", patch_mask(SIDE, SIDE))

    def embed_images(self, x: Tensor) -> Tensor:
        seen = x[:, 0, 0, :CLASSES]  # (B, K)
        away = ((x - 0.5).square() * self.place).sum(dim=(1, 2, 3)) / self.place.sum()  # (B,)
        planted = functional.one_hot(torch.tensor(TARGET), CLASSES).to(x)  # (K,)
        return functional.normalize(seen + self.scale * away[:, None] * planted, dim=1)


def suspect() -> Suspect:
    labels = torch.arange(24) % CLASSES
    pictures = torch.full((24, 3, SIDE, SIDE), 127, dtype=torch.uint8)
    pictures[:, 0, 0, :CLASSES] = (255 * functional.one_hot(labels, CLASSES)).to(torch.uint8)
    towers: Any = Planted().requires_grad_(False)
    return Suspect(towers, pictures, torch.eye(CLASSES), ("ant", "bee", "cat", "dog"), labels)


def done(job: Any) -> Any:
    for number in range(job.total_steps):
        job.step(number)
    return job


def test_the_scan_finds_the_class_that_any_patch_leads_to(tmp_path: Path) -> None:
    scan = done(TargetScan(suspect(), steps=5, batch=8, area=0.03, seed=0))
    found = scan.suspects()
    assert found.order[0] == TARGET
    assert found.clear
    scan.export(tmp_path, step=5)
    read = read_suspects(tmp_path)
    assert read.candidates() == [TARGET]
    assert read.rises.tolist() == found.rises.tolist()
    assert all(weight.grad is None for weight in scan.suspect.towers.parameters())
    again = done(TargetScan(suspect(), steps=5, batch=8, area=0.03, seed=0))
    assert torch.equal(again.patch, scan.patch)


def inversion(**changes: Any) -> TriggerInversion:
    shares = Suspects.of(torch.arange(24) % CLASSES, torch.full((24,), TARGET), CLASSES)
    given: dict[str, Any] = {"steps": 150, "batch": 8, "rate": 0.05, "weights": Weights(), "seed": 0, **changes}
    victim = Victim("somewhere", "planted", "00")
    return TriggerInversion(suspect(), shares, [TARGET], limits=Limits(sure=0.1), victim=victim, **given)


def test_the_inversion_finds_a_small_trigger_and_changes_nothing_else() -> None:
    job = inversion()
    before = {name: value.clone() for name, value in job.suspect.towers.state_dict().items()}
    (one,) = job.candidates
    first = one.mask.detach().clone()
    for number in range(job.total_steps):
        job.step(number)
        for tensor in (one.weight, one.trigger):
            assert float(tensor.min()) >= 0
            assert float(tensor.max()) <= 1
    assert not torch.equal(first, one.mask)
    (came,), judged = job.judged()
    assert came.success == 1
    assert came.mask < 0.3
    assert judged.found
    assert all(torch.equal(before[name], value) for name, value in job.suspect.towers.state_dict().items())
    assert all(weight.grad is None for weight in job.suspect.towers.parameters())


def test_what_is_restored_goes_on_alike() -> None:
    whole, stopped, resumed = inversion(steps=4), inversion(steps=4), inversion(steps=4)
    done(whole)
    for number in range(2):
        stopped.step(number)
    resumed.restore(stopped.state())
    for number in range(2, 4):
        resumed.step(number)
    assert torch.equal(whole.candidates[0].mask, resumed.candidates[0].mask)
    assert torch.equal(whole.candidates[0].trigger, resumed.candidates[0].trigger)
