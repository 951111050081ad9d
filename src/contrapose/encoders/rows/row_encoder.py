"""`RowEncoder`: rows of numbers to embeddings, with the scales of the columns inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from contrapose.columns import Column, numbered
from contrapose.encoders.backbone import Backbone
from contrapose.encoders.concatenated import CONCATENATED, ConcatenatedBackbone, parts_of
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.mlp import mlp
from contrapose.encoders.rows.row_inputs import input_count, row_inputs, row_texts
from contrapose.errors import ArgumentError
from contrapose.registry import Registry

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm

SHOWN = 8  # cells of a row in words

ROW_ENCODERS: Registry[Any] = Registry("encoder of rows")
"""Names to factories `(*, features, **arguments) -> Backbone`."""


class RowEncoder(Encoder):
    """Raw rows to embeddings.

        z = backbone(x),   x = (raw - mean) / scale

    Numbers are standardised, categories become one number a value, and a column of numbers that had missing values says
    where they are; see `row_inputs`. `prepare` does it.

    Shapes:
        raw: `(B, F)` floating point, as `Rows` hold them; x, the view: `(B, I)` float32, I = F where all are numbers.
        returns: `(B, dimension)`.

    Arguments:
        backbone: what turns standardised rows into features.
        name, arguments: how `build_rows` made it; written into `encoder.json`.
        mean, scale: F numbers each, of the training data; a constant column and a category have scale 1.
        columns: what each column holds; None: F columns of numbers without names, none missing.

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
        columns: Sequence[Column] | None = None,
    ) -> None:
        super().__init__()
        self.backbone, self.name, self.arguments = backbone, name, dict(arguments)
        self.mean, self.scale = tuple(map(float, mean)), tuple(map(float, scale))
        self.described = columns is not None
        self.columns = numbered(len(self.mean)) if columns is None else tuple(columns)
        lengths = {len(self.mean), len(self.scale), len(self.columns)}
        if len(lengths) != 1 or not all(scale > 0 for scale in self.scale):
            raise ArgumentError(f"mean and scale need one number a column, scale above 0; got {mean} and {scale}.")

    @property
    def features(self) -> int:
        """F."""
        return len(self.mean)

    @property
    def inputs(self) -> int:
        """I."""
        return input_count(self.columns)

    @property
    def form(self) -> dict[str, Any]:
        named = {"columns": [column.to_json() for column in self.columns]} if self.described else {}
        return {"modality": "rows", "mean": list(self.mean), "scale": list(self.scale), **named}

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    def prepare(self, raw: Float[Tensor, "B F"]) -> Float[Tensor, "B I"]:
        """Rows of the table as the backbone takes them."""
        if raw.ndim != 2 or raw.shape[1] != self.features or not raw.is_floating_point():
            raise ArgumentError(
                f"Encoder {self.name!r} takes rows of floating point numbers of shape (B, {self.features}) and was "
                f"given {raw.dtype} of shape {tuple(raw.shape)}."
            )
        return row_inputs(raw, self.columns, self.mean, self.scale)  # (B, I)

    def in_words(self, view: Float[Tensor, "B I"]) -> list[str]:
        """Each prepared row as people read it: `age 39, job clerk`, its first cells."""
        rows = row_texts(view, self.columns, self.mean, self.scale)
        names = [column.name for column in self.columns[:SHOWN]]
        more = ", ..." if self.features > SHOWN else ""
        return [", ".join(f"{name} {cell}" for name, cell in zip(names, row, strict=False)) + more for row in rows]

    def forward(self, x: Float[Tensor, "B I"]) -> Float[Tensor, "B D"]:
        return self.backbone(x.to(next(self.backbone.parameters()).dtype))  # (B, D)

    def onnx_form(self) -> OnnxForm:
        """From rows as `Rows` hold them on."""
        from contrapose.encoders.rows.onnx_form import onnx_form

        return onnx_form(self, self.columns, self.mean, self.scale)

    def extra_repr(self) -> str:
        return f"name={self.name!r}, features={self.features}, dimension={self.dimension}"


def build_rows(
    name: str,
    *,
    mean: Sequence[float],
    scale: Sequence[float],
    columns: Sequence[Column] | None = None,
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
        backbone = factory(features=len(mean) if columns is None else input_count(columns), **arguments)
    return RowEncoder(backbone, name=name, arguments=arguments, mean=mean, scale=scale, columns=columns)


def row_factory_of(name: str) -> Any:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: an unknown name.
    """
    return _concatenated if name == CONCATENATED else ROW_ENCODERS[name]


def _concatenated(*, features: int, parts: Any, normalize: bool = True) -> Backbone:
    """Several of them side by side."""

    def make(name: str, **arguments: Any) -> Backbone:
        return row_factory_of(name)(features=features, **arguments)

    return ConcatenatedBackbone(*parts_of(parts, normalize, make), normalize=normalize)


def rebuild_rows(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> RowEncoder:
    """The encoder that `form` describes, with new weights."""
    columns = [Column.from_json(found) for found in form["columns"]] if "columns" in form else None
    return build_rows(name, mean=form["mean"], scale=form["scale"], columns=columns, seed=seed, **arguments)


@ROW_ENCODERS.register("mlp")
def row_mlp(*, features: int, widths: Sequence[int] = (256, 256, 256, 256), norm: bool = True) -> Backbone:
    """The perceptron `mlp` over the columns of a table."""
    return mlp(channels=features, image_size=1, widths=widths, norm=norm)
