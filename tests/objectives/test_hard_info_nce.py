"""The hard losses against a queue: their definitions query by query, what they tend to, who gets a gradient."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from queue_literal import literal_hard_info_nce, literal_hard_simple_info_nce
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import hard_info_nce, hard_simple_info_nce, info_nce
from contrapose.objectives.hardness.hard_contrastive import hard_chance
from contrapose.objectives.hardness.simple_contrastive import simple_chance
from contrapose.pairing import by_towers

BOTH = (hard_info_nce, hard_simple_info_nce)


def inputs(batch: int = 5, queue: int = 20, dim: int = 6, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Unit rows in float64: queries and keys that require a gradient, and a queue that does not."""
    generator = torch.Generator().manual_seed(seed)
    q, noise = torch.randn(2, batch, dim, generator=generator, dtype=torch.float64)
    memory = torch.randn(queue, dim, generator=generator, dtype=torch.float64)
    q, k, memory = (functional.normalize(x, dim=1) for x in (q, q + 0.5 * noise, memory))
    return q.requires_grad_(), k.requires_grad_(), memory


def gradients_of(loss: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, tensors)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), alpha=st.floats(0.01, 1), queue=st.integers(1, 30), temperature=st.floats(0.05, 2))
def test_value_and_gradient_are_those_of_the_definition(
    seed: int, alpha: float, queue: int, temperature: float
) -> None:
    q, k, memory = inputs(queue=queue, seed=seed)
    pairs = (
        (
            hard_info_nce(q, k, memory, alpha=alpha, temperature=temperature),
            literal_hard_info_nce(q, k, memory, alpha, temperature),
        ),
        (hard_simple_info_nce(q, k, memory, alpha=alpha), literal_hard_simple_info_nce(q, k, memory, alpha)),
        (
            hard_simple_info_nce(q, k, memory, alpha=alpha, repulsion=0.3),
            literal_hard_simple_info_nce(q, k, memory, alpha, 0.3),
        ),
    )
    for loss, expected in pairs:
        assert torch.allclose(loss, expected, rtol=1e-12)
        for found, wanted in zip(gradients_of(loss, q, k), gradients_of(expected, q, k), strict=True):
            assert torch.allclose(found, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_whole_queue_is_moco_bit_for_bit(dtype: torch.dtype) -> None:
    q, k, memory = (x.detach().to(dtype).requires_grad_() for x in inputs())
    hard = hard_info_nce(q, k, memory, alpha=1.0, temperature=0.2)
    plain = info_nce(q, k, queue=memory, in_batch_negatives=False, temperature=0.2)
    assert torch.equal(hard, plain)
    for one, other in zip(gradients_of(hard, q, k), gradients_of(plain, q, k), strict=True):
        assert torch.equal(one, other)
    # a share of almost 1 keeps all of them as well, by the other road
    assert torch.allclose(hard_info_nce(q, k, memory, alpha=1 - 1e-8, temperature=0.2), plain, rtol=1e-6)


def test_one_hardest_entry_has_a_closed_form() -> None:
    q, k, memory = inputs()
    pull, push = (q * k).sum(1), (q @ memory.T).max(dim=1).values
    each = hard_info_nce(q, k, memory, alpha=1e-3, temperature=0.2, reduction="none")
    assert torch.allclose(each, ((push - pull) / 0.2).exp().log1p())
    each = hard_simple_info_nce(q, k, memory, alpha=1e-3, reduction="none")
    assert torch.allclose(each, push - pull)


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_never_above_the_plain_loss(alpha: float, temperature: float) -> None:
    q, k, memory = inputs()
    hard = hard_info_nce(q, k, memory, alpha=alpha, temperature=temperature, reduction="none")
    plain = info_nce(q, k, queue=memory, in_batch_negatives=False, temperature=temperature, reduction="none")
    assert (hard <= plain + 1e-12).all()


def test_the_queue_gets_no_gradient_and_of_a_query_only_what_the_kept_say() -> None:
    q, k, memory = inputs()
    memory.requires_grad_()
    loss = hard_info_nce(q, k, memory, alpha=0.15, temperature=0.3, normalize=False)  # 3 of 20
    gradient, none = torch.autograd.grad(loss, (q, memory), allow_unused=True)
    assert none is None
    push, places = (q @ memory.T).topk(3, dim=1)  # (B, 3) twice
    share = torch.cat([(q * k).sum(1, keepdim=True), push], dim=1).div(0.3).softmax(dim=1)  # (B, 1 + 3)
    hardest = (share[:, 1:, None] * memory[places]).sum(1)  # (B, D): no word of the other 17
    expected = (hardest - (1 - share[:, :1]) * k) / 0.3 / len(q)
    assert torch.allclose(gradient, expected)


def test_every_kept_entry_of_the_simple_loss_pushes_alike() -> None:
    q, k, memory = inputs()
    loss = hard_simple_info_nce(q, k, memory, alpha=0.15, repulsion=0.3, normalize=False)
    hardest = memory[(q @ memory.T).topk(3, dim=1).indices].sum(1)  # (B, 3, D) -> (B, D)
    assert torch.allclose(gradients_of(loss, q)[0], (0.3 * hardest - k) / len(q))


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("block_size", [1, 30, 10**6])
def test_the_size_of_the_blocks_does_not_matter(function, block_size: int) -> None:  # type: ignore[no-untyped-def]
    q, k, memory = inputs()
    found, expected = function(q, k, memory, block_size=block_size), function(q, k, memory)
    assert torch.allclose(found, expected, rtol=1e-12)
    assert torch.allclose(gradients_of(found, q)[0], gradients_of(expected, q)[0], atol=1e-12)


def test_a_learned_temperature_gets_its_gradient() -> None:
    q, k, memory = (x.detach() for x in inputs())
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: hard_info_nce(q, k, memory, temperature=t), temperature)


