"""Hallucinated positives against their geometry, and the attraction to them against its definition."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import hallucinated_positives, halp
from contrapose.objectives.prototypes.hallucination import Arcs, arcs


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def unit(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return functional.normalize(torch.randn(*shape, generator=seeded(seed), dtype=torch.float64), dim=-1).to(dtype)


def at(*degrees: float) -> Tensor:
    """Points of the unit circle, `(n, 2)` in float64."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def on_way(ways: Arcs, k: Tensor, angles: Tensor) -> Tensor:
    """The point at an angle `(B, N)` on the way of each key to each prototype, `(B, N, D)`."""
    return ways.points(k, torch.arange(angles.shape[1]).expand(len(k), -1), angles)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("dimension", "spread"), [(3, 1.0), (3, 1e-3), (16, 1.0), (128, 1.0), (128, 1e-2)])
def test_at_the_border_both_prototypes_are_as_near(dimension: int, spread: float, dtype: torch.dtype) -> None:
    """Also where all rows lie close together, as those of an encoder that has learned little."""
    middle = unit(1, dimension, seed=5, dtype=torch.float64)
    k, p = (functional.normalize(middle + spread * unit(n, dimension, seed=n).double(), dim=1) for n in (50, 20))
    k, p = k.to(dtype), p.to(dtype)
    ways = arcs(k, p)
    border = on_way(ways, k, ways.borders).double()  # (B, N, D)
    k, p = (functional.normalize(x.double(), dim=1) for x in (k, p))  # float32 keeps a length to within 1e-7
    assert torch.equal(ways.own, (k @ p.T).argmax(dim=1))
    omega = torch.acos((k @ p.T).clamp(-1, 1))  # (B, N)
    assert bool((ways.borders >= 0).all())
    assert bool((ways.borders <= omega + 1e-3).all())
    gap = (border * (p[ways.own].unsqueeze(1) - p)).sum(dim=2)  # (B, N)
    assert float(gap.abs().max()) < (1e-5 if dtype is torch.float32 else 1e-12)


