"""Frames into what a network takes: windows in closed form, streams, scales, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from contrapose.encoders.frames import FrameForm
from contrapose.encoders.frames.frame_inputs import (
    coordinates_of,
    framed,
    sequences_of,
    standardised,
    streamed,
    with_statistics,
)
from contrapose.errors import ArgumentError

RANDOM = np.random.default_rng(0)
PLAIN = FrameForm(0, 2, 8)
JOINTS = FrameForm(3, 2, 6, centre=1, parents=(0, 0, 1))


def sequences(form: FrameForm, *lengths: int) -> Any:
    return sequences_of([RANDOM.normal(size=(length, *form.step)) for length in lengths], form, "x")


@pytest.mark.parametrize("frames", [1, 4, 8, 33])
def test_whole_sequences_are_interpolated_as_torch_does(frames: int) -> None:
    raw = sequences(PLAIN, 1, 2, 8, 21)
    found = framed(raw, replace(PLAIN, frames=frames))
    assert found.shape == (4, frames, 2)
    assert found.mask.all()
    for row in range(4):
        own = torch.from_numpy(raw.values[raw.pointers[row] : raw.pointers[row + 1]])
        expected = functional.interpolate(own.T[None], frames, mode="linear", align_corners=False)[0].T
        torch.testing.assert_close(found.values[row], expected)


def test_a_ramp_stays_a_ramp_within_its_ends() -> None:
    raw = sequences_of([np.arange(40.0)[:, None]], FrameForm(0, 1, 16), "x")
    (ramp,) = framed(raw, FrameForm(0, 1, 16)).values[..., 0]
    torch.testing.assert_close(ramp, (torch.arange(16) + 0.5) * 40 / 16 - 0.5)
    (window,) = framed(raw, FrameForm(0, 1, 16), torch.tensor([7]), torch.tensor([20])).values[..., 0]
    torch.testing.assert_close(window, 7 + (torch.arange(16) + 0.5) * 20 / 16 - 0.5)
    (longer,) = framed(raw, FrameForm(0, 1, 80)).values[..., 0]
    torch.testing.assert_close(longer, ((torch.arange(80) + 0.5) / 2 - 0.5).clamp(0, 39))


def test_a_window_is_what_the_piece_by_itself_would_be() -> None:
    raw = sequences(JOINTS, 9, 30, 4)
    first, length = torch.tensor([2, 11, 0]), torch.tensor([5, 17, 1])
    found = framed(raw, JOINTS, first, length)
    pieces = [raw.values[raw.pointers[b] + first[b] :][: length[b]] for b in range(3)]
    torch.testing.assert_close(found.values, framed(sequences_of(pieces, JOINTS, "x"), JOINTS).values)


def test_the_centre_of_the_first_frame_is_subtracted_from_all() -> None:
    raw = sequences(JOINTS, 6, 6)
    plain = framed(raw, replace(JOINTS, centre=None)).values.unflatten(2, (3, 2))
    by_joint = framed(raw, JOINTS).values.unflatten(2, (3, 2))
    torch.testing.assert_close(by_joint, plain - plain[:, :1, 1:2])
    assert by_joint[:, 0, 1].abs().max() == 0
    by_mean = framed(raw, replace(JOINTS, centre=-1)).values.unflatten(2, (3, 2))
    torch.testing.assert_close(by_mean, plain - plain[:, :1].mean(dim=2, keepdim=True))


def test_sequences_keep_their_own_length_where_there_is_no_working_length() -> None:
    form = replace(PLAIN, frames=0)
    raw = sequences(form, 3, 7)
    found = framed(raw, form)
    assert found.shape == (2, 7, 2)
    assert found.mask.sum(dim=1).tolist() == [3, 7]
    torch.testing.assert_close(found.values[0, :3], torch.from_numpy(raw.values[:3]))
    assert (found.values[0, 3:] == 0).all()
    scaled = standardised(found, with_statistics(form, raw))
    assert (scaled.values[0, 3:] == 0).all()
    known = scaled.values[scaled.mask]
    torch.testing.assert_close(known.mean(dim=0), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(known.std(dim=0, correction=0), torch.ones(2))


def test_motion_and_bones() -> None:
    view = framed(sequences(JOINTS, 6), JOINTS)
    x = view.values[0].unflatten(1, (3, 2))
    motion = streamed(view, replace(JOINTS, stream="motion"))[0].unflatten(1, (3, 2))
    torch.testing.assert_close(motion[:-1], x[1:] - x[:-1])
    assert (motion[-1] == 0).all()
    bones = streamed(view, replace(JOINTS, stream="bone"))[0].unflatten(1, (3, 2))
    torch.testing.assert_close(bones, x - x[:, [0, 0, 1]])
    assert (bones[:, 0] == 0).all()
    short = framed(sequences(replace(JOINTS, frames=0), 2, 5), replace(JOINTS, frames=0))
    moved = streamed(short, replace(JOINTS, frames=0, stream="motion"))
    assert (moved[0, 1:] == 0).all()  # from the last real frame to padding nothing moves
    assert (moved[0, 0] != 0).any()


def test_one_deviation_for_all_joints_and_one_for_each_plain_channel() -> None:
    raw = sequences_of([RANDOM.normal(size=(50, 3, 2)) * [[1, 1], [1, 1], [5, 5]]], JOINTS, "x")
    form = with_statistics(replace(JOINTS, frames=0, centre=None), raw)
    assert len(set(form.scale)) == 1
    assert form.scale[0] == pytest.approx(np.sqrt((1 + 1 + 25) / 3), rel=0.2)
    channels = sequences_of([np.stack([RANDOM.normal(0, 3, 400), np.full(400, 7.0)], axis=1)], PLAIN, "x")
    plain = with_statistics(replace(PLAIN, frames=0), channels)
    assert plain.scale == (pytest.approx(3, rel=0.15), 1.0)  # a constant keeps its scale
    assert plain.mean[1] == pytest.approx(7)


@pytest.mark.parametrize("stream", ["joint", "bone"])
def test_what_a_view_was_made_of_comes_back(stream: str) -> None:
    raw = sequences(JOINTS, 6, 11)
    form = with_statistics(replace(JOINTS, stream=stream), raw)
    before = framed(raw, form)
    after = coordinates_of(standardised(before, form), form)
    joints = before.values.unflatten(2, (3, 2))
    expected = joints - joints[:, :, :1] if stream == "bone" else joints  # bones hang on the root
    torch.testing.assert_close(after.unflatten(2, (3, 2)), expected, atol=1e-5, rtol=1e-5)
    assert coordinates_of(before, replace(form, stream="motion")) is None


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"frames of shape \(3, 2\) and was given some of shape \(4, 2\)"):
        sequences_of([np.zeros((5, 4, 2))], JOINTS, "x")
    with pytest.raises(ArgumentError, match="one has none"):
        sequences_of([np.zeros((0, 2)), np.zeros((3, 2))], PLAIN, "x")
    with pytest.raises(ArgumentError, match="was given a str"):
        sequences_of("sequences", PLAIN, "x")
    with pytest.raises(ArgumentError, match="name the skeleton"):
        replace(PLAIN, stream="bone")
    with pytest.raises(ArgumentError, match="one of joint, motion, bone"):
        replace(PLAIN, stream="bones")
    assert FrameForm.from_json(JOINTS.to_json()) == JOINTS
