"""`RowEncoder`: numbers, categories and what is missing, into a network and back into words."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from contrapose.columns import Column
from contrapose.encoders import build_rows, load_encoder, save_encoder
from contrapose.encoders.artifact import untrained_like
from contrapose.errors import ArgumentError

COLUMNS = (Column("job", ("clerk", "nurse", "pilot"), missing=True), Column("age", missing=True), Column("pay"))
NAN = float("nan")
RAW = torch.tensor([[0, 30, 7], [2, NAN, 5], [NAN, 50, NAN]], dtype=torch.float64)


def made(**options: object) -> object:
    return build_rows("mlp", columns=COLUMNS, mean=[0, 40, 5], scale=[1, 10, 2], seed=0, widths=[8, 4], **options)


def test_rows_become_numbers_indicators_and_one_number_a_value() -> None:
    expected = [
        [-1, 1, 0, 1, 0, 0],
        [0, 0, 1, 0, 0, 1],
        [1, 0, 0, 0, 0, 0],
    ]
    encoder = made()
    assert encoder.inputs == 6
    view = encoder.prepare(RAW)
    assert torch.equal(view, torch.tensor(expected, dtype=torch.float32))
    assert encoder.eval()(view).shape == (3, 4)


def test_a_prepared_row_reads_as_the_row() -> None:
    encoder = made()
    assert encoder.in_words(encoder.prepare(RAW)) == [
        "job clerk, age 30, pay 7",
        "job pilot, age missing, pay 5",
        "job missing, age 50, pay 5",  # where no number was ever missing, the mean stands for it
    ]


def test_a_cell_that_was_0_reads_as_0() -> None:
    encoder = build_rows("mlp", mean=[46.317], scale=[64.21], columns=[Column("ash")], seed=0)
    assert encoder.in_words(encoder.prepare(torch.zeros(1, 1, dtype=torch.float64))) == ["ash 0"]


def test_columns_of_numbers_alone_are_standardised_to_the_bit() -> None:
    raw = 1e9 + torch.randn(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    mean, scale = [1e9, 1e9 + 1], [1.0, 3.0]
    plain = build_rows("mlp", mean=mean, scale=scale, seed=0)
    named = build_rows("mlp", mean=mean, scale=scale, columns=[Column("a"), Column("b")], seed=0)
    expected = ((raw - torch.tensor(mean, dtype=torch.float64)) / torch.tensor(scale, dtype=torch.float64)).float()
    assert torch.equal(plain.prepare(raw), expected)
    assert torch.equal(named.prepare(raw), expected)
    assert torch.equal(named.eval()(expected), plain.eval()(expected))
    assert plain.form == {"modality": "rows", "mean": mean, "scale": scale}


def test_a_saved_encoder_knows_its_columns(tmp_path: Path) -> None:
    encoder = made().eval()
    save_encoder(encoder, tmp_path / "encoder")
    loaded = load_encoder(tmp_path / "encoder")
    assert loaded.columns == COLUMNS
    assert torch.equal(loaded(loaded.prepare(RAW)), encoder(encoder.prepare(RAW)))
    assert untrained_like(loaded, 1).columns == COLUMNS


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ArgumentError, match="one number a column"):
        build_rows("mlp", columns=COLUMNS, mean=[0, 1], scale=[1, 1])
    with pytest.raises(ArgumentError, match=r"shape \(B, 3\)"):
        made().prepare(RAW[:, :2])
    with pytest.raises(ArgumentError, match="distinct values"):
        Column("a", ("x", "x"))
    with pytest.raises(ArgumentError, match="group of keys"):
        Column.from_json(3)
    assert Column.from_json("a") == Column("a")
