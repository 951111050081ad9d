"""`mlp`: a multilayer perceptron for rows of numbers, and for pictures whose pixels are taken as one row."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import counts, flag
from contrapose.encoders.backbone import ENCODERS, Backbone
from contrapose.errors import ArgumentError


class MultilayerPerceptron(Backbone):
    """h <- relu(bn(W h)) for each width, starting from all numbers of a sample in one row.

    Shapes:
        x: `(B, ...)` with F numbers a sample; returns `(B, widths[-1])`.

    Errors:
        ArgumentError: another number of features than it was built for.
    """

    def __init__(self, features: int, widths: tuple[int, ...], *, norm: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((features, *widths[:-1]), widths, strict=True):
            layers.append(nn.Linear(before, after, bias=not norm))
            layers += [nn.BatchNorm1d(after)] if norm else []
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers)
        self.features = features
        self.dimension = widths[-1]

    def forward(self, x: Float[Tensor, "B *sample"]) -> Float[Tensor, "B D"]:
        rows = x.flatten(1)  # (B, F)
        if rows.shape[1] != self.features:
            raise ArgumentError(
                f"This mlp was built for {self.features} numbers a sample and was given {rows.shape[1]} "
                f"(a batch of shape {tuple(x.shape)}). Resize the pictures, or build it for this size."
            )
        return self.layers(rows)  # (B, D)


@ENCODERS.register("mlp")
def mlp(
    *, channels: int, image_size: int, widths: Sequence[int] = (256, 256, 256, 256), norm: bool = True
) -> MultilayerPerceptron:
    """A perceptron over `channels * image_size^2` numbers; rows of F numbers are F channels of one pixel.

    Arguments:
        widths: units of each layer; four times 256 as SCARF's encoder of tables has
            (https://arxiv.org/abs/2106.15147).
        norm: batch normalisation in every layer, which lets one learning rate do for most tables (our
            choice).

    Errors:
        ArgumentError: a width below 1, `norm` neither true nor false.
    """
    return MultilayerPerceptron(channels * image_size**2, counts(widths, "widths"), norm=flag(norm, "norm"))
