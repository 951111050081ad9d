"""A trained translator that makes pictures of whatever a person hands it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.data import Images
from contrapose.embedder import pick_device
from contrapose.encoders.generator_folder import described, found_generator, read_translator
from contrapose.encoders.images.translator import Translator
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.modalities import MODALITIES
from contrapose.training.translation import translations_of


class Generator:
    """A translator in evaluation mode: `.translate(data, to=CLASS)` gives pictures of the same size.

    Attributes:
        translator: the network.
        facts: what was kept with it: the run, its steps, the verdict at its end.
    """

    def __init__(self, translator: Translator, facts: dict[str, Any]) -> None:
        self.translator, self.facts = translator.eval().requires_grad_(False), facts

    @property
    def classes(self) -> tuple[str, ...]:
        """What it can translate to, in the order of their numbers."""
        return self.translator.classes

    @property
    def verdict(self) -> str | None:
        """What stood against it when its training ended; None: nothing."""
        return self.facts.get("verdict")

    def open(self, data: Any, **options: Any) -> Images:
        """The data in the form that it takes: at its size, with its channels, their values taken as those it learned
        from.

        Errors:
            DataError: nothing in it can be read.
        """
        if isinstance(data, Images):
            return data
        form = {"image_size": self.translator.image_size, "channels": self.translator.channels}
        found = MODALITIES["image"].open(data, **form, preparation=self.translator.preparation, **options)
        assert isinstance(found, Images)
        return found

    def translate(self, data: Any, *, to: str | int, **options: Any) -> np.ndarray:
        """Everything in `data`, in order, as pictures of one class, `(N, C, H, W)` uint8.

        Arguments:
            data: what `--data` takes, or arrays, or `Images`.
            to: the name of a class, or its number.
            options: of `open_data`.

        Errors:
            ArgumentError: no such class, or pictures of another size.
            DataError: as `open`.
        """
        number, images = self.number_of(to), self.open(data, **options)
        return translations_of(self.translator, images, number)

    def number_of(self, to: str | int) -> int:
        """The number of a class.

        Errors:
            ArgumentError: there is none of that name or number.
        """
        if isinstance(to, int) and 0 <= to < len(self.classes):
            return to
        if str(to) not in self.classes:
            raise ArgumentError(f"The generator knows no class {to!r}.{did_you_mean(str(to), self.classes)}")
        return self.classes.index(str(to))


def load_generator(path: Path | str, *, device: str | torch.device = "cpu") -> Generator:
    """The generator of a run of `cdvg`, of its stage, or of a generator's folder by itself. No code in it is ever run.

    >>> generator = contrapose.load_generator("runs/cdvg-digits")          # doctest: +SKIP
    >>> generator.translate("digits/", to="7").shape                       # doctest: +SKIP
    (1200, 3, 32, 32)

    Errors:
        RunError: no generator there, damaged, or of a newer version.
    """
    folder = found_generator(path)
    translator = read_translator(folder).to(pick_device(device))
    return Generator(translator, dict(described(folder)["extra"]))
