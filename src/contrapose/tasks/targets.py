"""What a call asked to be measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Targets:
    """What was asked to be measured by; None where the call names nothing.

    Arguments:
        label_column, labels: classes, as in `open_data`.
        number_column, numbers: the column of numbers, or one number a sample. The column of the score, of pairs.
        pair_columns: names of the two sides of pairs.
        label_texts: the texts of labels, for zero-shot.
        prompts: sentences about a class, for zero-shot of pictures by words.
        head_weight: what the weak heads of two towers count there, those of both together being 1; "choose": what is
            best on a part that is not reported on; None: a half.
        masks: where the class of every pixel is: a column, an array of an archive, a folder, or the masks themselves.
        void: numbers in masks that are no class; None: 255.
        bias_column: what may go with the class and should not lead a classifier.
    """

    label_column: str | None = None
    labels: Any = None
    number_column: str | None = None
    numbers: Any = None
    pair_columns: Sequence[str] | None = None
    label_texts: Sequence[str] | None = None
    prompts: Sequence[str] | None = None
    head_weight: float | str | None = None
    masks: Any = None
    void: Sequence[int] | None = None
    bias_column: str | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """What the call named, as arguments; `labels` that are none of one's own ("auto", "none") name nothing."""
        named = [one.name for one in fields(self) if getattr(self, one.name) is not None]
        return tuple(name for name in named if name != "labels" or self._brought)

    @property
    def label(self) -> bool:
        """Whether classes were asked for by name."""
        return self.label_column is not None or self._brought

    @property
    def _brought(self) -> bool:
        return self.labels is not None and self.labels is not False and not isinstance(self.labels, str)

    @property
    def number(self) -> bool:
        """Whether numbers were."""
        return self.number_column is not None or self.numbers is not None

    @property
    def without_labels(self) -> bool:
        """Whether labels are not to be read."""
        return self.labels is False or (isinstance(self.labels, str) and self.labels == "none")
