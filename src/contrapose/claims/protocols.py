"""The larger protocol that most claims share: the whole of CIFAR-10 and a ResNet, for a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.claims.protocol import Protocol


def whole_cifar10(*, batch_size: int = 256, options: Mapping[str, Any] | None = None, **changes: Any) -> Protocol:
    """45,000 pictures to learn from, 5,000 to choose on, 200 epochs of a ResNet-18, three seeds: hours on a GPU.

    Arguments:
        batch_size: of every arm that has none of its own.
        options: further options of every arm.
        changes: other fields of `Protocol`.
    """
    every = {"epochs": 200, "batch_size": batch_size, "encoder": "resnet18", **(options or {})}
    fields: dict[str, Any] = {"images": 45_000, "labelled": 45_000, "validation": 5_000, "seeds": 3}
    return Protocol(options=every, **{**fields, **changes})
