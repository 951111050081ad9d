"""The second stage by itself: with a translator that is right by formula, the colour is forgotten."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.data import Images
from contrapose.data.embedded_samples import as_they_are
from contrapose.data.images.biased import hues
from contrapose.data.images.made.tint import tint
from contrapose.learners import TranslatedHeads
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.training.heads import embeddings_of
from contrapose.training.in_memory import train_in_memory

OPTIONS: dict[str, Any] = {
    "epochs": 10,
    "batch_size": 50,
    "encoder": "tiny_conv",
    "learning_rate": 3e-3,
    "projection_hidden": 32,
    "projection_dimension": 16,
}


def recolour(raw: Tensor, classes: Tensor) -> Tensor:
    """Brightness as it is, in the hue of the class."""
    paint = torch.as_tensor(hues(10), dtype=torch.float32)[classes]  # (B, 3)
    return (raw.float() / 255).amax(dim=1, keepdim=True) * paint[:, :, None, None]  # (B, 3, H, W)


def accuracy(learned: Images, asked: Images, *, translated: bool) -> float:
    """Of the classifier on what is asked."""
    config = METHODS["cdvg"](**OPTIONS)
    learner, views = assemble(config, learned)
    assert isinstance(learner, TranslatedHeads)
    learner.vary = views
    learner.translated_by(recolour if translated else None)
    train_in_memory(learner, learned, as_they_are, config)
    learner.eval()
    encoder: Any = learner.encoder
    with torch.no_grad():
        (logits,) = learner.heads(embeddings_of(encoder, asked))  # (T, K)
    return float((logits.argmax(dim=1).numpy() == np.asarray(asked.labels)).mean())


def test_with_the_right_translator_it_is_nearly_as_good_as_on_random_colours() -> None:
    torch.set_num_threads(1)
    asked = tint(400, share=None, part="asked", seed=9)
    random = accuracy(tint(300, share=None, seed=1), asked, translated=False)
    debiased = accuracy(tint(300, share=0.0), asked, translated=True)
    assert random > 0.7
    assert debiased >= 0.95 * random
