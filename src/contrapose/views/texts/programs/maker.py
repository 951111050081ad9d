"""`MutatedPrograms`: a batch of programs into two views, as they are and mutated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from contrapose.padded import Padded
from contrapose.views.texts.programs.operators import (
    COMMENT_OPERATORS,
    PROGRAM_OPERATORS,
    mutate_comment,
    mutate_program,
)
from contrapose.views.texts.programs.parts import Parts, parts_of, together
from contrapose.views.texts.programs.python_names import local_names

REMEMBERED = 2**16
"""Programs whose parts are remembered; beyond that all are forgotten and it starts anew."""
POOL = 2_000
"""Programs out of which names are borrowed, the first ones."""


class MutatedPrograms:
    """Views of programs with their comments: the pair (W, C), and (W', C') by one operator each, drawn anew.

        text -> (W, C)                                   `parts_of`
        C' = an operator of programs, W' = one of comments, each drawn uniformly; W is seen with chance `comments`

    Shapes:
        raw: B texts; returns two `Padded` of B, and a tensor `(B, 2)`: 1 where the program, and where the comment was
            changed.

    Arguments:
        make: texts to their views, of which the first is taken.
        texts: the training texts, whose variables' names are borrowed for renamed ones.
        programs, comments: operators to draw from; none: that side stays as it is.
        keep: chance of a comment to be seen with its program, by both views or by neither. A program without a comment
            is seen alone, and a comment without a program too.
    """

    def __init__(
        self,
        make: Callable[..., tuple[Padded, ...]],
        texts: Sequence[str],
        *,
        programs: Sequence[str] = PROGRAM_OPERATORS,
        comments: Sequence[str] = COMMENT_OPERATORS,
        keep: float = 0.5,
    ) -> None:
        self.make, self.programs, self.comments, self.keep = make, tuple(programs), tuple(comments), keep
        renames = any(one.startswith("rename") for one in self.programs)
        named = (name for text in texts[:POOL] for name in local_names(text)) if renames else ()
        self.pool = [*dict.fromkeys(named)]
        self._parts: dict[str, Parts] = {}

    @torch.no_grad()
    def __call__(
        self, raw: Sequence[str], *, generator: torch.Generator | None = None
    ) -> tuple[Padded, Padded, Tensor]:
        """Views of the texts; the same state of `generator` (torch's global one if `None`) gives the same views."""
        random = np.random.default_rng(int(torch.randint(2**62, (), generator=generator)))
        before, after, done = [], [], []
        for text in raw:
            parts = self.parts(text)
            seen = parts.comment if not parts.program or random.random() < self.keep else ""
            changed, program = self._program(parts, random)
            said, comment = self._comment(seen, random)
            before.append(together(seen, parts.program))
            after.append(together(comment, program))
            done.append((changed, said))
        views = [self.make(side, generator=generator)[0] for side in (before, after)]
        return views[0], views[1], torch.tensor(done, dtype=torch.float32)  # (B, 2)

    def parts(self, text: str) -> Parts:
        """Comment and program of a text, found once."""
        if text not in self._parts:
            if len(self._parts) >= REMEMBERED:
                self._parts = {}
            self._parts[text] = parts_of(text)
        return self._parts[text]

    def _program(self, parts: Parts, random: np.random.Generator) -> tuple[bool, str]:
        if not self.programs or not parts.program:
            return False, parts.program
        operator = self.programs[int(random.integers(len(self.programs)))]
        found = mutate_program(parts.program, operator, random, pool=self.pool, python=parts.python)
        return found.applied, found.text

    def _comment(self, comment: str, random: np.random.Generator) -> tuple[bool, str]:
        if not self.comments or not comment:
            return False, comment
        found = mutate_comment(comment, self.comments[int(random.integers(len(self.comments)))], random)
        return found.applied, found.text

    def __repr__(self) -> str:
        return f"MutatedPrograms({self.make!r}, {', '.join((*self.programs, *self.comments)) or 'no operator'})"
