"""What building any encoder from its name takes: its arguments checked, its first weights drawn from a seed."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError, did_you_mean


def arguments_of(
    name: str, factory: Callable[..., Any], arguments: Mapping[str, Any], *, given: tuple[str, ...]
) -> dict[str, Any]:
    """A factory's own arguments as JSON gives them back.

    Arguments:
        given: what the house gives every factory of this kind.

    Errors:
        ArgumentError: one that the factory does not name (unless it passes them on to another library), or no JSON.
    """
    plain = _plain(name, arguments)
    _check(name, factory, plain, given)
    return plain


def _check(name: str, factory: Callable[..., Any], arguments: Mapping[str, Any], given: tuple[str, ...]) -> None:
    parameters = inspect.signature(factory).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    accepted = [key for key in parameters if key not in given]
    for key in arguments:
        if key not in accepted:
            hint = did_you_mean(key, accepted)
            takes = "" if hint.startswith(" Known") else f" It takes: {', '.join(accepted) or 'none'}."
            raise ArgumentError(f"Encoder {name!r} has no argument {key!r}.{hint}{takes}")


def _plain(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON gives them back, found out now and not when a trained encoder is to be saved."""
    try:
        return json.loads(json.dumps(arguments, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f"The arguments of encoder {name!r} must fit into encoder.json, and one does not: {error}. "
            "Give numbers, words, lists and true or false."
        ) from None


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Weights drawn meanwhile are those of `seed`, and the global random state is left alone; None: it is used."""
    if seed is None:
        yield
        return
    # Weights are drawn on the CPU, so its generator is the only one to set and to put back: torch.manual_seed
    # would also reseed every GPU.
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(count(seed, "seed", least=0))
        yield
