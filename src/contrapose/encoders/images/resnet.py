"""`resnet18`, `resnet34`, `resnet50`: residual networks without their classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import nn

from contrapose.encoders.arguments import flag
from contrapose.encoders.backbone import ENCODERS, ConvolutionalBackbone
from contrapose.encoders.images.convolution import ResidualBlock, convolution, initialise
from contrapose.errors import ArgumentError

SMALL_PICTURE = 64  # pixels; up to here a stride of 4 before the first block would throw away most of the picture
WIDTHS = (64, 128, 256, 512)


class ResNet(ConvolutionalBackbone):
    """A stem, then four stages of residual blocks of which all but the first halve the map.

        block: y = relu(body(x) + shortcut(x)),  body: 3x3-3x3, or bottleneck 1x1-3x3-1x1 (4 times as wide)

    In bottlenecks the 3 x 3 convolution carries the stride, as in all current implementations (the paper
    strides the first 1 x 1); the number of parameters is the same.

    Shapes:
        x: `(B, C, H, W)`; maps `(B, 64 e, ..)` to `(B, 512 e, ..)`; returns `(B, 512 e)`; e is 1, or 4 for
            bottlenecks.

    Paper: He et al. 2016, https://arxiv.org/abs/1512.03385
    """

    def __init__(
        self,
        channels: int,
        blocks: Sequence[int],
        *,
        bottleneck: bool,
        small_stem: bool,
        zero_init_last: bool,
        no_down: bool = False,
    ) -> None:
        expansion = 4 if bottleneck else 1
        outputs = [width * expansion for width in WIDTHS]
        stages = [
            _stage(before, width, number, 1 if width == WIDTHS[0] else 2, bottleneck)
            for before, width, number in zip([WIDTHS[0], *outputs[:-1]], WIDTHS, blocks, strict=True)
        ]
        stages[0].insert(0, _stem(channels, small_stem, stride=1 if no_down else 2))
        super().__init__(stages)
        self.stage_dimensions = tuple(outputs)
        self.dimension = outputs[-1]
        initialise(self)
        if zero_init_last:
            self._start_as_shortcuts()

    def _start_as_shortcuts(self) -> None:
        for module in self.modules():
            if isinstance(module, ResidualBlock):
                last = cast(nn.Sequential, cast(nn.Sequential, module.body)[-1])
                nn.init.zeros_(cast(nn.BatchNorm2d, last[1]).weight)


def _stem(channels: int, small: bool, *, stride: int) -> nn.Sequential:
    if small:
        return nn.Sequential(convolution(channels, WIDTHS[0]), nn.ReLU(inplace=True))
    return nn.Sequential(
        convolution(channels, WIDTHS[0], kernel=7, stride=stride),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=stride, padding=1),
    )


def _stage(inputs: int, width: int, number: int, stride: int, bottleneck: bool) -> nn.Sequential:
    outputs = width * 4 if bottleneck else width
    blocks = []
    for index in range(number):
        step = stride if index == 0 else 1
        body = _bottleneck(inputs, width, step) if bottleneck else _basic(inputs, width, step)
        changes = step != 1 or inputs != outputs
        shortcut = convolution(inputs, outputs, kernel=1, stride=step) if changes else None
        blocks.append(ResidualBlock(body, shortcut))
        inputs = outputs
    return nn.Sequential(*blocks)


def _basic(inputs: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(convolution(inputs, width, stride=stride), nn.ReLU(inplace=True), convolution(width, width))


def _bottleneck(inputs: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        convolution(inputs, width, kernel=1),
        nn.ReLU(inplace=True),
        convolution(width, width, stride=stride),
        nn.ReLU(inplace=True),
        convolution(width, width * 4, kernel=1),
    )


@ENCODERS.register("resnet18")
def resnet18(
    *,
    channels: int,
    image_size: int,
    small_stem: bool | None = None,
    zero_init_last: bool = False,
    no_down: bool = False,
) -> ResNet:
    """ResNet-18: basic blocks 2-2-2-2; 512 features; 11,176,512 parameters (large stem, 3 channels).

    Arguments:
        small_stem: 3 x 3 convolution with stride 1 and no max-pooling, instead of 7 x 7 with stride 2 and
            max-pooling. `None`: for pictures of at most 64 pixels (SimCLR, https://arxiv.org/abs/2002.05709,
            appendix B.9, does so for CIFAR-10).
        zero_init_last: start every block as its shortcut, by a zero scale in its last normalisation
            (https://arxiv.org/abs/1706.02677, section 5.1). Off by default, as in MoCo's and SupCon's
            networks.
        no_down: the large stem at full resolution: neither its convolution nor its pooling strides, so that the first
            stage sees every pixel (ImagiNet, https://arxiv.org/abs/2407.20020). All maps are four times as wide and
            high, which is 16 times the work; a small stem costs as much, and sees 3 x 3 pixels at a time.

    Errors:
        ArgumentError: a value that is neither true nor false; both stems at once.
    """
    return _resnet(channels, image_size, (2, 2, 2, 2), False, small_stem, zero_init_last, no_down)


@ENCODERS.register("resnet34")
def resnet34(
    *,
    channels: int,
    image_size: int,
    small_stem: bool | None = None,
    zero_init_last: bool = False,
    no_down: bool = False,
) -> ResNet:
    """ResNet-34: basic blocks 3-4-6-3; 512 features; 21,284,672 parameters (large stem, 3 channels).

    Arguments and errors are those of `resnet18`.
    """
    return _resnet(channels, image_size, (3, 4, 6, 3), False, small_stem, zero_init_last, no_down)


@ENCODERS.register("resnet50")
def resnet50(
    *,
    channels: int,
    image_size: int,
    small_stem: bool | None = None,
    zero_init_last: bool = False,
    no_down: bool = False,
) -> ResNet:
    """ResNet-50: bottlenecks 3-4-6-3; 2048 features; 23,508,032 parameters (large stem, 3 channels).

    Arguments and errors are those of `resnet18`.
    """
    return _resnet(channels, image_size, (3, 4, 6, 3), True, small_stem, zero_init_last, no_down)


def _resnet(
    channels: int,
    image_size: int,
    blocks: tuple[int, ...],
    bottleneck: bool,
    small_stem: bool | None,
    zero_init_last: bool,
    no_down: bool,
) -> ResNet:
    if flag(no_down, "no_down") and small_stem:
        raise ArgumentError("small_stem and no_down name two stems for one network: leave one of them out.")
    usual = image_size <= SMALL_PICTURE and not no_down
    small = usual if small_stem is None else flag(small_stem, "small_stem")
    network = ResNet(
        channels,
        blocks,
        bottleneck=bottleneck,
        small_stem=small,
        zero_init_last=flag(zero_init_last, "zero_init_last"),
        no_down=no_down,
    )
    network.chosen_by_size = {"small_stem": small}
    return network
