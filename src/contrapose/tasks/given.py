"""What an evaluation was given: an encoder, data, and what was asked of them. Tasks look here whether they fit."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contrapose.data import Samples
from contrapose.data.files.known_sets import MADE_BY_NAME
from contrapose.data.files.names import expanded
from contrapose.data.images.masks import MASK_NAMES, mask_folder
from contrapose.data.samples import MASK, NUMBER
from contrapose.data.tables.columns import LABEL_NAMES, listed
from contrapose.data.tables.opening import table_of
from contrapose.data.tables.pair_sets import read_pair_sets
from contrapose.data.tables.pairs import PairColumns, ScoredPairs, pair_columns
from contrapose.data.tables.sources import Source
from contrapose.encoders import Encoder
from contrapose.encoders.classifier_folder import TrainedHeads
from contrapose.encoders.texts.trained_matcher import TrainedMatcher
from contrapose.errors import ArgumentError, ContraposeError, DataError
from contrapose.modalities import Modality, modality_of
from contrapose.tasks.attacks import Attacks
from contrapose.tasks.review import Review
from contrapose.tasks.targets import Targets
from contrapose.words import a_type

ENCODED = ("bytes", "struct", "text")
"""What a column of masks may hold: encoded pictures, or the names of their files."""
NUMBER_NAMES = (*LABEL_NAMES, "number", "value", "score", "rating")


def _not_known(embed: Callable[[Samples], Any]) -> TrainedHeads:
    raise DataError("What the classifier learned from is not known, so nothing else can learn from the same.")


@dataclass(frozen=True)
class OfClassifier:
    """A trained classifier, beside its encoder.

    Arguments:
        heads: its heads.
        learned: the samples that it learned from, where they can be opened.
        fit: heads that learn from the same on what a function embeds.
    """

    heads: TrainedHeads
    learned: Samples | None = None
    fit: Callable[[Callable[[Samples], Any]], TrainedHeads] = _not_known

    @property
    def fits(self) -> bool:
        """Whether other heads can learn from the same."""
        return self.fit is not _not_known


@dataclass(frozen=True)
class Given:
    """An encoder, data, and what was asked of them.

    Arguments:
        encoder: what is measured; samples of its kind where that is no encoder, but a floor.
        data, test_data: as the user gave them.
        open: `(spec, **options) -> Samples` by the columns that were asked for, in the encoder's form.
        bring: `(spec) -> Samples` of things in memory, by no columns.
        targets: what was asked to be measured by.
        own_number: the column of numbers of the run's own data.
        trained_for: `"label"` or `"number"`, what the method of the run learns from; None: from neither.
        classifier: the classifier that the encoder belongs to; None: to none.
        matcher: what compares its texts with the texts of labels; None: their cosine.
        limit, seed: at most so many samples of each part; of the split and of intervals.
        k: neighbours of kNN.
        full: all that the task can measure.
        attacks, review: what a classifier has to bear (None: nothing); how far a robustness table looks.
        outliers: data of another kind of thing, as the user gave them; None: none.
        mask_seen: whether items that a user took before are left out of a ranking.
    """

    encoder: Encoder | Samples
    data: Any
    test_data: Any
    open: Callable[..., Samples]
    bring: Callable[[Any], Samples]
    targets: Targets = field(default_factory=Targets)
    own_number: str | None = None
    trained_for: str | None = None
    classifier: OfClassifier | None = None
    matcher: TrainedMatcher | None = None
    limit: int | None = None
    seed: int = 0
    k: int = 20
    full: bool = False
    attacks: Attacks | None = None
    review: Review | None = None
    outliers: Any = None
    mask_seen: bool = False

    @property
    def modality(self) -> Modality:
        """The kind of data that the encoder takes."""
        return modality_of(self.encoder)

    @cached_property
    def table(self) -> Source | None:
        """The columns of the data; None where they are no table, or one that opening will refuse in better words."""
        try:
            return table_of(self.data)
        except ContraposeError:
            return None

    @cached_property
    def samples(self) -> Samples:
        """The data with their labels."""
        return self.open(self.data, limit=self.limit)

    @cached_property
    def pairs(self) -> PairColumns | None:
        """The columns of scored pairs, where there are such."""
        if self.table is None:
            return None
        asked = self.targets
        return pair_columns(
            self.table.kinds,
            self.modality.name,
            asked=asked.pair_columns,
            score=asked.number_column,
            origin=self.table.origin,
        )

    @cached_property
    def pair_sets(self) -> ScoredPairs | None:
        """The scored pairs of a folder of tables, where it is one."""
        asked = self.targets
        return read_pair_sets(self.data, self.modality.name, asked=asked.pair_columns, score=asked.number_column)

    @cached_property
    def own_column(self) -> str | None:
        """The column of numbers of the run's own data, where these data have it too."""
        name = self.own_number
        if name is None or isinstance(self.data, Samples):
            return None
        if self.table is not None:
            return name if name in self.table.kinds else None
        try:
            return name if NUMBER in self.open(self.data, limit=self.limit, number_column=name).targets else None
        except ArgumentError:
            return None  # an archive without such an array

    @cached_property
    def usual_column(self) -> str | None:
        """A column of fractions with a usual name, or the only one; of rows only what their encoder does not take."""
        if self.table is None:
            return None
        taken = {column.name for column in getattr(self.encoder, "columns", ())}
        fractions = {name.lower(): name for name, kind in self.table.kinds.items() if kind == "number"}
        free = {lower: name for lower, name in fractions.items() if name not in taken}
        usual = LABEL_NAMES if self.modality.name == "rows" else NUMBER_NAMES
        found = next((free[name] for name in usual if name in free), None)
        alone = len(free) == 1 and self.modality.name != "rows"
        return found or (next(iter(free.values())) if alone else None)

    @cached_property
    def masks(self) -> Any:
        """What `masks_of` finds of the data."""
        return self.masks_of(self.data)

    def masks_of(self, spec: Any) -> Any:
        """Where masks of these data are, as `open_data` takes it: a column with a usual name, or a folder beside that
        of the pictures; True where they come with the samples; None where there are none."""
        if isinstance(spec, Samples):
            return MASK in spec.targets or None
        if isinstance(spec, str | os.PathLike):
            name = os.fspath(spec)
            if name.startswith(MADE_BY_NAME):
                samples = self.samples if spec is self.data else self.open(name, labels=False)
                return MASK in samples.targets or None
            if expanded(name).is_dir():
                found = mask_folder(expanded(name))
                return None if found is None else str(found)
        with suppress(ContraposeError):  # opening it says what is wrong with it
            table = table_of(spec)
            kinds = (
                {}
                if table is None
                else {column.lower(): column for column, kind in table.kinds.items() if kind in ENCODED}
            )
            return next((kinds[one] for one in MASK_NAMES if one in kinds), None)
        return None

    @property
    def carries_numbers(self) -> bool:
        """Whether the data are samples that come with numbers."""
        return isinstance(self.data, Samples) and NUMBER in self.data.targets

    def in_words(self) -> str:
        """What the data have, for an error's text."""
        name = os.fspath(self.data) if isinstance(self.data, str | os.PathLike) else a_type(self.data)
        if self.table is not None:
            return f"{name} has the columns {listed(self.table.kinds)}"
        held = [what for what, there in (("labels", self._has_labels), ("numbers", self.carries_numbers)) if there]
        return f"{name} has {' and '.join(held) or 'neither labels nor numbers'}"

    @property
    def _has_labels(self) -> bool:
        return not self.targets.without_labels and self.samples.labels is not None
