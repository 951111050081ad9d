"""`small_conv`: a convolutional network for pictures of 28 to 64 pixels that trains on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import choice, count, counts
from contrapose.encoders.backbone import ENCODERS, Backbone, ConvolutionalBackbone
from contrapose.encoders.images.convolution import convolution, initialise
from contrapose.errors import ArgumentError

LARGEST_GRID = 5  # the default grid: the last map of 35 x 35 pictures as it is, and no larger for larger ones


@dataclass(frozen=True)
class Stage:
    """One stage: `depth` convolutions, of which the first has this kernel; then the map shrinks by `stride`."""

    inputs: int
    outputs: int
    kernel: int
    stride: int
    depth: int
    shrink: str


class SmallConv(ConvolutionalBackbone):
    """A few normalised convolutions, a small grid of averages, and a linear map of the grid to the features.

        stage_k:  x <- relu(bn(conv(x))), depth times; shrunk by a stride of the first or max-pooling of the last
        h = grid x grid averages of the last map
        features = bn(W flatten(h)),   or flatten(h) where `embedding` is 0

    Grid and linear map keep *where* things are, which tells characters and other centred objects apart and which a
    global average forgets. Of views so small that the last map has fewer than `grid` rows or columns (multi-crop), the
    map is stretched over the grid: a small view stands for the whole picture as a large one does.

    Shapes:
        x: `(B, C, H, W)`; returns `(B, embedding)`, or `(B, widths[-1] * grid^2)` where `embedding` is 0.
    """

    def __init__(self, stages: Sequence[Stage], grid: int, embedding: int) -> None:
        super().__init__([_stage(stage) for stage in stages])
        self.stage_dimensions = tuple(stage.outputs for stage in stages)
        self.grid = grid
        self.chosen_by_size = {"pool": grid}
        flat = self.stage_dimensions[-1] * grid * grid
        self.dimension = embedding or flat
        initialise(self)
        # After `initialise`: torch's own first weights suit a linear map without a ReLU behind it.
        self.embedding = (
            nn.Sequential(nn.Linear(flat, embedding, bias=False), nn.BatchNorm1d(embedding))
            if embedding
            else nn.Identity()
        )

    def pool(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """The grid of averages of the last map, and the linear map behind it."""
        return self.embedding(_flat(self._averages(x)))  # (B, C, grid, grid) -> (B, D)

    def _averages(self, x: Tensor) -> Tensor:
        """Averages over `grid` x `grid` equal windows that cover the map (and overlap where they must)."""
        if min(x.shape[-2:]) < self.grid:
            sides = [max(side, self.grid) for side in x.shape[-2:]]
            x = functional.interpolate(x, size=sides, mode="nearest")  # (B, C, h, w) of at least grid x grid
        # Not adaptive_avg_pool2d: its windows differ in size, and its backward is not deterministic on a GPU.
        stride = (x.shape[-2] // self.grid, x.shape[-1] // self.grid)
        window = (x.shape[-2] - (self.grid - 1) * stride[0], x.shape[-1] - (self.grid - 1) * stride[1])
        return x if window == (1, 1) else functional.avg_pool2d(x, window, stride)  # (B, C, grid, grid)


def _flat(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C*h*w"]:
    """Rows of all values; where the map is stored channels last, so is its gradient.

    The gradient of `flatten` has the order of the rows. Left so, the ReLU, norm and convolution behind it would each
    meet two layouts in one operation: a tenth of a training step on a CPU.
    """
    if x.requires_grad and x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous():
        x.register_hook(lambda gradient: gradient.contiguous(memory_format=torch.channels_last))
    return x.flatten(1)  # (B, C·h·w)


def _stage(stage: Stage) -> nn.Sequential:
    modules: list[nn.Module] = []
    for number in range(stage.depth):
        first, last = number == 0, number == stage.depth - 1
        strided = stage.stride if first and stage.shrink == "stride" else 1
        inputs, kernel = (stage.inputs, stage.kernel) if first else (stage.outputs, 3)
        filters, norm = convolution(inputs, stage.outputs, kernel=kernel, stride=strided)
        pooled = last and stage.shrink == "max" and stage.stride > 1
        # Pooling commutes with ReLU and with a norm of positive scale; before them it leaves them a quarter of the
        # work.
        shrink = [nn.MaxPool2d(stage.stride, ceil_mode=True)] if pooled else []
        modules += [filters, *shrink, norm, nn.ReLU(inplace=True)]
    return nn.Sequential(*modules)


@ENCODERS.register("small_conv")
def small_conv(
    *,
    channels: int,
    image_size: int,
    widths: Sequence[int] = (32, 64, 128, 256),
    strides: Sequence[int] | None = None,
    kernel: int = 5,
    depth: int = 1,
    shrink: str = "max",
    first_shrink: str = "stride",
    pool: int | None = None,
    embedding: int = 256,
) -> SmallConv:
    """A `SmallConv` for `image_size` pixels.

    All defaults are this library's own: of the nets tried, the one that did best in one-shot runs on held-out
    alphabets of the embedded characters and makes 1,000 training views a second on one CPU core.

    Arguments:
        widths: channels after each stage.
        strides: by how much each stage shrinks the map; `None`: 2, and 1 for the last of several stages.
        kernel: side of the first convolution; all others are 3 x 3.
        depth: convolutions in a stage.
        shrink: of all stages but the first: `"max"`: by max-pooling after full-size convolutions; `"stride"`: by
            strided convolutions, which is faster and told characters apart less well.
        first_shrink: the same of the first stage, where max-pooling costs little if the stage has few channels.
        pool: side of the grid of averages of the last map; 1 is global average pooling; `None`: the map itself,
            at most 5 x 5.
        embedding: outputs of the normalised linear map behind the grid; 0: none.

    Errors:
        ArgumentError: a value out of range, lists of different length, a grid larger than the last map.
    """
    widths = counts(widths, "widths")
    strides = (
        (*(2,) * (len(widths) - 1), 2 if len(widths) == 1 else 1) if strides is None else counts(strides, "strides")
    )
    depth, kernel, embedding = (
        count(depth, "depth"),
        count(kernel, "kernel"),
        count(embedding, "embedding", least=0),
    )
    shrink, first_shrink = (
        choice(value, name, ("max", "stride")) for name, value in (("shrink", shrink), ("first_shrink", first_shrink))
    )
    if len(strides) != len(widths):
        raise ArgumentError(
            f"small_conv was given {len(widths)} widths and {len(strides)} strides: give one stride for each width."
        )
    side = image_size
    for stride in strides:
        side = -(-side // stride)
    pool = min(side, LARGEST_GRID) if pool is None else count(pool, "pool")
    if side < pool:
        raise ArgumentError(
            f"small_conv with strides {list(strides)} leaves a {side} x {side} map of "
            f"{image_size} x {image_size} pictures, smaller than pool={pool}. "
            "Give smaller strides or a smaller `pool`."
        )
    stages = [
        Stage(
            inputs=before,
            outputs=after,
            kernel=3 if number else kernel,
            stride=stride,
            depth=depth,
            shrink=shrink if number else first_shrink,
        )
        for number, (before, after, stride) in enumerate(zip((channels, *widths[:-1]), widths, strides, strict=True))
    ]
    return SmallConv(stages, pool, embedding)


@ENCODERS.register("tiny_conv")
def tiny_conv(
    *,
    channels: int,
    image_size: int,
    widths: Sequence[int] = (24, 48, 96, 192),
    strides: Sequence[int] | None = None,
    first_shrink: str = "max",
    pool: int | None = None,
    embedding: int = 256,
) -> Backbone:
    """A thinner `small_conv`: for characters, and for processors without matrix units.

    Chosen with the recipe of `make train` by one-shot runs on held-out alphabets (`benchmarks/one_shot_validation.py`).

    Arguments:
        widths, strides, first_shrink, pool, embedding: as in `small_conv`.

    Errors:
        ArgumentError: as in `small_conv`.
    """
    return small_conv(
        channels=channels,
        image_size=image_size,
        widths=widths,
        strides=strides,
        first_shrink=first_shrink,
        pool=pool,
        embedding=embedding,
    )


@ENCODERS.register("micro_conv")
def micro_conv(
    *,
    channels: int,
    image_size: int,
    widths: Sequence[int] = (16, 32, 64),
    pool: int | None = None,
    embedding: int = 64,
) -> Backbone:
    """Strided convolutions of 3 x 3 and a linear map: for made pictures of 16 to 32 pixels, at a thirtieth of the work
    of `tiny_conv`.

    Arguments:
        widths, pool, embedding: as in `small_conv`; each stage halves the map.

    Errors:
        ArgumentError: as in `small_conv`.
    """
    return small_conv(
        channels=channels,
        image_size=image_size,
        widths=widths,
        strides=[2] * len(widths) if isinstance(widths, list | tuple) else None,
        kernel=3,
        shrink="stride",
        pool=pool,
        embedding=embedding,
    )
