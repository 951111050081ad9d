"""Encoders of pictures whose inside can be looked at: layer by layer, and patch by patch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxtyping import Float, Int
from torch import Tensor

from contrapose.encoders.backbone import Backbone, ConvolutionalBackbone
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.images.vision_transformer import VisionTransformer
from contrapose.encoders.layers import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping


class LayeredImageEncoder(ImageEncoder):
    """An `ImageEncoder` whose layers can be read (the capability `Layered`)."""

    backbone: Any  # a Backbone with layers of its own

    @property
    def layers(self) -> Mapping[str, Layer]:
        return self.backbone.layers


class PatchwiseImageEncoder(LayeredImageEncoder):
    """A `LayeredImageEncoder` that sees some patches of a picture and not the others (the capability `Patchwise`)."""

    backbone: VisionTransformer

    @property
    def patch_size(self) -> int:
        return self.backbone.patch_size

    @property
    def grid(self) -> int:
        return self.backbone.grid

    @property
    def first_tokens(self) -> int:
        return 0 if self.backbone.token is None else 1

    def patches_of(self, view: Tensor) -> Float[Tensor, "B n P"]:
        x = self.normalize(view)  # (B, C, S, S)
        p, g = self.patch_size, self.grid
        cut = x.unflatten(3, (g, p)).unflatten(2, (g, p))  # (B, C, g, p, g, p)
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)  # (B, g, g, C, p, p) -> (B, n, C·p·p)

    def picture_of(self, patches: Float[Tensor, "B n P"]) -> Float[Tensor, "B C H W"]:
        p, g, C = self.patch_size, self.grid, self.channels
        cut = patches.unflatten(2, (C, p, p)).unflatten(1, (g, g))  # (B, g, g, C, p, p)
        x = cut.permute(0, 3, 1, 4, 2, 5).reshape(len(patches), C, g * p, g * p)  # (B, C, S, S)
        return x * self.std[:, None, None] + self.mean[:, None, None]  # (B, C, S, S)

    def visible(self, view: Tensor, kept: Int[Tensor, "B K"]) -> Float[Tensor, "B T D"]:
        return self.backbone.visible(self.normalize(view), kept)  # (B, T, D)

    def pool(self, tokens: Float[Tensor, "B T D"]) -> Float[Tensor, "B D"]:
        return self.backbone.pool(tokens)  # (B, D)


def encoder_class(backbone: Backbone) -> type[ImageEncoder]:
    """The encoder that can do what its backbone can."""
    if isinstance(backbone, VisionTransformer):
        return PatchwiseImageEncoder
    return LayeredImageEncoder if isinstance(backbone, ConvolutionalBackbone) else ImageEncoder
