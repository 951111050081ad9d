from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import knn, knn_predict, neighbourhood, uniformity
from contrapose.evaluation import neighbours as module
from contrapose.evaluation.neighbourhood import sweep as sweeping
from contrapose.evaluation.neighbourhood.centred import CentredBank
from contrapose.evaluation.neighbourhood.largest import largest
from contrapose.evaluation.neighbourhood.settled import settled
from contrapose.evaluation.neighbourhood.sweep import sweep
from contrapose.evaluation.neighbours import exact, nearest

ROWS, WIDTH = 2500, 24


def _rows(kind: str, count: int, generator: torch.Generator) -> torch.Tensor:
    rows = torch.randn(count, WIDTH, generator=generator)
    if kind == "copies":
        rows = rows[torch.randint(count // 3, (count,), generator=generator)]
    if kind == "one copied often":  # more than are kept beyond the neighbours asked for
        rows[::4] = rows[0]
    if kind == "a narrow cone":
        rows = 1 + 1e-2 * rows
    if kind == "collapsed":
        rows = 1 + 1e-7 * rows
    if kind == "few levels":
        rows = rows.sign()
    return rows * torch.logspace(-8, 8, count)[:, None] if kind == "lengths" else rows


KINDS = ("plain", "copies", "one copied often", "a narrow cone", "collapsed", "few levels", "lengths")


@pytest.mark.parametrize("kind", KINDS)
def test_float32_finds_what_float64_finds(kind: str, generator: torch.Generator, monkeypatch) -> None:
    monkeypatch.setattr(sweeping, "TILE_BYTES", 4 * 256 * 700)  # several tiles of columns, which are merged
    bank, queries = _rows(kind, ROWS, generator), _rows(kind, 300, generator)
    queries[:40] = bank[:40]
    found = [torch.cat(parts) for parts in zip(*nearest(bank, queries, k=5, metric="cosine", block=290), strict=True)]
    wanted = [torch.cat(parts) for parts in zip(*exact(bank, queries, 5, "cosine", 290), strict=True)]
    assert all(torch.equal(one, other) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("temperature", [0.07, 1e-4])
def test_votes_are_those_of_float64(kind: str, temperature: float, generator, monkeypatch) -> None:
    bank, queries = _rows(kind, ROWS, generator), _rows(kind, 300, generator)
    labels = torch.randint(3, (ROWS,), generator=generator)
    found = knn_predict(bank, labels, queries, k=8, temperature=temperature)
    monkeypatch.setattr(module, "SMALL", 10**9)  # float64 alone
    assert found.tolist() == knn_predict(bank, labels, queries, k=8, temperature=temperature).tolist()


def test_equal_votes_are_settled(generator: torch.Generator) -> None:
    # every row twice, once of each class: all scores tie, so the smaller class wins everywhere
    rows = torch.randn(ROWS // 2, WIDTH, generator=generator)
    bank, labels = torch.cat([rows, rows]), np.repeat([7, 4], ROWS // 2)
    assert set(knn_predict(bank, labels, rows[:200] + 0.1, k=6).tolist()) == {4}


def test_the_error_of_a_product_is_bounded(generator: torch.Generator) -> None:
    for spread in (1.0, 1e-3):
        bank, queries = (1 + spread * torch.randn(n, 64, generator=generator) for n in (3000, 50))
        centred = CentredBank(bank.numpy())
        unit = torch.nn.functional.normalize(bank.double(), dim=1)
        cosines = torch.nn.functional.normalize(queries.double(), dim=1) @ unit.T  # (T, N)
        found = next(sweep(centred, queries.numpy(), 20))
        shift = centred.query(queries.numpy())[1]
        off = found.similarity + shift[:, None] - cosines.gather(1, torch.from_numpy(found.index)).numpy()
        assert (np.abs(off) <= found.error[:, None]).all()
        assert found.error.max() < 1e-5 * spread  # as small as the rows differ


@pytest.mark.parametrize("width", [40, 1000, 1003])
def test_the_largest_of_each_row(width: int) -> None:
    tile = np.random.default_rng(0).normal(size=(30, width)).astype(np.float32)
    values, columns, crowded = largest(tile, 20)
    assert (values == -np.sort(-tile, axis=1)[:, :20]).all()
    assert (np.take_along_axis(tile, columns, axis=1) == values).all()
    assert not crowded.any()
    tile[3] = 1.0
    if width > 2 * 8 * 20:
        assert np.flatnonzero(largest(tile, 20)[2]).tolist() == [3]


def test_settling_orders_by_level_then_by_row() -> None:
    bank = np.array([[1, 0], [0, 1], [2, 0], [1, 1e-5]], np.float32)
    similarity, index = settled(CentredBank(bank), bank[:1], np.array([[3, 2, 1, 0]]), 4)
    assert index.tolist() == [[0, 2, 3, 1]]
    assert similarity.tolist() == [[1, 1, 1, 0]]


@pytest.mark.parametrize("count", [200, ROWS])
def test_one_pass_is_all_of_them(count: int, generator: torch.Generator) -> None:
    bank, queries = torch.randn(count, WIDTH, generator=generator), torch.randn(150, WIDTH, generator=generator)
    labels, asked = torch.randint(4, (count,), generator=generator), torch.randint(4, (150,), generator=generator)
    found = neighbourhood(bank, labels, queries, asked, k=7, ks=(1, 3))
    assert found.knn == knn(bank, labels, queries, asked, k=7)
    unit, other = (torch.nn.functional.normalize(rows.double(), dim=1) for rows in (bank, queries))
    cosines = other @ unit.T  # (T, N)
    hits = labels[cosines.argsort(dim=1, descending=True)[:, :3]] == asked[:, None]  # (T, 3)
    assert found.precision[3].value == pytest.approx(hits.double().mean().item())
    assert found.recall[3].value == pytest.approx(hits.any(dim=1).double().mean().item())
    assert found.recall[1].value == pytest.approx(found.precision[1].value)
    assert found.uniformity == pytest.approx((4 * (cosines - 1)).exp().mean().log().item(), abs=1e-6)
    assert found.tolerance == pytest.approx(cosines[asked[:, None] == labels].mean().item(), abs=1e-9)


def test_apart_classes_are_told_apart_and_bad_lengths_refused() -> None:
    rows, labels = torch.eye(4).repeat(5, 1), np.arange(20) % 4
    found = neighbourhood(rows, labels, rows, labels, k=5, ks=(5,))
    assert (found.knn.value, found.precision[5].value, found.recall[5].value, found.tolerance) == (1, 1, 1, 1)
    assert found.uniformity == pytest.approx(np.log(0.25 + 0.75 * np.exp(-4)))
    assert uniformity(rows) < found.uniformity  # which leaves out each row beside itself
    with pytest.raises(ArgumentError, match="at most the 20 training rows; got 5 and \\(30,\\)"):
        neighbourhood(rows, labels, rows, labels, k=5, ks=(30,))
