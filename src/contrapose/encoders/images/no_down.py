"""Encoders that look at every pixel first: for traces that the first stride of a usual network would wipe out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from contrapose.encoders.arguments import flag
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
    detail: bool = True,
) -> Backbone:
    """Four convolutions, the first two at full resolution, averaged over all places: for a processor.

    What is looked for (a grid, a missing part of the spectrum) is the same wherever in the picture it is, so places are
    averaged over; `small_conv` keeps them. It is also far fainter than the picture: the first filters therefore begin
    blind to brightness, slopes and curvature, and see what is finer than these alone. They may learn otherwise.
    [design] all of it; filters that are held so throughout are those of Bayar and Stamm (2016).

    Arguments:
        widths, strides, kernel, pool, embedding: as in `small_conv`.
        detail: whether the first filters begin so; off: as those of any other network. A kernel of 1 cannot.

    Errors:
        ArgumentError: as in `small_conv`; a `detail` that is neither true nor false.
    """
    network = small_conv(
        channels=channels,
        image_size=image_size,
        widths=widths,
        strides=strides,
        kernel=kernel,
        shrink="stride",
        pool=pool,
        embedding=embedding,
    )
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    if flag(detail, "detail") and kernel >= 3:
        _blind_to_what_is_coarse(first.weight)
    return network


@torch.no_grad()
def _blind_to_what_is_coarse(filters: Tensor) -> None:
    """Take off filters `(O, C, k, k)` their share of the polynomials of the second degree in the place, in place."""
    side = filters.shape[-1]
    place = torch.linspace(-1, 1, side, dtype=torch.float64)
    y, x = torch.meshgrid(place, place, indexing="ij")  # (k, k) each
    coarse = torch.stack([torch.ones_like(x), x, y, x * y, x * x, y * y]).flatten(1)  # (6, k·k)
    basis = torch.linalg.qr(coarse.T).Q  # (k·k, 6), orthonormal
    rows = filters.flatten(2).double()  # (O, C, k·k)
    filters.copy_((rows - rows @ basis @ basis.T).view(filters.shape))


@ENCODERS.register("resnet50_no_down")
def resnet50_no_down(*, channels: int, image_size: int, zero_init_last: bool = False) -> Backbone:
    """ResNet-50 whose stem and first stage keep the full resolution: a 7 x 7 convolution and a pooling of stride 1.

    Arguments and errors are those of `resnet50`, whose `no_down` this is. Paper: ImagiNet,
    https://arxiv.org/abs/2407.20020; the weights of ImageNet, with which its authors begin, are not fetched.
    """
    return resnet50(channels=channels, image_size=image_size, zero_init_last=zero_init_last, no_down=True)
