"""`vit_micro`, `vit_mini`, `vit_tiny` and `vit_small`: vision transformers without their classifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contrapose.encoders.arguments import choice, count
from contrapose.encoders.attention import Block
from contrapose.encoders.backbone import ENCODERS, Backbone
from contrapose.encoders.layers import Layer, layers_of
from contrapose.errors import ArgumentError

SMALL_PICTURE = 64  # pixels; up to here patches of 16 would leave fewer than 17 tokens
POOLINGS = ("token", "mean")


class VisionTransformer(Backbone):
    """Patches as tokens, learned positions, pre-norm blocks; features are the class token or the mean.

        tokens = [class,] P x_1, ..., P x_n  + positions,   n = (S / patch)^2
        features = norm(blocks(tokens)), pooled

    Number of parameters, with D dimensions, L blocks, C channels, patches of p pixels and T tokens:
    L (12 D^2 + 13 D) + (C p^2 + 1) D + T D + 2 D [+ D for the class token].

    Shapes:
        x: `(B, C, S, S)` with exactly the `image_size` S it was built for; returns `(B, D)`.

    Errors:
        ArgumentError: pictures of another size (the positions are learned for one grid).

    Papers: Dosovitskiy et al. 2021, https://arxiv.org/abs/2010.11929; Touvron et al. 2021,
        https://arxiv.org/abs/2012.12877
    """

    def __init__(
        self,
        channels: int,
        image_size: int,
        *,
        patch_size: int,
        dimension: int,
        blocks: int,
        heads: int,
        pooling: str,
    ) -> None:
        super().__init__()
        self.dimension = dimension
        self.image_size = image_size
        self.chosen_by_size = {"patch_size": patch_size}
        self.patch_size, self.grid = patch_size, image_size // patch_size
        tokens = self.grid**2 + (pooling == "token")
        self.patches = nn.Conv2d(channels, dimension, patch_size, stride=patch_size)
        self.token = nn.Parameter(torch.zeros(1, 1, dimension)) if pooling == "token" else None
        self.positions = nn.Parameter(torch.zeros(1, tokens, dimension))
        self.blocks = nn.Sequential(*(Block(dimension, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(dimension, eps=1e-6)
        self._initialise()

    def _initialise(self) -> None:
        """Truncated normals of 0.02, zero biases as in DeiT; patch map uniform by its fan as in MoCo v3."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        patches = self.patches.weight.detach()
        nn.init.xavier_uniform_(patches.view(self.dimension, -1))  # (D, C, p, p) -> (D, C * p * p), a view
        nn.init.zeros_(self.patches.bias)  # type: ignore[arg-type]  # Conv2d has a bias unless told otherwise
        nn.init.trunc_normal_(self.positions, std=0.02)
        if self.token is not None:
            nn.init.trunc_normal_(self.token, std=0.02)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        return self.pool(self.norm(self.blocks(self.embed(x))))  # (B, D)

    def visible(self, x: Float[Tensor, "B C H W"], kept: Int[Tensor, "B K"]) -> Float[Tensor, "B T D"]:
        """Tokens of some patches, before pooling, which alone are looked at: the others have no part in the work.

        Shapes:
            kept: numbers of patches, 0 to n - 1, row by row of the picture. Returns theirs in that order, T = K; with a
                class token it stands before them, T = 1 + K.
        """
        tokens = self.embed(x)  # (B, [1 +] n, D)
        if self.token is not None:
            kept = torch.cat([torch.zeros_like(kept[:, :1]), kept + 1], dim=1)  # (B, 1 + K)
        tokens = tokens.gather(1, kept.unsqueeze(-1).expand(-1, -1, self.dimension))  # (B, T, D)
        return self.norm(self.blocks(tokens))  # (B, T, D)

    def embed(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B T D"]:
        """What the first block is given: patches, the class token before them, where they lie added."""
        if x.shape[-2:] != (self.image_size, self.image_size):
            raise ArgumentError(
                f"This vision transformer was built for {self.image_size} x {self.image_size} pictures and "
                f"was given {x.shape[-2]} x {x.shape[-1]}. Resize them, or build it with another image_size."
            )
        tokens = self.patches(x).flatten(2).transpose(1, 2)  # (B, D, S/p, S/p) -> (B, n, D)
        if self.token is not None:
            tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), tokens], dim=1)  # (B, 1 + n, D)
        return tokens + self.positions  # (B, T, D)

    def pool(self, tokens: Float[Tensor, "B T D"]) -> Float[Tensor, "B D"]:
        """The class token, or the mean of all."""
        return tokens.mean(dim=1) if self.token is None else tokens[:, 0]  # (B, D)

    @property
    def layers(self) -> dict[str, Layer]:
        """Its blocks, and what their attention is made of."""
        blocks = cast("Sequence[Block]", self.blocks)
        return {name: layer for number, block in enumerate(blocks) for name, layer in layers_of(block, number)}


