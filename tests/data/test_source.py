"""Batches from a source: functions of their place, with others beside them, drawn by any sampler."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch, Beside, Images, PlainSource, derived_generator
from contrapose.errors import ArgumentError
from contrapose.learners import Siamese
from contrapose.objectives import nt_xent
from contrapose.training.config import RunConfig
from contrapose.training.device import make_accelerator
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan


def noisy(pictures: Tensor, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    clean = pictures.float() / 255  # (B, C, H, W)
    return tuple(clean + 0.05 * torch.randn(clean.shape, generator=generator) for _ in range(2))


def plain(pictures: np.ndarray, batch_size: int = 8, **options: Any) -> PlainSource:
    labels = np.arange(len(pictures)) % 4
    samples = Images(pictures, labels=labels)
    return PlainSource.shuffled(samples, noisy, batch_size=batch_size, seed=5, **options)


def batch_of(source: Any, step: int, part: int = 0) -> Batch:
    return source.batch(step, part, generator=derived_generator(0, step, part))


def test_a_batch_is_a_function_of_its_place(pictures: np.ndarray) -> None:
    source = plain(pictures, accumulate=5)
    assert source.steps_per_epoch == 2  # 12 batches of 8; two are left out
    seen = [batch_of(source, step, part) for step in range(4) for part in range(5)]
    again = batch_of(plain(pictures, accumulate=5), 3, 4)
    assert torch.equal(again.views[1], seen[-1].views[1])
    assert torch.equal(again.labels, torch.as_tensor(np.arange(96) % 4)[again.indices])
    first, second = (torch.cat([batch.indices for batch in epoch]) for epoch in (seen[:10], seen[10:]))
    assert len(first.unique()) == len(second.unique()) == 80
    assert not torch.equal(first, second)
    with pytest.raises(ArgumentError, match="accumulate=13 asks for more batches a step than an epoch has"):
        plain(pictures, accumulate=13)


def test_a_smaller_set_beside_a_larger_one_goes_round(pictures: np.ndarray) -> None:
    other = plain(pictures[:10], batch_size=3)  # three steps go through it
    source = Beside(plain(pictures), {"target": other})
    assert source.steps_per_epoch == 12
    batches = [batch_of(source, step) for step in range(6)]
    beside = [batch.others["target"] for batch in batches]
    assert [batch.size for batch in beside] == [3] * 6
    rounds = [torch.cat([batch.indices for batch in beside[start : start + 3]]) for start in (0, 3)]
    assert [len(rows.unique()) for rows in rounds] == [9, 9]
    assert not torch.equal(*rounds)
    assert torch.equal(batches[2].views[0], batch_of(plain(pictures), 2).views[0])  # as if it stood alone
    again = batch_of(Beside(plain(pictures), {"target": other}), 4).others["target"]
    assert torch.equal(again.views[0], beside[4].views[0])


def test_sources_beside_each_other_draw_for_themselves(pictures: np.ndarray) -> None:
    batch = batch_of(Beside(plain(pictures), {"one": plain(pictures), "two": plain(pictures)}), 0)
    views = [batch.views[0], batch.others["one"].views[0], batch.others["two"].views[0]]
    assert torch.equal(batch.indices, batch.others["two"].indices)
    assert not any(torch.equal(views[a], views[b]) for a, b in ((0, 1), (0, 2), (1, 2)))


def test_the_fingerprint_of_sources_beside_each_other_is_of_all_their_data(pictures: np.ndarray) -> None:
    changed = pictures.copy()
    changed[0, 0, 0, 0] ^= 1
    source = Beside(plain(pictures), {"target": plain(pictures[:10])})
    recorded = source.fingerprint
    assert source.recorded_as(recorded)
    others = [
        plain(pictures),
        Beside(plain(changed), {"target": plain(pictures[:10])}),
        Beside(plain(pictures), {"target": plain(changed[:10])}),
        Beside(plain(pictures), {"other": plain(pictures[:10])}),
        Beside(plain(pictures), {}),
    ]
    assert not any(other.recorded_as(recorded) for other in others)
    assert not source.recorded_as(plain(pictures).fingerprint)


class OneCluster:
    """A sampler of batches that hold rows of one cluster, by turns."""

    def __init__(self, clusters: np.ndarray, size: int) -> None:
        self.rows = [torch.as_tensor(np.flatnonzero(clusters == number)) for number in np.unique(clusters)]
        self.size, self.batches_per_epoch = size, len(clusters) // size

    def indices(self, epoch: int, position: int) -> Tensor:
        rows = self.rows[position % len(self.rows)]
        return rows[torch.randperm(len(rows), generator=derived_generator(0, epoch, position))[: self.size]]  # (B,)


def test_the_loop_takes_any_sampler(pictures: np.ndarray, tmp_path: Any) -> None:
    """Batches of one cluster each, without a word of it in the loop."""
    samples = Images(pictures, labels=np.repeat([0, 1, 2], 32))
    seen: list[set[int]] = []

    class Watching(Siamese):
        def forward(self, batch: Batch) -> Any:
            seen.append(set(batch.labels.tolist()))
            return super().forward(batch)

    encoder = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 8))
    learner = Watching(encoder, nn.Identity(), lambda z, pairing, rows: nt_xent(z, pairing, rows=rows))
    source = PlainSource(samples, noisy, OneCluster(samples.labels, 16))
    run = RunFolder.create(tmp_path / "run", {})
    config, accelerator = RunConfig(epochs=1, batch_size=16), make_accelerator("cpu")
    trainer = Trainer(learner, source, config, accelerator)
    Runner(Plan.of(trainer), Context(config, accelerator)).fit(run)
    assert seen == [{0}, {1}, {2}] * 2
