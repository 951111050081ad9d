"""Sequences of frames: joints of a body, or plain channels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.errors import DataError
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.frames.options import FrameViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Samples
    from contrapose.data.frames import Frames
    from contrapose.data.problems import Problem
    from contrapose.encoders import Encoder, Start
    from contrapose.encoders.frames import FrameEncoder

MADE_UP_FRAMES = 32


@dataclass(frozen=True, kw_only=True)
class FrameOptions(Options):
    """What a method has on sequences."""

    views: FrameViews = field(default_factory=FrameViews)
    """How views are made."""
    encoder: str = "conv1d"
    """conv1d (residual convolutions along time), or gru (recurrent, in both directions)."""
    frames: int = 32
    """Working length: every sequence, and every piece of one, is brought to so many frames by linear interpolation. 0:
    none is, and sequences of a batch are padded to its longest. [design] 32; HaLP (arXiv 2304.00387) takes 64."""
    stream: Literal["joint", "motion", "bone"] = "joint"
    """joint: the numbers themselves; motion: from each frame to the next; bone: from the joint that each hangs on."""
    centre: Literal["auto", "hip", "mean", "none"] = "auto"
    """What is subtracted of joints: where the hip, or the mean of all of them, is in the first frame. auto: the hip of
    a known skeleton, else the mean; of plain channels nothing."""
    frames_column: str | None = None
    """Column of a table, or array of an .npz, with the sequences. Default: the one that looks so."""
    skeleton: Literal["auto", "kinect", "msr-action3d", "ntu", "none"] = "auto"
    """Which joint hangs on which: kinect and msr-action3d have 20 joints, ntu 25. auto: what the joints look like."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("frames", self.frames >= 0, "0 or more")
        for name in ("stream", "centre", "skeleton"):
            self._check_choice(name, _CHOICES[name])


_CHOICES: dict[str, tuple[str, ...]] = {
    "stream": ("joint", "motion", "bone"),
    "centre": ("auto", "hip", "mean", "none"),
    "skeleton": ("auto", "kinect", "msr-action3d", "ntu", "none"),
}


class _Frames(Modality):
    name, noun, plural = "frames", "sequence", "sequences"
    options: ClassVar[type[Options]] = FrameOptions
    reading = ("frames_column", "skeleton")
    floor_name = "resampled coordinates"
    example = '"sequences.npz"'

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.frames import open_frames

        reading = check_reading(self, reading)
        reading.pop("progress", None)  # one array, or files that are mapped
        return open_frames(spec, **reading)

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.frames.archives import sequence_file

        form = cast("FrameEncoder", encoder).frame_form
        one = len(form.step) + 1
        if getattr(spec, "ndim", 0) == one and not isinstance(spec, list | tuple):
            spec = [spec]  # one sequence by itself
        file = sequence_file(spec, one) if isinstance(spec, str | os.PathLike) else None
        samples = self.open(spec if file is None else [file[1]], **{"skeleton": form.skeleton, **reading})
        if file is not None:
            samples.identifiers, samples.origin = [file[0].name], str(file[0])
        self.settle(encoder, samples)
        return samples

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        skeleton = cast("Frames", samples).skeleton
        return self.open(spec, **{"skeleton": None if skeleton is None else skeleton.name, **reading})

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        skeleton = cast("FrameEncoder", start.encoder()).frame_form.skeleton
        return {} if skeleton is None else {"skeleton": skeleton}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders.frames import build_frames
        from contrapose.modalities.frame_forms import fitted_form

        form = fitted_form(cast("Frames", samples), config.frames, config.stream, config.centre)
        return build_frames(config.encoder, form, seed=config.seed, **config.encoder_arguments)

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views.frames import FrameViewMaker

        form = cast("FrameEncoder", encoder).frame_form
        return FrameViewMaker(
            options, cast("FrameEncoder", encoder), joints=form.joints if form.channels in (2, 3) else 0
        )

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        def make(raw: Any, *, generator: Any = None) -> tuple[Any, ...]:
            """Each view by a call for each sequence, `(T, ...)` to `(T', ...)`."""
            return tuple(encoder.prepare([views(sequence) for sequence in raw]) for _ in range(options.count))

        return make

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        import torch

        from contrapose.padded import Padded

        form = cast("FrameEncoder", encoder).frame_form
        shape = (size, form.frames or MADE_UP_FRAMES, form.features)
        values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))  # (B, T, F)
        return Padded(values, torch.ones(shape[:2], dtype=torch.bool))

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        from contrapose.data.frames.drawing import in_words

        return [in_words(view.values[row][view.mask[row]].numpy()) for row in range(len(view))]

    def drawing(self, samples: Samples, row: int) -> str | None:
        from contrapose.data.frames.drawing import drawn

        frames = cast("Frames", samples)
        parents = None if frames.skeleton is None else frames.skeleton.parents
        return drawn(frames.sequence(row), parents, f"{frames.identifiers[row]}: {frames.excerpt(row)}")

    def view_drawings(self, view: Any, encoder: Encoder) -> list[str] | None:
        from contrapose.data.frames.drawing import drawn
        from contrapose.encoders.frames.frame_inputs import coordinates_of

        form = cast("FrameEncoder", encoder).frame_form
        coordinates = coordinates_of(view, form)  # (B, T, F)
        step, parents = (form.step, form.parents) if coordinates is not None else ((form.features,), None)
        values = view.values.detach().cpu() if coordinates is None else coordinates
        mask = view.mask.cpu()
        return [
            drawn(values[row][mask[row]].reshape(-1, *step).float().numpy(), parents, f"view {row}")
            for row in range(len(view))
        ]

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.frames.problems import frame_problems

        return frame_problems(cast("Frames", samples))

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        from contrapose.data.frames.problems import frame_facts

        return frame_facts(cast("Frames", samples))

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """Coordinates of the whole sequence at 32 frames, about where the joints are in the first; plain channels
        standardised."""
        from contrapose.modalities.frame_forms import coordinates

        return coordinates(cast("Frames", known))

    def takes(self, encoder: Encoder) -> list[str]:
        form = cast("FrameEncoder", encoder).frame_form
        of = f"{form.joints} joints in {form.channels} dimensions" if form.joints else f"{form.channels} channels"
        how = f"brought to {form.frames} frames" if form.frames else "at their own length"
        centred = {None: "", -1: ", the mean of the joints in the first frame subtracted"}
        told = centred.get(form.centre, f", joint {form.centre} of the first frame subtracted")
        return [
            f"Input: sequences of any length of {of}, {how}{told}; stream: {form.stream}.",
            "Means and scales of all numbers are inside; coordinates must be in the units of the training data.",
        ]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        form, frames = cast("FrameEncoder", encoder).frame_form, cast("Frames", samples)
        if (form.joints, form.channels) != (frames.joints, frames.channels):
            takes = (
                f"{form.joints} joints in {form.channels} dimensions" if form.joints else f"{form.channels} channels"
            )
            raise DataError(
                f"The encoder takes frames of {takes}, and {frames.origin} has {frames.step_in_words()}: give "
                "sequences of such frames."
            )


FRAMES = _Frames()
