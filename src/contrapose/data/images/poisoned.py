"""Pictures of which some carry a trigger and another label: what an encoder is poisoned with, to see whether that is
found and repaired. Which ones is remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from contrapose.data.images.images import Images
from contrapose.data.randomness import derived_generator
from contrapose.data.samples import Samples
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

POISONED = "poisoned"
"""The name of the target that is 1 for a picture with a trigger, and 0 for others."""
BLOCK = 256  # pictures that are changed together


@dataclass(frozen=True, eq=False)
class Poisoned:
    """What `poison` gives.

    Arguments:
        samples: the same pictures in the same order, some with a trigger; a target "poisoned" tells which.
        rows: their row numbers, ascending.
        identifiers: theirs.
        target: the class that they were given.
    """

    samples: Images
    rows: np.ndarray
    identifiers: tuple[str, ...]
    target: int


def poison(
    samples: Images,
    trigger: Callable[[Tensor], Tensor],
    *,
    rate: float,
    target: int | str,
    seed: int = 0,
    from_target: bool = False,
) -> Poisoned:
    """Put a trigger on a share of the pictures, and give these the label of the target class.

        round(rate N) pictures, at least one, drawn evenly from those of other classes

    Arguments:
        samples: pictures with labels; they stay as they are.
        trigger: pictures `(B, C, H, W)` in [0, 1] to the same (`contrapose.robustness.trigger`).
        rate: share of all N pictures. InverTune's attacks have 0.003 to 0.01 of 500,000, and 0.01 to 0.02 of a few
            thousand.
        target: the class, by number or name.
        seed: draws which.
        from_target: draw from all pictures, those of the target class among them (whose labels then stay).

    Errors:
        ArgumentError: a rate outside (0, 1), an unknown class, a trigger that gives something else than pictures.
        DataError: no labels, or fewer pictures to choose from than are to be poisoned.
    """
    number = class_number(samples, target)
    labels = samples.labels
    assert labels is not None
    allowed = np.arange(len(labels)) if from_target else np.flatnonzero(labels != number)
    rows = drawn_rows(allowed, len(labels), rate, seed)
    pixels = samples.pixels.copy()  # (N, C, H, W)
    for part in np.array_split(rows, -(-len(rows) // BLOCK)):
        pixels[part] = triggered(torch.from_numpy(pixels[part]), trigger).numpy()
    changed, which = labels.copy(), np.zeros(len(samples))
    changed[rows], which[rows] = number, 1
    called = samples.class_names[number] if samples.class_names else str(number)
    note = f"{counted(len(rows), 'picture')} of {len(samples):,} carry a trigger and the label {called!r}."
    others = {name: values for name, values in samples.targets.items() if name != "label"}
    made = Images(
        pixels,
        changed,
        targets={**others, POISONED: which},
        preparation=samples.preparation,
        class_names=samples.class_names,
        identifiers=samples.identifiers,
        skipped=samples.skipped,
        origin=samples.origin,
        notes=(*samples.notes, note),
    )
    made.names_of = dict(samples.names_of)
    return Poisoned(made, rows, tuple(samples.identifiers[row] for row in rows), number)


def triggered(pictures: Tensor, trigger: Callable[[Tensor], Tensor]) -> Tensor:
    """uint8 pictures `(B, C, H, W)` with the trigger on them, rounded to uint8 again.

    Errors:
        ArgumentError: the trigger gives something else than pictures of that shape.
    """
    changed = trigger(pictures.float() / 255)
    if not isinstance(changed, Tensor) or changed.shape != pictures.shape or not bool(changed.isfinite().all()):
        raise ArgumentError(
            "A trigger takes pictures (B, C, H, W) in [0, 1] and gives the same; this one does not: take one of "
            "contrapose.robustness.trigger(...)."
        )
    return (changed * 255).round().clamp(0, 255).to(torch.uint8)


def class_number(samples: Samples, target: int | str) -> int:
    """The number of a class that is given by its number or its name.

    Errors:
        ArgumentError: no such class.
        DataError: no labels.
    """
    labels = samples.labels
    if labels is None or not (labels >= 0).any():
        raise DataError(
            f"Poisoning gives a picture another label, and {samples.origin} has none. Give labelled pictures (class "
            "sub-folders, or --label-column)."
        )
    names = list(samples.class_names or ())
    found = names.index(target) if target in names else target
    known = range(len(names)) if names else range(int(labels.max()) + 1)
    if not isinstance(found, int) or found not in known:
        some = ", ".join(map(str, names or known))
        raise ArgumentError(f"The target class {target!r} is none of {some}.")
    return found


def drawn_rows(allowed: np.ndarray, count: int, rate: float, seed: int) -> np.ndarray:
    """round(rate N) of the rows that may be chosen, at least one, ascending.

    Arguments:
        count: N, of all samples.

    Errors:
        ArgumentError: a rate outside (0, 1).
        DataError: fewer rows than that.
    """
    if not 0 < rate < 1:
        raise ArgumentError(f"rate must lie between 0 and 1, got {rate:g}; 0.01 to 0.02 is usual of a few thousand.")
    wanted = max(1, round(rate * count))
    if wanted > len(allowed):
        raise DataError(
            f"{wanted} pictures are to be poisoned (rate {rate:g} of {count}), and only {len(allowed)} are of "
            "another class than the target. Take a lower rate."
        )
    order = torch.randperm(len(allowed), generator=derived_generator(seed, "poison")).numpy()
    return np.sort(allowed[order[:wanted]])
