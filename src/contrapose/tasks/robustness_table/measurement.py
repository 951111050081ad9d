"""The measurement: every row of the table on the same tested pictures, by the same answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from contrapose.data import derived_generator
from contrapose.encoders import Towers, fingerprint_of
from contrapose.robustness import patch_mask
from contrapose.robustness.universal.leading_away import led_away
from contrapose.tasks.given import Given
from contrapose.tasks.review import Review, Saved
from contrapose.tasks.robustness_table.answers import NAMED, Answers, ByLabels, ByWords
from contrapose.tasks.robustness_table.changes import Change, corruptions, levels_in_words, of_delta, of_patch, of_saved
from contrapose.tasks.robustness_table.told import (
    LOOKED_AWAY,
    above_chance,
    in_sentences,
    losses,
    repair_in_words,
    scan_in_words,
    scanned,
)
from contrapose.tasks.setting import Setting
from contrapose.tasks.task import Embed, Measurement, Metrics
from contrapose.words import counted

FIND_ON = 512
"""Pictures that patch and delta are found on at most [design]."""
PATCH, DELTA, PAIR = "patch", "delta", "pair"


class RobustnessTable(Measurement):
    """The trained encoder on pictures as they are, corrupted, and with changes that are the same for all.

    A metric under a change is called `METRIC; CHANGE`, as `compare` pairs them; the table has a row for each.
    """

    target = "label"
    arms = False

    def __init__(self, given: Given) -> None:
        self.review = given.review or Review()
        self.encoder = cast("Any", given.encoder)
        self.seed = given.seed
        towers = isinstance(given.encoder, Towers)
        image: Any = self.encoder.image if towers else self.encoder
        for saved in self.review.saved:
            saved.check_fits(image.channels, image.image_size)
        self.mask = patch_mask(image.image_size, image.image_size, area=self.review.area)  # (1, H, W)
        self.answers: Answers = ByWords(given) if towers else ByLabels(given)
        self.known, self.noun = self.answers.known, self.answers.known.noun
        self.labels, self.leaked = self.answers.labels, self.answers.leaked
        self.data = self.answers.data
        sizes = {"millionths of radius": self.review.radius, "millionths of area": self.review.area}
        options = {"seed": given.seed, "k": given.k, "steps": self.review.steps}
        options |= {name: round(1e6 * size) for name, size in sizes.items()}
        self.setting = Setting("robustness", options, self.answers.identity, self.answers.train)
        self._record: dict[str, Any] = {}
        self._sentences: list[str] = []

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        test = self.answers.test
        changes = [*corruptions(test), *self._found(), *self._saved()]
        rows = [embed(test), *(embed(test.with_pixels(one.pixels(test), how=one.name)) for one in changes)]  # (T, D)
        clean, *under = self.answers.columns(embed, rows)
        by_row = {change.name: metrics for change, metrics in zip(changes, under, strict=True)}
        lost = losses(clean, by_row)
        alive = above_chance(clean, self.answers.chances)
        self._record = {"lost": lost, "above_chance": alive, "poisoned": self._poisoned(changes, rows, alive)}
        self._sentences = in_sentences(changes, lost, clean, alive)
        found = dict(clean)
        for row, metrics in by_row.items():
            found |= {f"{name}; {row}": replace(one, name=f"{name}; {row}") for name, one in metrics.items()}
        return found, rows[0]

    @property
    def notes(self) -> tuple[str, ...]:
        scan, repair = (self._record.get("poisoned", {}).get(name) for name in ("scan", "repair"))
        review = self.review
        pictures = min(FIND_ON, len(self.answers.find))
        return (
            *self._sentences,
            *([] if scan is None else [scan_in_words(scan)]),
            *([] if repair is None else [repair_in_words(repair, review.repaired_in)]),
            levels_in_words(self.answers.test),
            f"patch: {100 * float(self.mask.mean()):.3g} % of the picture; delta: {255 * review.radius:.3g}/255 of "
            f"white at most; found in {counted(review.steps, 'step')} each, on {pictures:,} pictures that are not "
            "tested, without labels or words",
            *self._origins(),
            *self.answers.notes,
            LOOKED_AWAY,
        )

    def record(self) -> dict[str, Any]:
        return {"robustness": self._record}

    def _found(self) -> list[Change]:
        patch = self._search("patch", mask=self.mask)
        delta = self._search("delta", radius=self.review.radius)
        mask = self.mask
        return [
            *of_patch(PATCH, patch, mask, seed=self.seed),
            *of_delta(DELTA, delta, self.review.radius, seed=self.seed),
        ]

    def _search(self, name: str, *, mask: Tensor | None = None, radius: float | None = None) -> Tensor:
        device, training = self.encoder.device, self.encoder.training
        self.encoder.eval()
        rows = torch.randperm(len(self.answers.find), generator=derived_generator(self.seed, "find"))[:FIND_ON]
        made = led_away(
            self._rows,
            self.answers.find.batch(rows).to(device),  # (N, C, H, W)
            mask=None if mask is None else mask.to(device),
            radius=radius,
            steps=self.review.steps,
            generator=derived_generator(self.seed, name),
        )
        self.encoder.train(training)
        return made.cpu()

    def _rows(self, x: Tensor) -> Tensor:
        rows: Tensor = self.encoder.embed_images(x) if isinstance(self.encoder, Towers) else self.encoder(x)
        return rows  # (B, D)

    def _saved(self) -> list[Change]:
        changes = []
        for number, saved in enumerate(self.review.saved, start=1):
            changes += of_saved(saved, _called(saved, number), seed=self.seed)
        return changes

    def _origins(self) -> list[str]:
        told = []
        for number, saved in enumerate(self.review.saved, start=1):
            own = saved.perturber.saved
            same = fingerprint_of(self.encoder) in {victim.fingerprint for victim in own.victims}
            whom = "made against these very weights" if same else "made against other weights, so a transfer or stale"
            alone = "; the word beside it is not measured" if own.kind == PAIR else ""
            told.append(f"{_called(saved, number)}: of {saved.run}, {whom}{alone}")
        return told

    def _poisoned(self, changes: list[Change], rows: list[np.ndarray], alive: list[str]) -> dict[str, Any]:
        """What the patch without aim makes suspect, and what a repair said."""
        found: dict[str, Any] = {}
        if self.answers.names is not None and NAMED in alive:
            place = next(number for number, one in enumerate(changes, start=1) if one.name == PATCH)
            before, after = (self.answers.classes(rows[number]) for number in (0, place))  # (T,)
            found["scan"] = scanned(self.answers.names, before, after)
        if self.review.repair is not None:
            known = self.review.looked_into
            same = {"these_towers": fingerprint_of(self.encoder) in known} if known else {}
            found["repair"] = {**self.review.repair, **same}
        return found


def _called(saved: Saved, number: int) -> str:
    """`patch 1 saved`; of a pair of a delta and a word it is the delta that pictures get."""
    kind = saved.perturber.saved.kind
    return f"{'delta' if kind == PAIR else kind} {number} saved"
