"""`Asked`: what is asked of samples of any kind when they are opened: how many of them, with which labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from contrapose.data.labelled import with_unlabelled_note
from contrapose.data.labels import Labels, choose_labels
from contrapose.data.samples import Samples, evenly_spaced
from contrapose.errors import ArgumentError

LABEL_CHOICES = {"auto": None, "none": False}  # words for what labels may be besides a sequence

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
        self._check_counts("limit")
        if isinstance(self.labels, str) and self.labels in LABEL_CHOICES:
            object.__setattr__(self, "labels", LABEL_CHOICES[self.labels])

    def _check_counts(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ArgumentError(f"{name} is {value!r}: give a whole number from 1 on, or None.")

    @property
    def reads_labels(self) -> bool:
        """Whether labels inside the data are wanted: not when the caller brings some, or wants none."""
        return self.labels is None

    def choose_labels(self, own: Labels | None, count: int, noun: str) -> Labels | None:
        """The labels of `count` samples: those inside the data (`own`), those that were brought, or none.

        Errors:
            DataError: labels of another number than of samples.
        """
        return choose_labels(own, self.labels, count, noun)

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
