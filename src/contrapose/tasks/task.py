"""What a task promises: which artifact, data and targets it fits, and what it measures of embeddings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from contrapose.data import Samples
from contrapose.evaluation import Metric
from contrapose.registry import Registry
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Setting

INTERVALS = 2
"""Names the random stream of the bootstrap, the same for every arm."""

Embed = Callable[[Samples], np.ndarray]
"""An arm: N samples to `(N, D)`; to `(N, C, h, w)` where maps are measured."""

Metrics = dict[str, Metric]


class Measurement(ABC):
    """A task on data that are open: call it once for each arm.

    Attributes:
        data: what is measured on, in a sentence.
        known: the samples that the floor of the kind is fitted to.
        setting: what has to be equal for another evaluation to be paired with this one.
        noun: what one sample is called.
        leaked: test samples that were learned from too.
        target: what is measured by, `"label"` or `"number"`, where the encoder could have been trained with it.
        labels: of the test rows, where these are of classes.
        number_column: the column of numbers that are predicted.
        arms: whether encoders that learned nothing can be measured beside the trained one.
        of_maps: whether it asks an encoder for maps in the place of embeddings.
        named: whether the same data, opened as the encoder's kind, are what a report can show.
    """

    data: str
    known: Samples
    setting: Setting
    noun: str
    leaked: int = 0
    target: str | None = None
    labels: np.ndarray | None = None
    number_column: str | None = None
    arms: bool = True
    named: bool = True
    of_maps: bool = False

    @abstractmethod
    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        """The metrics of one arm, and its embeddings of the test part."""

    def floors(self) -> dict[str, Metrics]:
        """What answers without looking score, by name."""
        return {}

    def embed_with(self, embedder: Any) -> Embed:
        """How an arm with an encoder is asked."""
        embed: Embed = embedder.maps if self.of_maps else embedder.embed
        return embed

    def floor(self, given: Given) -> Embed:
        """What is asked without an encoder: the floor of the kind of data, fitted to the known samples."""
        return given.modality.floor(self.known)

    def share(self, given: Given) -> Any:
        """The `tasks.share.Share` of the samples that `floor` is measured on; None: all of them."""
        return None

    def pictures(self) -> list[tuple[np.ndarray, str, str]]:
        """What people should look at once every arm was measured: pixels, title and caption of each."""
        return []

    def record(self) -> dict[str, Any]:
        """What else `evaluation.json` keeps, by name; complete once every arm was measured."""
        return {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, a sentence each without its full stop; complete once every arm was measured."""
        return ()


class Task(ABC):
    """One way to ask whether embeddings are any good.

    Attributes:
        name: as `--task` has it.
        needs: what it measures by, and how a user names that, as the object of "needs".
        uses: the fields of `Targets` that it looks at.
        artifacts: kinds of artifact that it takes.
        modalities: kinds of data; None: all.
    """

    name: ClassVar[str]
    needs: ClassVar[str]
    uses: ClassVar[tuple[str, ...]] = ()
    artifacts: ClassVar[tuple[str, ...]] = ("encoder",)
    modalities: ClassVar[tuple[str, ...] | None] = None

    def takes(self, given: Given) -> bool:
        """Whether it is a question about this kind of data at all."""
        return self.modalities is None or given.modality.name in self.modalities

    def unused(self, given: Given) -> str | None:
        """A note where something was asked for that this task does not look at; None where there is no such thing."""
        unused = [name for name in given.targets.asked if name not in self.uses]
        if not unused:
            return None
        options = " and ".join(f"--{name.replace('_', '-')}" for name in unused)
        return (
            f"{options} {'plays' if len(unused) == 1 else 'play'} no part in the task {self.name}, which was measured"
        )

    @abstractmethod
    def fits(self, given: Given) -> bool:
        """Whether this is what the user most likely means, where they did not say."""

    @abstractmethod
    def possible(self, given: Given) -> bool:
        """Whether it can be measured here at all, where they did."""

    @abstractmethod
    def prepare(self, given: Given) -> Measurement:
        """Open the data.

        Errors:
            DataError: they cannot be measured on, although the task is possible: one class only, numbers all equal.
        """


TASKS: Registry[Task] = Registry("task")
