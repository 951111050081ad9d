"""A sequence as a person looks at it: a stick figure in a few frames, or the curves of its channels, as an SVG."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

WIDTH, HEIGHT, MARGIN = 240, 80, 4
FIGURES = 5
POINTS = 60  # of a curve
MOST_CURVES = 6
TORSO = "#888888"
COLOURS = ("#3b7dd8", "#d2573b", "#2f9e6e", "#b07cc6", "#c9971c", "#20a4b3")
"""Of middling lightness: they are seen on white and on black."""


def drawn(sequence: np.ndarray, parents: Sequence[int] | None, title: str) -> str:
    """A sequence in five of its frames, first to last from left to right: bones where it is known which joint hangs on
    which, else dots; of plain channels the curves of the first six.

    Shapes:
        sequence: `(T, J, C)`, of C dimensions the first two are drawn, the second one upwards; or `(T, C)`.

    Arguments:
        parents: of each joint, the root its own.
        title: what it is, for who cannot see it or asks.
    """
    known = np.nan_to_num(np.asarray(sequence, np.float64), posinf=0.0, neginf=0.0)
    figure = known.ndim == 3 and known.shape[2] > 1
    marks = _figures(known[..., :2], parents) if figure else _curves(known.reshape(len(known), -1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img"><title>{html.escape(title)}</title>{"".join(marks)}</svg>'
    )


def _figures(joints: np.ndarray, parents: Sequence[int] | None) -> list[str]:
    """`(T, J, 2)` as figures side by side, in one scale; each stands in the middle of its own part."""
    chosen = np.unique(np.linspace(0, len(joints) - 1, FIGURES).round().astype(int))
    shown = joints[chosen]  # (f, J, 2)
    middle = (shown[..., 0].min(axis=1) + shown[..., 0].max(axis=1)) / 2  # (f,)
    x, y = shown[..., 0] - middle[:, None], shown[..., 1]  # (f, J)
    part = WIDTH / len(chosen)
    spans = (2 * np.abs(x).max() / (part - 2 * MARGIN), np.ptp(y) / (HEIGHT - 2 * MARGIN))
    unit = 1 / max(*spans, 1e-9)  # pixels
    across = part * (np.arange(len(chosen)) + 0.5)[:, None] + unit * x  # (f, J)
    down = HEIGHT / 2 - unit * (y - (y.min() + y.max()) / 2)  # (f, J)
    colours = _colours(shown.shape[1], parents)
    return [mark for frame in range(len(chosen)) for mark in _figure(across[frame], down[frame], parents, colours)]


def _figure(x: np.ndarray, y: np.ndarray, parents: Sequence[int] | None, colours: Sequence[str]) -> list[str]:
    """One figure: a path of each colour."""
    paths: dict[str, str] = {}
    for joint, colour in enumerate(colours):
        here = f"{x[joint]:.1f} {y[joint]:.1f}"
        if parents is None:
            line = f"M{here}h.01"
        elif parents[joint] != joint:
            line = f"M{x[parents[joint]]:.1f} {y[parents[joint]]:.1f}L{here}"
        else:
            continue
        paths[colour] = paths.get(colour, "") + line
    width = 3 if parents is None else 1.6
    return [
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round"/>'
        for colour, path in paths.items()
    ]


def _colours(joints: int, parents: Sequence[int] | None) -> list[str]:
    """A colour a joint: one for each limb, which ends in one joint; grey where limbs come together."""
    if parents is None:
        return [COLOURS[joint * len(COLOURS) // joints] for joint in range(joints)]
    leaves = [joint for joint in range(joints) if joint not in {p for j, p in enumerate(parents) if j != p}]
    ends: list[set[int]] = [set() for _ in range(joints)]
    for place, leaf in enumerate(leaves):
        at = leaf
        ends[at].add(place)
        while parents[at] != at:
            at = parents[at]
            ends[at].add(place)
    return [COLOURS[min(end) % len(COLOURS)] if len(end) == 1 else TORSO for end in ends]


def _curves(values: np.ndarray) -> list[str]:
    """`(T, C)` as curves, in one scale."""
    chosen = np.unique(np.linspace(0, len(values) - 1, POINTS).round().astype(int))
    shown = values[chosen, :MOST_CURVES]  # (p, c)
    low, high = float(shown.min()), float(shown.max())
    down = HEIGHT - MARGIN - (shown - low) * (HEIGHT - 2 * MARGIN) / max(high - low, 1e-9)  # (p, c)
    across = np.linspace(MARGIN, WIDTH - MARGIN, len(chosen))  # (p,)
    found = []
    for channel, colour in zip(range(shown.shape[1]), COLOURS, strict=False):
        if len(chosen) == 1:
            points = f"{MARGIN},{down[0, channel]:.1f} {WIDTH - MARGIN},{down[0, channel]:.1f}"
        else:
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down[:, channel], strict=True))
        found.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.4"/>')
    return found


def in_words(view: np.ndarray) -> str:
    """A prepared sequence `(T, F)` in a line: its length, how far its numbers spread, and how fast they change."""
    steps = np.abs(np.diff(view, axis=0))
    moves = f", {steps.mean():.2f} a step" if steps.size else ""
    silent = int((view == view[:1]).all(axis=0).sum()) if len(view) > 1 else 0
    still = f", {silent} of {view.shape[1]} numbers never change" if silent else ""
    return f"{len(view)} frames, deviation {view.std():.2f}{moves}{still}"
