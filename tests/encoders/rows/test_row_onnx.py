"""The ONNX form of encoders of rows: from the table's own numbers and codes on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from contrapose.columns import Column
from contrapose.encoders import RowEncoder, build_rows
from contrapose.encoders.onnx_export import OnnxModel, to_onnx

onnxruntime = pytest.importorskip("onnxruntime", reason="the export extra is not installed")
pytest.importorskip("onnxscript", reason="the export extra is not installed")

COLUMNS = (
    Column("age"),
    Column("job", ("clerk", "smith", "ünsure")),
    Column("seconds since 1970", missing=True),
    Column("town", ("x", "y"), missing=True),
)
MEAN, SCALE = [40.0, 0.0, 1.7e9, 0.0], [10.0, 1.0, 3.0, 1.0]


@pytest.fixture(scope="module")
def encoder() -> RowEncoder:
    made = build_rows("mlp", columns=COLUMNS, mean=MEAN, scale=SCALE, seed=0, widths=[8, 8])
    return made.eval()


@pytest.fixture(scope="module")
def model(encoder: RowEncoder) -> OnnxModel:
    return to_onnx(encoder)


def answers(model: OnnxModel, rows: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])
    return session.run(None, {"rows": rows})[0]


def test_it_answers_as_torch_does_for_any_batch(encoder: RowEncoder, model: OnnxModel) -> None:
    rows = np.array(
        [[41.5, 0, 1.7e9 + 2, 1], [np.nan, 2, 1.7e9 - 1, np.nan], [30, -1, np.nan, 0], [55, np.nan, 1.7e9, 5]]
    )
    for some in (rows, rows[:1], np.repeat(rows, 20, axis=0)):
        with torch.inference_mode():
            expected = encoder(encoder.prepare(torch.from_numpy(some))).numpy()
        np.testing.assert_allclose(answers(model, some), expected, rtol=1e-5, atol=1e-6)
    assert np.abs(np.diff(answers(model, rows), axis=0)).max(axis=1).min() > 1e-3  # two seconds make a difference


def test_the_file_tells_columns_and_codes(model: OnnxModel) -> None:
    session = onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])
    told = json.loads(session.get_modelmeta().custom_metadata_map["columns"])
    assert [column["name"] for column in told] == [column.name for column in COLUMNS]
    assert told[1]["codes"] == {"clerk": 0, "smith": 1, "ünsure": 2}
    assert "codes" not in told[0]
    assert model.form.takes == "float64 (batch, 4)"


def test_columns_without_names_are_given_by_position() -> None:
    form = build_rows("mlp", mean=[1.0, 2.0], scale=[1.0, 4.0], seed=0, widths=[4]).onnx_form()
    assert "each 2 numbers" in form.use
    assert form.takes == "float64 (batch, 2)"
