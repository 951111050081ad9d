"""`Mutation`: what an operator made of a text, and whether it did anything."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Mutation(NamedTuple):
    """A mutated text.

    Attributes:
        text: what came out; the text as it was where nothing was done.
        applied: whether anything was done.
        number: how much, in units of the operator: variables, functions, statements, words.
    """

    text: str
    applied: bool
    number: int


Mutate = Callable[[str, np.random.Generator], Mutation]
"""An operator: a text and what draws at random, to its mutation."""


def unchanged(text: str) -> Mutation:
    """The text as it is, for an operator that found nothing to do."""
    return Mutation(text, False, 0)


def fresh_names(
    taken: frozenset[str] | set[str], count: int, random: np.random.Generator, pool: Sequence[str] = ()
) -> list[str]:
    """So many names that nobody has: of the pool, in an order that is drawn, then v0, v1, ...

    Of one state of `random` the first names are the same however many are asked for.
    """
    borrowed = (pool[place] for place in random.permutation(len(pool)).tolist()) if len(pool) else iter(())
    numbered = (f"v{number}" for number in range(len(taken) + count))
    names: dict[str, None] = {}
    for source in (borrowed, numbered):
        for name in source:
            if len(names) == count:
                return [*names]
            if name not in taken:
                names[name] = None
    return [*names]
