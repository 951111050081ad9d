"""After pretraining: heads on a trained encoder, and a classifier that can be handed on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.errors import ArgumentError
from contrapose.methods.extent import Extent, Fit
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch

    from contrapose.data import PlainSource, Samples
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.learners.class_heads import ClassHeads
    from contrapose.training.heads import Calibration
    from contrapose.training.stages import Context, Stage

LEAST_STEPS = 400
"""Steps of a run on few samples. [design] Heads begin at zero: forty steps, which is what thirty samples make of twenty
epochs, leave them near it."""
MEASURED = 2000
"""Samples whose embeddings say what heads are standardised by, where the encoder is trained too."""


@register("classifier")
@dataclass(frozen=True, kw_only=True)
class EncoderClassifier(Method):
    """A classifier on a trained encoder (--base), frozen unless --fine-tune; the projection options have no part in it.

    It writes `classifier/` beside `encoder/`: `contrapose apply RUN DATA --out FILE` names the classes of new data, and
    `contrapose evaluate RUN --test-data LABELLED` measures it. Without --base the encoder begins anew and is trained.
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="after pretraining: a head on a trained encoder (--base) that names classes, from few labels or many",
        paper="Alain and Bengio, 2016, https://arxiv.org/abs/1610.01644; calibration: Guo et al., ICML 2017",
        needs_targets=("label",),
    )
    start_option: ClassVar[str] = "--base"
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "samples are learned from as they are, unless --augment"

    base: str | None = None
    """The trained encoder: a run, an encoder's folder, hf:NAME or timm:NAME. Default: new weights, trained from these
    labels alone."""
    fine_tune: bool = False
    """Train the encoder of --base too. Off: it stays as it is, and embeds every sample once."""
    encoder_rate: float = 0.1
    """The encoder's learning rate when it is fine-tuned, as a share of that of the heads. [design] a tenth."""
    label_columns: tuple[str, ...] = ()
    """Several columns of classes, each a question with a head of its own; a sample without a class of one of them has
    no part in its loss."""
    labels_per_class: int | None = None
    """Learn from so many labels of each class, drawn by the seed. Default: from all."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: all classes count alike, however many samples they have."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes. 0: none."""
    augment: bool = False
    """Learn from varied views of the samples (--views.*) in place of the samples as they are."""
    calibrate: bool = False
    """Hold out a fifth of the labels, and choose on it the temperature at which probabilities are right."""
    threshold: Literal["none", "f1", "balanced", "false-positives"] = "none"
    """Of two classes: choose the probability from which on the answer is --positive, on the same held-out fifth. f1:
    largest F1; balanced: largest balanced accuracy; false-positives: most found at --false-positive-rate."""
    false_positive_rate: float = 0.05
    """The largest share of the other class that may be taken for --positive, with --threshold false-positives."""
    positive: str | None = None
    """The class that the threshold is for. Default: the second of the two."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("encoder_rate", self.encoder_rate > 0, "above 0")
        self._check("labels_per_class", self.labels_per_class is None or self.labels_per_class > 0, "above 0")
        self._check_choice("class_weights", ("none", "balanced"))
        self._check("label_smoothing", 0.0 <= self.label_smoothing < 1.0, "in [0, 1)")
        self._check_choice("threshold", ("none", "f1", "balanced", "false-positives"))
        self._check("false_positive_rate", 0.0 <= self.false_positive_rate < 1.0, "in [0, 1)")
        if len(set(self.label_columns)) < len(self.label_columns):
            raise ArgumentError(f"label_columns names a column twice: {', '.join(self.label_columns)}.")
        if self.label_columns and self.label_column not in (None, self.label_columns[0]):
            raise ArgumentError("label_column and label_columns name two things: name all columns in label_columns.")
        if self.base is not None and self.init not in (None, self.base):
            raise ArgumentError("base and init both name weights to begin with: leave init out.")
        # What trained weights bring along (their form of the data, a copy in the run) is the same for both.
        start = self.init if self.base is None else self.base
        for name, value in (("base", start), ("init", start)):
            object.__setattr__(self, name, value)
        if self.label_columns:
            object.__setattr__(self, "label_column", self.label_columns[0])

    @property
    def varied(self) -> bool:
        return self.augment

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as it is."""
        return self.base is not None and not self.fine_tune

    @property
    def questions(self) -> tuple[str, ...]:
        """What is asked of a sample, by name."""
        return self.label_columns or (self.label_column or "label",)

    def read(self, open: Callable[..., Samples]) -> Samples:
        from contrapose.methods.class_data import classes_opened

        def opened(**options: Any) -> Samples:
            if hasattr(self, "ignore_columns"):  # of rows: no answer of one question is part of another
                options["ignore_columns"] = (*self.ignore_columns, *self.label_columns[1:])
            return open(**options)

        columns = () if self.label_column is None else self.questions
        balanced = self.class_weights == "balanced"
        return classes_opened(opened, columns, per_class=self.labels_per_class, seed=self.seed, balanced=balanced)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners.class_heads import ClassHeads

        return ClassHeads(
            encoder,
            dimension=encoder.dimension,
            questions=self.questions,
            frozen=self.frozen,
            balanced=self.class_weights == "balanced",
            encoder_rate=1.0 if self.base is None else self.encoder_rate,
            label_smoothing=self.label_smoothing,
        )

    def fits(self, extent: Extent) -> list[Fit]:
        a_round = extent.steps // self.epochs
        if a_round == 0 or extent.steps >= LEAST_STEPS:
            return []
        why = f"an epoch of {extent.samples:,} samples is {a_round} steps, and heads take {LEAST_STEPS} or more"
        return [Fit("epochs", math.ceil(LEAST_STEPS / a_round), why)]

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.training.heads import HeadTrainer, questions_of
        from contrapose.training.stages import Stage

        learned, calibration = self.parts(context.samples)
        questions = questions_of(learned, self.questions)
        if calibration is not None:
            calibration.check(questions)
        learner, source = self._learned_from(learned, context)
        steps = self.epochs * source.steps_per_epoch

        def job(context: Context) -> HeadTrainer:
            return HeadTrainer(
                learner,
                source,
                self,
                context.accelerator,
                describe=dict(context.describe),
                monitor=context.monitor,
                questions=questions,
                calibration=calibration,
            )

        return [Stage("train", steps, job)]

    def remarks(self) -> list[str]:
        unused = [name for name in self.differences() if name.startswith("views.")]
        return [
            "frozen: the encoder stays as it is and embeds every sample once; --fine-tune trains it too"
            if self.frozen and not self.augment
            else "frozen: the encoder stays as it is; --fine-tune trains it too"
            if self.frozen
            else f"fine-tuned: the encoder is trained at {self.encoder_rate:g} times the learning rate of the heads"
            if self.base is not None
            else "no --base: the encoder begins anew, and is trained from these labels alone",
            *([f"{', '.join(unused)} play no part without --augment"] if unused and not self.augment else []),
        ]

    def parts(self, samples: Samples) -> tuple[Samples, Calibration | None]:
        """What is learned from, and what temperature and threshold are chosen by."""
        from contrapose.methods.class_data import in_two
        from contrapose.training.heads import Calibration, questions_of

        two = [question for question in questions_of(samples, self.questions) if len(question.classes) == 2]
        if self.threshold != "none" and not two:
            raise ArgumentError(f"A threshold is for two classes, and {', '.join(self.questions)} has more.")
        strange = [one.name for one in two if self.positive not in (None, *one.classes)]
        if self.threshold != "none" and strange:
            known = ", ".join(two[0].classes)
            raise ArgumentError(f"positive is {self.positive!r}, which is no class of {strange[0]}: {known}.")
        if not self.calibrate and self.threshold == "none":
            return samples, None
        learned, held = in_two(samples, seed=self.seed)
        aim = None if self.threshold == "none" else self.threshold
        return learned, Calibration(held, aim, self.false_positive_rate, self.positive)

    def _learned_from(self, samples: Samples, context: Context) -> tuple[ClassHeads, PlainSource]:
        """The learner, its heads standardised, and its batches: embeddings where these do not change any more."""
        from contrapose.data.embedded_samples import EmbeddedSamples, as_they_are
        from contrapose.data.samples import evenly_spaced
        from contrapose.encoders import Encoder
        from contrapose.learners.class_heads import ClassHeads
        from contrapose.training.embedding import embeddings_of
        from contrapose.views.prepared import PreparedViews

        assert context.assemble is not None
        learner, views = context.assemble(self, samples)
        varied = self.augment or context.own_views
        encoder, device = learner.encoder, context.accelerator.device
        assert isinstance(learner, ClassHeads)
        assert isinstance(encoder, Encoder)
        size = {"batch_size": max(1, min(self.batch_size, len(samples) // context.accelerator.num_processes))}
        if self.frozen and not varied:
            z = embeddings_of(encoder, samples, device)  # (N, D)
            learner.heads.standardise(z.cpu())
            learner.embedded = True
            return learner, context.source(as_they_are, samples=EmbeddedSamples(samples, z), **size)
        some = samples.subset(evenly_spaced(len(samples), MEASURED))
        learner.heads.standardise(embeddings_of(encoder, some, device).cpu())
        made = views if varied else PreparedViews(as_they_are, encoder.prepare)
        return learner, context.source(made, samples=samples, **size)


def as_classifier(config: Method | None) -> EncoderClassifier | None:
    """A configuration that is one of a classifier, on whatever kind of data; else None."""
    same = config is not None and type(config).bare is EncoderClassifier.bare
    return cast("EncoderClassifier", config) if same else None
