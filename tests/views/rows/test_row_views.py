"""Views of rows: cells are exchanged as they stand in the table, and then prepared."""

from __future__ import annotations

import pytest
import torch

from contrapose.columns import Column
from contrapose.encoders import build_rows
from contrapose.views.rows import RowViewMaker, RowViews

COLUMNS = (Column("job", ("clerk", "nurse", "pilot")), Column("age", missing=True))
NAN = float("nan")
TABLE = torch.tensor([[0, 1], [1, 2], [2, NAN], [1, 4]] * 50, dtype=torch.float64)


def maker(**options: object) -> RowViewMaker:
    encoder = build_rows("mlp", columns=COLUMNS, mean=[0, 0], scale=[1, 1], seed=0)
    return RowViewMaker(RowViews(**options), TABLE, encoder.prepare)


def test_a_category_is_exchanged_as_a_whole_and_missing_stays_as_frequent(generator: torch.Generator) -> None:
    first, second = maker(corruption_rate=0.9)(TABLE, generator=generator)
    assert first.shape == second.shape == (200, 5)
    for view in (first, second):
        assert torch.equal(view[:, 2:].sum(dim=1), torch.ones(200))  # one value, never a mixture of two
        assert torch.equal(view[view[:, 1] == 1, 0], torch.zeros(int(view[:, 1].sum())))
    assert first[:, 1].mean() == 0.25
    assert second[:, 1].mean() == pytest.approx(0.25, abs=0.1)
    assert second[:, 3].mean() == pytest.approx(0.5, abs=0.12)
    changed = (first[:, 2:] != second[:, 2:]).any(dim=1).double().mean()
    assert changed == pytest.approx(0.9 * (1 - 2 / 16 - 1 / 4), abs=0.12)  # another value than before


def test_the_first_view_is_the_row_itself_unless_told_otherwise(generator: torch.Generator) -> None:
    plain = maker(corruption_rate=0.0)
    first, second = plain(TABLE[:6], generator=generator)
    assert torch.equal(first, second)
    views = maker(corruption_rate=1.0, keep_first=False, count=3)(TABLE, generator=generator)
    assert len(views) == 3
    assert not torch.equal(views[0], plain(TABLE)[0])


def test_the_options_in_words() -> None:
    assert RowViews().total() == 2
    assert RowViews().in_words() == (
        "2 views of each row: 60 % of the cells exchanged for those of other rows, in all but the first"
    )
    assert RowViews(count=1, corruption_rate=0).in_words() == "1 view of each row: copies"