def test_half_precision_keys_may_meet_float_queries() -> None:
    q, k, memory = (x.detach() for x in inputs())
    mixed = hard_info_nce(q.float(), k.bfloat16(), memory.half(), alpha=0.3)
    assert mixed.dtype == torch.float32
    assert torch.allclose(mixed, hard_info_nce(q.float(), k.float(), memory.float(), alpha=0.3), atol=0.01)


def test_chance_follows_the_options() -> None:
    ones, pairing = torch.ones(12, 4, dtype=torch.float64), by_towers(12, in_batch_negatives=False).with_queue(40)
    found = float(hard_info_nce(ones, ones, torch.ones(40, 4), alpha=0.5))
    assert found == pytest.approx(hard_chance(pairing, alpha=0.5)) == pytest.approx(math.log(21))
    found = float(hard_simple_info_nce(ones, ones, torch.ones(40, 4), alpha=0.5, repulsion=0.2))
    assert found == pytest.approx(simple_chance(pairing, alpha=0.5, repulsion=0.2)) == pytest.approx(0.2 * 20 - 1)


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": 1.1}, "alpha"),
        ({"alpha": math.nan}, "alpha"),
        ({"block_size": 0}, "block_size"),
        ({"alpha": 1.0, "block_size": -1}, "block_size"),
    ],
)
def test_bad_options_are_named(function, options: dict, word: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match=word):
        function(*inputs(), **options)


@pytest.mark.parametrize("function", BOTH)
def test_inputs_that_do_not_fit_are_named(function) -> None:  # type: ignore[no-untyped-def]
    q, k, memory = inputs()
    with pytest.raises(ArgumentError, match="queue has 3 dimensions and queries 6"):
        function(q, k, memory[:, :3])
    with pytest.raises(ArgumentError, match="4 keys for 5 queries"):
        function(q, k[:4], memory)
    with pytest.raises(ArgumentError, match="unit rows"):
        function(q, k, 2 * memory, normalize=False)
    with pytest.raises(ArgumentError, match="repulsion"):
        hard_simple_info_nce(q, k, memory, repulsion=0.0)
