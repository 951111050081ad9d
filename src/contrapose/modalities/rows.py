"""Rows of tables: numbers and categories."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.errors import ArgumentError
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.rows.options import RowViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Rows, Samples
    from contrapose.data.problems import Problem
    from contrapose.encoders import Encoder, RowEncoder, Start


@dataclass(frozen=True, kw_only=True)
class RowOptions(Options):
    """What a method has on rows of a table."""

    views: RowViews = field(default_factory=RowViews)
    """How views are made."""
    encoder: str = "mlp"
    """mlp: four layers of 256 units, as SCARF's encoder has (arXiv 2106.15147)."""
    ignore_columns: tuple[str, ...] = ()
    """Columns that are not learned from, besides labels, numbers to predict, and those that say nothing."""


class _Rows(Modality):
    name, noun, plural = "rows", "row", "rows"
    options: ClassVar[type[Options]] = RowOptions
    reading = ("ignore_columns",)
    floor_name = "standardised columns"
    example = '"table.csv"'
    class_tag = "tabular-classification"

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.rows import open_rows

        columns = reading.pop("columns", None)
        reading = check_reading(self, reading)
        reading.pop("progress", None)  # columns are read at once
        return open_rows(spec, columns=columns, **reading)

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, columns=cast("RowEncoder", encoder).columns, **reading)

    def is_for(self, encoder: Encoder, samples: Samples) -> bool:
        """Rows come with columns of their own, which are brought to those of the encoder."""
        return False

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, columns=cast("Rows", samples).columns, **reading)

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        return {"columns": cast("RowEncoder", start.encoder()).columns}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders import build_rows

        columns, mean, scale = cast("Rows", samples).statistics()
        return build_rows(
            config.encoder, columns=columns, mean=mean, scale=scale, seed=config.seed, **config.encoder_arguments
        )

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views.rows import RowViewMaker

        return RowViewMaker(options, cast("Rows", samples).values, cast("RowEncoder", encoder).prepare)

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        import torch

        def make(raw: Any, *, generator: Any = None) -> tuple[Any, ...]:
            """Each view by a call for each row, `(F,)` to `(F,)`."""
            drawn = (torch.stack([torch.as_tensor(views(row)) for row in raw]) for _ in range(options.count))
            return tuple(encoder.prepare(view.double()) for view in drawn)  # V of (B, I)

        return make

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        import torch

        shape = (size, cast("RowEncoder", encoder).inputs)
        return torch.randn(shape, generator=torch.Generator().manual_seed(seed))  # (B, I)

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        return cast("RowEncoder", encoder).in_words(view)

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.rows.problems import row_problems

        return row_problems(cast("Rows", samples))

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        from contrapose.data.rows.facts import row_facts

        return row_facts(cast("Rows", samples))

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """Standardised numbers, 0 where one is missing, and each category as one number a value."""
        from contrapose.encoders.rows.row_inputs import row_inputs

        columns, mean, scale = cast("Rows", known).statistics()
        columns = tuple(replace(column, missing=False) for column in columns)

        def features(samples: Samples) -> np.ndarray:
            rows = row_inputs(cast("Rows", samples).values, columns, mean, scale).numpy()  # (N, I)
            return rows if rows.any(axis=1).all() else rows + 1e-6  # a row of means alone has no direction

        return features

    def takes(self, encoder: Encoder) -> list[str]:
        columns = cast("RowEncoder", encoder).columns
        shown = ", ".join(f"{column.name}{'' if column.values is None else ' (category)'}" for column in columns[:20])
        more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
        return [
            f"Input: a table with the columns {shown}{more}; `embed` finds them by their names.",
            "Means, scales and the values of categories are inside; a value that it does not know is taken as missing.",
        ]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        ours, theirs = cast("RowEncoder", encoder).columns, cast("Rows", samples).columns
        if [(one.name, one.values) for one in ours] != [(one.name, one.values) for one in theirs]:
            raise ArgumentError(
                f"The weights to start from take other columns than these rows have ({samples.in_words()}): give the "
                "data as a table with the columns of the training before, not as Rows."
            )


ROWS = _Rows()
