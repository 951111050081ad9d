"""Sequences of any length into the numbers that a network takes: centred, resampled, standardised; and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.frames.frame_form import FrameForm
from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.words import a_type

CONSTANT = 1e-6
"""Share of the largest deviation from which a feature counts as constant: what single precision leaves of one."""


class Sequences(Protocol):
    """B sequences, one after another: `values (S, ...)`, sequence b from `pointers[b]` to `pointers[b + 1]`."""

    values: np.ndarray
    pointers: np.ndarray

    def __len__(self) -> int: ...


def framed(raw: Sequences, form: FrameForm, first: Tensor | None = None, length: Tensor | None = None) -> Padded:
    """Windows of the sequences, centred and resampled: coordinates, of which views are made.

        x_bt = (1 - w) s[floor(p)] + w s[floor(p) + 1],   p = first + clip((t + 1/2) length / T - 1/2, 0, length - 1)

    which is linear interpolation as in `torch.nn.functional.interpolate(mode="linear", align_corners=False)`, for all
    windows in one look-up. What `form.centre` names in the first frame of these is subtracted.

    Shapes:
        raw: B sequences of `form.step`; first, length: `(B,)` int64, a window of each with one frame at least; None:
            all of it. Returns `(B, T, F)` float32, T = `form.frames`, or the longest window where that is 0.
    """
    steps = np.ascontiguousarray(raw.values, np.float32)  # (S, ...)
    values = torch.from_numpy(steps if steps.flags.writeable else steps.copy()).flatten(1)  # (S, F)
    pointers = torch.from_numpy(np.asarray(raw.pointers, np.int64))  # (B + 1,)
    first = torch.zeros(len(pointers) - 1, dtype=torch.int64) if first is None else first.cpu()  # (B,)
    length = pointers.diff() - first if length is None else length.cpu()  # (B,)
    start = pointers[:-1] + first  # (B,)
    if form.frames:
        place = (torch.arange(form.frames, dtype=torch.float64) + 0.5) * (length[:, None] / form.frames) - 0.5
        place = place.clamp(min=0).minimum(length[:, None] - 1.0)  # (B, T)
        below = place.long()  # (B, T)
        share = (place - below).float()[..., None]  # (B, T, 1)
        above = (below + 1).minimum(length[:, None] - 1)  # (B, T)
        x = torch.lerp(values[start[:, None] + below], values[start[:, None] + above], share)  # (B, T, F)
        mask = torch.ones(x.shape[:2], dtype=torch.bool)  # (B, T)
    else:
        own = torch.arange(int(length.max()))  # (T,)
        mask = own < length[:, None]  # (B, T)
        x = values[start[:, None] + own.minimum(length[:, None] - 1)]  # (B, T, F), the last frame where none is
    if form.centre is not None:
        origin = x[:, 0].unflatten(1, form.step)  # (B, J, C)
        origin = origin.mean(dim=1) if form.centre < 0 else origin[:, form.centre]  # (B, C)
        x = (x.unflatten(2, form.step) - origin[:, None, None]).flatten(2)  # (B, T, F)
    return Padded(x if form.frames else x * mask[..., None], mask)


def standardised(coordinates: Padded, form: FrameForm) -> Padded:
    """Coordinates as the network takes them: the stream, each number at mean 0 and deviation 1.

    Shapes:
        coordinates: `(B, T, F)`, as `framed` gives them; returns the same shape, 0 where nothing is.
    """
    x = streamed(coordinates, form)  # (B, T, F)
    if form.mean:
        mean, scale = (torch.tensor(given, dtype=x.dtype, device=x.device) for given in (form.mean, form.scale))  # (F,)
        x = (x - mean) / scale
    return Padded(x * coordinates.mask[..., None].to(x.dtype), coordinates.mask)


def streamed(coordinates: Padded, form: FrameForm) -> Float[Tensor, "B T F"]:
    """The stream of the form: joint, motion (0 in the last frame) or bone (0 of the root)."""
    x, mask = coordinates.values, coordinates.mask
    if form.stream == "motion":
        following = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)  # (B, T)
        return (torch.cat([x[:, 1:], x[:, -1:]], dim=1) - x) * following[..., None].to(x.dtype)
    if form.stream == "bone":
        joints = x.unflatten(2, form.step)  # (B, T, J, C)
        return (joints - joints[:, :, list(form.parents or ())]).flatten(2)
    return x


def coordinates_of(view: Padded, form: FrameForm) -> Float[Tensor, "B T F"] | None:
    """What a view was made of, for people: joints again, bones put together along the tree; None of motion."""
    if form.stream == "motion":
        return None
    x = view.values.detach().cpu().float()  # (B, T, F)
    if form.mean:
        x = x * torch.tensor(form.scale) + torch.tensor(form.mean)
    if form.stream == "bone":
        bones = x.unflatten(2, form.step)  # (B, T, J, C)
        found = torch.zeros_like(bones)
        for joint in range(form.joints):
            at = joint
            while (form.parents or ())[at] != at:
                found[:, :, joint] += bones[:, :, at]
                at = (form.parents or ())[at]
        x = found.flatten(2)
    return x * view.mask.cpu()[..., None]


def with_statistics(form: FrameForm, raw: Sequences) -> FrameForm:
    """The form with mean and deviation of each number over these sequences, as the network is to take them.

    Coordinates of joints have one deviation for all, the root of their mean variance: a hand moves more than a hip, and
    with a scale of its own the hip's noise would weigh as much.
    """
    plain = replace(form, mean=(), scale=())
    view = standardised(framed(raw, plain), plain)  # (B, T, F)
    known = view.values[view.mask].double()  # (n, F)
    mean = known.mean(dim=0)  # (F,)
    scale = (known - mean).square().mean(dim=0).sqrt()  # (F,)
    scale = scale.square().mean().sqrt().expand_as(scale) if form.joints else scale  # (F,)
    scale = scale.where(scale > CONSTANT * scale.max().clamp(min=1e-12), torch.ones_like(scale))
    return replace(form, mean=tuple(mean.tolist()), scale=tuple(scale.tolist()))


def sequences_of(raw: Any, form: FrameForm, name: str) -> Sequences:
    """Raw sequences in one form: as `Frames.batch` gives them, a list of arrays, or an array `(B, T, ...)`.

    Errors:
        ArgumentError: another shape of frames, or an empty sequence.
    """
    if not (hasattr(raw, "values") and hasattr(raw, "pointers")):
        raw = _Joined(raw, name)
    if tuple(raw.values.shape[1:]) not in (form.step, (form.features,)):
        raise ArgumentError(
            f"Encoder {name!r} takes sequences of frames of shape {form.step} and was given some of shape "
            f"{tuple(raw.values.shape[1:])}."
        )
    if not len(raw) or (np.diff(raw.pointers) < 1).any():
        raise ArgumentError(f"Encoder {name!r} takes sequences of one frame or more, and one has none.")
    return raw


class _Joined:
    """Arrays or tensors one after another."""

    def __init__(self, items: Any, name: str) -> None:
        if not isinstance(items, list | tuple | np.ndarray | Tensor) or not len(items):
            raise ArgumentError(
                f"Encoder {name!r} takes sequences, arrays (T, ...) in a list, and was given {a_type(items)}."
            )
        arrays = [np.asarray(item.detach().cpu() if hasattr(item, "detach") else item, np.float32) for item in items]
        if any(array.ndim not in (2, 3) for array in arrays) or len({array.shape[1:] for array in arrays}) > 1:
            shapes: Sequence[Any] = sorted({array.shape for array in arrays}, key=str)[:3]
            raise ArgumentError(f"Encoder {name!r} takes sequences of equal frames (T, ...), not of shapes {shapes}.")
        self.values = np.concatenate(arrays)  # (S, ...)
        self.pointers = np.cumsum([0, *map(len, arrays)])  # (B + 1,)

    def __len__(self) -> int:
        return len(self.pointers) - 1
