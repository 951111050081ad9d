"""A translator: a picture and a class into a picture of the same size that is taken for one of that class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.arguments import count
from contrapose.errors import ArgumentError
from contrapose.preparation import Preparation

SMALL = 64
"""Below this many pixels a side a picture is halved once and filters are small; from here on it is as in StarGAN."""
SLACK = 1e-3  # rounding may leave [0, 1] by so much


class Translator(nn.Module):
    """G(x, c): fewer pixels, residual blocks, and back, with the class in the scales and shifts of all norms.

        norm(h, c) = scale_c · (h - mean) / deviation + shift_c,  mean and deviation of each channel over its pixels
        h = down(relu(norm(conv(x), c)))
        h <- h + norm(conv(relu(norm(conv(h), c))), c), `blocks` times
        G(x, c) = x + conv(up(h)),  the last conv beginning at 0

    StarGAN gives the class as K constant planes beside the picture, and the norm behind the first convolution subtracts
    what is constant: of the class there is left what the padding at the borders betrays. Scales and shifts of its own
    tell it to every layer [design].

    It begins as the identity, so that it finds the smallest change that is taken for the class. StarGAN's begins with
    noise, and on small pictures finds the mean picture of each class first, from which the cycle does not lead away,
    for the way back is told the class [design].

    Norms are of each picture by itself (instance normalisation), so no picture's translation depends on the others. It
    carries what it takes, as encoders do: pictures of uint8, or floats in [0, 1]. Inside, they lie in [-1, 1].

    Shapes:
        x: `(B, C, H, W)`; c: `(B,)` int64; returns `(B, C, H, W)` float in [0, 1].

    Arguments:
        channels, image_size: C and H = W of the pictures.
        classes: names of the K classes, in the order of their numbers.
        width: channels at full size. [design] 16 for small pictures; 64 in StarGAN.
        halvings: how often the map is halved. None: 1 under 64 pixels, else 2 as in StarGAN; none where the side is
            odd.
        blocks: residual blocks. None: 2 under 64 pixels, else 6 as in StarGAN.
        preparation: how the pictures that it learned from became pixels.

    Errors:
        ArgumentError: fewer than two classes, a size that cannot be halved so often; pictures of another size, number
            of channels or range; a class outside 0 to K - 1.

    Choi et al., CVPR 2018, https://arxiv.org/abs/1711.09020
    """

    def __init__(
        self,
        *,
        channels: int,
        image_size: int,
        classes: Sequence[str],
        width: int = 16,
        halvings: int | None = None,
        blocks: int | None = None,
        preparation: Preparation | None = None,
    ) -> None:
        super().__init__()
        if len(classes) < 2:
            raise ArgumentError(f"A translator turns classes into others and needs two at least, got {list(classes)}.")
        small = image_size < SMALL
        even = 2 if image_size % 4 == 0 else 1 if image_size % 2 == 0 else 0
        halvings = min(even, 1 if small else 2) if halvings is None else count(halvings, "halvings", least=0)
        if image_size % 2**halvings:
            raise ArgumentError(f"Pictures of {image_size} pixels cannot be halved {halvings} times; take fewer.")
        blocks = (2 if small else 6) if blocks is None else count(blocks, "blocks", least=0)
        self.channels, self.image_size, self.classes = channels, image_size, tuple(map(str, classes))
        self.preparation = preparation or Preparation()
        self.arguments: dict[str, Any] = {"width": count(width, "width"), "halvings": halvings, "blocks": blocks}
        edge, inner = 3 if small else 7, width * 2**halvings
        many = len(classes)
        layers: list[nn.Module] = [_Normed(nn.Conv2d(channels, width, edge, padding=edge // 2, bias=False), many)]
        for number in range(halvings):
            now = width * 2**number
            layers.append(_Normed(nn.Conv2d(now, 2 * now, 4, stride=2, padding=1, bias=False), many))
        layers += [_Residual(inner, many) for _ in range(blocks)]
        for number in range(halvings):
            now = inner // 2**number
            layers.append(_Normed(nn.ConvTranspose2d(now, now // 2, 4, stride=2, padding=1, bias=False), many))
        self.layers = nn.ModuleList(layers)
        self.change = nn.Conv2d(width, channels, edge, padding=edge // 2)
        nn.init.zeros_(self.change.weight)
        nn.init.zeros_(self.change.bias)  # type: ignore[arg-type]  # it has one

    @property
    def form(self) -> dict[str, Any]:
        """What it takes, as JSON."""
        size: Mapping[str, Any] = {"channels": self.channels, "image_size": self.image_size}
        return {"modality": "image", **size, "preparation": self.preparation.to_json()}

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next(self.parameters()).device

    def scaled(self, pictures: Tensor) -> Float[Tensor, "B C H W"]:
        """Pictures as they are inside, in [-1, 1].

        Errors:
            ArgumentError: another size, number of channels, type or range than those it was made for.
        """
        self._check(pictures)
        weight = next(self.parameters())
        floats = pictures.to(weight.dtype) / 255 if pictures.dtype == torch.uint8 else pictures.to(weight.dtype)
        return 2 * floats - 1  # (B, C, H, W)

    def translate(self, scaled: Float[Tensor, "B C H W"], classes: Int64[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
        """What is in [-1, 1] to what should be, and is not held there; gradients flow."""
        h = scaled
        for layer in self.layers:
            h = layer(h, classes)  # (B, C', h, w)
        change: Tensor = self.change(h)  # (B, C, H, W)
        return scaled + change

    def forward(self, pictures: Tensor, classes: Int64[Tensor, "B"]) -> Float[Tensor, "B C H W"]:
        if classes.shape != pictures.shape[:1] or classes.dtype != torch.int64:
            raise ArgumentError(
                f"Each of {len(pictures)} pictures needs a class number (int64), got {classes.dtype} of shape "
                f"{tuple(classes.shape)}."
            )
        if len(classes) and not (int(classes.min()) >= 0 and int(classes.max()) < len(self.classes)):
            raise ArgumentError(
                f"There are classes 0 to {len(self.classes) - 1} ({', '.join(self.classes[:5])}, ...), and {classes} "
                "names another."
            )
        return ((self.translate(self.scaled(pictures), classes) + 1) / 2).clamp(0, 1)  # (B, C, H, W)

    def _check(self, pictures: Tensor) -> None:
        wanted = (self.channels, self.image_size, self.image_size)
        if tuple(pictures.shape[1:]) != wanted:
            raise ArgumentError(
                f"This translator takes pictures of shape (B, {', '.join(map(str, wanted))}), and was given "
                f"{tuple(pictures.shape)}. Open them with that size and number of channels."
            )
        if pictures.dtype == torch.uint8:
            return
        low, high = map(float, pictures.aminmax()) if pictures.is_floating_point() else (-1.0, -1.0)
        if not (low >= -SLACK and high <= 1 + SLACK):  # so that NaN fails too
            given = f"{low:g} to {high:g}" if pictures.is_floating_point() else str(pictures.dtype)
            raise ArgumentError(
                f"This translator takes uint8, or floats in [0, 1], and was given {given}. Give pictures before any "
                "normalisation, or divide by their white."
            )

    def extra_repr(self) -> str:
        return f"channels={self.channels}, image_size={self.image_size}, classes={len(self.classes)}"


class _Normed(nn.Module):
    """A convolution, an instance norm with scales and shifts of each class, and, but for `last`, a rectifier."""

    def __init__(self, convolution: nn.Conv2d | nn.ConvTranspose2d, classes: int, *, last: bool = False) -> None:
        super().__init__()
        width = convolution.out_channels
        self.convolution, self.last = convolution, last  # without a bias, which the norm would subtract again
        self.norm = nn.InstanceNorm2d(width)
        self.scale = nn.Parameter(torch.ones(classes, width))
        self.shift = nn.Parameter(torch.zeros(classes, width))

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        h = self.norm(self.convolution(x))  # (B, C', h, w)
        h = h * self.scale[classes, :, None, None] + self.shift[classes, :, None, None]
        return h if self.last else functional.relu(h, inplace=True)


class _Residual(nn.Module):
    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        first, second = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.first, self.second = _Normed(first, classes), _Normed(second, classes, last=True)

    def forward(self, x: Tensor, classes: Tensor) -> Tensor:
        h: Tensor = self.second(self.first(x, classes), classes)
        return x + h  # (B, C', h, w)
