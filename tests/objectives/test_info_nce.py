from __future__ import annotations

import math

import pytest
import torch
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import info_nce
from contrapose.pairing import by_groups, by_towers


def unit(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)


def test_is_cross_entropy_in_one_direction_and_in_both() -> None:
    x, y = some_embeddings(7)
    logits = functional.normalize(x, dim=-1) @ functional.normalize(y, dim=-1).T / 0.07
    there = functional.cross_entropy(logits, torch.arange(7))
    back = functional.cross_entropy(logits.T, torch.arange(7))
    assert torch.allclose(info_nce(x, y), there, atol=1e-12)
    assert torch.allclose(info_nce(x, y, symmetric=True), (there + back) / 2, atol=1e-12)


def test_moco_logits_are_the_own_key_and_the_queue() -> None:
    queries, keys, queue = unit(5, 4), unit(5, 4, seed=1), unit(9, 4, seed=2)
    own = (queries * keys).sum(1, keepdim=True)
    logits = torch.cat([own, queries @ queue.T], dim=1) / 0.2
    expected = functional.cross_entropy(logits, torch.zeros(5, dtype=torch.long))
    value = info_nce(queries, keys, queue=queue, in_batch_negatives=False, temperature=0.2)
    assert torch.allclose(value, expected, atol=1e-12)


def test_a_queue_joins_the_in_batch_negatives() -> None:
    queries, keys, queue = unit(5, 4), unit(5, 4, seed=1), unit(9, 4, seed=2)
    logits = queries @ torch.cat([keys, queue]).T / 0.07
    expected = functional.cross_entropy(logits, torch.arange(5))
    assert torch.allclose(info_nce(queries, keys, queue=queue), expected, atol=1e-12)
    known = by_towers(5).with_queue(9)  # a pairing that speaks of the queue already
    assert torch.allclose(info_nce(queries, keys, known, queue=queue), expected, atol=1e-12)


def test_the_queue_gets_no_gradient_and_the_keys_do_unless_detached() -> None:
    queries, keys, queue = (unit(4, 3, seed=i).requires_grad_() for i in range(3))
    info_nce(queries, keys, queue=queue).backward()
    assert queue.grad is None
    assert keys.grad is not None
    assert queries.grad is not None
    assert queries.grad.abs().sum() > 0
    queries.grad = keys.grad = None
    info_nce(queries, keys.detach(), queue=queue, in_batch_negatives=False).backward()
    assert keys.grad is None
    assert queries.grad is not None


def test_other_keys_are_not_among_moco_negatives() -> None:
    queries, keys, queue = unit(4, 3), unit(4, 3, seed=1), unit(6, 3, seed=2)
    options = {"queue": queue, "in_batch_negatives": False, "reduction": "none"}
    before = info_nce(queries, keys, **options)
    keys[1] = -keys[1]
    after = info_nce(queries, keys, **options)
    assert torch.equal(before[[0, 2, 3]], after[[0, 2, 3]])
    assert before[1] != after[1]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, math.log(6)),
        ({"symmetric": True}, math.log(6)),
        ({"queue": torch.ones(10, 3)}, math.log(6 + 10)),
        ({"queue": torch.ones(10, 3), "in_batch_negatives": False}, math.log(1 + 10)),
    ],
)
def test_equal_embeddings_give_the_log_of_the_terms(options: dict, expected: float) -> None:
    assert float(info_nce(torch.ones(6, 3), torch.ones(6, 3), **options)) == pytest.approx(expected, abs=1e-5)


def test_one_pair_costs_nothing_and_towers_may_change_places() -> None:
    one, other = unit(1, 4), unit(1, 4, seed=1)
    assert float(info_nce(one, other, symmetric=True)) == pytest.approx(0, abs=1e-12)
    x, y = unit(5, 4), unit(5, 4, seed=1)
    there, back = info_nce(x, y, symmetric=True), info_nce(y, x, symmetric=True)
    torch.testing.assert_close(there, back)
    assert not torch.isclose(info_nce(x, y), info_nce(y, x))  # one direction alone does tell them apart


def test_several_captions_of_one_picture_in_both_directions() -> None:
    pictures, captions = unit(3, 4), unit(6, 4, seed=1)
    pairing = by_groups(torch.arange(3), torch.tensor([0, 1, 2, 2, 1, 0]))
    there = torch.log_softmax(pictures @ captions.T / 0.07, dim=1)
    back = torch.log_softmax(captions @ pictures.T / 0.07, dim=1)
    same = torch.arange(3)[:, None] == torch.tensor([0, 1, 2, 2, 1, 0])
    expected = -(there[same].mean() + back[same.T].mean()) / 2
    value = info_nce(pictures, captions, pairing, symmetric=True, tile_rows=2, tile_columns=2)
    assert torch.allclose(value, expected, atol=1e-12)


def test_both_directions_are_shared_by_two_ranks() -> None:
    x, y = some_embeddings(6)
    y.requires_grad_()
    expected = info_nce(x, y, symmetric=True)
    parts = [info_nce(x, y, symmetric=True, rows=torch.arange(3 * r, 3 * r + 3)) for r in range(2)]
    assert torch.allclose(sum(parts) / 2, expected)
    (gradient,) = torch.autograd.grad(sum(parts) / 2, y)
    assert torch.allclose(gradient, torch.autograd.grad(expected, y)[0])


def test_each_pair_is_answered() -> None:
    x, y = some_embeddings(6)
    each = info_nce(x, y, symmetric=True, reduction="none")
    assert each.shape == (6,)
    assert torch.allclose(each.mean(), info_nce(x, y, symmetric=True))
    assert torch.allclose(info_nce(x, y, rows=torch.tensor([4, 2]), symmetric=True, reduction="none"), each[[4, 2]])


def test_a_learned_temperature_gets_its_gradient_in_both_directions() -> None:
    x, y = some_embeddings(4)
    log_scale = torch.tensor(1.2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: info_nce(x, y, temperature=(-s).exp(), symmetric=True), log_scale)


@pytest.mark.parametrize(
    ("sizes", "options", "word"),
    [
        ((4, 5), {}, "candidates has 5"),
        ((4, 4), {"queue": torch.ones(3, 2)}, "queue has 2 dimensions"),
        ((4, 4), {"queue": torch.full((3, 3), math.inf)}, "queue holds"),
        ((4, 4), {"queue": torch.ones(3, 3), "symmetric": True}, "symmetric"),
        ((4, 4), {"in_batch_negatives": False}, "in_batch_negatives"),
        ((4, 4), {"in_batch_negatives": False, "pairing": by_towers(4)}, "in_batch_negatives"),
        ((4, 5), {"pairing": by_towers(4)}, "pairing"),
        ((2, 4), {"pairing": by_groups(torch.arange(2), torch.arange(4)), "symmetric": True, "reduction":
        "none"}, "as many"), ((4, 4), {"temperature": 0.0}, "temperature"),
    ],
)  # fmt: skip
def test_bad_input_is_named(sizes: tuple[int, int], options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        info_nce(torch.ones(sizes[0], 3), torch.ones(sizes[1], 3), **options)
