"""What learners share whose objective draws at random: one stream a step, alike on all processes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.data.randomness import derived_generator
from contrapose.distributed import rank, world_size
from contrapose.learners.learner import Learner
from contrapose.padded import Padded


class Drawing(Learner):
    """A learner that draws anew in each step, and in each batch that a step accumulates.

        stream = derived_generator(number in the memory, steps taken, the batch within the step)

    All of it is in the checkpoint, so a resumed run draws as an undisturbed one does; and as it is the same on all
    processes, they draw alike. A subclass counts `steps`, and calls `name_draws` when it is made.
    """

    seed: Tensor
    steps: Tensor

    def name_draws(self, generator: torch.Generator | None) -> None:
        """Draw the number that names the stream; None: from torch's global one."""
        self.register_buffer("seed", torch.randint(2**62, (), generator=generator))

    def draws(self, part: int = 0) -> torch.Generator:
        """What the batch of that number draws from, in this step."""
        return derived_generator(int(self.seed), int(self.steps), part)


def uniform_tokens(
    view: Padded, count: int, *, generator: torch.Generator | None, longest: int | None = None
) -> Float[Tensor, "C B T"]:
    """Numbers in [0, 1), so many for each token of a view, drawn where the generator is.

    Processes that hand over the same generator each have of their samples what one process would have drawn, where
    `longest` is given: numbers are drawn for all of them.

    Arguments:
        longest: the most tokens that a view of this run may have; None: T.
    """
    size, steps = view.shape[0], view.shape[1]
    drawn = torch.rand(count, world_size() * size, max(longest or 0, steps), generator=generator)  # (C, W·B, longest)
    return drawn[:, rank() * size : (rank() + 1) * size, :steps].to(view.device)  # (C, B, T)
