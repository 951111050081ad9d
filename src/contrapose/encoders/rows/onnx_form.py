"""How an encoder of rows becomes an ONNX file: what prepares a row is a few operations, and goes into it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.columns import Column, are_unnamed
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.onnx_form import OnnxForm

INPUT = "rows"
BATCHES = (2, 1, 5)  # the first is traced with
UNKNOWN = -1  # a code that no category has

_USE = """\
import csv, json, numpy as np, onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
columns = json.loads(session.get_modelmeta().custom_metadata_map["columns"])
number = lambda column, cell: column["codes"].get(cell, np.nan) if "codes" in column else float(cell or "nan")
rows = [[number(column, line[column["name"]]) for column in columns] for line in csv.DictReader(open("table.csv"))]
z = session.run(None, {"rows": np.array(rows, np.float64)})[0]
"""
_UNNAMED = """\
import numpy as np, onnxruntime
rows = np.zeros((1, {features}), np.float64)  # your rows, each {features} numbers
z = onnxruntime.InferenceSession("model.onnx").run(None, {{"rows": rows}})[0]
"""


class _FromRows(nn.Module):
    """The encoder, and what prepares rows for it.

    Shapes:
        rows: `(B, F)` float64, as `Rows` hold them; returns `(B, D)`.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, rows: Float[Tensor, "B F"]) -> Float[Tensor, "B D"]:
        return self.encoder(self.encoder.prepare(rows))  # (B, D)


def onnx_form(encoder: Encoder, columns: Sequence[Column], mean: Sequence[float], scale: Sequence[float]) -> OnnxForm:
    """What `to_onnx` needs to know of an encoder of such rows, whose `prepare` standardises them."""
    features = len(columns)
    return OnnxForm(
        network=_FromRows(encoder),
        inputs={INPUT: {0: "batch"}},
        examples=[(_rows(columns, mean, scale, batch),) for batch in BATCHES],
        takes=f"float64 (batch, {features})",
        preparation="in the order of `columns` in the metadata: numbers as the table has them, a category as its code, "
        "NaN where a value is missing or unknown; scales are inside",
        use=_UNNAMED.format(features=features) if are_unnamed(columns) else _USE,
        metadata={"columns": json.dumps([_described(column) for column in columns], ensure_ascii=False)},
    )


def _described(column: Column) -> dict[str, Any]:
    """A column's name, and of a category the code of each value."""
    codes = {} if column.values is None else {"codes": {value: code for code, value in enumerate(column.values)}}
    return {"name": column.name, **codes}


def _rows(columns: Sequence[Column], mean: Sequence[float], scale: Sequence[float], batch: int) -> Float[Tensor, "B F"]:
    """Made-up rows, some cells of which are missing and some categories unknown."""
    draw = torch.Generator().manual_seed(batch)
    shape = (batch, len(columns))
    rows = torch.randn(shape, generator=draw, dtype=torch.float64)  # (b, F)
    rows = rows * torch.tensor(scale, dtype=torch.float64) + torch.tensor(mean, dtype=torch.float64)  # (b, F)
    for place, column in enumerate(columns):
        if column.values is not None:
            rows[:, place] = torch.randint(UNKNOWN, len(column.values), (batch,), generator=draw).double()  # (b,)
    return rows.masked_fill(torch.rand(shape, generator=draw) < 0.2, torch.nan)
