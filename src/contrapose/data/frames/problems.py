"""What may be wrong with sequences that could be opened, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contrapose.data.frames.frames import Frames
from contrapose.data.problems import Problem, copies, repeated, some
from contrapose.words import counted

LONG = 10.0
"""Times the median length from which one is told of [design]."""
JUMP = 50.0
"""Times the median step of all sequences from which a step is a jump: a joint that was lost [design]."""


def frame_problems(frames: Frames) -> Iterator[Problem]:
    """Sequences of one frame, far longer than others, that never move or jump, channels that are constant, and exact
    copies."""
    lengths = frames.lengths  # (N,)
    names = np.asarray(frames.identifiers)
    single = names[lengths == 1]
    if len(single):
        yield Problem(
            "one frame",
            f"{counted(len(single), 'sequence')} of one frame, in which nothing moves: {some(single.tolist())}. Leave "
            "them out, unless they are meant as poses.",
        )
    long = np.flatnonzero(lengths > LONG * np.median(lengths))
    if len(long):
        shown = some([f"{names[row]} ({lengths[row]:,} frames)" for row in long[np.argsort(-lengths[long])]])
        yield Problem(
            "long",
            f"More than {LONG:g} times as long as most: {shown}. Cut them into pieces where they hold several things.",
            harmless=True,
        )
    yield from _movement(frames, names)
    yield from copies(frames, repeated(frames))


def _movement(frames: Frames, names: np.ndarray) -> Iterator[Problem]:
    """What stands still, and what jumps."""
    largest, usual = np.zeros(len(frames)), []
    changes = np.zeros(frames.channels * max(frames.joints, 1), bool)  # (F,)
    for row in range(len(frames)):
        own = np.asarray(frames.sequence(row), np.float64).reshape(frames.lengths[row], -1)  # (T, F)
        steps = np.abs(np.diff(own, axis=0))  # (T - 1, F)
        largest[row] = steps.max(initial=0)
        usual.append(steps.mean() if steps.size else 0)
        changes |= (own != own[0]).any(axis=0)
    still = names[(largest == 0) & (frames.lengths > 1)]
    if len(still):
        yield Problem(
            "still", f"{counted(len(still), 'sequence')} in which nothing moves: {some(still.tolist())}. Leave out."
        )
    middle = float(np.median(usual))
    jumps = np.flatnonzero(largest > JUMP * middle) if middle > 0 else np.zeros(0, np.int64)
    if len(jumps):
        shown = some([f"{names[row]} (by {largest[row]:.3g})" for row in jumps[np.argsort(-largest[jumps])]])
        yield Problem(
            "jumps",
            f"Numbers that jump by more than {JUMP:g} times the usual step ({middle:.3g}), as a joint does that was "
            f"lost and found: {shown}. Make them NaN where they are wrong; gaps are filled.",
            harmless=True,
        )
    if not changes.all() and len(frames) > 1:
        of = [_place(frames, int(column)) for column in np.flatnonzero(~changes)]
        yield Problem("constant", f"Never changes in any sequence: {some(of)}.", harmless=True)


def _place(frames: Frames, column: int) -> str:
    """What a number of a frame is called."""
    if not frames.joints:
        return f"channel {column}"
    return f"coordinate {column % frames.channels} of joint {column // frames.channels}"


def frame_facts(frames: Frames) -> list[str]:
    """How long they are, and the range of each coordinate or channel."""
    lengths = frames.lengths
    low, middle, high = np.quantile(lengths, (0, 0.5, 1)).astype(int)
    lines = [f"frames        {low:,} to {high:,}, median {middle:,}, {int(lengths.sum()):,} in all"]
    values = frames.batch(np.arange(len(frames))[:: max(1, len(frames) // 1000)]).values  # (s, ..., C)
    flat = values.reshape(-1, values.shape[-1])  # (n, C)
    what = "coordinate" if frames.joints else "channel"
    lines += [
        f"{f'{what} {number}':<13} {one.min():.4g} to {one.max():.4g}, mean {one.mean():.4g}"
        for number, one in enumerate(flat.T[:12])
    ]
    if frames.joints:
        skeleton = "unknown" if frames.skeleton is None else frames.skeleton.name
        lines.append(f"skeleton      {skeleton}")
    return lines
