"""`FrameViewMaker`: a batch of sequences into views of them, all sequences at once."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.padded import Padded
from contrapose.views.frames.options import FrameViews


class Inputs(Protocol):
    """What an encoder of sequences brings them into: `framed(raw, first, length)` is coordinates of a window of each,
    `finished(coordinates)` what it takes."""

    def framed(self, raw: Any, first: Tensor | None = None, length: Tensor | None = None) -> Padded: ...

    def finished(self, coordinates: Padded) -> Padded: ...


class FrameViewMaker:
    """Random views of a batch of sequences, every sequence and every view with numbers of its own.

        piece    length = clip(floor(s n), crop_frames, n), s ~ U[crop_min, crop_max], its start uniform among all;
                 brought to the encoder's working length and centred
        joints   with chance break_chance: round(broken_joints J) of them, drawn anew, become 0 or x W, W ~ U(-1, 1)^(C
                 x C), half of the times each; else with chance shear_chance: all become x (1 + E), E ~ U(-shear, shear)
                 beside the diagonal; and are turned about the second axis by U(-rotate, rotate)
        time     backwards with chance reverse
        channels (plain ones, standardised) each times N(1, scale), plus N(0, jitter) at each frame, left out by chance

    Shapes:
        raw: B sequences, as `framed` takes them, with `pointers (B + 1,)`; returns `count` views, `Padded` `(B, T, F)`.

    Arguments:
        options: chances and amounts; their docstrings name the source of each default.
        inputs: the encoder.
        joints: J, in 2 or 3 dimensions; 0: plain channels.

    Closed form: with `broken_joints` = 1 and all views broken, half of them are 0 everywhere.
    Papers: HaLP, https://arxiv.org/abs/2304.00387; Um et al., https://arxiv.org/abs/1706.00527.
    """

    def __init__(self, options: FrameViews | None, inputs: Inputs, *, joints: int) -> None:
        self.options = options or FrameViews()
        self.inputs = inputs
        self.joints = joints

    @torch.no_grad()
    def __call__(self, raw: Any, *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        """Views of the sequences; the same state of `generator` (torch's global one if `None`) gives the same views."""
        lengths = torch.as_tensor(raw.pointers).diff()  # (B,)
        return tuple(self._view(raw, lengths, _Draws(generator)) for _ in range(self.options.count))

    def _view(self, raw: Any, lengths: Int64[Tensor, "B"], draw: _Draws) -> Padded:
        first, length = self.windows(lengths, draw)
        coordinates = self.inputs.framed(raw, first, length)  # (B, T, F)
        if self.joints:
            coordinates = Padded(self._moved(coordinates.values, draw), coordinates.mask)
        if self.options.reverse:
            coordinates = self._turned(coordinates, draw)
        view = self.inputs.finished(coordinates)
        return view if self.joints else Padded(self._disturbed(view, draw), view.mask)

    def windows(self, lengths: Int64[Tensor, "B"], draw: _Draws) -> tuple[Int64[Tensor, "B"], Int64[Tensor, "B"]]:
        """First frame and number of frames of a piece of each."""
        options, count = self.options, len(lengths)
        share = options.crop_min + (options.crop_max - options.crop_min) * draw.uniform(count)  # (B,)
        length = (lengths * share).long().clamp(min=options.crop_frames).minimum(lengths)  # (B,)
        first = (draw.uniform(count) * (lengths - length + 1)).long()  # (B,)
        return first.minimum(lengths - length), length  # a draw so near to 1 that it is rounded to it

    def _moved(self, x: Float[Tensor, "B T F"], draw: _Draws) -> Float[Tensor, "B T F"]:
        """Joints broken, sheared or turned: each `x_j` becomes `x_j M_bj`."""
        options, (B, J) = self.options, (len(x), self.joints)
        joints = x.unflatten(2, (J, -1))  # (B, T, J, C)
        C = joints.shape[3]
        luck = draw.uniform(B)  # (B,)
        identity = torch.eye(C)
        beside = (1 - identity) * draw.uniform(B, C, C, low=-options.shear, high=options.shear)  # (B, C, C)
        sheared = (luck >= options.break_chance) & (luck < options.break_chance + options.shear_chance)  # (B,)
        maps = identity + beside * sheared[:, None, None]  # (B, C, C)
        if options.rotate and C == 3:
            maps = maps @ self._rotations(B, draw)
        maps = maps[:, None].expand(B, J, C, C)
        if options.break_chance:
            some = draw.uniform(B, J).argsort(dim=1).argsort(dim=1) < round(options.broken_joints * J)  # (B, J)
            some = some & (luck < options.break_chance)[:, None]
            wild = draw.uniform(B, C, C, low=-1, high=1) * (draw.uniform(B) < 0.5)[:, None, None]  # (B, C, C)
            maps = wild[:, None].where(some[..., None, None], maps)  # (B, J, C, C)
        maps = maps.to(x)[:, None]  # (B, 1, J, C, C)
        found = sum(
            joints[..., c, None] * maps[..., c, :] for c in range(C)
        )  # (B, T, J, C); faster than small products
        return torch.as_tensor(found).flatten(2)

    def _rotations(self, count: int, draw: _Draws) -> Float[Tensor, "B 3 3"]:
        angle = torch.deg2rad(draw.uniform(count, low=-self.options.rotate, high=self.options.rotate))  # (B,)
        none, one = torch.zeros_like(angle), torch.ones_like(angle)
        sine, cosine = angle.sin(), angle.cos()
        rows = [cosine, none, sine, none, one, none, -sine, none, cosine]
        return torch.stack(rows, dim=1).unflatten(1, (3, 3))  # (B, 3, 3)

    def _turned(self, coordinates: Padded, draw: _Draws) -> Padded:
        """Some of them from their last real frame to the first."""
        x, mask = coordinates.values, coordinates.mask
        steps = torch.arange(x.shape[1])  # (T,)
        back = (mask.sum(dim=1, keepdim=True) - 1 - steps).where(mask, steps)  # (B, T)
        chosen = draw.uniform(len(x))[:, None] < self.options.reverse  # (B, 1)
        places = back.where(chosen, steps)  # (B, T)
        return Padded(x.gather(1, places[..., None].expand_as(x)), mask)

    def _disturbed(self, view: Padded, draw: _Draws) -> Float[Tensor, "B T F"]:
        """Plain channels scaled, noisy, or left out."""
        options, x = self.options, view.values
        B, _, F = x.shape
        if options.scale:
            x = x * (1 + options.scale * draw.normal(B, 1, F))
        if options.jitter:
            x = x + options.jitter * draw.normal(*x.shape)
        if options.drop_channels:
            luck = draw.uniform(B, F)  # (B, F)
            kept = luck >= luck.amax(dim=1, keepdim=True).clamp(max=options.drop_channels)  # the luckiest always
            x = x * kept[:, None]
        return x * view.mask[..., None]

    def __repr__(self) -> str:
        return f"FrameViewMaker({self.options})"


class _Draws:
    """Random numbers drawn where the generator is, and used on the processor."""

    def __init__(self, generator: torch.Generator | None) -> None:
        self.how: dict[str, Any] = {
            "generator": generator,
            "device": torch.device("cpu") if generator is None else generator.device,
        }

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(shape, **self.how).cpu()

    def normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, **self.how).cpu()
