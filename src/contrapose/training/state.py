"""The state of a run between two steps: all that the next step depends on besides configuration, seed and data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from contrapose.atomic import write_atomically
from contrapose.data.batch import ALL
from contrapose.data.source import Source
from contrapose.encoders import Encoder, save_encoder
from contrapose.errors import RunError
from contrapose.learners import Learner

CHANGED = (
    "The data has changed since this run started, so its steps cannot be repeated. "
    "Restore the data, or say with --data where the same data lie, or start a new run with another --out."
)


def state_of(
    learner: Learner, optimizers: Mapping[str, Optimizer], *, source: Source, global_batch: int
) -> dict[str, Any]:
    """What a checkpoint holds: weights, memory (queues, EMA copies), optimisers by name; and what must not have
    changed."""
    return {
        "learner": learner.state_dict(),
        "optimizers": {name: optimizer.state_dict() for name, optimizer in optimizers.items()},
        "data": source.fingerprint,
        "global_batch": global_batch,
    }


def restore_state(
    state: dict[str, Any],
    learner: Learner,
    optimizers: Mapping[str, Optimizer],
    *,
    source: Source,
    global_batch: int,
) -> None:
    """Put the state of a checkpoint back.

    Errors:
        RunError: other data or another global batch than before, or networks that it does not fit.
    """
    if not source.recorded_as(state["data"]):
        raise RunError(CHANGED)
    if state["global_batch"] != global_batch:
        raise RunError(
            f"This run had a global batch of {state['global_batch']} (processes x batch_size x accumulate); "
            f"now it is {global_batch}. Continue it with as many processes as before."
        )
    try:
        learner.load_state_dict(state["learner"])
        kept = state["optimizers"] if "optimizers" in state else {ALL: state["optimizer"]}  # of the first format
        for name, optimizer in optimizers.items():
            optimizer.load_state_dict(kept[name])
    except (RuntimeError, ValueError, KeyError) as error:
        raise RunError(
            "The checkpoint does not fit the networks of this version "
            f"({str(error).splitlines()[0]}). Continue it with the version in config.json, or start a new run."
        ) from error


def export_encoders(encoders: Mapping[str, nn.Module], folder: Path, facts: dict[str, Any]) -> None:
    """Write each encoder into the folder of its name, with what is to be known of it."""
    for name, encoder in encoders.items():
        if isinstance(encoder, Encoder):
            save_encoder(encoder, folder / name, extra=facts)


def export_tables(tables: Mapping[str, Mapping[str, Tensor]], folder: Path) -> None:
    """Write the tensors of each table into NAME.safetensors."""
    for name, tensors in tables.items():
        plain = {key: tensor.detach().to("cpu", torch.float32).contiguous() for key, tensor in tensors.items()}
        write_atomically(folder / f"{name}.safetensors", safetensors.torch.save(plain))
