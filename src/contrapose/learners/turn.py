"""A turn: one optimiser's move within a step, for learners in which several networks learn by turns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import nn

from contrapose.data.batch import ALL
from contrapose.errors import ArgumentError


@dataclass(frozen=True, eq=False)
class Turn:
    """What one optimiser does within a step: a forward pass of the learner, a gradient, a move of its parameters.

    A critic that moves five times, each on a batch of its own, before the encoder moves on the last of them:

    >>> critic = Turn("critic", self.critic.parameters(), learning_rate_factor=4, fresh_batch=True)  # doctest: +SKIP
    >>> return 5 * [critic] + [Turn("encoder", self.encoder.parameters())]                           # doctest: +SKIP

    Arguments:
        name: what `batch.turn` says in the learner's forward pass, and `loss_NAME` in the metrics. A name may stand in
            a step several times.
        parameters: all that moves. A gradient passes through other networks and is not computed for their weights.
        learning_rate_factor: times the learning rate of the run's schedule.
        fresh_batch: take the next batch of the epoch, where a turn otherwise takes that of the turn before it.
        optimizer: the name under which optimisers are kept, momentum and all; turns of one share it. Default: `name`.

    Errors:
        ArgumentError: no name, no parameters, or a factor that is not above 0.
    """

    name: str
    parameters: Iterable[nn.Parameter]
    learning_rate_factor: float = 1.0
    fresh_batch: bool = False
    optimizer: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        object.__setattr__(self, "optimizer", self.optimizer or self.name)
        if not self.name:
            raise ArgumentError("A turn needs a name: Turn('critic', self.critic.parameters()).")
        if not self.parameters:
            raise ArgumentError(f"The turn {self.name!r} has no parameters to move: give those of a network.")
        if not 0 < self.learning_rate_factor < math.inf:
            raise ArgumentError(
                f"learning_rate_factor of the turn {self.name!r} must be above 0, got {self.learning_rate_factor}."
            )


def check_turns(turns: Sequence[Turn], learner: nn.Module) -> None:
    """Pass turns that a step can be made of.

    Errors:
        ArgumentError: none; parameters that are not the learner's, so that no checkpoint would hold them; two turns
            that share an optimiser and differ in what it moves, or how fast.
    """
    if not turns:
        raise ArgumentError(f"{type(learner).__name__}.turns() gave none; a step needs one at least.")
    known = {id(parameter) for parameter in learner.parameters()}
    first: dict[str, Turn] = {}
    for turn in turns:
        if any(id(parameter) not in known for parameter in turn.parameters):
            raise ArgumentError(
                f"The turn {turn.name!r} moves parameters that are not the learner's own: set their network as an "
                f"attribute of {type(learner).__name__}, so that checkpoints hold it."
            )
        other = first.setdefault(turn.optimizer, turn)
        same = set(map(id, turn.parameters)) == set(map(id, other.parameters))
        if not same or turn.learning_rate_factor != other.learning_rate_factor:
            raise ArgumentError(
                f"The turns {other.name!r} and {turn.name!r} share the optimiser {turn.optimizer!r} and must agree on "
                "parameters and learning_rate_factor. Give one of them another optimizer=."
            )


def batches_of(turns: Sequence[Turn]) -> int:
    """Batches that a step takes; the first turn's is fresh in any case."""
    return 1 + sum(turn.fresh_batch for turn in turns[1:])


def one_turn(learner: nn.Module) -> list[Turn]:
    """The step of a learner that moves as a whole."""
    return [Turn(ALL, learner.parameters())]
