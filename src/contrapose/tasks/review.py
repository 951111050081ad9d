"""What the robustness table looks into: sizes, steps, changes that were saved, and what a repair said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from contrapose.data import Images
from contrapose.errors import ArgumentError
from contrapose.robustness.universal.leading_away import STEPS

RADIUS, AREA = 8 / 255, 0.03


class Perturbs(Protocol):
    """What changes pictures: a `Perturber`."""

    saved: Any

    @property
    def radius(self) -> float: ...

    def perturb(self, data: Images, /) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Saved:
    """A change that an attack has left.

    Arguments:
        run: where from.
        perturber: what puts it on pictures.
    """

    run: str
    perturber: Perturbs

    def check_fits(self, channels: int, image_size: int) -> None:
        """Pass pictures of its own size.

        Errors:
            ArgumentError: others.
        """
        own = self.perturber.saved
        if (own.channels, own.image_size) != (channels, image_size):
            raise ArgumentError(
                f"The {own.kind} of {self.run} was made for pictures of {own.channels} x {own.image_size} x "
                f"{own.image_size}, and this encoder takes {channels} x {image_size} x {image_size}: leave it out of "
                "--perturbation, or make one against this encoder with contrapose attack."
            )


@dataclass(frozen=True, eq=False)
class Review:
    """How far to look.

    Arguments:
        radius: of the delta, white being 1. 8/255: usual for pictures of 32 pixels.
        area: of the patch, as a share of the picture. 0.03: AdvCLIP's.
        steps: of the search for each. [design] 150.
        saved: changes to measure besides.
        repair: what a repair said of these towers (`repair.json`); None: nobody asked one.
        repaired_in: the run that said it.
        looked_into: fingerprints of the towers that it was given and of those it made; empty: nobody knows.

    Errors:
        ArgumentError: a size or number of steps that is not above 0; a patch of the whole picture.
    """

    radius: float = RADIUS
    area: float = AREA
    steps: int = STEPS
    saved: tuple[Saved, ...] = ()
    repair: Mapping[str, Any] | None = None
    repaired_in: str = ""
    looked_into: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for option, value in (("--eps-linf", self.radius), ("--patch-area", self.area), ("--attack-steps", self.steps)):
            if not value > 0:
                raise ArgumentError(f"{option} must be above 0, got {value:g}.")
        if self.area >= 1:
            raise ArgumentError(f"--patch-area is a share of the picture below 1, got {self.area:g}; 0.03 is usual.")