@ENCODERS.register("vit_micro")
def vit_micro(
    *, channels: int, image_size: int, patch_size: int | None = None, pooling: str = "mean"
) -> VisionTransformer:
    """Two blocks of 32 dimensions and 4 heads, for small pictures and few of them: 26,528 parameters (16 pixels in 4,
    one channel), a size [design] that two cores train in a minute. The mean over patches, unless told otherwise.

    Arguments and errors are those of `vit_tiny`.
    """
    return _vit(channels, image_size, patch_size, pooling, dimension=32, heads=4, blocks=2)


@ENCODERS.register("vit_mini")
def vit_mini(
    *, channels: int, image_size: int, patch_size: int | None = None, pooling: str = "token"
) -> VisionTransformer:
    """Four blocks of 64 dimensions and 4 heads, with a class token: 202,304 parameters (16 pixels in 4, one channel), a
    size [design] between `vit_micro` and `vit_tiny` that two cores train in minutes.

    Arguments and errors are those of `vit_tiny`.
    """
    return _vit(channels, image_size, patch_size, pooling, dimension=64, heads=4, blocks=4)


@ENCODERS.register("vit_tiny")
def vit_tiny(
    *, channels: int, image_size: int, patch_size: int | None = None, pooling: str = "token"
) -> VisionTransformer:
    """DeiT-tiny: 192 dimensions, 12 blocks, 3 heads; 5,524,416 parameters (224 pixels in 16, 3 channels).

    Arguments:
        patch_size: pixels; must divide `image_size`. `None`: 16 as in DeiT
            (https://arxiv.org/abs/2012.12877), 4 for pictures of at most 64 pixels.
        pooling: `"token"`, the class token as in DeiT, or `"mean"`, the mean over patches and no class token.

    Errors:
        ArgumentError: patches that do not tile the picture, another pooling.
    """
    return _vit(channels, image_size, patch_size, pooling, dimension=192, heads=3)


@ENCODERS.register("vit_small")
def vit_small(
    *, channels: int, image_size: int, patch_size: int | None = None, pooling: str = "token"
) -> VisionTransformer:
    """DeiT-small: 384 dimensions, 12 blocks, 6 heads; 21,665,664 parameters (224 pixels in 16, 3 channels).

    Arguments and errors are those of `vit_tiny`.
    """
    return _vit(channels, image_size, patch_size, pooling, dimension=384, heads=6)


def _vit(
    channels: int,
    image_size: int,
    patch_size: int | None,
    pooling: str,
    *,
    dimension: int,
    heads: int,
    blocks: int = 12,
) -> VisionTransformer:
    if patch_size is None:
        patch_size = 4 if image_size <= SMALL_PICTURE else 16
    patch_size = count(patch_size, "patch_size")
    if image_size % patch_size:
        fitting = [size for size in range(2, image_size + 1) if image_size % size == 0]
        raise ArgumentError(
            f"Patches of {patch_size} pixels do not tile a picture of {image_size} x {image_size}: "
            f"give a patch_size out of {fitting}, or another image_size."
        )
    return VisionTransformer(
        channels,
        image_size,
        patch_size=patch_size,
        dimension=dimension,
        blocks=blocks,
        heads=heads,
        pooling=choice(pooling, "pooling", POOLINGS),
    )
