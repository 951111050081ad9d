"""`dense_conv`: a small convolutional network whose map keeps where things are."""

from __future__ import annotations

from collections.abc import Sequence

from contrapose.encoders.backbone import ENCODERS, Backbone
from contrapose.encoders.images.small_conv import small_conv


@ENCODERS.register("dense_conv")
def dense_conv(
    *,
    channels: int,
    image_size: int,
    widths: Sequence[int] = (64, 64, 64, 64),
    strides: Sequence[int] = (2, 2, 1, 1),
    kernel: int = 5,
) -> Backbone:
    """A `small_conv` for dense objectives: its last map has a cell for every 4 x 4 pixels, its embedding is the mean of
    the cells, and nothing but the stages has weights.

    All defaults are this library's own: the four stages of stride 4 and 64 channels of the scaled claim of `pixpro`.

    Arguments:
        widths, strides, kernel: as in `small_conv`; all but the last convolution that shrinks do so by their stride.

    Errors:
        ArgumentError: as in `small_conv`.
    """
    return small_conv(
        channels=channels,
        image_size=image_size,
        widths=widths,
        strides=strides,
        kernel=kernel,
        shrink="stride",
        pool=1,
        embedding=0,
    )
