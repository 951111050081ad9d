"""What a method is: a configuration with defaults, wired into a learner, with a word on what to expect of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from contrapose.errors import ArgumentError, did_you_mean
from contrapose.registry import Registry
from contrapose.training.config import RunConfig
from contrapose.views.options import ImageViews

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import ImageEncoder, ProjectionHead
    from contrapose.learners import Learner


_INITIAL = 1  # names the random stream of first weights and queues; training steps use longer names


QUESTIONS = (
    "how hard should each negative push?",
    "where do many negatives come from?",
    "who is a positive, when labels do not say?",
    "what do labels add?",
    "what do more than two views add?",
    "what if the data are unbalanced or biased?",
    "what do two sets share, and what has only one?",
)
"""The questions that methods answer; `contrapose methods` groups them so, in this order."""


@dataclass(frozen=True)
class About:
    """One line each on a method, for `contrapose methods`.

    Arguments:
        question: which of `QUESTIONS` it answers.
        purpose: what it is for, in a sentence.
        modality: what kind of data it takes.
        paper: authors, venue and link.
        needs_labels: whether it cannot train without labels.
    """

    question: str
    purpose: str
    modality: str
    paper: str
    needs_labels: bool = False

    def __post_init__(self) -> None:
        if self.question not in QUESTIONS:
            raise ArgumentError(
                f"No method answers the question {self.question!r}.{did_you_mean(self.question, QUESTIONS)}"
            )


@dataclass(frozen=True, kw_only=True)
class Method(RunConfig):
    """A published method on pictures: the run's configuration, its own options, and how they become a learner."""

    about: ClassVar[About]

    views: ImageViews = field(default_factory=ImageViews)
    """How views are made."""
    projection_layers: int = 2
    """Linear maps of the projection head. 2 in SimCLR, MoCo v2 and MMCL; 0 compares the embeddings themselves."""
    projection_hidden: int = 512
    """Hidden units of the projection head. [design] twice the default encoder's output."""
    projection_dimension: int = 128
    """D, the dimension in which the loss compares. 128 in SimCLR, MoCo and MMCL."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("batch_size", self.batch_size >= 2, "at least 2: an anchor needs another sample as its negative")
        for name in ("projection_hidden", "projection_dimension"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check("projection_layers", self.projection_layers >= 0, "0 or more")

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        """Arguments of a new encoder that differ from its own defaults."""
        return {}

    @abstractmethod
    def learner(self, encoder: ImageEncoder, *, generator: torch.Generator) -> Learner:
        """The learner that trains `encoder` by this method; `generator` draws what its memory starts from."""

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        """This configuration for labels that name these classes, in the order of their numbers.

        Arguments:
            given: names of options that were set, and stay.

        Errors:
            ArgumentError: classes that the method can make nothing of.
        """
        return self

    def new_learner(self, encoder: ImageEncoder) -> Learner:
        """`learner(...)` with first weights and memory from the seed; the user's random stream is left alone."""
        import torch

        from contrapose.data import derived_generator

        generator = derived_generator(self.seed, _INITIAL)
        with torch.random.fork_rng(devices=[]):  # heads draw their weights from the global stream
            torch.default_generator.manual_seed(generator.initial_seed())
            return self.learner(encoder, generator=generator)

    def head(self, input_dimension: int, *, norm: bool = True) -> ProjectionHead:
        """The projection head of this configuration."""
        from contrapose.encoders import ProjectionHead

        return ProjectionHead(
            input_dimension,
            hidden_dimension=self.projection_hidden,
            output_dimension=self.projection_dimension,
            layers=self.projection_layers,
            norm=norm,
        )


METHODS: Registry[type[Method]] = Registry("method")


def register(name: str) -> Callable[[type[Method]], type[Method]]:
    """Class decorator: make a method known to the command line and to the common checks."""

    def add(method: type[Method]) -> type[Method]:
        if not getattr(method, "about", None):
            raise ArgumentError(f"Method {name!r} needs a class variable `about`.")
        return METHODS.register(name)(method)

    return add


def name_of(method: type[Method] | Method) -> str:
    """The name under which a method is registered."""
    kind = method if isinstance(method, type) else type(method)
    return next(name for name, known in METHODS.items() if known is kind)
