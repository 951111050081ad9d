"""Training with a sharded encoder: what can be trained so, and what a `Trainer` does with shares."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from contrapose.encoders import Teacher
from contrapose.errors import ArgumentError
from contrapose.learners import Learner
from contrapose.training.average import WeightAverage
from contrapose.training.config import RunConfig

SHARDED_OPTIMIZERS = ("adamw", "sgd")


def check_shardable(config: RunConfig, learner: Learner) -> None:
    """Pass what can be trained with a sharded encoder: one network that is called as a whole, and whose weights nobody
    else reads.

    Errors:
        ArgumentError: it cannot; the sentence says why.
    """
    needs = getattr(config, "needs", ())
    copies = any(isinstance(module, Teacher) for module in learner.modules()) or learner.companions()
    reason = (
        f"this method looks inside of its encoder ({', '.join(needs)})"
        if needs
        else "this method keeps a second encoder beside it, which reads its weights"
        if copies
        else "its networks learn by turns"
        if len(learner.turns()) > 1
        else "sharpness-aware steps (--sam-radius) move whole weights"
        if config.sam_radius > 0
        else "--micro-batch goes through layers once more in the backward pass, where they have been dealt out again"
        if config.micro_batch
        else f"--optimizer {config.optimizer} looks at whole weights: take {' or '.join(SHARDED_OPTIMIZERS)}"
        if config.optimizer not in SHARDED_OPTIMIZERS
        else f"{_scalar(learner.encoder)} of the encoder is a single number"
        if _scalar(learner.encoder)
        else ""
    )
    if reason:
        raise ArgumentError(f"--shard-encoder cannot be had here: {reason}. Leave it out, or take another method.")


class Shares:
    """A learner whose encoder is sharded, and the average of it: gathered to be written, spread when read.

    Arguments:
        learner: sharded in place; its other weights stay whole in each process.
        average: likewise.
    """

    def __init__(self, learner: Learner, average: WeightAverage, device: torch.device) -> None:
        from contrapose.training.processes.sharding import shard  # which loads much of torch

        self.learner, self.average = learner, average
        self.shell = copy.deepcopy(learner.encoder).to("meta")  # an encoder to be written needs an object, no weights
        shard(learner.encoder, device)
        shard(average.encoder, device)
        self.kept: dict[str, Any] = {}

    def collect(self, state: dict[str, Any]) -> None:
        """Gather a state from all processes, for the main one to write."""
        from contrapose.training.processes.sharding import whole

        self.kept = {}
        self.kept = whole(state)
        for optimizer in self.kept["optimizers"].values():
            for group in optimizer["param_groups"]:  # as one process has them
                group.update({name: usual for name, usual in (("fused", True), ("foreach", None)) if name in group})

    def spread(self, state: dict[str, Any], optimizers: Mapping[str, Optimizer]) -> dict[str, Any]:
        """This process's part of a state that is whole."""
        from contrapose.training.processes.sharding import spread_moments, spread_weights

        state = {**state, "learner": spread_weights(state["learner"], self.learner)}
        if state.get("average") is not None:
            state["average"] = spread_weights(state["average"], self.average.encoder)
        kept = state["optimizers"]
        return {**state, "optimizers": {name: spread_moments(kept[name], optimizers[name]) for name in kept}}

    def encoder(self, *, averaged: bool) -> nn.Module:
        """The encoder of what was collected last, whole."""
        weights = self.kept["learner"]
        own = {name.removeprefix("encoder."): value for name, value in weights.items() if name.startswith("encoder.")}
        found = copy.deepcopy(self.shell)
        found.load_state_dict(self.kept["average"] if averaged else own, assign=True)
        return found


def move_one_by_one(optimizers: Mapping[str, Optimizer]) -> None:
    """Have optimisers move weight by weight: joint moves take no shared and whole ones together."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group.update({name: False for name in ("fused", "foreach") if name in group})


def _scalar(encoder: nn.Module) -> str:
    return next((name for name, weight in encoder.named_parameters() if weight.ndim == 0), "")
