"""The training of a later stage: batches by groups, and running statistics of mixed batches at its end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from contrapose.data import PlainSource, derived_generator
from contrapose.data.groups import GroupSampler, InEpochsOf
from contrapose.data.source import Source
from contrapose.learners import Learner
from contrapose.learners.within_groups import GROUP
from contrapose.training.loop import Trainer
from contrapose.training.multistage.clusters import groups_of
from contrapose.training.stages import Context
from contrapose.training.state import export_encoders
from contrapose.words import counted

MOST_BATCHES = 50
"""Batches that running statistics are taken over. [design] 5,000 samples and more: their means are then known to a
hundredth of a deviation."""


class GroupTrainer(Trainer):
    """A `Trainer` whose batches are not like the data as a whole, so that the running statistics of batch normalisation
    are taken anew, over mixed batches, before its encoder is written at the end.

    Arguments:
        mixed: batches of the whole data, the same on every process; None: statistics stay as training left them.
        facts: what else is kept with the encoder.
    """

    def __init__(self, *arguments: Any, mixed: Source | None = None, facts: dict[str, Any], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.mixed = mixed
        self.describe = {**self.describe, **facts}

    def export(self, folder: Path, *, step: int) -> None:
        encoder = self.learner.encoder
        if step < self.total_steps or self.mixed is None or not norms_of(encoder):
            super().export(folder, step=step)
            return
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        export_encoders({"encoder": recalibrated(encoder, self.mixed, seed=self.config.seed)}, folder, facts)


def grouped_trainer(
    context: Context,
    learner: Learner,
    plain: PlainSource,
    clusters: Sequence[Path],
    *,
    least: int,
    mixed: bool,
    recalibrate: bool,
) -> GroupTrainer:
    """The training of a stage in which only samples of one group are each other's negatives.

    It takes as many steps as one on all samples alike. What the groups are is said to whoever watches, and stands in
    the encoder's `encoder.json`: how many there are, how large, and which share of the samples is ever seen.

    Arguments:
        learner, plain: as training on all samples has them.
        clusters: folders of the clusterings that negatives have to share.
        least: the smallest group; smaller ones are merged. 0: none are.
        mixed: whether batches are of all samples, and samples of other groups no negatives.
        recalibrate: take running statistics anew at the end, where batches are of one group.

    Errors:
        ArgumentError: no group fills a batch.
    """
    config, processes = context.config, context.accelerator.num_processes
    samples, block = context.samples, config.batch_size * processes
    groups, before = groups_of(clusters, samples=len(samples), least=min(least, len(samples)))
    sizes = np.bincount(groups)  # (G,)
    source, ever, in_a_pass = plain, 1.0, plain.sampler.batches_per_epoch * block / len(samples)
    if mixed:
        source = PlainSource(samples.with_target(GROUP, groups), plain.views, plain.sampler, accumulate=plain.batches)
    else:
        sampler = GroupSampler(
            groups,
            config.batch_size,
            seed=config.seed,
            world_size=processes,
            rank=context.accelerator.process_index,
        )
        batches = InEpochsOf(sampler, plain.sampler.batches_per_epoch)
        source = PlainSource(samples, plain.views, batches, accumulate=plain.batches)
        ever, in_a_pass = sampler.reached, sampler.seen
    facts: dict[str, Any] = {
        "count": len(sizes),
        "before_merging": before,
        "smallest": int(sizes.min()),
        "largest": int(sizes.max()),
        "ever_seen": round(ever, 6),
        "seen_in_a_pass": round(in_a_pass, 6),
    }
    context.monitor.say(_in_words(facts))
    alike = PlainSource.shuffled(samples, plain.views, batch_size=block, seed=config.seed)
    return GroupTrainer(
        learner,
        source,
        config,
        context.accelerator,
        describe=dict(context.describe),
        monitor=context.monitor,
        mixed=alike if recalibrate and not mixed else None,
        facts={"groups": facts},
    )


def _in_words(facts: dict[str, Any]) -> str:
    before, missed = facts["before_merging"], 1 - facts["ever_seen"]
    merged = f" (of {before}; small ones were merged)" if facts["count"] < before else ""
    never = f"; {missed:.0%} are in groups that fill no batch, and never seen" if missed else ""
    groups = f"{counted(facts['count'], 'group')} of {facts['smallest']:,} to {facts['largest']:,} samples{merged}"
    return f"{groups}; one pass through them sees {facts['seen_in_a_pass']:.0%} of the samples{never}"


def norms_of(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """The normalisations of a network that keep running statistics."""
    kinds = nn.modules.batchnorm._BatchNorm
    return [part for part in network.modules() if isinstance(part, kinds) and part.track_running_stats]


@torch.no_grad()
def recalibrated(encoder: nn.Module, source: Source, *, seed: int) -> nn.Module:
    """A copy whose running statistics are the plain means over the first batches of a source; weights stay.

    Each normalisation sees what the ones before it make of a batch by its own statistics, as in training.

    Arguments:
        source: its batches' first views are taken, and an epoch at most.
        seed: of the views.
    """
    copied = copy.deepcopy(encoder).eval()
    norms = norms_of(copied)
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
        norm.train()
    device = next(copied.parameters()).device
    for step in range(min(MOST_BATCHES, source.steps_per_epoch)):
        batch = source.batch(step, 0, generator=derived_generator(seed, "recalibrate", step), device=device)
        for view in batch.views[:2]:
            copied(view)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return copied.eval()
