"""Dense prediction: whether a linear classifier of cells can tell, from frozen maps, what every pixel shows."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from contrapose.data import Samples, derived_generator
from contrapose.data.samples import MASK
from contrapose.errors import DataError
from contrapose.evaluation import dense_probe, mean_iou
from contrapose.tasks.given import Given
from contrapose.tasks.mask_parts import given_masks, held_out_masks
from contrapose.tasks.mask_pictures import Shown, beside_each_other
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task

if TYPE_CHECKING:
    from contrapose.data import Images

MAJORITY = "majority class"
_PROBE = 6  # names the random stream of the probe's batches


class _Dense(Measurement):
    named = False
    of_maps = True

    def __init__(self, given: Given) -> None:
        self.seed, self.full = given.seed, given.full
        bank, void = _opened(given, given.data), given.targets.void
        if given.test_data is None:
            self.parts = held_out_masks(bank, seed=given.seed, void=void)
        else:
            self.parts = given_masks(bank, _opened(given, given.test_data), void=void)
        parts = self.parts
        self.known, self.noun, self.leaked, self.data = parts.bank, parts.test.noun, parts.leaked, parts.origin
        self.setting = Setting(
            "masks",
            {"seed": given.seed},
            Identity.of(parts.test, _hashes(parts.wanted)),
            Identity.of(parts.bank, _hashes(parts.known)),
        )
        self._shown: Shown | None = None

    def floor(self, given: Given) -> Embed:
        """The colours of each pixel: maps as large as the pictures."""
        return lambda samples: cast("Images", samples).pixels / np.float32(255)  # (N, C, H, W)

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        parts = self.parts
        known, asked = _maps(embed(parts.bank)), _maps(embed(parts.test))  # (N, C, h, w), (T, C, h, w)
        generator = derived_generator(self.seed, _PROBE)
        probe = dense_probe(known, parts.known, classes=len(parts.classes), generator=generator)
        size = parts.wanted.shape[1], parts.wanted.shape[2]
        answers = probe.predict(asked, size)  # (T, H, W)
        self._shown = self._shown or Shown(parts, answers)  # the first arm is the trained one
        how = f"1 x 1 linear probe of maps, upsampled to {size[0]} x {size[1]}, {len(known):,} train pictures"
        return self._scored(answers, how), asked.mean(axis=(2, 3))  # (T, C)

    def floors(self) -> dict[str, Metrics]:
        known = self.parts.known
        commonest = int(np.bincount(known[known >= 0]).argmax())
        answers = np.full_like(self.parts.wanted, commonest)
        name = self.parts.classes[commonest]
        return {MAJORITY: self._scored(answers, f"always {name}, the class of most pixels to learn from")}

    def pictures(self) -> list[tuple[np.ndarray, str, str]]:
        return [] if self._shown is None else [beside_each_other(self._shown)]

    def _scored(self, answers: np.ndarray, how: str) -> Metrics:
        parts, generator = self.parts, derived_generator(self.seed, INTERVALS)
        return mean_iou(answers, parts.wanted, classes=parts.classes, protocol=how, each=self.full, generator=generator)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.parts.notes


class _DenseTask(Task):
    name = "dense"
    needs = "masks with a class for every pixel, from a column or a folder of them (--masks NAME)"
    uses = ("masks", "void")
    modalities = ("image",)

    def fits(self, given: Given) -> bool:
        """Asked for; or all that there is, where there are no labels."""
        asked = given.targets
        if not self.takes(given) or asked.label or asked.number:
            return False
        if asked.masks is not None:
            return True
        return self.possible(given) and (asked.without_labels or given.samples.labels is None)

    def possible(self, given: Given) -> bool:
        return self.takes(given) and (given.targets.masks is not None or given.masks is not None)

    def prepare(self, given: Given) -> Measurement:
        return _Dense(given)


def _opened(given: Given, spec: Any) -> Samples:
    """Pictures with their masks, and without labels."""
    masks = given.targets.masks if given.targets.masks is not None else given.masks_of(spec)
    reading = {} if masks is None or masks is True else {"masks": masks}
    samples = given.open(spec, limit=given.limit, labels=False, **reading)
    if MASK not in samples.targets:
        raise DataError(
            f"{samples.origin} has no masks: name a column of them, an array of an .npz or a folder of masks that are "
            "called as the pictures are with --masks (masks=)."
        )
    return samples


def _maps(found: np.ndarray) -> np.ndarray:
    """Embeddings without places are maps of one cell."""
    return found if found.ndim == 4 else found[:, :, None, None]


def _hashes(masks: np.ndarray) -> list[str]:
    return [hashlib.sha256(np.ascontiguousarray(mask).tobytes()).hexdigest() for mask in masks]


DENSE = _DenseTask()
