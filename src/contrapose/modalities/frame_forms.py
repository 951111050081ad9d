"""The form in which sequences are taken: by an encoder that is new, and by the floor."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np

from contrapose.data import Samples
from contrapose.data.frames import Frames
from contrapose.data.samples import evenly_spaced
from contrapose.encoders.frames import FrameForm
from contrapose.encoders.frames.frame_inputs import framed, standardised, with_statistics
from contrapose.errors import ArgumentError

MEASURED = 4096  # sequences of which mean and scale are taken
FLOOR_FRAMES = 32
"""Steps of a sequence in the floor. [design] 32: of 16, 32 and 64 none was better on MSR-Action3D."""


def fitted_form(frames: Frames, length: int = 32, stream: str = "joint", centre: str = "auto") -> FrameForm:
    """What a new encoder of these sequences takes, with their means and scales.

    Arguments:
        length, stream, centre: the options `frames`, `stream` and `centre` of a run.

    Errors:
        ArgumentError: a stream or a centre that these sequences do not have.
    """
    skeleton = frames.skeleton
    if (centre == "hip" and skeleton is None) or (centre == "mean" and not frames.joints):
        of = "a skeleton whose hip is known" if centre == "hip" else "joints"
        raise ArgumentError(
            f"centre {centre} (--centre) is of {of}, and these are {frames.step_in_words()}: name the skeleton "
            "(--skeleton), or take another centre."
        )
    hip = None if skeleton is None else skeleton.hip
    usual = None if not in_space(frames) else -1 if hip is None else hip
    form = FrameForm(
        frames.joints,
        frames.channels,
        length,
        stream,
        {"auto": usual, "hip": hip, "mean": -1, "none": None}[centre],
        None if skeleton is None else skeleton.parents,
        None if skeleton is None else skeleton.name,
    )
    return with_statistics(form, frames.batch(evenly_spaced(len(frames), MEASURED)))


def in_space(frames: Frames) -> bool:
    """Whether frames are joints in two or three dimensions."""
    return frames.joints > 0 and frames.channels in (2, 3)


def coordinates(known: Frames) -> Callable[[Samples], np.ndarray]:
    """The floor: `(N, T·F)` of any sequences, whole ones at 32 frames.

    Of joints: about their mean in the first frame, without scales, which do worse (MSR-Action3D, nearest neighbour by
    cosine, odd subjects to even ones: 0.73; about the hip 0.69; each number standardised 0.61). Plain channels:
    standardised by those known.
    """
    form = FrameForm(known.joints, known.channels, FLOOR_FRAMES, centre=-1 if in_space(known) else None)
    if not in_space(known):
        form = with_statistics(form, known.batch(evenly_spaced(len(known), MEASURED)))

    def features(samples: Samples) -> np.ndarray:
        raw = cast("Frames", samples).batch(np.arange(len(samples)))
        rows = standardised(framed(raw, form), form).values.flatten(1).numpy()  # (N, T·F)
        return rows if rows.any(axis=1).all() else rows + 1e-6  # a sequence of means alone has no direction

    return features
