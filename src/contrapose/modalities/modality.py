"""What a descriptor says of a kind of data."""

from __future__ import annotations

import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from contrapose.errors import ArgumentError
from contrapose.options import Options

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Samples
    from contrapose.data.problems import Problem
    from contrapose.data.texts.near_copies import NearCopies
    from contrapose.encoders import Encoder, Start


class Modality(ABC):
    """A kind of data: what it looks like, which options, views, encoders and floor it has. One instance a kind.

    Attributes:
        name: as `--modality` and `Samples.modality` have it.
        noun, plural: what people call a sample, and many.
        options: the options that every method has on this kind: how data are read, `views`, `encoder`.
        reading: names of those options that say how data are read; `open` takes them.
        floor_name: what `floor` gives, in words.
        pipeline_tag: how the hub calls what such an encoder does.
        class_tag: how it calls what a classifier of them does.
        example: Python for some data to embed.
        applied: what `apply` does with a run on them, as a word, and a file to write; None: nothing without a
            classifier.
        sides: kinds of data that a sample of this one is made of; methods of one kind then learn from a side by itself.
        drawn: whether samples are looked at, so that views are drawn; else they are read (`shown_views`).
        measured_by: what `evaluate --data` wants of it, as a command names it.
        asks_itself: whether the data hold what an evaluation asks for, such as what comes next, so that no labels are
            needed.
    """

    name: ClassVar[str]
    noun: ClassVar[str]
    plural: ClassVar[str]
    options: ClassVar[type[Options]]
    reading: ClassVar[tuple[str, ...]]
    floor_name: ClassVar[str]
    pipeline_tag: ClassVar[str] = "feature-extraction"
    class_tag: ClassVar[str | None] = None
    example: ClassVar[str]
    applied: ClassVar[tuple[str, str] | None] = None
    drawn: ClassVar[bool] = False
    measured_by: ClassVar[str] = "LABELLED"
    asks_itself: ClassVar[bool] = False
    sides: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def open(self, spec: Any, **reading: Any) -> Samples:
        """What `spec` names, or is, by options of `reading` and `limit`, `labels`, `label_column`, `progress`."""

    @abstractmethod
    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        """The same, in the form that an encoder was trained on."""

    def is_for(self, encoder: Encoder, samples: Samples) -> bool:
        """Whether samples that were opened before are in the form of an encoder already: what they are called and
        numbered by is its own."""
        return True

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        """The same, in the form of other samples: a test part, before there is an encoder."""
        return self.open(spec, **reading)

    def as_query(self, query: Any) -> Any:
        """What a person asks for in a search, as data: one sample by itself becomes a list of it."""
        return query

    def faced(self, samples: Samples, asked: str | None) -> Samples:
        """Where a query of the kind `asked` looks: of samples with two sides among those of the other side."""
        return samples

    def start(self, init: Any, config: Any) -> Start:
        """The trained weights that `init` names, as a configuration asks for them."""
        from contrapose.encoders import starting_point

        return starting_point(init, option=config.start_option)

    def started(self, start: Start, samples: Samples) -> Encoder:
        """A copy of the encoder that training starts from, for these samples."""
        return start.encoder()

    @abstractmethod
    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        """Options of `reading` that bring data to the form that the weights of `start` take."""

    @abstractmethod
    def encoder(self, config: Any, samples: Samples) -> Encoder:
        """The encoder that a configuration names, fitted to the data (statistics, vocabulary), with new weights."""

    def rebuild(
        self,
        name: str,
        arguments: Mapping[str, Any],
        form: Mapping[str, Any],
        files: Mapping[str, bytes],
        seed: int,
    ) -> Encoder:
        """The encoder that `encoder.json` describes, with new weights from `seed`; nothing is fetched from anywhere.

        Arguments:
            name, arguments, form: what the encoder says of itself; `files`: what it gives as `Encoder.files`.
        """
        raise NotImplementedError(f"{type(self).__name__} must say how an encoder of {self.plural} is rebuilt.")

    @abstractmethod
    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        """What makes views of raw samples: `(raw, generator=) -> views`."""

    @abstractmethod
    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        """The user's own maker of views in the place of the kind's."""

    @abstractmethod
    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        """A view of so many samples that nobody has seen, for asking what a learner does with a batch."""

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        """Each sample of a view as text, for people: its numbers, unless the kind says it better."""
        return [textwrap.shorten(str(getattr(view[row], "values", view[row])), 80) for row in range(len(view))]

    def drawing(self, samples: Samples, row: int) -> str | None:
        """A sample as an SVG, for kinds that are looked at and are no pictures; None: it is not drawn."""
        return None

    def view_drawings(self, view: Any, encoder: Encoder) -> list[str] | None:
        """Each sample of a view as an SVG, where `drawing` draws samples."""
        return None

    def problems(self, samples: Samples) -> Iterable[Problem]:
        """What of this kind may be wrong with samples that could be opened: exact copies, and what the kind knows."""
        from contrapose.data.problems import copies, repeated

        return copies(samples, repeated(samples))

    def near_copies(self, samples: Samples, threshold: float | None) -> NearCopies | None:
        """Samples that are nearly the same; None where this kind does not look for such.

        Arguments:
            threshold: how similar two must be; None: as is usual for this kind, 0: do not look.

        Errors:
            ArgumentError: a threshold where there is nothing that it could be of.
        """
        if threshold:
            raise ArgumentError(f"near_duplicates (--near-duplicates) is not an option of {self.plural}.")
        return None

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        """What is in the samples, in lines for people; `encoder` is one that was fitted to them, and there wherever
        samples are read rather than looked at."""
        return []

    def unused(self, config: Any, encoder: Encoder) -> list[str]:
        """Options of a configuration that trained weights leave without effect, in sentences; none by default."""
        return []

    def read_by(self, encoder: Encoder, samples: Samples) -> list[str]:
        """What a person should know who has an encoder read these samples, in sentences: what it cuts off or does not
        know; nothing by default."""
        return []

    def used_as(self, samples: Samples) -> str:
        """What training takes each of them as."""
        return samples.in_words()

    def one_of(self, samples: Samples, row: int, source: Any) -> str:
        """What a person recognises a sample by, besides its name; `source` is what the samples were opened from."""
        return samples.excerpt(row) or ""

    def expected(self, samples: Samples) -> str | None:
        """What so many samples can give when training starts from scratch, in a sentence, where that is known."""
        return None

    def false_negatives(self, samples: Samples, batch: int) -> str | None:
        """That a contrast takes many for wrong that are right, in batches of so many, in a sentence, where the samples
        alone show it."""
        return None

    @abstractmethod
    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """Features without a network, `(N, F)` of any samples, fitted to those known: what an encoder has to beat."""

    @abstractmethod
    def takes(self, encoder: Encoder) -> list[str]:
        """What an encoder takes, and what it carries along, in sentences for its model card."""

    def limit(self, seen: int, form: dict[str, Any]) -> str:
        """What an encoder trained on so many samples cannot be relied upon for, in a sentence."""
        return f"It has seen {seen:,} training {self.plural}; {self.plural} unlike these may be embedded badly."

    @abstractmethod
    def settle(self, encoder: Encoder, samples: Samples) -> None:
        """Pass samples that an encoder takes, and keep with it how they came into their form.

        Errors:
            ArgumentError: they have another form.
        """