def test_the_way_goes_from_the_key_to_the_prototype_on_the_sphere() -> None:
    k, p = unit(30, 6), unit(8, 6, seed=1)
    ways, omega = arcs(k, p), torch.acos(k @ p.T)
    for share in (0.0, 0.1, 0.5, 0.9, 1.0):
        points = on_way(ways, k, share * omega)
        torch.testing.assert_close(points.norm(dim=2), torch.ones(30, 8), atol=1e-6, rtol=0)
        slerp = ((1 - share) * omega).sin().unsqueeze(2) * k.unsqueeze(1) + (share * omega).sin().unsqueeze(2) * p
        torch.testing.assert_close(points, slerp / omega.sin().unsqueeze(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(on_way(ways, k, 0 * omega), k.unsqueeze(1).expand(-1, 8, -1))
    torch.testing.assert_close(on_way(ways, k, omega), p.expand(30, -1, -1), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("a", "b"), [(10, 20), (10, 80), (1, 89), (40, 41), (0.01, 60)])
def test_in_the_plane_the_border_is_the_bisector(a: float, b: float) -> None:
    ways = arcs(at(0), at(-a, b))
    assert ways.own.tolist() == [0]
    assert math.degrees(float(ways.borders[0, 1])) == pytest.approx((b - a) / 2, abs=1e-9)


def test_atan2_finds_the_border_where_atan_would_walk_away() -> None:
    """Both prototypes on the same side, at 80 and 170 degrees: the border lies beyond a right angle."""
    found = hallucinated_positives(at(0), at(80, 170), hardness=0.0, count=1, generator=seeded())
    assert math.degrees(float(found.angles)) == pytest.approx(125, abs=1e-6)
    torch.testing.assert_close(found.positives[0], at(125))


def test_a_key_that_is_one_of_two_prototypes_goes_half_way() -> None:
    p = unit(2, 5, seed=3)
    found = hallucinated_positives(p[:1], p, hardness=0.0, count=3, generator=seeded())
    torch.testing.assert_close(found.angles, torch.acos(p[0] @ p[1]).expand(1, 3) / 2)
    torch.testing.assert_close(found.positives[0, 0], functional.normalize(p.sum(dim=0), dim=0))
    assert found.keep.all()


def test_positives_lie_between_the_border_and_where_they_were_told() -> None:
    k, p = unit(40, 8), unit(10, 8, seed=1)
    ways = arcs(k, p)
    drawn = {h: hallucinated_positives(k, p, hardness=h, count=30, generator=seeded(2)) for h in (0, 0.3, 0.8, 1)}
    means = [float(found.angles.mean()) for found in drawn.values()]
    assert means == sorted(means, reverse=True)
    assert means[-1] == pytest.approx(means[0] / 2, rel=0.05)
    nearest = (drawn[0].angles.unsqueeze(2) - ways.borders.unsqueeze(1)).abs().amin(dim=2)
    assert float(nearest.max()) < 1e-5  # nothing but borders
    for hardness, found in drawn.items():
        share = found.angles / drawn[0].angles
        assert float(share.min()) >= 1 - hardness - 1e-6
        assert float(share.max()) <= 1
        cosine = (found.positives * k.unsqueeze(1)).sum(dim=2)
        torch.testing.assert_close(cosine, found.angles.cos(), atol=1e-5, rtol=0)
    easy = hallucinated_positives(k, p, hardness=1.0, hardness_from=1.0, count=3, generator=seeded())
    torch.testing.assert_close(easy.positives, k.unsqueeze(1).expand(-1, 3, -1))
    assert easy.keep.all()


def test_kept_are_those_whose_nearest_prototype_is_that_of_the_key() -> None:
    k, p = unit(60, 4), unit(12, 4, seed=1)
    own = (k @ p.T).argmax(dim=1, keepdim=True)
    inside = hallucinated_positives(k, p, hardness=0.8, hardness_from=0.05, count=50, generator=seeded(1))
    assert torch.equal(inside.keep, (inside.positives @ p.T).argmax(dim=2) == own)
    assert 0.1 < float(inside.keep.float().mean()) < 0.9
    border = hallucinated_positives(k, p, hardness=0.0, count=50, generator=seeded(1))
    near = border.positives @ p.T  # (B, M, N)
    assert torch.equal(border.keep, near.gather(2, own.unsqueeze(1).expand(-1, 50, -1))[..., 0] > near.amax(2) - 1e-5)


def test_targets_are_the_candidates_after_those_skipped() -> None:
    k, p = at(0), at(5, -20, 40, -90, 150)
    for options, wanted in (
        ({}, {7.5, 22.5, 42.5, 77.5}),
        ({"candidates": 2}, {7.5, 22.5}),
        ({"skip": 3}, {42.5, 77.5}),
    ):
        drawn = hallucinated_positives(k, p, hardness=0.0, count=200, generator=seeded(), **options)  # type: ignore
        assert {round(float(angle), 6) for angle in drawn.angles.rad2deg().unique()} == wanted


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_prototype_at_the_key_or_opposite_leaves_no_nan(dtype: torch.dtype) -> None:
    k = torch.eye(4, dtype=dtype)[:1]
    p = torch.cat([k, k, -k, torch.eye(4, dtype=dtype)[1:2]])
    for rows in (p, p[:2], p[[0, 2]], p[[3, 2]], k.expand(3, -1)):
        found = hallucinated_positives(k, rows, count=20, generator=seeded())
        assert found.positives.isfinite().all()
        torch.testing.assert_close(found.positives.norm(dim=2).double(), torch.ones(1, 20).double())
    alone = hallucinated_positives(k, p[:2], count=4, generator=seeded())
    torch.testing.assert_close(alone.positives, k.to(alone.positives).expand(1, 4, -1))
    assert alone.keep.all()
    close = functional.normalize(torch.tensor([[1.0, 1e-4, 0, 0], [1, 0, 1e-7, 0], [1, 0, 0, 3e-4]]), dim=1)
    near = hallucinated_positives(k, close.to(dtype), count=20, generator=seeded())
    assert near.positives.isfinite().all()
    assert float((near.positives[..., 0] - 1).abs().max()) < 1e-3


def test_processes_that_share_the_keys_draw_what_one_would() -> None:
    k, p = unit(6, 5), unit(4, 5, seed=1)
    whole = hallucinated_positives(k, p, count=7, generator=seeded())
    part = hallucinated_positives(k, p, count=7, rows=torch.tensor([4, 1]), generator=seeded())
    for one, other in zip(part, whole, strict=True):
        torch.testing.assert_close(one, other[[4, 1]])
    again = hallucinated_positives(k, p, count=7, generator=seeded(1))
    assert not torch.equal(again.positives, whole.positives)


def losses(q: Tensor, found: Any, temperature: float = 0.07) -> Tensor:
    """Written out: the mean over kept pairs."""
    pairs = [
        q[i] @ found.positives[i, m] for i in range(len(q)) for m in range(found.keep.shape[1]) if found.keep[i, m]
    ]
    return -torch.stack(pairs).sum() / temperature / len(pairs)


def test_it_is_the_mean_over_all_kept_pairs_and_only_queries_have_a_gradient() -> None:
    q, k, p = (unit(n, 4, seed=n, dtype=torch.float64).requires_grad_() for n in (31, 30, 12))
    q = q.detach()[:30].requires_grad_()
    found = hallucinated_positives(k, p, count=9, generator=seeded())
    per_key = found.keep.sum(dim=1).float()
    assert float(per_key.std()) > 0.5  # so that a mean over means would be another number
    assert not any(x.requires_grad for x in found)
    loss = halp(q, found.positives, found.keep, temperature=0.3, normalize=False)
    torch.testing.assert_close(loss, losses(q, found, 0.3))
    (gradient,) = torch.autograd.grad(loss, q)
    expected = -(found.positives * found.keep.unsqueeze(2)).sum(dim=1) / 0.3 / found.keep.sum()
    torch.testing.assert_close(gradient, expected)
    scaled = halp(3 * q, found.positives, found.keep, temperature=0.3)
    torch.testing.assert_close(scaled, loss)
    assert torch.autograd.gradcheck(lambda x: halp(x, found.positives, found.keep), q)


def test_nothing_kept_is_a_loss_of_zero_with_a_gradient_of_zero() -> None:
    q = unit(3, 4).requires_grad_()
    loss = halp(q, unit(3, 5, 4), torch.zeros(3, 5, dtype=torch.bool))
    assert float(loss.detach()) == 0
    assert torch.equal(torch.autograd.grad(loss, q)[0], torch.zeros(3, 4))


def test_shares_of_processes_average_to_the_whole() -> None:
    q, found = unit(8, 4), hallucinated_positives(unit(8, 4, seed=1), unit(9, 4, seed=2), generator=seeded())
    whole = halp(q, found.positives, found.keep)
    pairs = found.keep.sum() / 2
    halves = [halp(q[s], found.positives[s], found.keep[s], pairs=pairs) for s in (slice(0, 4), slice(4, 8))]
    torch.testing.assert_close(sum(halves) / 2, whole)


def test_positives_that_are_the_keys_are_the_attraction_to_the_keys() -> None:
    q, k = unit(5, 4), unit(5, 4, seed=1)
    wanted = -(q * k).sum(dim=1).mean() / 0.2
    torch.testing.assert_close(halp(q, k[:, None], torch.ones(5, 1, dtype=torch.bool), temperature=0.2), wanted)
    same = hallucinated_positives(k, unit(6, 4, seed=2), hardness=1.0, hardness_from=1.0, generator=seeded())
    torch.testing.assert_close(halp(q, same.positives, same.keep, temperature=0.2), wanted)
    learned = torch.tensor(0.2, requires_grad=True)
    halp(q, same.positives, same.keep, temperature=learned).backward()
    torch.testing.assert_close(learned.grad, -wanted / 0.2)


def test_reduced_precision_and_autocast_lose_little() -> None:
    q, k, p = unit(16, 32), unit(16, 32, seed=1), unit(20, 32, seed=2)
    wide = hallucinated_positives(k, p, count=10, generator=seeded())
    loss = halp(q, wide.positives, wide.keep)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        same = hallucinated_positives(k, p, count=10, generator=seeded())
        assert torch.equal(same.positives, wide.positives)
        assert torch.equal(halp(q, same.positives, same.keep), loss)
    low = hallucinated_positives(k.bfloat16(), p.bfloat16(), count=10, generator=seeded())
    assert low.positives.dtype == torch.float32
    assert float(halp(q.bfloat16(), low.positives, low.keep)) == pytest.approx(float(loss), abs=0.3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hardness": 1.1}, "0 <= hardness_from <= hardness <= 1, got 0.0 and 1.1"),
        ({"hardness": -0.1}, "hardness"),
        ({"hardness": math.nan}, "hardness"),
        ({"hardness": 0.5, "hardness_from": 0.6}, "got 0.6 and 0.5"),
        ({"count": 0}, "count is 0"),
        ({"candidates": 0}, "candidates is 0"),
        ({"skip": 0}, "skip is 0"),
        ({"skip": 4}, "skip is 4, which leaves none of 4 prototypes"),
    ],
)
def test_bad_numbers_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        hallucinated_positives(unit(3, 5), unit(4, 5), **options)


def test_bad_tensors_are_named() -> None:
    k, p = unit(3, 5), unit(4, 5)
    with pytest.raises(ValueError, match="There is 1 prototype"):
        hallucinated_positives(k, p[:1])
    with pytest.raises(ArgumentError, match=r"keys must lie on the sphere, and a length is 0\.1 away"):
        hallucinated_positives(1.1 * k, p)
    with pytest.raises(ArgumentError, match="prototypes must lie on the sphere"):
        hallucinated_positives(k, 0.99 * p)
    with pytest.raises(ArgumentError, match="prototypes has 4 dimensions and keys 5"):
        hallucinated_positives(k, unit(4, 4))
    with pytest.raises(ArgumentError, match="NaN"):
        hallucinated_positives(k.masked_fill(torch.eye(3, 5, dtype=torch.bool), math.nan), p)
    found = hallucinated_positives(k, p, count=2)
    with pytest.raises(ArgumentError, match=r"positives has shape \(3, 2, 5\) for queries of \(2, 5\)"):
        halp(k[:2], found.positives, found.keep)
    with pytest.raises(ArgumentError, match="keep must say True or False of each positive"):
        halp(k, found.positives, found.keep.float())
    with pytest.raises(ArgumentError, match="temperature"):
        halp(k, found.positives, found.keep, temperature=0.0)
