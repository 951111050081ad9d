"""Which reductions go to kernels, and how: with kernels written in plain torch, in place of Triton's."""

from __future__ import annotations

import math
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from test_plain_tiles import PAIRINGS, TERMS, scalar_of
from torch import Tensor

from contrapose.objectives import nt_xent, sup_con
from contrapose.objectives.engine.plain.exclusions import exclusion
from contrapose.objectives.engine.plain.kernels import usable
from contrapose.objectives.engine.plain.kernels.launch import Reduction
from contrapose.objectives.engine.plain.kernels.numbers import Numbers, numbers_of
from contrapose.objectives.engine.tiles import reduce_both_ways, row_reduce
from contrapose.tracing import values_unread

ONE_CHANNEL = ("valid", "negative", "held")


def left_out(numbers: Numbers, rows: int, columns: int) -> Tensor:
    """`(R, M)`"""
    found = torch.zeros(rows, columns, dtype=torch.bool)
    for pair in (numbers.places, numbers.groups):
        if pair is not None:
            found |= pair[0].unsqueeze(1) == pair[1]
    return found


def exponents(self: Reduction) -> Tensor:
    """`(R, M)`, in plain torch, from what the kernels are given."""
    similarity = self.scale * self.x @ self.y.T
    similarity = similarity.clamp(min=0.0) if self.distances else similarity
    return (self.factor * similarity).masked_fill(left_out(self.numbers, *similarity.shape), -math.inf)


def gradients(self: Reduction, of_rows: Any, of_columns: Any) -> Tensor:
    u = exponents(self)
    weights = torch.zeros_like(u)
    for side, dim in ((of_rows, 1), (of_columns, 0)):
        if side is not None:
            weights += ((u - side[0].unsqueeze(dim)).exp() * side[1].unsqueeze(dim)).nan_to_num()
    return weights @ self.y


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Kernels in plain torch, taken wherever Triton's would be; a list of what was asked of them."""
    asked: list[str] = []
    monkeypatch.setattr(usable, "is_interpreted", lambda: True)
    monkeypatch.setattr(usable, "is_usable", lambda *_: True)
    monkeypatch.setattr(Reduction, "log_sums", lambda self: (asked.append("log"), exponents(self).logsumexp(1))[1])
    monkeypatch.setattr(Reduction, "gradients", lambda self, *a: (asked.append("gradient"), gradients(self, *a))[1])
    return asked


@pytest.mark.parametrize("over", ["valid", "negative"])
@pytest.mark.parametrize("name", PAIRINGS)
def test_numbers_leave_out_whom_the_tiles_leave_out(name: str, over: str) -> None:
    pairing = PAIRINGS[name](6)
    plain = pairing.plain()
    assert plain is not None
    if not plain.in_batch_negatives:
        assert numbers_of(plain, None, over) == Numbers()
        return
    for anchors in (None, torch.tensor([pairing.anchors - 1, 0, 2])):
        rows = pairing.anchors if anchors is None else len(anchors)
        tile = torch.zeros(rows, pairing.candidates)
        exclude = exclusion(plain, anchors, over)
        if exclude is not None:
            exclude(tile, slice(0, rows), slice(0, pairing.candidates))
        numbers = numbers_of(plain, anchors, over)
        torch.testing.assert_close(left_out(numbers, rows, pairing.candidates), tile == -math.inf)
        torch.testing.assert_close(left_out(numbers.turned(), pairing.candidates, rows), (tile == -math.inf).T)


