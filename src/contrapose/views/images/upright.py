"""Views that are upright rectangles of their pictures, on a processor: a few pictures at a time, axis after axis.

A batch of photos that goes through one operation after the other is written to memory and read from it each time. Here
as many pictures as a core's cache holds go through all of them before the next do. And what reads at the crossings of a
grid reads along rows and along columns: two pixels and two more instead of four, and no grid is made.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from contrapose.views.images.colour import grey_weights, recolouring
from contrapose.views.images.draw import ViewNumbers
from contrapose.views.images.geometry import Padding, halve, halved, halvings
from contrapose.views.images.taps import Taps, bilinear_taps, filter_rows, gaussian_reach, gaussian_taps

_AT_ONCE = 2**18
"""Numbers of the pictures that are worked on together: 1 MB, about what a core has for itself."""
_LEAST_PIXELS = 64**2
"""Of smaller pictures a batch fits in the cache, and one reading of a grid takes less time than many short steps."""


def is_upright(pictures: Tensor, numbers: ViewNumbers, size: int) -> bool:
    """Whether `render_upright` can and should make these views: the pictures are on a processor and of some size."""
    if pictures.device.type != "cpu" or numbers.matrix is None or numbers.knots is not None:
        return False
    large = max(pictures.shape[2] * pictures.shape[3], size**2) >= _LEAST_PIXELS
    return large and not bool(numbers.matrix[:, [0, 1], [1, 0]].any())


def render_upright(pictures: Tensor, numbers: ViewNumbers, *, size: int, padding: Padding) -> Float[Tensor, "B C S S"]:
    """Crop, flip, zoom and shift, then colour, the clip to [0, 1] and blur: what `warp`, `apply_colour` and
    `gaussian_blur` do one after the other, up to rounding. Of the numbers all else is left alone.

    Shapes:
        pictures: `(B, C, H, W)` bytes, or floats in [0, 1].
    """
    numbers = numbers.to("cpu")
    assert numbers.matrix is not None
    channels, height, width = pictures.shape[1:]
    views = torch.empty(len(pictures), channels, size, size)  # (B, C, S, S)
    levels = halvings(numbers.matrix, height * width, size)  # (B,)
    reach = torch.zeros_like(levels) if numbers.sigma is None else gaussian_reach(numbers.sigma, size)  # (B,)
    kinds = levels * 2 + (reach > 0)  # (B,)
    at_once = max(1, _AT_ONCE // (channels * max(height * width, size**2)))
    targets = views.unbind()
    for kind in kinds.unique().tolist():
        rows = (kinds == kind).nonzero()[:, 0]  # (b,)
        rows = rows[reach[rows].argsort(stable=True)]  # those that are blurred by as many taps lie together
        plan = _plan(pictures, rows, numbers.select(rows), kind // 2, reach[rows], size, padding)
        for first in range(0, len(rows), at_once):
            few = plan.part(slice(first, first + at_once))
            for row, view in zip(few.rows.tolist(), _render(pictures, few, padding), strict=True):
                torch.clamp(view, 0, 1, out=targets[row])
    return views


@dataclass(frozen=True)
class _Plan:
    """What is done to some pictures, which are halved equally often first, and either all blurred or none.

    Shapes:
        rows: which of the pictures; linear: what their channels become; mean_down, mean_across: weights of a picture's
            rows and columns in what is added to every channel.
    """

    rows: Int64[Tensor, "b"]
    level: int
    down: Taps
    across: Taps
    linear: Float[Tensor, "b C C"] | None
    mean_down: Float[Tensor, "b H"]
    mean_across: Float[Tensor, "b W"]
    reach: Int64[Tensor, "b"]
    blur: Taps | None

    def part(self, few: slice) -> _Plan:
        """The plan for a few of the pictures."""
        blur = None if self.blur is None else self.blur[few].within(int(self.reach[few].max()))
        linear = None if self.linear is None else self.linear[few]
        means = (self.mean_down[few], self.mean_across[few])
        return _Plan(
            self.rows[few], self.level, self.down[few], self.across[few], linear, *means, self.reach[few], blur
        )


def _plan(
    pictures: Tensor, rows: Tensor, numbers: ViewNumbers, level: int, reach: Tensor, size: int, padding: Padding
) -> _Plan:
    channels = pictures.shape[1]
    height, width = halved(pictures.shape[2], level), halved(pictures.shape[3], level)
    assert numbers.matrix is not None
    down = bilinear_taps(numbers.matrix[:, 1, 1], numbers.matrix[:, 1, 2], height, size, padding)
    across = bilinear_taps(numbers.matrix[:, 0, 0], numbers.matrix[:, 0, 2], width, size, padding)
    mean_down, mean_across = down.totals(height), across.totals(width)  # (b, H), (b, W)
    linear = None
    unit = 1 / 255 if pictures.dtype == torch.uint8 else 1.0  # bytes are divided where something is multiplied anyway
    if numbers.jitter is not None or numbers.grey is not None:
        linear, share = recolouring(numbers.jitter, numbers.grey, channels)  # (b, C, C), (b,)
        linear = linear * unit
        mean_across = mean_across * (share * unit / size**2)[:, None]
    else:
        down = Taps(down.places, down.weights * unit)
    sigma = numbers.sigma
    blur = None if sigma is None or int(reach.max()) == 0 else gaussian_taps(sigma, size)
    return _Plan(rows, level, down, across, linear, mean_down, mean_across, reach, blur)


def _render(pictures: Tensor, plan: _Plan, padding: Padding) -> Float[Tensor, "b C S S"]:
    """Views of a few pictures; of those that are not blurred, before the clip."""
    lines, first = _lines(pictures, plan)  # (b, C, h, W)
    offset = None
    if plan.linear is not None:
        lines, offset = _recoloured(lines, plan, first)
    down = Taps(plan.down.places - first, plan.down.weights)
    batch, channels, _, _ = lines.shape
    size = down.places.shape[1]
    if plan.blur is None and padding != "zeros":  # beyond a picture, its two shares of nothing do not add up to 1
        read = _interpolate(lines.flatten(1, 2), plan.across).view(batch, channels, -1, size)  # (b, C, h, S)
        read = filter_rows(read, down)  # (b, C, S, S)
        return read if offset is None else read.add_(offset)
    read = _turned(filter_rows(lines, down).flatten(1, 2))  # (b, W, C * S)
    read = filter_rows(read[:, None], plan.across)  # (b, 1, S, C * S)
    read = read if offset is None else read.add_(offset)
    if plan.blur is not None:
        read = filter_rows(read.clamp_(0, 1), plan.blur)
    read = _turned(read[:, 0]).view(batch, channels, size, size)
    return read if plan.blur is None else filter_rows(read, plan.blur)


def _lines(pictures: Tensor, plan: _Plan) -> tuple[Float[Tensor, "b C h W"], int]:
    """The rows of the pictures that are read for any of the views, as floats, and which is the first of them."""
    rows = plan.rows
    some = pictures[int(rows), None] if len(rows) == 1 else pictures.index_select(0, rows)  # (b, C, H, W)
    first, last = 0, some.shape[2]
    if plan.level == 0:
        first, last = int(plan.down.places.min()), int(plan.down.places.max()) + 1
    lines = some[:, :, first:last].to(torch.float32, memory_format=torch.contiguous_format)
    for _ in range(plan.level):
        lines = halve(lines)
    return lines, first


def _recoloured(
    lines: Float[Tensor, "b C h W"], plan: _Plan, first: int
) -> tuple[Float[Tensor, "b C h W"], Float[Tensor, "b 1 1 1"]]:
    """The lines in their new colours, and what is to be added to the views that are read of them."""
    assert plan.linear is not None
    batch, channels, height, width = lines.shape
    pixels = lines.flatten(2)  # (b, C, h * W)
    grey = torch.bmm(grey_weights(channels).expand(batch, 1, channels), pixels).view(batch, height, width)
    grey.mul_(plan.mean_down[:, first : first + height, None]).mul_(plan.mean_across[:, None])
    offset = grey.sum((1, 2))[:, None, None, None]  # (b, 1, 1, 1)
    return torch.bmm(plan.linear, pixels).view_as(lines), offset


def _interpolate(lines: Float[Tensor, "b h W"], taps: Taps) -> Float[Tensor, "b h S"]:
    """Two taps along the last axis, whose weights sum to 1."""
    left, right = (places[:, None].expand(-1, lines.shape[1], -1) for places in taps.places.unbind(-1))  # (b, h, S)
    return lines.gather(2, left).lerp_(lines.gather(2, right), taps.weights[:, None, :, 1])


def _turned(lines: Float[Tensor, "b m n"]) -> Float[Tensor, "b n m"]:
    """Transposed and contiguous; a single one by the faster way that torch has for two dimensions."""
    return lines[0].t().contiguous()[None] if len(lines) == 1 else lines.transpose(1, 2).contiguous()
