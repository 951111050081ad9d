"""CACR with a slow copy and a queue: its formula, who gets a gradient, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from cacr_cases import assert_same, some, unit, value_and_gradient
from cacr_literal import literal_attraction, literal_cacr_queue

from contrapose.errors import ArgumentError
from contrapose.objectives import cacr_queue


@pytest.mark.parametrize("batch_too", [False, True])
@pytest.mark.parametrize("tile", [None, 2])
def test_queue_form_is_its_formula(batch_too: bool, tile: int | None) -> None:
    k, queue = some(3, seed=1), some(1, 7, seed=2)[0]
    assert_same(
        lambda q: cacr_queue(
            q,
            k,
            queue,
            attraction_sharpness=1.5,
            repulsion_sharpness=3.0,
            in_batch_negatives=batch_too,
            tile_rows=tile,
            tile_columns=tile,
        ),
        lambda q: literal_cacr_queue(q, k, queue, 1.5, 3.0, batch_too),
        some(3),
    )


def test_queue_form_gives_keys_and_queue_no_gradient() -> None:
    q, k, queue = (x.requires_grad_() for x in (some(3), some(3, seed=1), some(1, 7, seed=2)[0]))
    cacr_queue(q, k, queue).backward()
    assert q.grad is not None
    assert k.grad is None
    assert queue.grad is None


def test_queue_forms_weights_are_constants_of_the_gradient() -> None:
    q, k, queue = unit(some(2)).requires_grad_(), unit(some(2, seed=1)), unit(some(1, 7, seed=2)[0])
    (found,) = torch.autograd.grad(cacr_queue(q, k, queue, attraction_weight=0, repulsion_sharpness=3.0), q)
    costs = (q.unsqueeze(2) - queue).square().sum(-1)  # (V, B, K)
    (soft_minimum,) = torch.autograd.grad((-3 * costs).logsumexp(-1).mean() / 3, q)
    tangent = soft_minimum - (soft_minimum * q).sum(-1, keepdim=True) * q  # lengths are divided out
    assert torch.allclose(found, tangent.detach(), atol=1e-12)
    assert torch.allclose(
        cacr_queue(q, k, queue, repulsion_weight=0, attraction_sharpness=2),
        literal_attraction(q, k, 2.0, through=False),
    )


@pytest.mark.parametrize("batch_too", [False, True])
def test_queue_form_is_shared_by_ranks(batch_too: bool) -> None:
    q, k, queue = some(3, 6), some(3, 6, seed=1), some(1, 7, seed=2)[0]
    whole = cacr_queue(q, k, queue, in_batch_negatives=batch_too)
    parts = [cacr_queue(q, k, queue, in_batch_negatives=batch_too, rows=rows) for rows in torch.arange(6).split(3)]
    assert torch.allclose(torch.stack(parts).mean(), whole)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_queue_form_is_finite_however_sharp(dtype: torch.dtype) -> None:
    q = torch.zeros(3, 4, 2, dtype=dtype)
    q[..., 0] = torch.tensor([1.0, 1.0, -1.0, -1.0])
    sharp: dict[str, Any] = {"attraction_sharpness": 1e3, "repulsion_sharpness": 1e3, "in_batch_negatives": True}
    value, gradient = value_and_gradient(lambda q: cacr_queue(q, -q, q[0], **sharp), q)
    assert value.isfinite()
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("shapes", "options", "word"),
    [
        (((2, 5, 4), (2, 4, 4), (6, 4)), {}, r"\(V, B, D\) and \(K, D\)"),
        (((2, 5, 4), (2, 5, 4), (6, 3)), {}, r"\(6, 3\)"),
        (((1, 5, 4), (1, 5, 4), (6, 4)), {}, "1 view"),
        (((2, 1, 4), (2, 1, 4), (6, 4)), {"in_batch_negatives": True}, "in_batch_negatives"),
        (((2, 5, 4), (2, 5, 4), (6, 4)), {"repulsion_sharpness": -1.0}, "repulsion_sharpness"),
    ],
)
def test_bad_input_of_the_queue_form_is_named(shapes, options: dict, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=word):
        cacr_queue(*(torch.ones(shape) for shape in shapes), **options)
