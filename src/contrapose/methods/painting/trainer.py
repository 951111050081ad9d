"""The training of a painter: besides the towers and the painter, pictures for captions that were kept out, and what
these are worth."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import torch

from contrapose.atomic import write_atomically
from contrapose.data import derived_seed
from contrapose.encoders.generator_folder import FOLDER
from contrapose.encoders.painter_folder import save_painter
from contrapose.methods.painting.measured import Drawn, as_floats, draw_for, measure, trained_judge
from contrapose.training.loop import Trainer
from contrapose.training.pictures import in_grid, scale_of, write_pictures
from contrapose.training.state import export_encoders

FILE = "drawing.json"
"""What was measured of drawn pictures, in the run folder."""
ROWS, COLUMNS = 8, 7
"""Of the picture for people: captions, and pictures drawn for each."""
MOST = 2_000
"""Pictures that are drawn to be measured, at most."""
SHOWN_WORDS = 60
"""Letters of a caption in a line."""


class PainterTrainer(Trainer):
    """Trains a `PaintingGame`; leaves the towers as `encoder/` and the painter with them as `generator/`, and at its
    end `drawing.json`.

    Arguments:
        learned: pairs that it is trained on.
        kept: those that were kept out; None: nothing is measured.
        classes: K.
        judge_epochs: passes of the classifier that judges, over the pictures that were learned from.
    """

    def __init__(
        self, *arguments: Any, learned: Any, kept: Any, classes: int, judge_epochs: int, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self.learned, self.kept, self.classes, self.judge_epochs = learned, kept, classes, judge_epochs
        self._said: str | None = None

    def export(self, folder: Path, *, step: int) -> None:
        learner: Any = self.learner
        facts = {**self.describe, "step": step, "total_steps": self.total_steps}
        export_encoders({"encoder": learner.encoder}, folder, facts)
        painter = learner.drawing_painter
        painter.eval()
        save_painter(painter, learner.encoder, folder / FOLDER, extra=facts)
        shown = self.kept if self.kept is not None else self.learned
        write_pictures(folder, [self._sheet(painter, shown)])
        if step >= self.total_steps and self.kept is not None:
            drawn = self.measured()
            write_atomically(folder / FILE, (json.dumps(drawn.to_json(), indent=2, allow_nan=False) + "\n").encode())
            self._said = "\n".join(drawn.lines())

    def closing(self) -> str:
        return super().closing() if self._said is None else f"{super().closing()}\n{self._said}"

    def measured(self) -> Drawn:
        """Of pictures drawn for the captions that were kept out, several for each while there are few."""
        learner: Any = self.learner
        labels, texts = self._texts(self.kept)  # (M,), (M, D)
        times = max(1, min(MOST, len(self.learned)) // len(texts))
        made = draw_for(learner.drawing_painter, texts, seed=derived_seed(self.config.seed, "drawn"), times=times)
        seed = derived_seed(self.config.seed, "judge") % 2**31
        judge = trained_judge(self.learned.pictures, classes=self.classes, epochs=self.judge_epochs, seed=seed)
        return measure(judge, made, np.tile(labels, times), learned=self.learned.pictures, kept=self.kept.pictures)

    @torch.no_grad()
    def _texts(self, pairs: Any) -> tuple[np.ndarray, torch.Tensor]:
        """The class of each caption, and its vector."""
        learner: Any = self.learner
        towers, words = learner.encoder, list(pairs.captions.values)
        parts = [
            towers.embed_texts(towers.text.prepare(words[first : first + 256]).to(self.device))
            for first in range(0, len(words), 256)
        ]
        return np.asarray(pairs.labels)[pairs.owners], torch.cat(parts)

    def _sheet(self, painter: Any, pairs: Any) -> tuple[np.ndarray, str, str]:
        """Captions of different classes in turn: a real picture, and some that are drawn."""
        labels = np.asarray(pairs.labels)
        order = np.argsort(labels, kind="stable")
        places = np.arange(len(order)) - np.searchsorted(labels[order], labels[order])
        rows = order[np.lexsort((labels[order], places))][:ROWS]
        some = pairs.subset(rows)
        words = [some.captions[row][0] for row in range(len(some))]
        one = some.with_captions([[text] for text in words])
        _, texts = self._texts(one)
        made = draw_for(painter, texts, seed=0, times=COLUMNS).unflatten(0, (COLUMNS, len(rows)))  # (K, R, C, S, S)
        tiles = torch.cat([as_floats(some.pictures)[:, None], made.transpose(0, 1)], dim=1)  # (R, 1 + K, C, S, S)
        pixels = (255 * tiles).round().clamp(0, 255).to(torch.uint8)
        pixels = pixels if pixels.shape[2] == 3 else pixels[:, :, :1]
        said = "; ".join(textwrap.shorten(text, SHOWN_WORDS, placeholder="...") for text in words)
        of = "captions that were kept out" if self.kept is not None else "captions that were learned from"
        caption = f"Left: a real picture. Beside it: pictures drawn for its caption. Rows, {of}: {said}."
        return in_grid(pixels, scale=scale_of(pixels)), "Drawn for captions", caption
