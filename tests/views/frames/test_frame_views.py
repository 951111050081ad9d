"""Views of sequences: which pieces, which joints break and how often, and that nothing is random but the generator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.views.frames import FrameViewMaker, FrameViews
from contrapose.views.frames.maker import _Draws

PLAIN: dict[str, Any] = {"crop_min": 1.0, "break_chance": 0.0, "shear_chance": 0.0}
STILL: dict[str, Any] = {"crop_min": 1.0, "scale": 0.0, "jitter": 0.0, "drop_channels": 0.0}


class Raw:
    """B sequences of some lengths; each number tells its frame."""

    def __init__(self, lengths: list[int], features: int) -> None:
        self.pointers = np.cumsum([0, *lengths])
        self.values = np.concatenate([np.arange(length)[:, None] + np.ones(features) for length in lengths])


class AsTheyAre:
    """Windows padded to the longest, and nothing else."""

    def framed(self, raw: Raw, first: torch.Tensor, length: torch.Tensor) -> Padded:
        steps = torch.arange(int(length.max()))
        mask = steps < length[:, None]
        places = torch.from_numpy(raw.pointers[:-1])[:, None] + first[:, None] + steps
        values = torch.from_numpy(raw.values).float()[places.clamp(max=len(raw.values) - 1)]
        return Padded(values * mask[..., None], mask)

    def finished(self, coordinates: Padded) -> Padded:
        return coordinates


def maker(joints: int, **options: Any) -> FrameViewMaker:
    return FrameViewMaker(FrameViews(**options), AsTheyAre(), joints=joints)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_generator_decides_everything() -> None:
    raw = Raw([9, 20, 1], 12)
    for joints in (4, 0):
        make = maker(joints, rotate=10.0, reverse=0.5, count=3)
        state = torch.get_rng_state()
        one, two, other = (make(raw, generator=drawn(seed)) for seed in (1, 1, 2))
        assert torch.equal(torch.get_rng_state(), state)
        assert len(one) == 3
        assert all(torch.equal(a.values, b.values) for a, b in zip(one, two, strict=True))
        assert not torch.equal(one[0].values, one[1].values[:, : one[0].shape[1]])
        assert one[0].shape != other[0].shape or not torch.equal(one[0].values, other[0].values)


def test_pieces_lie_within_their_sequences_and_have_the_lengths_asked_for() -> None:
    make = maker(0, crop_min=0.5, crop_max=0.75, crop_frames=4)
    lengths = torch.tensor([1, 3, 4, 7, 40, 100]).repeat(500)
    first, length = make.windows(lengths, _Draws(drawn()))
    assert (first >= 0).all()
    assert (first + length <= lengths).all()
    least = (lengths * 0.5).long().clamp(min=4).minimum(lengths)
    most = (lengths * 0.75).long().clamp(min=4).minimum(lengths)
    assert (length >= least).all()
    assert (length <= most).all()
    long = lengths == 100
    assert {50, 74} <= set(length[long].tolist())
    assert (first[long] == 0).any()
    assert (first[long] + length[long] == 100).any()
    assert first[long].float().mean() == pytest.approx(19, abs=1.5)  # half of what is left on average


def test_as_many_joints_break_as_asked_and_half_of_them_are_zeroed() -> None:
    raw = Raw([3] * 2000, 15)
    before = maker(5, **PLAIN, count=1)(raw, generator=drawn())[0].values
    (view,) = maker(5, crop_min=1.0, break_chance=0.4, broken_joints=0.6, shear_chance=0.0, count=1)(
        raw, generator=drawn()
    )
    changed = (view.values != before).unflatten(2, (5, 3)).any(dim=3).any(dim=1)  # (B, J)
    counts = changed.sum(dim=1)
    assert set(counts.tolist()) == {0, 3}
    assert (counts == 3).float().mean() == pytest.approx(0.4, abs=0.04)
    assert changed.float().mean(dim=0).sub(0.4 * 0.6).abs().max() < 0.04  # every joint alike
    broken = view.values.unflatten(2, (5, 3))[counts == 3]
    silent = (broken == 0).all(dim=3).all(dim=1).any(dim=1)
    assert silent.float().mean() == pytest.approx(0.5, abs=0.06)
    assert ((broken == 0).all(dim=3).all(dim=1).sum(dim=1)[silent] == 3).all()  # all three of a view, or none


def test_a_shear_adds_shares_of_the_other_coordinates_to_every_joint_alike() -> None:
    raw = Raw([2] * 1000, 6)
    raw.values[:] = [1, 0, 0, 0, 1, 0]  # unit vectors: a shear shows its own rows
    (view,) = maker(2, crop_min=1.0, break_chance=0.5, broken_joints=0.0, shear_chance=0.3, shear=0.2, count=1)(
        raw, generator=drawn()
    )
    rows = view.values[:, 0].unflatten(1, (2, 3))  # (B, 2, 3)
    assert torch.equal(rows[:, [0, 1], [0, 1]], torch.ones(1000, 2))
    beside = rows[:, [0, 0, 1, 1], [1, 2, 0, 2]]  # (B, 4)
    assert beside.abs().max() <= 0.2
    assert beside.abs().max() > 0.19
    assert (beside != 0).any(dim=1).float().mean() == pytest.approx(0.3, abs=0.05)


def test_a_turn_keeps_heights_and_lengths() -> None:
    raw = Raw([2] * 300, 3)
    raw.values[:] = np.random.default_rng(0).normal(size=raw.values.shape)
    (view,) = maker(1, **PLAIN, rotate=40.0, count=1)(raw, generator=drawn())
    before = torch.from_numpy(raw.values).float().view(300, 2, 3)
    torch.testing.assert_close(view.values[..., 1], before[..., 1])
    torch.testing.assert_close(view.values.norm(dim=2), before.norm(dim=2))
    plane, after = before[..., [0, 2]], view.values[..., [0, 2]]
    angle = torch.rad2deg(torch.arccos((torch.nn.functional.cosine_similarity(plane, after, dim=2)).clamp(-1, 1)))
    assert angle.max() < 40.1
    assert angle.max() > 38
    torch.testing.assert_close(angle[:, 0], angle[:, 1], atol=0.1, rtol=0)  # all frames alike


def test_backwards_in_time_is_backwards_in_what_is_real() -> None:
    raw = Raw([2, 5], 1)
    (view,) = maker(0, **STILL, reverse=1.0, count=1)(raw, generator=drawn())
    assert view.values[..., 0].tolist() == [[2, 1, 0, 0, 0], [5, 4, 3, 2, 1]]
    (half,) = maker(0, **STILL, reverse=0.5, count=1)(Raw([3] * 400, 1), generator=drawn())
    assert (half.values[:, 0, 0] == 3).float().mean() == pytest.approx(0.5, abs=0.08)


def test_plain_channels_are_scaled_made_noisy_and_left_out_but_never_all() -> None:
    raw = Raw([4] * 2000, 3)
    raw.values[:] = 1.0

    def changed(**options: Any) -> torch.Tensor:
        (view,) = maker(0, **{**STILL, **options}, count=1)(raw, generator=drawn())
        return view.values

    assert torch.equal(changed(), torch.ones(2000, 4, 3))
    scaled = changed(scale=0.2)
    assert torch.equal(scaled[:, 0], scaled[:, 3])
    assert scaled.std() == pytest.approx(0.2, abs=0.01)
    noisy = changed(jitter=0.1)
    assert (noisy - 1).std() == pytest.approx(0.1, abs=0.005)
    left = changed(drop_channels=0.9)
    assert (left.sum(dim=(1, 2)) >= 4).all()
    assert (changed(drop_channels=1.0).sum(dim=(1, 2)) == 4).all()  # one channel, the luckiest
    padded = maker(0, jitter=0.5, crop_min=1.0, count=1)(Raw([2, 6], 3), generator=drawn())[0]
    assert (padded.values[0, 2:] == 0).all()


def test_joints_keep_their_numbers_where_nothing_is_asked_for() -> None:
    raw = Raw([3, 5], 6)
    (view,) = maker(2, **PLAIN, count=1)(raw, generator=drawn())
    assert view.values[1, :, 0].tolist() == [1, 2, 3, 4, 5]
    assert view.mask.sum(dim=1).tolist() == [3, 5]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"count": 0}, "count is 0"),
        ({"crop_frames": 0}, "crop_frames is 0"),
        ({"crop_min": 0.8, "crop_max": 0.5}, "crop_min is 0.8, above crop_max"),
        ({"break_chance": 0.7, "shear_chance": 0.7}, "together they must be 1 at most"),
        ({"shear": -0.1}, "shear is -0.1"),
        ({"jitter": True}, "jitter is True"),
        ({"reverse": 1.5}, "from 0 to 1"),
    ],
)
def test_values_out_of_range_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        FrameViews(**options)


def test_in_words() -> None:
    assert FrameViews().in_words().startswith("2 views of each sequence: a piece of 50 % to 100 % of it; 20 % of")
    assert "backwards" not in FrameViews().in_words()
    assert "turned by up to 30 degrees" in FrameViews(rotate=30.0).in_words()
