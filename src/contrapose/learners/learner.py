"""What every learner promises: a batch in, a `Step` out, hooks around the optimiser's moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.errors import ArgumentError
from contrapose.learners.turn import Turn, one_turn
from contrapose.pairing import Pairing

# (embeddings, pairing, rows this process answers for) -> loss. Methods hand one to their learner.
Objective = Callable[[Tensor, Pairing, Tensor | None], Tensor]
# What the loss is worth when nothing has been learned; the health line prints it beside the loss.
Chance = Callable[[Pairing], float]


@dataclass(frozen=True)
class Step:
    """What one forward pass of a learner gives to the training loop.

    Shapes:
        loss: scalar, the mean over this process's own rows.
        embeddings: `(N, D)` detached outputs of the projection head, for the health line.
        prototype_scores: `(N, P)` detached logits of the rows against prototypes, for a verdict on them; None without.
        memory: detached rows that the learner remembers after the step (keys for a queue); None without.

    Arguments:
        finding: the learner's own judgement of its health, as a verdict has it (None: all is well), in the place of
            what embeddings tell; asked for only where it is said.
    """

    loss: Tensor
    embeddings: Tensor
    pairing: Pairing
    log: dict[str, Tensor | float] = field(default_factory=dict)
    prototype_scores: Tensor | None = None
    memory: Tensor | None = None
    finding: Callable[[], str | None] | None = None


class Learner(nn.Module):
    """One training step of a family of methods: which encoder sees which view, and what is remembered between steps.

    A subclass declares its memory (queues, EMA copies, prototypes) as buffers or sub-modules in `__init__`, so that
    checkpoints hold it, and implements `forward(batch) -> Step`, which reads memory and leaves it as it is.
    `encoder` is the part that is exported.

    Arguments:
        chance: pairing -> the objective's value for embeddings that tell nothing; None when it has no such value.
    """

    encoder: nn.Module
    contrasts: ClassVar[bool] = True
    """Whether samples are told apart from one another. Where not (a classifier), no negatives are spoken of, and
    embeddings of few dimensions are what is wanted."""
    remedy: ClassVar[str] = ""
    """What to try where its loss is not finite, as the end of a sentence; empty: what is usual."""
    whole_batch: ClassVar[str] = ""
    """Why a batch cannot go through its encoders in parts (`--micro-batch`): what its loss is besides a function of
    embeddings, as the end of a sentence; empty: it is nothing besides."""

    def __init__(self, *, chance: Chance | None = None) -> None:
        super().__init__()
        self.chance = chance

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        """Called once before the first step with all targets of the training data, `(N,)` each, by name: the place to
        find a scale, which belongs into a buffer."""

    def see_classes(self, names: Sequence[str]) -> None:
        """Called once before that, where the training data have classes, with what these are called, in the order of
        their numbers (a number as text where nothing else is known)."""

    def check_views(self, count: int) -> None:
        """Pass a number of views of each sample that `forward` can do with; asked before a run begins, and by it.

        Errors:
            ArgumentError: too few, or too many.
        """

    def check_micro_batch(self, rows: int | None) -> None:
        """Pass a number of rows that go through an encoder at a time; asked before a run begins, and by it.

        Errors:
            ArgumentError: the loss needs more than embeddings.
        """
        if rows is not None and self.whole_batch:
            raise ArgumentError(
                f"--micro-batch (micro_batch=) is for losses that are a function of embeddings, and here "
                f"{self.whole_batch}. Leave it out; a smaller --batch-size saves memory, too."
            )

    def see_views(self, views: Any) -> None:
        """Called once before the first step with the maker of its views, where that is the method's own: the place to
        tell it what is learned, if it draws by that."""

    def see_steps(self, total: int) -> None:
        """Called once before the first step, and when a run goes on, with the steps that the whole run has: for
        schedules of its own."""

    def turns(self) -> Sequence[Turn]:
        """Who moves in a step, in order; the same at every step. By default everything moves at once.

        Where there are several, `forward` finds in `batch.turn` whose turn it is, and the last one's `Step` is that of
        the whole: its loss, embeddings and memory are what is told and kept. Who only looks at a learner (a report, an
        analysis) gives a batch of the turn "all", which wants the same loss as the last.
        """
        return one_turn(self)

    def before_step(self) -> None:
        """Called once before the forward passes of a step."""

    def after_backward(self) -> None:
        """Called when a gradient is complete, before it is clipped or used: the place to drop some of it."""

    def after_turn(self, turn: Turn) -> None:
        """Called when the optimiser of a turn has moved: the place to clip or clamp what it moved."""

    def after_step(self, steps: Sequence[Step]) -> None:
        """Called once after the last turn: the place to write into memory (queues, supports).

        Arguments:
            steps: what the last forward passes gave, one of each batch that the turn accumulated. A step that computes
                its gradient twice (`training.sharpness_aware`) has forward passes before them, which do not count.
        """

    def forward(self, batch: Batch) -> Step:
        raise NotImplementedError(f"{type(self).__name__} must implement forward(batch) -> Step.")

    def companions(self) -> dict[str, nn.Module]:
        """Encoders trained beside `encoder`, by name (a teacher, a reference); a folder of that name holds each."""
        return {}

    def tables(self) -> dict[str, dict[str, Tensor]]:
        """What was learned beside encoders and is read later, by name; the run's NAME.safetensors holds each."""
        return {}

    def pictures(self, samples: Any) -> Sequence[tuple[Tensor, str, str]]:
        """What a person should see of it besides, for the report: rows of pictures `(R, K, C, H, W)` uint8, a title, a
        caption. Asked whenever encoders are written, of the main process alone, and never of sharded encoders; it
        leaves the learner as it was.

        Arguments:
            samples: what it is trained on.
        """
        return ()

    def clip_groups(self) -> list[list[nn.Parameter]]:
        """Parameters whose gradients are clipped together, by one norm; several lists where losses share no weights."""
        return [list(self.parameters())]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Trainable parameters in two groups: matrices and filters with weight decay, vectors (biases, norms) without.

        Leaving biases and normalisation out of the decay (and of LARS's adaptation) is SimCLR's practice
        (arXiv 2002.05709, appendix B.1). A group may name a "learning_rate_factor" for the schedule.
        """
        trainable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [
            {"params": [p for p in trainable if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
        ]
