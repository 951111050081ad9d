"""A perturbation that changes whatever pictures a person hands it, by no more than it says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.data import Images
from contrapose.embedder import pick_device
from contrapose.encoders.perturbations import SavedPerturbation, load_perturbation
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES
from contrapose.robustness import add_delta, kept_near, paste, rounded
from contrapose.words import counted

BLOCK = 256
"""Pictures that are changed together."""


class Perturber:
    """A patch, a delta (a pair's too) or a generator: `.perturb(data)` gives the pictures with it.

    Attributes:
        saved: what was written of it.
        device: where it is computed.
    """

    def __init__(self, saved: SavedPerturbation, device: torch.device | str = "cpu") -> None:
        self.saved, self.device = saved, pick_device(device)
        self._tensors = {name: tensor.float().to(self.device) for name, tensor in saved.tensors.items()}
        self._network = saved.network().to(self.device) if saved.kind == "generator" else None

    @property
    def radius(self) -> float:
        """What no value of a picture changes by more than, white being 1; inf: no such bound (a patch)."""
        return float(self.saved.bound.get("radius", math.inf))

    def within(self, radius: float) -> Perturber:
        """The same within another radius: a generator's pictures are brought that near, and a delta's values cut to it.

        Errors:
            ArgumentError: a patch, which has no radius; one outside [0, 1].
        """
        if math.isinf(self.radius) or not 0 <= radius <= 1:
            raise ArgumentError(
                f"A {self.saved.kind} of radius {self.radius:.3g} cannot be brought within {radius}: give 0 to 1, of a "
                "delta or a generator."
            )
        return Perturber(replace(self.saved, bound={**self.saved.bound, "radius": radius}), self.device)

    def with_tensors(self, **tensors: Tensor) -> Perturber:
        """The same with other tensors in the place of its own: noise in the place of a patch, for one."""
        return Perturber(replace(self.saved, tensors={**self.saved.tensors, **tensors}), self.device)

    def in_words(self) -> str:
        """`a generator, at most 10/255 of white a pixel, against small_conv of runs/x (a1b2c3d4)`."""
        area = self.saved.bound.get("area")
        much = f"{255 * self.radius:.3g}/255 of white a pixel" if area is None else f"{100 * area:.3g} % of the picture"
        whom = ", ".join(f"{one.encoder} of {one.source} ({one.fingerprint[:8]})" for one in self.saved.victims)
        word = "" if self.word is None else f' and the word "{self.word}" in texts'
        return f"a {self.saved.kind}, at most {much}{word}, against {whom}"

    @property
    def word(self) -> str | None:
        """What a pair puts into texts; None: nothing."""
        return str(self.saved.arguments["word"]) if self.saved.kind == "pair" else None

    @torch.no_grad()
    def changed(self, x: Tensor) -> Tensor:
        """Pictures `(B, C, H, W)` in [0, 1] with it, in [0, 1] again.

        Errors:
            ArgumentError: pictures of another size, number of channels or range.
        """
        x = x.to(self.device)
        if self.saved.kind == "patch":
            return paste(x, self._tensors["patch"].clamp(0, 1), self._tensors["mask"])
        if self._network is not None:
            return kept_near(x, self._network(x), self.radius)
        return add_delta(x, self._tensors["delta"].clamp(-self.radius, self.radius))

    def open(self, data: Any, **options: Any) -> Images:
        """The data in the form that it takes: at its size, with its channels, their values taken as those it was made
        on.

        Errors:
            DataError: nothing in it can be read.
        """
        if isinstance(data, Images):
            return data
        form = {"image_size": self.saved.image_size, "channels": self.saved.channels}
        found = MODALITIES["image"].open(data, **form, preparation=self.saved.preparation, **options)
        assert isinstance(found, Images)
        return found

    def perturb(self, data: Any, **options: Any) -> np.ndarray:
        """Everything in `data`, in order, changed: `(N, C, H, W)` uint8, no value further from its own than the bound,
        after rounding too.

        Arguments:
            data: what `--data` takes, or arrays, or `Images`.
            options: of `open_data`.

        Errors:
            ArgumentError: pictures of another size.
            DataError: as `open`.
        """
        images, made = self.open(data, **options), []
        for rows in torch.arange(len(images)).split(BLOCK):
            was = images.batch(rows)  # (B, C, H, W) uint8
            made.append(rounded(was, self.changed(was.float() / 255).cpu(), self.radius))
        return torch.cat(made).numpy()

    def __repr__(self) -> str:
        return f"Perturber({self.in_words()}; {counted(len(self.saved.victims), 'victim')})"


def load_perturber(path: Path | str, *, device: str | torch.device = "cpu") -> Perturber:
    """The perturbation of a run of `attack`, or of a perturbation's folder. No code in it is ever run.

    >>> contrapose.load_perturber("runs/dsva-photos").perturb("test/").shape      # doctest: +SKIP
    (1200, 3, 32, 32)

    Errors:
        RunError: no perturbation there, damaged, or of a newer version.
    """
    return Perturber(load_perturbation(path), device)
