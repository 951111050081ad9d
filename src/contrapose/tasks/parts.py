"""Two parts of data: learned from, and asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data import Samples

EXAMPLES = 3


@dataclass(frozen=True)
class Parts:
    """Samples to learn from, and others to be tested on.

    Arguments:
        bank, test: the samples.
        known, wanted: the class name, or the number, of each.
        origin: where both come from, in a sentence.
        notes: what was decided, left out or wrong, a sentence each without its full stop.
        leaked: test samples that are in the bank too.
    """

    bank: Samples
    test: Samples
    known: np.ndarray
    wanted: np.ndarray
    origin: str
    notes: tuple[str, ...]
    leaked: int = 0


def leak_note(shared: Sequence[tuple[int, int]], test: Samples, bank: Samples) -> str:
    """That test samples are among those that were learned from: `shared` holds the rows of both."""
    pairs = [f"{test.identifiers[row]} = {bank.identifiers[known]}" for row, known in shared[:EXAMPLES]]
    pairs += ["..."] * (len(shared) > EXAMPLES)
    return (
        f"{len(shared):,} of {len(test):,} test {test.noun}s are also in --data, as exact copies ({', '.join(pairs)}): "
        f"a {test.noun} that was learned from says nothing of new ones. Leave them out of one of the two, or leave out "
        "--test-data, and a fifth is held out"
    )
