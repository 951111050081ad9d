"""An encoder that is held for jobs of its method's own making: there is no step of training."""

from __future__ import annotations

from typing import ClassVar

from contrapose.data.batch import Batch
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Learner, Step


class Held(Learner):
    """Holds an encoder; it has no loss.

    Arguments:
        encoder: what is held.
    """

    contrasts: ClassVar[bool] = False

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, batch: Batch) -> Step:
        """No step.

        Errors:
            ArgumentError: always.
        """
        raise ArgumentError(
            "This method looks into an encoder and tunes it by jobs of its own, so there is no loss of a batch: begin "
            "it with contrapose repair."
        )
