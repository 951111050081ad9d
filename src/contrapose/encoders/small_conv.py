"""`small_conv`: a 3 x 3 convolutional network for pictures of 28 to 64 pixels that trains on a CPU."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count, counts, flag
from contrapose.encoders.backbone import ENCODERS, ConvolutionalBackbone
from contrapose.encoders.convolution import ResidualBlock, convolution, initialise
from contrapose.errors import ArgumentError


class SmallConv(ConvolutionalBackbone):
    """One strided convolution a stage (and `depth - 1` that keep the size), then a small grid of averages.

        stage_k: relu(bn(conv_3x3(x, stride_k))), then depth - 1 times  x <- relu(bn(conv_3x3(x)) [+ x])
        dimension = widths[-1] * pool^2

    The grid keeps where things are, which matters for characters and other centred objects; `pool=1` is the
    usual global average.

    Shapes:
        x: `(B, C, H, W)`; returns `(B, dimension)`.

    Errors:
        ArgumentError: pictures so small that the last map has fewer than `pool` rows or columns.
    """

    def __init__(
        self,
        channels: int,
        widths: tuple[int, ...],
        strides: tuple[int, ...],
        depth: int,
        residual: bool,
        pool: int,
    ) -> None:
        inputs = (channels, *widths[:-1])
        super().__init__(
            [
                _stage(before, after, stride, depth, residual)
                for before, after, stride in zip(inputs, widths, strides, strict=True)
            ]
        )
        self.stage_dimensions = widths
        self.grid = pool
        self.dimension = widths[-1] * pool * pool
        initialise(self)

    def pool(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Averages over `grid` x `grid` equal windows that cover the map (and overlap where they must)."""
        if self.grid == 1:
            return super().pool(x)  # (B, C)
        if min(x.shape[-2:]) < self.grid:
            raise ArgumentError(
                f"The last map is {x.shape[-2]} x {x.shape[-1]}, smaller than the pooling grid "
                f"{self.grid} x {self.grid}. Give larger pictures, smaller strides or a smaller `pool`."
            )
        # Not adaptive_avg_pool2d: its windows differ in size, and its backward is not deterministic on a GPU.
        stride = (x.shape[-2] // self.grid, x.shape[-1] // self.grid)
        window = (x.shape[-2] - (self.grid - 1) * stride[0], x.shape[-1] - (self.grid - 1) * stride[1])
        return functional.avg_pool2d(x, window, stride).flatten(1)  # (B, C, pool, pool) -> (B, D)


def _stage(inputs: int, outputs: int, stride: int, depth: int, residual: bool) -> nn.Sequential:
    modules: list[nn.Module] = [convolution(inputs, outputs, stride=stride), nn.ReLU(inplace=True)]
    for _ in range(depth - 1):
        more = convolution(outputs, outputs)
        modules += [ResidualBlock(more)] if residual else [more, nn.ReLU(inplace=True)]
    return nn.Sequential(*modules)


@ENCODERS.register("small_conv")
def small_conv(
    *,
    channels: int,
    image_size: int,
    widths: Sequence[int] = (32, 64, 128, 256),
    strides: Sequence[int] | None = None,
    depth: int = 1,
    residual: bool = False,
    pool: int = 2,
) -> SmallConv:
    """A `SmallConv` for `image_size` pixels.

    Arguments:
        widths: channels after each stage. The default, like those of `strides` and `pool`, is this library's
            own choice: with bfloat16 and channels last, one CPU core trains on about 1,500 and embeds about
            6,000 grey pictures of 35 x 35 pixels a second.
        strides: one for each width; `None`: 1, then 2 for every further stage.
        depth: 3 x 3 convolutions in a stage.
        residual: add each convolution that keeps the size to its input (needs `depth` of 2 or more).
        pool: side of the grid of averages that becomes the features; 1 is global average pooling.

    Errors:
        ArgumentError: a value out of range, lists of different length, a grid larger than the last map.
    """
    widths = counts(widths, "widths")
    strides = (1,) + (2,) * (len(widths) - 1) if strides is None else counts(strides, "strides")
    depth, pool, residual = count(depth, "depth"), count(pool, "pool"), flag(residual, "residual")
    if len(strides) != len(widths):
        raise ArgumentError(
            f"small_conv was given {len(widths)} widths and {len(strides)} strides: "
            "give one stride for each width."
        )
    if residual and depth == 1:
        raise ArgumentError("residual=True does nothing with depth=1: give depth=2 or more, or leave it out.")
    side = image_size
    for stride in strides:
        side = -(-side // stride)
    if side < pool:
        raise ArgumentError(
            f"small_conv with strides {list(strides)} leaves a {side} x {side} map of "
            f"{image_size} x {image_size} pictures, smaller than pool={pool}. "
            "Give smaller strides or a smaller `pool`."
        )
    return SmallConv(channels, widths, strides, depth, residual, pool)
