"""Random feature corruption: what is replaced, by what, how often."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.views.rows import RowViews
from contrapose.views.rows.features import FeatureCorruption


def table(rows: int = 40, columns: int = 5) -> torch.Tensor:
    """Every value tells its column (hundreds) and its row (units)."""
    return 100.0 * torch.arange(columns) + torch.arange(rows)[:, None]


@settings(max_examples=30, deadline=None)
@given(rate=st.floats(0, 1), count=st.integers(1, 4), rows=st.integers(1, 12), seed=st.integers(0, 1000))
def test_every_value_comes_from_its_own_column(rate: float, count: int, rows: int, seed: int) -> None:
    columns = table()
    corrupt = FeatureCorruption(RowViews(corruption_rate=rate, count=count), columns)
    views = corrupt(columns[:rows], generator=torch.Generator().manual_seed(seed))
    assert len(views) == count
    for view in views:
        assert view.shape == (rows, 5)
        assert torch.equal(view.div(100, rounding_mode="floor"), torch.arange(5.0).expand(rows, 5))


def test_the_share_of_replaced_values_is_the_rate(generator: torch.Generator) -> None:
    columns = table(rows=1000 // 10, columns=50)  # a replacement is the value itself once in 100
    corrupt = FeatureCorruption(RowViews(corruption_rate=0.6), columns)
    first, second = corrupt(columns, generator=generator)
    assert torch.equal(first, columns)
    changed = (second != columns).double().mean()
    assert changed == pytest.approx(0.6 * 99 / 100, abs=0.03)  # five standard errors of 5,000 values


def test_replacements_are_spread_over_all_rows(generator: torch.Generator) -> None:
    columns = table(rows=10, columns=1)
    options = RowViews(corruption_rate=1.0, count=1, keep_first=False)
    (view,) = FeatureCorruption(options, columns)(columns.repeat(1000, 1), generator=generator)
    counts = torch.bincount(view[:, 0].long(), minlength=10)
    assert counts.min() > 850  # 1000 each, standard deviation 30
    assert counts.max() < 1150


def test_values_of_one_row_come_from_different_rows(generator: torch.Generator) -> None:
    columns = table(rows=40, columns=30)
    options = RowViews(corruption_rate=1.0, keep_first=False)
    first, second = FeatureCorruption(options, columns)(columns, generator=generator)
    donors = first - 100.0 * torch.arange(30)
    assert min(len(row.unique()) for row in donors) > 10
    assert not torch.equal(first, second)


def test_rate_zero_copies_and_rate_one_leaves_nothing(generator: torch.Generator) -> None:
    columns, rows = table(), torch.full((3, 5), -1.0)
    none = FeatureCorruption(RowViews(corruption_rate=0.0, keep_first=False), columns)(rows, generator=generator)
    assert all(torch.equal(view, rows) for view in none)
    whole = FeatureCorruption(RowViews(corruption_rate=1.0), columns)(rows, generator=generator)
    assert torch.equal(whole[0], rows)
    assert (whole[1] >= 0).all()


def test_a_view_is_not_the_callers_memory() -> None:
    columns = table()
    first, _ = FeatureCorruption(None, columns)(columns)
    first.zero_()
    assert columns.sum() > 0


def test_the_generator_decides_and_the_global_stream_stays() -> None:
    corrupt = FeatureCorruption(None, table())
    before = torch.get_rng_state()
    one, other, third = (corrupt(table(), generator=torch.Generator().manual_seed(seed))[1] for seed in (1, 1, 2))
    assert torch.equal(one, other)
    assert not torch.equal(one, third)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"corruption_rate": 1.5}, "from 0 to 1"),
        ({"corruption_rate": float("nan")}, "from 0 to 1"),
        ({"corruption_rate": True}, "from 0 to 1"),
        ({"count": 0}, "at least 1"),
        ({"count": 2.0}, "whole number"),
    ],
)
def test_options_out_of_range_are_refused(options: dict, text: str) -> None:
    with pytest.raises(ArgumentError, match=text):
        RowViews(**options)


def test_tables_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ArgumentError, match="columns of floats"):
        FeatureCorruption(None, torch.zeros(3))
    with pytest.raises(ArgumentError, match="columns of floats"):
        FeatureCorruption(None, torch.zeros(3, 2, dtype=torch.long))
    with pytest.raises(ArgumentError, match=r"\(B, 5\)"):
        FeatureCorruption(None, table())(torch.zeros(3, 4))
