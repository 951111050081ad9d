"""The optimisers of a step's turns: made, scheduled, handed to processes, and kept by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, DistributedType
from torch import nn
from torch.optim import Optimizer

from contrapose.learners import Learner, Turn
from contrapose.learners.turn import check_turns
from contrapose.training.config import RunConfig
from contrapose.training.optimizers import optimizer_of
from contrapose.training.processes.gradients import is_shared


def optimizers_of(config: RunConfig, learner: Learner) -> dict[str, Optimizer]:
    """An optimiser, of the configuration's kind, for each name that the learner's turns give one.

    Errors:
        ArgumentError: turns that no step can be made of.
    """
    turns = learner.turns()
    check_turns(turns, learner)
    return {turn.optimizer: optimizer_of(config, _groups(learner, turn, config.weight_decay)) for turn in turns}


def set_learning_rate(optimizers: Mapping[str, Optimizer], rate: float) -> None:
    """Set the rate of every group: `rate` times its own factor."""
    for optimizer in optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("learning_rate_factor", 1.0)


def prepared(
    accelerator: Accelerator, learner: Learner, optimizers: Mapping[str, Optimizer]
) -> tuple[nn.Module, dict[str, Any]]:
    """The learner and its optimisers as they work on the processes of `accelerator`."""
    if accelerator.distributed_type == DistributedType.NO and accelerator.scaler is None:
        return learner, dict(optimizers)  # there is nothing to wrap, and looking costs a second of imports
    # Of several turns each leaves the others' weights without a gradient; looking for these costs time.
    several = len(learner.turns()) > 1
    accelerator.ddp_handler = DistributedDataParallelKwargs(find_unused_parameters=several)
    shared = [name for name, weight in learner.named_parameters() if is_shared(weight)]
    if shared:  # their gradients are averaged as they are dealt out: DistributedDataParallel leaves them alone
        learner._ddp_params_and_buffers_to_ignore = shared  # type: ignore[assignment]
    if shared and not any(weight.requires_grad and not is_shared(weight) for weight in learner.parameters()):
        model, made = learner, [accelerator.prepare(optimizer) for optimizer in optimizers.values()]
    else:
        model, *made = accelerator.prepare(learner, *optimizers.values())
    return model, dict(zip(optimizers, made, strict=True))


@contextmanager
def only_own_gradients(learner: nn.Module, turn: Turn) -> Iterator[None]:
    """Gradients are computed for the turn's parameters alone.

    The others' `requires_grad` is off meanwhile: dropping their gradients afterwards would come to the same, but would
    compute them and hold them (a critic's gradient as large as its weights) for nothing. Gradients still pass through
    the others' operations to what lies before them.
    """
    own = set(map(id, turn.parameters))
    others = [weight for weight in learner.parameters() if weight.requires_grad and id(weight) not in own]
    for weight in others:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in others:
            weight.requires_grad_(True)


def _groups(learner: Learner, turn: Turn, weight_decay: float) -> list[dict[str, Any]]:
    """The learner's parameter groups, of each what the turn moves."""
    own = set(map(id, turn.parameters))
    groups = []
    for group in learner.parameter_groups(weight_decay):
        factor = group.get("learning_rate_factor", 1.0) * turn.learning_rate_factor
        named = {"learning_rate_factor": factor} if "learning_rate_factor" in group or factor != 1.0 else {}
        groups.append({**group, "params": [weight for weight in group["params"] if id(weight) in own], **named})
    return groups
