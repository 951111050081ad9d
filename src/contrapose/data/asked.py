"""`Asked`: what is asked of texts, rows and the like when they are opened: how many of them, with which labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from contrapose.data.labelled import with_unlabelled_note
from contrapose.data.labels import Labels, choose_labels
from contrapose.data.samples import Samples, evenly_spaced
from contrapose.errors import ArgumentError, DataError
from contrapose.words import counted

LABEL_CHOICES = {"auto": None, "none": False}
"""Words for what `labels` may be besides a sequence."""

S = TypeVar("S", bound=Samples)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options that opening has for every kind of data; a kind adds its own in a subclass.

    Arguments:
        limit: at most so many samples, evenly spaced over all.
        labels: None, those inside the data; False, none; a sequence, one a sample.
        label_column, number_column: where a table has classes, and a number of each sample.

    Errors:
        ArgumentError: a limit that is no positive number.
    """

    limit: int | None = None
    labels: Any = None
    label_column: str | None = None
    number_column: str | None = None

    def __post_init__(self) -> None:
        limit = self.limit
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise ArgumentError(f"limit is {limit!r}: give a whole number from 1 on, or None.")
        if isinstance(self.labels, str) and self.labels in LABEL_CHOICES:
            object.__setattr__(self, "labels", LABEL_CHOICES[self.labels])

    @property
    def reads_labels(self) -> bool:
        """Whether labels inside the data are wanted: not when the caller brings some, or wants none."""
        return self.labels is None

    def choose_labels(self, own: Labels | None, count: int, noun: str) -> Labels | None:
        """The labels of `count` samples: those inside the data (`own`), those that were brought, or none.

        Errors:
            DataError: labels of another number than of samples.
        """
        labels = self.labels
        if hasattr(labels, "__len__") and not isinstance(labels, str | Labels) and len(labels) != count:
            given = counted(len(labels), "label")
            raise DataError(f"labels= holds {given} for {counted(count, noun)}: give one for each.")
        return choose_labels(own, labels, count)

    def limited(self, samples: S) -> S:
        """At most so many of the samples as were asked for; a note says how many have no label."""
        limit = self.limit
        some = samples if limit is None or limit >= len(samples) else samples.subset(evenly_spaced(len(samples), limit))
        return with_unlabelled_note(some)

    def again(self, samples: S) -> S:
        """Samples that were opened before, as they are asked for now."""
        found = self.choose_labels(None, len(samples), samples.noun)
        if found is not None:
            samples = samples.with_labels(found.numbers, found.names)
        elif self.labels is False:
            samples = samples.with_labels(None)
        return self.limited(samples)
