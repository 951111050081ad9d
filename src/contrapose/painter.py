"""A trained painter that draws pictures for whatever texts a person hands it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.data import derived_generator
from contrapose.data.texts import Texts, open_texts
from contrapose.embedder import pick_device
from contrapose.encoders.generator_folder import described, found_generator
from contrapose.encoders.images.painter import Painter
from contrapose.encoders.painter_folder import PAINTER, read_painter
from contrapose.encoders.pairs.towers import Towers
from contrapose.errors import ArgumentError, RunError
from contrapose.modalities import MODALITIES

BLOCK = 256
"""Pictures that are drawn together."""


class TextPainter:
    """A painter in evaluation mode, with the towers that read its texts: `.draw(["a red three"])` gives pictures.

    Attributes:
        painter: the network. towers: whose vectors of texts it draws from.
        facts: what was kept with it: the run, its steps.
    """

    def __init__(self, painter: Painter, towers: Towers, facts: dict[str, Any]) -> None:
        self.painter, self.towers, self.facts = painter.eval(), towers.eval(), facts

    def open(self, data: Any, **options: Any) -> Texts:
        """Captions from whatever `open_texts` reads."""
        return data if isinstance(data, Texts) else open_texts(data, labels="none", **options)

    def notes(self, texts: Texts) -> list[str]:
        """What the towers do not know of these texts, or cut off."""
        return list(MODALITIES["text"].read_by(self.towers.text, texts))

    @torch.inference_mode()
    def draw(self, texts: Sequence[str] | Texts, *, times: int = 1, seed: int = 0) -> np.ndarray:
        """Pictures for texts, `(N, times, C, S, S)` uint8, in their order.

        What a picture shows beside its text is the noise that it is drawn from: `seed`, the place of the text and the
        number of the picture say it, whatever else is drawn with it.

        Arguments:
            times: pictures a text.
            seed: of the noise.

        Errors:
            ArgumentError: no text, or fewer pictures than one.
        """
        words = list(texts.texts) if isinstance(texts, Texts) else list(texts)
        if not words or times < 1:
            raise ArgumentError(f"Give a text at least, and a picture of each at least; got {len(words)} and {times}.")
        device, made = self.painter.device, []
        for first in range(0, len(words), BLOCK):
            some = words[first : first + BLOCK]
            told = self.towers.embed_texts(self.towers.text.prepare(some).to(device))  # (B, D)
            noise = torch.stack([self._noise(seed, first + row, times) for row in range(len(some))])  # (B, times, Z)
            for number in range(times):
                pictures = self.painter(noise[:, number].to(device), told)  # (B, C, S, S)
                made.append((255 * pictures.float()).round().clamp(0, 255).to(torch.uint8).cpu())
        blocks = [torch.stack(made[start : start + times], dim=1) for start in range(0, len(made), times)]
        return torch.cat(blocks).numpy()

    def _noise(self, seed: int, row: int, times: int) -> torch.Tensor:
        return torch.randn(times, self.painter.noise, generator=derived_generator(seed, "noise", row))


def load_painter(path: Path | str, *, device: str | torch.device = "cpu") -> TextPainter:
    """The painter of a run of `t2i-supcon`, or of a generator's folder by itself. No code in it is ever run.

    >>> painter = contrapose.load_painter("runs/t2i-scenes")          # doctest: +SKIP
    >>> painter.draw(["a red three", "a green one"]).shape            # doctest: +SKIP
    (2, 1, 3, 16, 16)

    Errors:
        RunError: no painter there, damaged, or of a newer version.
    """
    folder = found_generator(path)
    painter, towers = read_painter(folder)
    if not isinstance(towers, Towers):
        raise RunError(f"{folder} holds a painter beside an encoder that is no two towers: copy or train it again.")
    where = pick_device(device)
    return TextPainter(painter.to(where), towers.to(where), dict(described(folder, kind=PAINTER)["extra"]))
