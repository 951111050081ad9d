"""What a trigger does to two towers: attack success and clean accuracy, by the texts of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from contrapose.data import Images, Samples, derived_generator, triggered
from contrapose.data.pairs import Pairs
from contrapose.encoders import Towers
from contrapose.encoders.pairs.prompts import class_prototypes
from contrapose.encoders.texts.label_texts import label_text
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation.backdoor import Backdoor, backdoor
from contrapose.tasks.prompts import texts_of_classes

BLOCK = 256  # pictures that are embedded at a time


@torch.no_grad()
def measure_backdoor(
    encoder: Any,
    samples: Samples,
    trigger: Callable[[Tensor], Tensor],
    target: int | str,
    *,
    class_texts: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    seed: int = 0,
) -> Backdoor:
    """Clean accuracy and attack success of towers, as a user would see them: pictures are rounded to whole grey levels.

    Arguments:
        encoder: two towers, or what holds them as `encoder` (what `contrapose.load` returns).
        samples: labelled pictures or pairs, none of which it was trained or repaired by.
        trigger: the true one.
        target: the class that it stands for: by number, or by what data or `class_texts` call it (digits are a number
            where no class is called so).
        class_texts: what the classes are called, in their order; None: as they are.
        prompts: sentences with {} where a class is named; None: those of `evaluate --task prompts`.
        seed: of the intervals.

    Errors:
        ArgumentError: no towers, or no such class.
        DataError: no labels, classes that are numbers and have no texts, or another number of texts than of classes.
    """
    towers = encoder if isinstance(encoder, Towers) else getattr(encoder, "encoder", None)
    if not isinstance(towers, Towers):
        raise ArgumentError(
            "A backdoor is measured in two towers: give what contrapose.load returns of a run of pairs."
        )
    pictures = samples.pictures if isinstance(samples, Pairs) else samples
    if not isinstance(pictures, Images) or pictures.labels is None:
        raise DataError(f"{samples.origin} has no labelled pictures: give class folders, or --label-column.")
    names = texts_of_classes(pictures, class_texts, option="--class-texts")
    number = _number_of(target, names, pictures.class_names)
    rows = np.flatnonzero(pictures.labels >= 0)
    training = towers.training
    towers.eval()
    prototypes = class_prototypes(towers, names, prompts)  # (K, D)

    def taken(change: Callable[[Tensor], Tensor] | None) -> np.ndarray:
        found = []
        for part in torch.from_numpy(rows).split(BLOCK):
            x = pictures.batch(part)  # (b, C, H, W)
            x = x if change is None else triggered(x, change)
            z = towers.embed_images(x.to(towers.device)).float()  # (b, D)
            found.append((z @ prototypes.T).argmax(dim=1).cpu())  # (b,)
        return torch.cat(found).numpy()

    answers, moved = taken(None), taken(trigger)
    towers.train(training)
    return backdoor(answers, moved, pictures.labels[rows], number, generator=derived_generator(seed, "backdoor"))


def _number_of(target: int | str, texts: Sequence[str], names: Sequence[str] | None) -> int:
    """The number of the class that a user has named.

    Errors:
        ArgumentError: there is none.
    """
    for called in (names or (), texts):
        read = [label_text(name) for name in called]
        if isinstance(target, str) and label_text(target) in read:
            return read.index(label_text(target))
    number = int(target) if isinstance(target, str) and target.isdecimal() else target
    if not isinstance(number, int) or not 0 <= number < len(texts):
        raise ArgumentError(f"The target class {target!r} is none of {', '.join(texts)}.")
    return number
