"""The temperature's limits, the hard losses against their definitions, and memory without a matrix."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hardness_literal import literal_hard_contrastive, literal_simple
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError, RunError
from contrapose.objectives import hard_contrastive, hard_simple_contrastive, nt_xent, simple_contrastive
from contrapose.objectives.hardness.hard_contrastive import hard_chance
from contrapose.objectives.hardness.hardest_negatives import hardest_count
from contrapose.objectives.hardness.simple_contrastive import simple_chance
from contrapose.pairing import by_labels, by_views

HARD = (hard_contrastive, hard_simple_contrastive)


def cosines(z: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine of each row with its positive `(N,)`, and with its negatives `(N, N - 2)`, of two views."""
    flat = functional.normalize(z, dim=-1).flatten(0, 1)  # (N, D)
    tile = by_views(2, z.shape[1]).tile(torch.arange(len(flat)), slice(0, len(flat)))
    similarity = flat @ flat.T
    return similarity[tile.positive], similarity[tile.negative].view(len(flat), -1)


def gradient_of(loss: Tensor, z: Tensor) -> Tensor:
    return torch.autograd.grad(loss, z)[0]


@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.3, 0.77])
@pytest.mark.parametrize("views", [2, 3])
def test_value_and_gradient_are_those_of_the_definition(alpha: float, views: int) -> None:
    generator = torch.Generator().manual_seed(views)
    z = torch.randn(views, 6, 4, generator=generator, dtype=torch.float64).requires_grad_()
    for function, literal in ((hard_contrastive, literal_hard_contrastive), (hard_simple_contrastive, literal_simple)):
        loss, expected = function(z, alpha=alpha), literal(z, alpha)
        assert torch.allclose(loss, expected, rtol=1e-12)
        assert torch.allclose(gradient_of(loss, z), gradient_of(expected, z), rtol=1e-10, atol=1e-13)


def test_all_negatives_kept_is_the_plain_loss_bit_for_bit() -> None:
    z = some_embeddings(9, dtype=torch.float32).requires_grad_()
    for hard, plain in ((hard_contrastive, nt_xent), (hard_simple_contrastive, simple_contrastive)):
        one, other = hard(z, alpha=1.0), plain(z)
        assert torch.equal(one, other)
        assert torch.equal(gradient_of(one, z), gradient_of(other, z))
    # one negative short of all of them takes the other road to almost the same place
    assert torch.allclose(hard_contrastive(z, alpha=1 - 1e-8), nt_xent(z), rtol=1e-6)


def test_one_hardest_negative_has_a_closed_form() -> None:
    z = some_embeddings(8)
    pull, push = cosines(z)
    each = hard_contrastive(z, alpha=1e-3, temperature=0.2, reduction="none")
    assert torch.allclose(each, ((push.max(dim=1).values - pull) / 0.2).exp().log1p())


@pytest.mark.parametrize("alpha", [0.05, 0.2, 0.9])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0])
def test_never_above_the_plain_loss(alpha: float, temperature: float) -> None:
    z = some_embeddings(10)
    hard = hard_contrastive(z, alpha=alpha, temperature=temperature, reduction="none")
    assert (hard <= nt_xent(z, temperature=temperature, reduction="none") + 1e-12).all()


def test_a_low_temperature_leaves_a_triplet_loss_on_the_hardest() -> None:
    z = some_embeddings(8)
    pull, push = cosines(z)
    each = 1e-3 * nt_xent(z, temperature=1e-3, reduction="none")
    # log of at most N + 1 terms is what the limit leaves out
    assert torch.allclose(each, (push.max(dim=1).values - pull).clamp(min=0), atol=1e-3 * math.log(15))


def test_a_high_temperature_leaves_no_hardness() -> None:
    z, temperature = some_embeddings(8), 1e3
    pull, push = cosines(z)
    count = push.shape[1]
    mean = (push.sum(dim=1) + pull) / (count + 1)
    expansion = math.log(count + 1) + (mean - pull) / temperature
    each = nt_xent(z, temperature=temperature, reduction="none")
    assert torch.allclose(each, expansion, rtol=0, atol=1 / temperature**2)
    assert not torch.allclose(each, torch.full_like(each, math.log(count + 1)), rtol=0, atol=1 / temperature**2)


@pytest.mark.parametrize("function", HARD)
def test_negatives_that_are_not_kept_get_no_gradient(function) -> None:  # type: ignore[no-untyped-def]
    z = some_embeddings(8).requires_grad_()
    _, push = cosines(z)
    anchor = 0
    loss = function(z, alpha=0.2, rows=torch.tensor([anchor]), reduction="none")[0]  # 3 of 14
    kept = push[anchor].topk(3).values
    others = [j for j in range(8) if j != anchor]
    touched = gradient_of(loss, z).abs().sum(dim=-1) > 0  # (2, B)
    flat = functional.normalize(z, dim=-1)
    near = (flat[0, anchor] * flat).sum(-1)[:, others]  # (2, B - 1) cosines with the negatives
    assert torch.equal(touched[:, others], near >= kept.min() - 1e-12)
    assert touched[1, anchor]


