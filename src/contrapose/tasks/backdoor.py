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
        target: the class that it stands for, by number or name.
        class_texts: what the classes are called; None: as they are.
        prompts: sentences with {} where a class is named; None: those of `evaluate --task prompts`.
        seed: of the intervals.

    Errors:
        ArgumentError: no towers, or no such class.
        DataError: no labels, or classes without names.
    """
    towers = encoder if isinstance(encoder, Towers) else getattr(encoder, "encoder", None)
    if not isinstance(towers, Towers):
        raise ArgumentError(
            "A backdoor is measured in two towers: give what contrapose.load returns of a run of pairs."
        )
    pictures = samples.pictures if isinstance(samples, Pairs) else samples
    names = class_texts or pictures.class_names
    if not isinstance(pictures, Images) or pictures.labels is None or names is None:
        raise DataError(f"{samples.origin} has no labelled pictures whose classes have names (class_texts=).")
    names = [label_text(name) for name in names]
    number = names.index(label_text(target)) if isinstance(target, str) and label_text(target) in names else target
    if not isinstance(number, int) or not 0 <= number < len(names):
        raise ArgumentError(f"The target class {target!r} is none of {', '.join(names)}.")
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