def channels_and_gradients(name: str, terms: str, *, both: bool = False) -> list[Tensor]:
    pairing = PAIRINGS[name](6)
    x = torch.randn(pairing.anchors, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    plain = pairing.plain()
    y = torch.randn(pairing.candidates, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
    y = x if plain is not None and plain.same_rows else y
    scale = torch.tensor(0.7, requires_grad=True)
    inputs = [x, scale] if y is x else [x, y, scale]
    found = row_reduce(x, y, TERMS[terms], pairing, scale=scale)
    if both:
        there, back = reduce_both_ways(x, y, TERMS[terms], pairing, scale=scale)
        found = (*there, *back)
    return [*found, *torch.autograd.grad(scalar_of(found), inputs)]


@pytest.mark.parametrize("terms", ONE_CHANNEL)
@pytest.mark.parametrize("name", PAIRINGS)
def test_by_kernels_as_by_tiles(name: str, terms: str, request: pytest.FixtureRequest) -> None:
    both = name in ("towers", "captions")
    wanted = channels_and_gradients(name, terms, both=both)
    asked = request.getfixturevalue("kernels")
    for one, other in zip(channels_and_gradients(name, terms, both=both), wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    if name == "queue alone" and terms == "held":
        assert asked == []  # its positive is no part of the sum, and its slope another than the sum's
        return
    assert asked.count("log") == (3 if both else 1)
    plain = PAIRINGS[name](6).plain()
    assert plain is not None
    assert asked.count("gradient") == (1 if plain.same_rows else 2)


def test_the_same_rows_take_one_kernel_each_way_at_any_temperature(kernels: list[str]) -> None:
    z = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    nt_xent(z, temperature=0.002).backward()
    assert kernels == ["log", "gradient"]


def test_several_channels_and_double_precision_stay_with_torch(kernels: list[str]) -> None:
    x = torch.randn(12, 5)
    row_reduce(x, x, TERMS["several"], PAIRINGS["two views"](6))
    row_reduce(x.double(), x.double(), TERMS["valid"], PAIRINGS["two views"](6))
    assert kernels == []


def test_second_derivatives_of_kernels_are_those_of_the_whole_matrix(kernels: list[str]) -> None:
    z = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 0, 1, 1])

    def penalty(z: Tensor) -> Tensor:
        z = z.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(sup_con(z, labels), z, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), z)[0]

    wanted = penalty(z.double())
    assert kernels == []
    torch.testing.assert_close(penalty(z).double(), wanted, rtol=1e-3, atol=1e-5)
    assert kernels == ["log"]


def test_without_triton_and_without_a_gpu_there_are_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not usable.by_kernel(torch.zeros(2, 3), TERMS["valid"])
    monkeypatch.setattr(usable.importlib.util, "find_spec", lambda name: None)
    usable.is_usable.cache_clear()
    monkeypatch.setattr(usable, "is_interpreted", lambda: True)
    assert not usable.by_kernel(torch.zeros(2, 3), TERMS["valid"])
    usable.is_usable.cache_clear()


def test_kernels_that_cannot_be_built_are_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("Failed to find C compiler.")

    monkeypatch.setitem(sys.modules, "triton", ModuleType("triton"))
    monkeypatch.setattr(usable.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(usable, "is_interpreted", lambda: True)
    monkeypatch.setattr(usable, "_run", fail)
    usable.is_usable.cache_clear()
    with pytest.warns(UserWarning, match="Failed to find C compiler") as told:
        found = [usable.by_kernel(torch.zeros(rows, 3), TERMS["valid"]) for rows in (2, 4)]
    assert found == [False, False]
    assert len(told) == 1
    usable.is_usable.cache_clear()


@pytest.mark.parametrize("name", ["two views", "towers", "queue"])
def test_places_need_no_look_at_numbers(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = channels_and_gradients(name, "negative")
    monkeypatch.setattr("contrapose.objectives.engine.tiles.reduce_masked", lambda *a: pytest.fail("asked for masks"))
    with values_unread():
        found = channels_and_gradients(name, "negative")
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["classes", "captions", "among nobody", "queue"])
def test_kernels_need_no_look_at_numbers(name: str, kernels: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = channels_and_gradients(name, "negative")
    for reads in ("__bool__", "__int__", "__float__", "item", "tolist", "nonzero", "unique"):
        monkeypatch.setattr(Tensor, reads, lambda *_, **__: pytest.fail("looked at numbers"))
    with values_unread():
        found = channels_and_gradients(name, "negative")
    monkeypatch.undo()
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
