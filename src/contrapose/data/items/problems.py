"""What may be wrong with histories that could be opened: copies, items that nobody shares, users without an order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contrapose.data.items.histories import Histories
from contrapose.data.problems import Problem, copies, repeated, some
from contrapose.words import counted, percent

MANY_ONCE = 0.2
"""Share of items that were taken once, from which they are a problem rather than a few strays [design]."""

ALONE = 0.5
"""Share of all actions on one item from which it drowns the others [design]."""

SHORT = 3
"""Items below which a history says little of an order."""


def item_problems(histories: Histories) -> Iterator[Problem]:
    """Items taken once, one item that drowns the others, users of few items, and users with the same history."""
    counts = _counts(histories)  # (M,)
    yield from _rare(histories, counts)
    if counts.max() >= ALONE * counts.sum() and histories.items > 1:
        name = histories.called(int(counts.argmax()) + 1)
        yield Problem(
            "one item",
            f"{name!r} is {percent(counts.max() / counts.sum())} of all actions, and recommending it would look like "
            "knowledge: leave it out where it is no choice (a bag, a delivery).",
        )
    short = int((histories.lengths < SHORT).sum())
    if short > MANY_ONCE * len(histories):
        yield Problem(
            "short",
            f"{counted(short, 'user')} of {len(histories):,} with fewer than {SHORT} items to learn from, which say "
            "little of an order: --core 5 leaves out those who have few.",
        )
    yield from copies(histories, repeated(histories))


def item_facts(histories: Histories) -> list[str]:
    """How many there are of everything, and how long histories are, in lines for people."""
    counts, lengths = _counts(histories), histories.lengths
    actions = int(lengths.sum())
    there = int((counts > 0).sum())
    held = f", and the last {histories.hold_out} of each held out" if histories.hold_out else ""
    return [
        f"{counted(len(histories), 'user')} took {there:,} of {counted(histories.items, 'item')} "
        f"{counted(actions, 'time')} "
        f"({percent(actions / (len(histories) * histories.items))} of all pairs){held}",
        f"items a user: {lengths.min()} to {lengths.max()}, median {np.median(lengths):.0f}; "
        f"users an item: median {np.median(counts[counts > 0]):.0f}, most {counts.max():,}",
    ]


def _counts(histories: Histories) -> np.ndarray:
    """How often each item was taken, `(M,)`."""
    taken = histories.batch(np.arange(len(histories))).values
    return np.bincount(taken, minlength=histories.items + 1)[1:]


def _rare(histories: Histories, counts: np.ndarray) -> Iterator[Problem]:
    once = np.flatnonzero(counts == 1)
    if not len(once):
        return
    shown = some([histories.called(item + 1) for item in once.tolist()])
    share = len(once) / max((counts > 0).sum(), 1)
    yield Problem(
        "seen once",
        f"{counted(len(once), 'item')} taken once ({percent(share)} of those that were taken: {shown}), of which "
        "nothing can be learned: --core 5 leaves out what is rare.",
        harmless=share < MANY_ONCE,
    )
