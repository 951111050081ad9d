"""`RowEncoder`: rows of numbers to embeddings, with the scales of the columns inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.backbone import Backbone
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.mlp import mlp
from contrapose.errors import ArgumentError
from contrapose.registry import Registry

ROW_ENCODERS: Registry[Any] = Registry("encoder of rows")
"""Names to factories `(*, features, **arguments) -> Backbone`."""


class RowEncoder(Encoder):
    """Raw rows to embeddings.

        z = backbone((x - mean) / scale)

    Rows are standardised in float64 and on the CPU, by `prepare`: a column of large numbers keeps its digits.

    Shapes:
        raw: `(B, F)` floating point, as they stand in the table; x, the view: the same standardised, float32.
        returns: `(B, dimension)`.

    Arguments:
        backbone: what turns standardised rows into features.
        name, arguments: how `build_rows` made it; written into `encoder.json`.
        mean, scale: F numbers each, of the training data; a constant column has scale 1.
        columns: names of the columns, where they have any.

    Errors:
        ArgumentError: rows of another number of columns, or no floating point numbers; scales that are not positive.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        name: str,
        arguments: Mapping[str, Any],
        mean: Sequence[float],
        scale: Sequence[float],
        columns: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.backbone, self.name, self.arguments = backbone, name, dict(arguments)
        self.mean, self.scale = tuple(map(float, mean)), tuple(map(float, scale))
        self.columns = None if columns is None else tuple(columns)
        if len(self.mean) != len(self.scale) or not all(scale > 0 for scale in self.scale):
            raise ArgumentError(f"mean and scale need one number a column, scale above 0; got {mean} and {scale}.")

    @property
    def features(self) -> int:
        """F."""
        return len(self.mean)

    @property
    def form(self) -> dict[str, Any]:
        named = {} if self.columns is None else {"columns": list(self.columns)}
        return {"modality": "rows", "mean": list(self.mean), "scale": list(self.scale), **named}

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    def prepare(self, raw: Float[Tensor, "B F"]) -> Float[Tensor, "B F"]:
        """Rows of the table, standardised."""
        if raw.ndim != 2 or raw.shape[1] != self.features or not raw.is_floating_point():
            raise ArgumentError(
                f"Encoder {self.name!r} takes rows of floating point numbers of shape (B, {self.features}) and was "
                f"given {raw.dtype} of shape {tuple(raw.shape)}."
            )
        mean, scale = (torch.tensor(values, dtype=torch.float64) for values in (self.mean, self.scale))  # (F,) each
        return ((raw.cpu().double() - mean) / scale).float()  # (B, F)

    def forward(self, x: Float[Tensor, "B F"]) -> Float[Tensor, "B D"]:
        return self.backbone(x.to(next(self.backbone.parameters()).dtype))  # (B, D)

    def extra_repr(self) -> str:
        return f"name={self.name!r}, features={self.features}, dimension={self.dimension}"


def build_rows(
    name: str,
    *,
    mean: Sequence[float],
    scale: Sequence[float],
    columns: Sequence[str] | None = None,
    seed: int | None = None,
    **arguments: Any,
) -> RowEncoder:
    """An encoder of rows with new weights.

    Arguments:
        name: one of `ROW_ENCODERS`.
        mean, scale, columns: as of `RowEncoder`.
        seed: as of `build`.
        arguments: the encoder's own; see its factory. Unknown ones are refused.

    Errors:
        ArgumentError: an unknown name or argument, or a value that the encoder cannot use.
    """
    factory = row_factory_of(name)
    arguments = arguments_of(name, factory, arguments, given=("features",))
    with seeded(seed):
        backbone = factory(features=len(mean), **arguments)
    return RowEncoder(backbone, name=name, arguments=arguments, mean=mean, scale=scale, columns=columns)


def row_factory_of(name: str) -> Any:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: an unknown name.
    """
    return ROW_ENCODERS[name]


def rebuild_rows(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> RowEncoder:
    """The encoder that `form` describes, with new weights."""
    return build_rows(name, mean=form["mean"], scale=form["scale"], columns=form.get("columns"), seed=seed, **arguments)


@ROW_ENCODERS.register("mlp")
def row_mlp(*, features: int, widths: Sequence[int] = (256, 256, 256, 256), norm: bool = True) -> Backbone:
    """The perceptron `mlp` over the columns of a table."""
    return mlp(channels=features, image_size=1, widths=widths, norm=norm)
