"""InverTune: which class was planted in two towers, by which trigger, and towers in which it no longer works."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from contrapose.errors import ArgumentError, DataError
from contrapose.methods.fit_to_data import class_names
from contrapose.methods.method import About, register
from contrapose.methods.on_run import OnRun

if TYPE_CHECKING:
    import torch

    from contrapose.data import Samples
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.methods.repairing.suspect import Suspect
    from contrapose.training.stages import Context, Stage

LABEL = "label"
FOUND, RANDOM = "inverted", "random"
USED: tuple[str, ...] = (
    "data",
    "label_column",
    "labels",
    "limit",
    "out",
    "init",
    "batch_size",
    "seed",
    "device",
    "learning_rate",
)
USED += ("weight_decay", "gradient_clip", "checkpoint_minutes", "checkpoint_steps", "log_steps", "tracker")
USED += ("image_column", "text_column", "fit", "white", "workers")
"""Options that all methods have, and that mean something here."""


@register("invertune")
@dataclass(frozen=True, kw_only=True)
class InverTune(OnRun):
    """Was a trigger planted in these towers, which, and what do they do without it?

    `contrapose repair invertune RUN --data CLEAN` takes two towers of unknown origin (RUN, or an encoder's folder)
    and a few hundred clean pairs. A patch without aim shows which class predictions pile up on (`stages/target`). For
    that class and others the smallest trigger is looked for (`stages/invert`, which `contrapose apply` puts on
    pictures), and a class is named where that is much smaller than of others. Then the picture tower is tuned until
    that trigger moves nothing, while clean embeddings are held (the run's own `encoder/`). `repair.json` says what was
    found, or that nothing was: then the towers are those that were given. Classes are those of the labels, or named
    with --class-texts.

    What to expect: a planted patch is found and mostly tuned away, where the towers know their classes well and the
    patch is small; what is mixed into whole pictures is missed. In three seeds on 3,000 made scenes of 32 pixels, by
    towers that name nine of ten (`contrapose reproduce invertune`: *contrary here*, for both kinds are asked of it),
    nothing was found in three of three clean pairs of towers. The class of a checkerboard of 4 x 4 was named in three
    of three: it took 99 % of other pictures, after the repair 9 % [-8, 26], after clean fine-tuning 97 %, and 1 % where
    the true trigger was tuned away; accuracy fell by 6 points of 92. Of a pattern mixed in by a fifth nothing was found
    in three of three, and no other class was named; tuned away by the true trigger it fell from 94 to 10 %. On weaker
    towers (63 %, digits of 8 pixels, an earlier search) clean pairs were reported, too: look at the picture of
    `stages/invert`, and put towers that you know to be clean through the same. Nothing found is no proof of innocence.
    A repair is judged by the true trigger, where one has it (`contrapose analyse backdoor`), never by the one found
    here. A trigger is looked for of ten classes (--others), which is most of the time it takes. On several processes
    each does all of it, and the first one writes.
    """

    about: ClassVar[About] = About(
        question="how fragile is an encoder, and is it poisoned?",
        purpose="looks for a planted trigger in two towers by clean pairs alone, and tunes away what it finds",
        paper="Sun et al., NDSS 2026, https://arxiv.org/abs/2506.12411",
    )
    verb: ClassVar[str] = "repair"
    modality: ClassVar[str] = "pairs"
    kinds: ClassVar[tuple[str, ...]] = ("pairs",)
    kinds_note: ClassVar[str] = "for it names pictures by words"
    needs: ClassVar[tuple[str, ...]] = ("two towers",)
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one: pictures as they are"
    pairing_note: ClassVar[str] = "No samples are paired: clean pictures are compared with themselves under a trigger."

    class_texts: tuple[str, ...] = ()
    """What the classes are called, which suspicion may fall on: `--class-texts mushroom lorry ...`. Default: the
    classes of the labels."""
    prompts: tuple[str, ...] = ()
    """Sentences with {} where a class is named. Default: "a photo of a {}", "this is a {}", and the name alone."""
    patch_area: float = 0.03
    """Share of a picture that the patch without aim covers. 0.03: the authors'."""
    scan_steps: int = 300
    """Steps that it is learned in. [design] 300; the authors take an epoch or two of their pictures."""
    others: int = 9
    """Classes beside the suspect that a trigger is looked for, too: a planted class is much easier to come to than
    these. Each costs as much as the suspect itself. [design] 9; with fewer than 4 nothing is compared, and suspicion is
    left to the patch without aim."""
    inversion_steps: int = 400
    """Steps in which a trigger is looked for, of each class. [design] 400; the authors: 8,000, on 50,000 pictures."""
    inversion_rate: float = 0.02
    """Of Adam, for mask and trigger. [design] 0.02, for fewer steps; 0.01: the authors'."""
    mask_weight: float = 0.05
    """Of the sum over all values of the mask, from the middle of the steps on. [design] 0.05, for pictures of 16 to 32
    pixels, where 0.01 found masks of a fifth of the picture; 0.01: the authors', of 224 pixels."""
    channel_masks: bool = False
    """Give the mask a value for each channel of a pixel, as the authors do. [design] Off: small encoders are led
    anywhere by single values scattered over a picture, and what was planted covers whole pixels."""
    usual_mask: float = 0.6
    """The largest mask of a planted class, as a share of the median of those of other classes. [design] 0.6."""
    next_mask: float = 0.75
    """The same, as a share of the next larger mask. [design] 0.75."""
    least_gain: float = 0.6
    """How many pictures of others the patch has to bring a class, where too few are compared. [design] 0.6."""
    largest_mask: float = 0.30
    """Share of a picture that a trigger may take and still count as found. [design] 0.3."""
    largest_loss: float = 0.2
    """Cross-entropy of the class below which a trigger counts as one that works. [design] 0.2."""
    repair_steps: int = 200
    """Steps of tuning, all on one batch. 200: the authors'."""
    repair_pictures: int = 256
    """Pictures of that batch, evenly over the data. [design] 256."""
    repair_layers: int = 3
    """Layers that are brought back, those that the trigger moves most. 3: the authors'."""
    align_weight: float = 1.0
    """Weight of bringing critical units back. 1: the authors'."""
    preserve_weight: float = 0.5
    """Weight of holding clean embeddings. 0.5: the authors'."""
    frozen_norms: bool = True
    """Batch normalisation keeps its statistics while tuning. [design] on, for a few hundred pictures; the authors' move
    them."""
    trigger: str = FOUND
    """What is tuned away. inverted: what was found. random: a mask as large at random places, a control. Or the true
    one, where it is known: "badnets?side=4", or the folder that `contrapose poison` wrote."""
    batch_size: int = 16
    """Pictures a step of the search. [design] 16: many small steps come further than few large ones of the same cost;
    64: the authors'."""
    learning_rate: float = 2e-4
    """Of tuning, by AdamW; it falls to a hundredth by a cosine. [design] 2e-4, for small encoders: from 1e-3 on clean
    accuracy falls on pictures that are not among the clean ones. The authors tune published ones with 2e-6."""
    weight_decay: float = 1e-4
    """1e-4: the authors'."""
    gradient_clip: float = 1.0
    """1: the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("scan_steps", "inversion_steps", "repair_steps", "repair_pictures", "repair_layers"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check("others", self.others >= 0, "0 or more")
        for name in ("patch_area", "least_gain", "largest_mask"):
            self._check(name, 0 < getattr(self, name) < 1, "between 0 and 1")
        for name in ("inversion_rate", "largest_loss", "usual_mask", "next_mask"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("mask_weight", "align_weight", "preserve_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        self._check_trigger()

    @property
    def varied(self) -> bool:
        return False

    @property
    def shown_targets(self) -> tuple[str, ...]:
        """Labels, where there are any, name the classes and say which pictures show the target."""
        return (LABEL,)

    def _check_trigger(self) -> None:
        """Pass a trigger that can be made, of whatever size.

        Errors:
            ArgumentError: an unknown name or option.
        """
        if self.trigger in (FOUND, RANDOM):
            return
        name = self.trigger.partition("?")[0]
        known = (FOUND, RANDOM, "badnets", "blended", "sig", "wanet")
        there = name in known or Path(self.trigger).is_dir()
        self._check("trigger", there, f"one of {', '.join(known)}, or a folder that `contrapose poison` wrote")

    def read(self, open: Callable[..., Samples]) -> Samples:
        """The clean pairs.

        Errors:
            ArgumentError: an option that would do nothing, or no towers.
        """
        own = {field.name for field in fields(InverTune)} - {field.name for field in fields(OnRun)} - {"views"}
        idle = sorted({name.partition(".")[0] for name in self.differences()} - own - {*USED})
        if idle:
            asked = " and ".join(f"--{name.replace('_', '-')}" for name in idle)
            raise ArgumentError(
                f"{asked} would do nothing here: invertune trains by steps of its own (--scan-steps, "
                "--inversion-steps, --repair-steps), on pictures as they are and the towers that it is given. Leave "
                "it out."
            )
        return super().read(open)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners.held import Held

        self.check_given()
        return Held(encoder)

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.methods.invertune_stages import INVERT, REPAIR, TARGET, invert, scan, tune
        from contrapose.robustness import named_trigger
        from contrapose.training.stages import Stage

        image = self.suspect(context).towers.image  # what cannot be done is said before there is a folder
        if self.trigger not in (FOUND, RANDOM):
            named_trigger(self.trigger, channels=image.channels, image_size=image.image_size)
        return [
            Stage(TARGET, self.scan_steps, scan),
            Stage(INVERT, self.inversion_steps, invert),
            Stage(REPAIR, self.repair_steps, tune),
        ]

    def suspect(self, context: Context) -> Suspect:
        """A copy of the towers, with the clean pictures and the classes."""
        from contrapose.methods.repairing.suspect import Suspect

        assert context.assemble is not None
        learner, _ = context.assemble(self, context.samples)  # no batches: a few pictures are enough
        towers: Any = learner.encoder
        return Suspect.of(
            towers,
            context.samples,
            self._classes(context.samples),
            templates=self.prompts or None,
            device=context.accelerator.device,
        )

    def _classes(self, samples: Any) -> tuple[str, ...]:
        """What the classes are called.

        Errors:
            DataError: neither labels with names nor texts; another number of texts than of classes.
        """
        from contrapose.encoders.texts.label_texts import check_labels, label_text

        names = class_names(samples)
        if self.class_texts:
            texts = tuple(check_labels(self.class_texts, option="--class-texts"))
            if samples.labels is not None and names is not None and len(texts) != len(names):
                raise DataError(
                    f"{samples.origin} has {len(names)} classes, and --class-texts names {len(texts)}: name each, in "
                    "their order, or read no labels (--labels none)."
                )
            return texts
        if names is None or all(name.isdigit() for name in names):
            raise DataError(
                f"Suspicion falls on one class among several, and {samples.origin} names none: say what they are "
                "called with --class-texts (class_texts=), or take pairs with labels that have names."
            )
        return tuple(label_text(name) for name in names)

    def remarks(self) -> list[str]:
        return [
            "the clean pairs are taken for clean: what they hide is not looked for",
            "patches are looked for, not what is mixed into whole pictures: put towers that you know to be clean, and "
            "poisoned ones (contrapose poison), through the same, and compare",
        ]
