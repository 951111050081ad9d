"""An encoder too large for one device: each process keeps a share of its weights, of their gradients and of what the
optimiser remembers of them (fully sharded data parallel), and has the rest only while a layer computes.

What is written is whole: checkpoints and encoders are those of one process, and any number of processes reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.optim import Optimizer

LEAST_SHARE = 64
"""A layer of less than such a part of the encoder's weights is not worth an exchange of its own. [design]"""


def shard(module: nn.Module, device: torch.device) -> nn.Module:
    """Spread the weights of `module` over all processes, in place: those of each of its larger layers, and the rest.

    Layers are what containers (`Sequential`, `ModuleList`) hold, outermost first. Every process has the same weights
    before, and a share of each of them, along its first dimension, after.

    Paper: Zhao et al. 2023, https://arxiv.org/abs/2304.11277
    """
    module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]  # a share is cut from rows
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    least = _size(module) / LEAST_SHARE
    for layer in _layers(module):
        if _size(layer) > least:
            fully_shard(layer, mesh=mesh)
    fully_shard(module, mesh=mesh)
    return module


def whole(value: Any) -> Any:
    """What dictionaries and lists hold, with whole tensors on the CPU. All processes have to ask."""
    if isinstance(value, dict):
        return {key: whole(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(whole(inner) for inner in value)
    if isinstance(value, DTensor):
        value = value.full_tensor()
    return value.detach().cpu() if isinstance(value, Tensor) else value


def spread(tensor: Tensor, like: Tensor) -> Tensor:
    """This process's part of a whole tensor, shared as `like` is; the tensor itself where that is whole."""
    if not isinstance(like, DTensor) or like.shape != tensor.shape:
        return tensor
    mesh, placements = like.device_mesh, like.placements
    return distribute_tensor(tensor.to(like.device), mesh, placements, src_data_rank=None)  # all have read it


def spread_weights(state: dict[str, Any], module: nn.Module) -> dict[str, Any]:
    """A whole `state_dict` of a module as its own is shared."""
    own = module.state_dict()
    return {name: spread(tensor, own[name]) if name in own else tensor for name, tensor in state.items()}


def spread_moments(state: dict[str, Any], optimizer: Optimizer) -> dict[str, Any]:
    """A whole `state_dict` of an optimiser, with what it remembers of each weight shared as the weight is."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    numbers = [number for group in state["param_groups"] for number in group["params"]]
    of = dict(zip(numbers, weights, strict=True))
    moments = {
        number: {key: spread(value, of[number]) if isinstance(value, Tensor) else value for key, value in kept.items()}
        for number, kept in state["state"].items()
    }
    return {**state, "state": moments}


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        if isinstance(child, nn.Sequential | nn.ModuleList):
            yield from child
        else:
            yield from _layers(child)


def _size(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