def test_every_negative_of_the_simple_loss_is_pushed_alike() -> None:
    z = functional.normalize(some_embeddings(5, 16), dim=-1).requires_grad_()
    loss = simple_contrastive(z, repulsion=0.3, normalize=False, rows=torch.tensor([2]), reduction="none")[0]
    gradient = gradient_of(loss, z)  # dl/dz_k = repulsion · z_i, so dl/ds_ik = repulsion for every k
    for view in range(2):
        for other in (0, 1, 3, 4):
            assert torch.allclose(gradient[view, other], 0.3 * z[0, 2])
    assert torch.allclose(gradient[1, 2], -z[0, 2])
    assert torch.allclose(simple_contrastive(z, repulsion=0.3), literal_simple(z, repulsion=0.3))
    assert torch.allclose(hard_simple_contrastive(z, alpha=0.4, repulsion=0.3), literal_simple(z, 0.4, 0.3))


def test_how_many_are_the_hardest() -> None:
    negatives = torch.tensor([100, 10, 1, 0, 254])
    assert hardest_count(negatives, 0.07).tolist() == [7, 1, 1, 0, 18]  # 0.07 · 100 is not 8
    assert hardest_count(negatives, 1e-6).tolist() == [1, 1, 1, 0, 1]
    assert hardest_count(negatives, 1.0).tolist() == negatives.tolist()


@pytest.mark.parametrize("block_size", [1, 20, 64, 10**6])
def test_the_size_of_the_blocks_does_not_matter(block_size: int) -> None:
    z = some_embeddings(10).requires_grad_()
    labels = by_labels(torch.arange(10) % 4, views=2)  # 14 or 16 negatives, 5 or 6 kept
    for function in HARD:
        expected = function(z, labels, alpha=0.33)
        found = function(z, labels, alpha=0.33, block_size=block_size)
        assert torch.allclose(found, expected, rtol=1e-12)
        assert torch.allclose(gradient_of(found, z), gradient_of(expected, z), atol=1e-12)


def test_a_learned_temperature_gets_its_gradient() -> None:
    z, temperature = some_embeddings(6), torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    slope = gradient_of(hard_contrastive(z, temperature=temperature), temperature)
    ahead, behind = (hard_contrastive(z, temperature=0.4 + step) for step in (1e-6, -1e-6))
    assert float(slope) == pytest.approx(float(ahead - behind) / 2e-6, rel=1e-6)


def test_a_second_derivative_is_refused() -> None:
    z = some_embeddings().requires_grad_()
    with pytest.raises(RunError, match="second derivative"):
        torch.autograd.grad(hard_contrastive(z), z, create_graph=True)


def test_chance_follows_the_options() -> None:
    z, pairing = torch.ones(2, 12, 4, dtype=torch.float64), by_views(2, 12)
    assert float(hard_contrastive(z, alpha=0.5)) == pytest.approx(hard_chance(pairing, alpha=0.5))
    found = float(hard_simple_contrastive(z, alpha=0.5, repulsion=0.2))
    assert found == pytest.approx(simple_chance(pairing, alpha=0.5, repulsion=0.2)) == pytest.approx(0.2 * 11 - 1)


@pytest.mark.parametrize("function", HARD)
@pytest.mark.parametrize("alpha", [0.0, -0.1, 1.1, math.nan])
def test_a_share_is_above_zero_and_at_most_one(function, alpha: float) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match="alpha"):
        function(some_embeddings(), alpha=alpha)


@pytest.mark.parametrize("function", HARD)
@pytest.mark.parametrize("options", [{"block_size": 0}, {"block_size": -4}, {"block_size": 0, "alpha": 1.0}], ids=str)
def test_a_block_holds_one_similarity_at_least(function, options: dict) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match="block_size"):
        function(some_embeddings(), **options)


def test_where_nothing_is_chosen_an_anchor_without_negatives_is_as_in_nt_xent() -> None:
    z, everybody = some_embeddings(4), by_labels(torch.zeros(4, dtype=torch.long), views=2)
    assert torch.equal(hard_contrastive(z, everybody, alpha=1.0), nt_xent(z, everybody))


@pytest.mark.parametrize("function", [*HARD, simple_contrastive])
def test_what_has_nobody_to_push_is_refused(function) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ArgumentError, match="two samples"):
        function(some_embeddings(1))
    with pytest.raises(ArgumentError, match="two views"):
        function(some_embeddings()[:1])
    with pytest.raises(ArgumentError, match="no negative"):
        function(some_embeddings(4), by_labels(torch.zeros(4, dtype=torch.long), views=2))
    if function is not hard_contrastive:
        with pytest.raises(ArgumentError, match="repulsion"):
            function(some_embeddings(), repulsion=0.0)


MEASURE = """
import re, torch
from contrapose.objectives import hard_contrastive

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)) / 1000

torch.set_num_threads(1)
hard_contrastive(torch.randn(2, 64, 16, requires_grad=True)).backward()
z = torch.randn(2, 4096, 16, requires_grad=True)
before = peak()
hard_contrastive(z, rows=torch.arange(1024)).backward()  # 2,048 anchors of 8,192 candidates: 67 MB a copy
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_is_a_block_and_not_the_matrix() -> None:
    done = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 60, "less than one copy of the similarities"
