"""A batch in the order of other libraries, (B, V, D), is warned of; many views of few samples are not."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError, ViewOrderWarning
from contrapose.objectives import OBJECTIVES, coupling, nt_xent, self_con, sup_con
from contrapose.pairing import by_views

OF_VIEWS = [name for name in OBJECTIVES if OBJECTIVES[name].takes in ("views", "labels") and name != "mmcl"]


def views(count: int, batch: int, *, noise: float = 0.3) -> Tensor:
    """`(V, B, D)` with views that resemble each other."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, batch, 32, generator=generator) + noise * torch.randn(count, batch, 32, generator=generator)


def said(function, *arguments, **options) -> list[str]:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function(*arguments, **options)
    return [str(w.message) for w in caught if issubclass(w.category, ViewOrderWarning)]


@pytest.mark.parametrize("name", OF_VIEWS)
def test_the_other_order_is_warned_of(name: str) -> None:
    z = views(2, 64).transpose(0, 1)  # (64, 2, D)
    options = {"negatives": 1} if name == "groco" else {}
    assert any("z.transpose(0, 1)" in text for text in said(OBJECTIVES[name].function, z, **options))


def test_queries_and_exits_and_measurements_are_too() -> None:
    z = views(2, 64).transpose(0, 1)
    queue = torch.randn(8, 32)
    assert said(OBJECTIVES["cacr_queue"].function, z, z, queue)
    assert said(OBJECTIVES["cacr_predicted"].function, z, z[:1])
    assert said(self_con, z)
    assert said(coupling, z)


@pytest.mark.parametrize("shape", [(8, 2), (12, 3), (16, 4), (17, 16), (64, 8), (256, 10), (64, 1)], ids=str)
def test_likely_shapes(shape: tuple[int, int]) -> None:
    first, second = shape
    assert said(nt_xent, views(second, first).transpose(0, 1))


@pytest.mark.parametrize(
    "shape", [(2, 64), (2, 2), (4, 2), (6, 2), (8, 3), (8, 4), (10, 8), (16, 8), (16, 16), (32, 64), (3, 1)], ids=str
)
def test_many_views_of_a_small_batch_are_left_in_peace(shape: tuple[int, int]) -> None:
    assert not said(nt_xent, views(*shape))
    assert not said(nt_xent, torch.randn(*shape, 32))


@pytest.mark.parametrize("shape", [(8, 2), (32, 8), (100, 4)], ids=str)
def test_numbers_that_show_views_speak_louder_than_the_shape(shape: tuple[int, int]) -> None:
    assert not said(nt_xent, views(*shape))
    assert said(nt_xent, torch.randn(*shape, 32))  # nothing to see in them


def test_rows_with_a_pairing_of_their_own_are_in_any_order() -> None:
    z = views(2, 32).reshape(64, 1, 32)
    assert not said(nt_xent, z, by_views(2, 32))
    assert said(nt_xent, views(2, 64).transpose(0, 1), by_views(2, 64))


def test_it_is_said_once_for_each_line_of_the_caller() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for batch in (64, 64, 17):  # the last batch of an epoch is smaller
            nt_xent(views(2, batch).transpose(0, 1))
        nt_xent(views(2, 64).transpose(0, 1))
    assert len(caught) == 2
    assert {w.filename for w in caught} == {__file__}


def test_it_is_said_while_compiling_and_under_transforms() -> None:
    torch._dynamo.reset()
    z = views(2, 64).transpose(0, 1).contiguous()
    compiled = torch.compile(nt_xent, fullgraph=True, backend="eager")
    assert said(compiled, z)
    assert compiled(z) == pytest.approx(float(nt_xent(z)), rel=1e-5)
    assert said(torch.func.grad(nt_xent), z)
    assert said(torch.vmap(nt_xent), torch.stack([z, z]))


def test_it_can_be_silenced_and_made_an_error() -> None:
    z = views(2, 64).transpose(0, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=ViewOrderWarning)
        nt_xent(z)
        warnings.filterwarnings("error", category=ViewOrderWarning)
        with pytest.raises(ViewOrderWarning, match="2 view"):
            nt_xent(z)


@pytest.mark.filterwarnings("ignore::contrapose.errors.ViewOrderWarning")
def test_labels_of_the_other_order_do_not_fit() -> None:
    z, labels = views(2, 64).transpose(0, 1), torch.arange(64)
    with pytest.raises(ArgumentError, match="label"):
        sup_con(z, labels)
