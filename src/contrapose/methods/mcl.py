"""MCL: encoders in stages, each of which learns what the ones before it have left unlearned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.errors import ArgumentError, OptionError
from contrapose.methods.method import About, register
from contrapose.methods.simclr import SimCLR
from contrapose.methods.widths import NARROW

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing
    from contrapose.training.job import Job
    from contrapose.training.stages import Context, Stage

KINDS = ("image", "text", "rows", "frames", "items", "graph")
"""Kinds of data whose encoders can be put side by side in one artifact."""


@register("mcl")
@dataclass(frozen=True, kw_only=True)
class MCL(SimCLR.bare):  # type: ignore[misc, valid-type]  # of no kind of data yet
    """Train an encoder, cluster what it tells apart, train another one in which these clusters no longer help: all
    negatives of a sample share every cluster with it, so only what has not been learned yet can tell them apart.

    Stages: train-1, cluster-1, train-2, ..., train-T, concatenate. Every encoder lies in `stages/train-N/encoder` and
    can be used by itself; the run's own is all of them side by side (`encoder/`), T times as wide: compare it with
    encoders as wide, not with one stage (`--clusters 1` trains independent encoders, `--assign shuffled` groups at
    random). Batches hold one group each, and groups smaller than a batch are merged into their nearest. What it learned
    of each factor of pictures with several labels, `contrapose analyse suppression RUN` says.

    Clusters are of one side here, the encoder's own. Where there are two towers, those of the other one may be further
    columns of the tuple (`data.groups.tuple_codes`): the sampler and the losses need nothing else for it.

    What to expect: on 2,000 pictures of `made:trifeature`, `micro_conv`, batch 100, 15 epochs a stage and five seeds
    (`contrapose reproduce mcl`: *not resolved here*, for it was asked to clear 5 points), a linear probe of texture,
    which is suppressed, has 34 % after one stage, 62 % after two and 75 % after three; two independent encoders of the
    same width 49 % (+13.5 [+1.8, +25.1] for two stages), three 56 % (+19.0 [+7.7, +30.4] for three), two stages in
    random groups 48 %; untrained 28 %, raw pixels 26 %. Colour and shape lose nothing. Where an encoder leaves nothing
    unlearned (`tiny_conv` on the same pictures: texture 94 % after one stage) there is nothing to gain.
    """

    about: ClassVar[About] = About(
        question="what if the data are unbalanced or biased?",
        purpose="one easy cue (colour, background, scanner) hides the rest: stages that learn what is not learned yet",
        paper="Zhang et al., ECCV 2024, https://arxiv.org/abs/2402.11816",
    )

    stage_count: int = 3
    """T, encoders that are trained one after another; 1 is plain training. [design] 3; the paper's have 3 and 4."""
    clusters: int = 10
    """K of every clustering. 10: the authors'. 1: no groups, so independent encoders, the control for the width."""
    stage_dimension: int | None = None
    """Length of each stage's embedding, of small_conv, tiny_conv and micro_conv; the run's is T times as long.
    Default: the encoder's own."""
    loss: Literal["nt_xent", "dcl", "hard_contrastive"] = "nt_xent"
    """What every stage is trained by. nt_xent: SimCLR's; dcl not with mixed batches, where a sample may be alone."""
    batches: Literal["groups", "mixed"] = "groups"
    """groups: each batch is of one group, as the authors have it; mixed: of all samples, and samples of other groups
    are no negatives (ours): no sample is left out, and there are fewer negatives."""
    min_group: int | None = None
    """Groups of fewer samples are merged into their nearest (ours). Default: a batch of all processes. 0: none are, and
    samples of groups that fill no batch are never seen, as with the authors."""
    conditioning: Literal["all", "last"] = "all"
    """Clusters that negatives have to share. all: those of every earlier stage, as the paper says; last: of the last
    one alone, as the authors' code does."""
    assign: Literal["features", "shuffled"] = "features"
    """features: clusters are the encoder's; shuffled: as large, filled at random, the control for batches in groups."""
    starts: int = 5
    """Starts of k-means, of which the tightest counts. [design] 5; each is a step that a resumed run need not redo."""
    combine: Literal["normalized", "raw"] = "normalized"
    """normalized: each stage's embedding at length 1, so that all count alike; raw: as they are, as in the authors'
    notebook."""
    recalibrate: bool = True
    """Take the running statistics of batch normalisation anew over mixed batches where a stage was trained on groups
    (ours): a batch of one group has other statistics than the data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("stage_count", "clusters", "starts"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        self._check("min_group", self.min_group is None or self.min_group >= 0, "0 or more")
        for name, known in (
            ("loss", ("nt_xent", "dcl", "hard_contrastive")),
            ("batches", ("groups", "mixed")),
            ("conditioning", ("all", "last")),
            ("assign", ("features", "shuffled")),
            ("combine", ("normalized", "raw")),
        ):
            self._check_choice(name, known)
        lonely = self.loss == "dcl" and self.batches == "mixed"
        self._check("loss", not lonely, "nt_xent or hard_contrastive with mixed batches: dcl needs a negative for each")
        self._check("stage_dimension", self.stage_dimension is None or self.stage_dimension > 0, "above 0")
        if self.stage_dimension is not None and self.encoder not in NARROW:
            raise OptionError(
                f"stage_dimension is an option of {', '.join(NARROW)}, and encoder is {self.encoder}: leave it out, or "
                "take one of them.",
                "stage_dimension",
                "encoder",
            )
        self._check_views(2)

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        return {} if self.stage_dimension is None else {"embedding": self.stage_dimension}

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners.within_groups import WithinGroupSiamese
        from contrapose.objectives import OBJECTIVES

        entry = OBJECTIVES[self.loss]

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return entry.function(z, pairing, temperature=self.temperature, rows=rows)

        return WithinGroupSiamese(encoder, self.head(encoder.dimension), objective, chance=entry.chance)

    def stages(self, context: Context) -> Sequence[Stage]:
        from contrapose.training.stages import Stage

        if self.stage_count == 1:
            return super().stages(context)
        if self.modality not in KINDS:
            raise ArgumentError(
                f"The encoders of {self.stage_count} stages become one artifact, which those of {self.modality} data "
                "cannot. Take --stage-count 1, or pictures, texts, rows, items or graphs."
            )
        if self.clusters > len(context.samples):
            raise ArgumentError(
                f"{self.clusters} clusters of {len(context.samples)} samples cannot be found; take fewer (--clusters)."
            )
        steps, found = context.steps(), []
        for number in range(1, self.stage_count + 1):
            found.append(Stage(f"train-{number}", steps, partial(_train, number=number)))
            if number < self.stage_count:
                found.append(Stage(f"cluster-{number}", self.starts, partial(_cluster, number=number)))
        return [*found, Stage("concatenate", 1, _concatenate)]


def _train(context: Context, *, number: int) -> Job:
    """The training of a stage: of the first on all samples alike, of others within the groups found so far."""
    from contrapose.training.multistage.grouped import grouped_trainer

    config: MCL = context.config
    learner, plain = context.parts()
    if number == 1:
        return context.trainer(learner, plain)
    earlier = [_folder(context, "cluster", before) for before in range(1, number)]
    block = config.batch_size * context.accelerator.num_processes
    return grouped_trainer(
        context,
        learner,
        plain,
        earlier if config.conditioning == "all" else earlier[-1:],
        least=block if config.min_group is None else config.min_group,
        mixed=config.batches == "mixed",
        recalibrate=config.recalibrate,
    )


def _cluster(context: Context, *, number: int) -> Job:
    """k-means on what the encoder of a stage makes of all samples, as they are and without its projection head."""
    from contrapose.encoders import load_encoder
    from contrapose.training.multistage.clusters import ClusterJob

    config: MCL = context.config
    encoder = load_encoder(_folder(context, "train", number) / "encoder")
    return ClusterJob(
        context.embeddings(encoder).cpu(),  # (N, D)
        context.samples,
        count=config.clusters,
        starts=config.starts,
        seed=config.seed,
        assign=config.assign,
    )


def _concatenate(context: Context) -> Job:
    from contrapose.training.multistage.side_by_side import ConcatenateJob

    config: MCL = context.config
    folders = [_folder(context, "train", number) / "encoder" for number in range(1, config.stage_count + 1)]
    return ConcatenateJob(folders, normalize=config.combine == "normalized", describe=context.describe)


def _folder(context: Any, what: str, number: int) -> Path:
    found: Path = context.artifacts[f"{what}-{number}"]
    return found
