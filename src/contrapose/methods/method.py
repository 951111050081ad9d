"""What a method is: a configuration with defaults, wired into a learner, with a word on what to expect of it."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

from contrapose.errors import ArgumentError
from contrapose.methods.about import About
from contrapose.methods.on_kind import check_kind, on_kind
from contrapose.modalities import MODALITIES
from contrapose.registry import Registry
from contrapose.shell import shell_command
from contrapose.training.config import RunConfig

if TYPE_CHECKING:
    import torch

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder, ProjectionHead
    from contrapose.learners import Learner
    from contrapose.methods.extent import Extent, Fit
    from contrapose.training.stages import Context, Stage


_INITIAL = 1  # names the random stream of first weights and queues; training steps use longer names


@dataclass(frozen=True, kw_only=True)
class Method(RunConfig):
    """A published method: the run's configuration, its own options, and how they become a learner.

    What is registered is the method *on a kind of data*: a class with that kind's options besides (how data are read,
    `views`, `encoder`), on its first kind at once, on another by `on`.
    """

    about: ClassVar[About]
    bare: ClassVar[type[Method]]
    """The class as it is written, without the options of any kind of data."""
    verb: ClassVar[str] = "train"
    """What it does: a word of `methods.verbs.VERBS`, which is also the command that begins it."""
    modality: ClassVar[str] = "image"
    """The kind of data; of the bare class, the first one."""
    needs: ClassVar[tuple[str, ...]] = ()
    """Capabilities that its encoder must have besides embedding (words of `encoders.CAPABILITIES`)."""
    view_count: ClassVar[int] = 2
    """Views of each sample that it takes unless told otherwise."""
    view_note: ClassVar[str] = ""
    """Why so many, where it is another number than two: the help says it."""
    kinds: ClassVar[tuple[str, ...]] = ()
    kinds_note: ClassVar[str] = ""
    """Kinds of data that it is for, where it is not for all, and why for these, as the end of a sentence."""
    pairing_note: ClassVar[str] = ""
    """Who is paired with whom, where parts of samples are, and a table of samples would mislead: the report says it."""
    view_defaults: ClassVar[Mapping[str, Any]] = {}
    """Options of views whose defaults are not those of the kind of data."""

    @property
    def varied(self) -> bool:
        """Whether it learns from views of the samples, and not from the samples as they are."""
        return True

    @property
    def shown_targets(self) -> tuple[str, ...]:
        """Targets that its learner is shown: those that it needs, and what it was asked to learn from besides."""
        return self.about.needs_targets

    if TYPE_CHECKING:
        views: Any = None  # of the options of a kind of data

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

    def _check_views(self, least: int, most: float = math.inf, *, usual: int = 2) -> None:
        """Pass options that make so many views of each sample, small ones included; `usual` is a number that does."""
        if not least <= self.views.total() <= most:
            several = f"{least}" if most == least else f"at least {least}" if most == math.inf else f"{least} or {most}"
            raise ArgumentError(
                f"views must be {several} of each sample (--views.count {usual}), got {self.views.total()}."
            )

    @classmethod
    def on(cls, modality: str) -> type[Method]:
        """The same method with the options of another kind of data.

        Errors:
            ArgumentError: an unknown kind (the nearest is named), or one that the method is not for.
        """
        whole = [name for name, method in METHODS.items() if modality in method.kinds and method.verb == cls.verb]
        check_kind(name_of(cls), modality, cls.bare.kinds, note=cls.kinds_note, others=whole)
        return on_kind(cls.bare, modality)

    @classmethod
    def takes(cls, modality: str) -> bool:
        """Whether it is for a kind of data: for those it names, or for all that are no pairs of sides."""
        own = cls.bare.kinds
        return modality in own if own else not MODALITIES[modality].sides

    @classmethod
    def own_options(cls) -> set[str]:
        """Names of the options that are the method's own, and not those of every run or of its kind of data."""
        return {option.name for option in fields(cls.bare)} - {option.name for option in fields(RunConfig)}

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        """Arguments of a new encoder that differ from its own defaults."""
        return {}

    @abstractmethod
    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        """The learner that trains `encoder` by this method; `generator` draws what its memory starts from."""

    def read(self, open: Callable[..., Samples]) -> Samples:
        """The run's data.

        Arguments:
            open: opens them as the configuration says; options given to it stand in the place of that.
        """
        return open()

    def remarks(self) -> list[str]:
        """What the header of a run says besides, a line each."""
        return []

    def other_data(self) -> dict[str, str]:
        """What the method learns from beside `data`, by name: each is given as `--data` is, and of the same kind."""
        return {}

    def stages(self, context: Context) -> Sequence[Stage]:
        """The jobs of a run, one after another; by default there is one, which trains the learner on the data."""
        from contrapose.training.stages import Stage

        learner, source = context.parts()
        return [Stage("train", self.epochs * source.steps_per_epoch, lambda context: context.trainer(learner, source))]

    def views_seen(self) -> int:
        """How many views of a sample the learner is given, others that the method draws besides among them."""
        return self.views.total()

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What makes the views of these samples, all that there are: by default `views`, that of their kind."""
        return views

    def check_own_views(self, views: MakeViews) -> MakeViews:
        """Pass the user's own maker of views, as this method takes it.

        Errors:
            ArgumentError: it can do nothing with such views.
        """
        return views

    def vocabulary_beside(self, samples: Samples) -> list[str]:
        """Texts whose words a new vocabulary must have, beside those of the data: none by default."""
        return []

    def fit_to_classes(self, names: Sequence[str], given: Container[str]) -> Self:
        """This configuration for labels that name these classes, in the order of their numbers.

        Arguments:
            given: names of options that were set, and stay.

        Errors:
            ArgumentError: classes that the method can make nothing of.
        """
        return self

    def fits(self, extent: Extent) -> list[Fit]:
        """Options of its own that do not fit a run of this length, and what does.

        Errors:
            ArgumentError: options that together leave a part of the method unused.
        """
        return []

    def new_learner(self, encoder: Encoder, **inputs: Any) -> Learner:
        """`learner(...)` with first weights and memory from the seed; the user's random stream is left alone.

        Arguments:
            inputs: what else its `learner` takes: `base`, of a method with a frozen encoder.
        """
        import torch

        from contrapose.data import derived_generator
        from contrapose.encoders import check_capable

        for capability in self.needs:
            check_capable(encoder, capability, asker=name_of(self))
        generator = derived_generator(self.seed, _INITIAL)
        with torch.random.fork_rng(devices=[]):  # heads draw their weights from the global stream
            torch.default_generator.manual_seed(generator.initial_seed())
            return self.learner(encoder, generator=generator, **inputs)

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


def one_job(method: type[Method]) -> bool:
    """Whether its run is the training of its learner, and nothing before, after or beside it."""
    return method.stages is Method.stages


def check_one_job(method: Method) -> Method:
    """Pass a method of which `one_job` is true.

    Errors:
        ArgumentError: its jobs are of its own making.
    """
    if not one_job(type(method)):
        raise ArgumentError(
            f"{name_of(method)} makes a run of jobs of its own, and this needs a method that trains one learner on one "
            f"data set. Train it with {shell_command('train', name_of(method))}, and use the encoder."
        )
    return method


METHODS: Registry[type[Method]] = Registry("method")


def register(name: str) -> Callable[[type[Method]], type[Method]]:
    """Class decorator: make a method known to the command line and to the common checks."""

    def add(method: type[Method]) -> type[Method]:
        if not getattr(method, "about", None):
            raise ArgumentError(f"Method {name!r} needs a class variable `about`.")
        return METHODS.register(name)(on_kind(method, method.modality))

    return add


def name_of(method: type[Method] | Method) -> str:
    """The name under which a method is registered."""
    return next(name for name, known in METHODS.items() if known.bare is method.bare)
