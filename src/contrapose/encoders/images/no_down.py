"""Encoders that look at every pixel first: for traces that the first stride of a usual network would wipe out."""

from __future__ import annotations

from collections.abc import Sequence

from contrapose.encoders.backbone import ENCODERS, Backbone
from contrapose.encoders.images.resnet import resnet50
from contrapose.encoders.images.small_conv import small_conv


@ENCODERS.register("no_down_conv")
def no_down_conv(
    *,
    channels: int,
    image_size: int,
    widths: Sequence[int] = (16, 24, 48, 64),
    strides: Sequence[int] = (1, 1, 2, 2),
    kernel: int = 5,
    pool: int = 1,
    embedding: int = 0,
) -> Backbone:
    """Four convolutions, the first two at full resolution, averaged over all places: for a processor.

    What is looked for (a grid, a missing part of the spectrum) is the same wherever in the picture it is, so places are
    averaged over; `small_conv` keeps them. [design] widths and depth.

    Arguments:
        widths, strides, kernel, pool, embedding: as in `small_conv`.

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
        pool=pool,
        embedding=embedding,
    )


@ENCODERS.register("resnet50_no_down")
def resnet50_no_down(*, channels: int, image_size: int, zero_init_last: bool = False) -> Backbone:
    """ResNet-50 whose stem and first stage keep the full resolution: a 7 x 7 convolution and a pooling of stride 1.

    Arguments and errors are those of `resnet50`, whose `no_down` this is. Paper: ImagiNet,
    https://arxiv.org/abs/2407.20020; the weights of ImageNet, with which its authors begin, are not fetched.
    """
    return resnet50(channels=channels, image_size=image_size, zero_init_last=zero_init_last, no_down=True)
