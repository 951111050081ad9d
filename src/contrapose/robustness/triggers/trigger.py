"""A trigger by its name: made for pictures of a size, the same for all of them, and made again from its JSON form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.robustness.triggers.badnets import badnets, checkerboard
from contrapose.robustness.triggers.blended import blended, drawn_pattern
from contrapose.robustness.triggers.sinusoid import sinusoid
from contrapose.robustness.triggers.warp import warp, warp_field

Change = Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Trigger:
    """What is done to each picture, `(B, C, H, W)` in [0, 1] to the same; alike for all, and twice alike.

    Arguments:
        name: one of `TRIGGERS`.
        form: of which `trigger(**form)` makes the same again; JSON.
        change: what does it.
        pattern: what it is made of, where that is a tensor: the square, the noise, the field.
    """

    name: str
    form: Mapping[str, Any]
    change: Change
    pattern: Tensor | None = field(default=None)

    def __call__(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B C H W"]:
        return self.change(x)

    def in_words(self) -> str:
        """`blended, share 0.2, seed 0`."""
        said = [f"{key} {value}" for key, value in self.form.items() if key not in ("name", "channels", "image_size")]
        return ", ".join([self.name, *said])


def trigger(name: str, *, channels: int, image_size: int, seed: int = 0, **options: Any) -> Trigger:
    """A trigger for pictures of so many channels and pixels a side.

    >>> stripes = trigger("sig", channels=3, image_size=32, strength=0.1)
    >>> stripes(torch.zeros(1, 3, 32, 32)).max() <= 0.1
    tensor(True)

    Arguments:
        name: "badnets", "blended", "sig" or "wanet".
        seed: draws what is drawn: the pattern of "blended", the field of "wanet".
        options: of the function: `side`, `corner`, `margin` of "badnets"; `share` of "blended"; `strength`, `waves` of
            "sig"; `cells`, `strength` of "wanet".

    Errors:
        ArgumentError: an unknown name or option, or a value that the function refuses.
    """
    if name not in TRIGGERS:
        raise ArgumentError(f"No trigger is called {name!r}.{did_you_mean(name, TRIGGERS)}")
    make, known = TRIGGERS[name]
    for option in options:
        if option not in known:
            raise ArgumentError(f"The trigger {name!r} has no option {option!r}.{did_you_mean(option, known)}")
    for option, value in {"seed": seed, **options}.items():
        _check_kind(name, option, value)
    generator = torch.Generator().manual_seed(seed)
    change, pattern = make(channels, image_size, generator, options)
    change(torch.zeros(1, channels, image_size, image_size))  # refuses what cannot be done, before pictures are read
    form = {"name": name, "channels": channels, "image_size": image_size, "seed": seed, **options}
    return Trigger(name, form, change, pattern)


def _check_kind(name: str, option: str, value: Any) -> None:
    """Pass a value of the kind that an option takes; what it may be is checked by the function.

    Errors:
        ArgumentError: another kind.
    """
    kinds, told, example = KINDS.get(option, (Real, "a number", "0.2"))
    if not isinstance(value, kinds):
        raise ArgumentError(
            f"{option} of the trigger {name!r} is {told}, got {value!r}: write e.g. {option}={example}."
        )


def _badnets(channels: int, size: int, generator: torch.Generator, options: Any) -> tuple[Change, Tensor | None]:
    given = dict(options)
    pattern = checkerboard(channels, given.pop("side")) if "side" in given else None
    return lambda x: badnets(x, pattern, **given), pattern


def _blended(channels: int, size: int, generator: torch.Generator, options: Any) -> tuple[Change, Tensor | None]:
    pattern = drawn_pattern(channels, size, generator=generator)
    return lambda x: blended(x, pattern, **options), pattern


def _sig(channels: int, size: int, generator: torch.Generator, options: Any) -> tuple[Change, Tensor | None]:
    return lambda x: sinusoid(x, **options), None


def _wanet(channels: int, size: int, generator: torch.Generator, options: Any) -> tuple[Change, Tensor | None]:
    bent = warp_field(size, generator=generator, **options)
    return lambda x: warp(x, bent), bent


Make = Callable[[int, int, torch.Generator, Any], tuple[Change, Tensor | None]]

TRIGGERS: dict[str, tuple[Make, tuple[str, ...]]] = {
    "badnets": (_badnets, ("side", "corner", "margin")),
    "blended": (_blended, ("share",)),
    "sig": (_sig, ("strength", "waves")),
    "wanet": (_wanet, ("cells", "strength")),
}
"""What makes each, and its options."""

WHOLE = (Integral, "a whole number", "4")
KINDS: dict[str, tuple[type, str, str]] = {
    **dict.fromkeys(("side", "margin", "cells", "seed"), WHOLE),
    "corner": (str, "a corner by its name", "'upper left'"),
}
"""Options that are no number of any kind, with an example of each."""
