from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import alignment, cosines, tolerance, uniformity, uniformity_optimum


def test_identical_views_align_and_antipodal_ones_do_not(generator) -> None:
    z = torch.randn(50, 7, generator=generator)
    assert alignment(torch.stack([z, 3 * z])).value == pytest.approx(0, abs=1e-12)
    assert alignment(torch.stack([z, -z])).value == pytest.approx(4)
    assert alignment(torch.stack([z, -z]), exponent=1).value == pytest.approx(2)


def test_alignment_is_two_minus_twice_the_cosine_over_all_pairs_of_views(generator) -> None:
    z = torch.randn(3, 40, 5, generator=generator, dtype=torch.float64)
    cosine = torch.nn.functional.cosine_similarity
    mean = torch.stack([cosine(z[v], z[w]) for v, w in ((0, 1), (0, 2), (1, 2))]).mean()
    measured = alignment(z)
    assert measured.value == pytest.approx(2 - 2 * float(mean))
    assert measured.low < measured.value < measured.high
    assert measured.count == 40
    assert "%" not in str(measured)


@pytest.mark.parametrize("scale", [0.5, 2.0, 7.0])
@pytest.mark.parametrize("count", [2, 5, 64])
def test_closed_forms_of_uniformity(count: int, scale: float) -> None:
    eye = torch.eye(count, dtype=torch.float64)
    assert uniformity(eye, scale=scale) == pytest.approx(-2 * scale, abs=1e-12)
    assert uniformity(eye[:1].repeat(count, 1), scale=scale) == pytest.approx(0, abs=1e-12)
    assert uniformity(torch.tensor([[1.0, 0.0], [-2.0, 0.0]]), scale=scale) == pytest.approx(-4 * scale, rel=1e-6)


def test_the_scale_of_the_paper_is_the_default(generator) -> None:
    z = torch.randn(20, 4, generator=generator)
    assert uniformity(z) == uniformity(z, scale=2.0) != uniformity(z, scale=2.1)


@pytest.mark.parametrize("tile", [(1, 1), (3, 5), (7, 4), (4, 64)])
@pytest.mark.parametrize("scale", [2.0, 500.0])
def test_tiles_agree_with_all_pairs(tile, scale: float, generator, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setattr(sys.modules["contrapose.evaluation.alignment"], "TILE", tile)
    z = torch.randn(23, 4, generator=generator, dtype=torch.float64)
    squares = torch.pdist(torch.nn.functional.normalize(z)).square()
    expected = float((-scale * squares).logsumexp(0)) - math.log(len(squares))
    assert uniformity(z, scale=scale) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("dimension", "value"), [(2, -1.575), (16, -3.513), (64, -3.875), (128, -3.938), (512, -3.984)]
)
def test_the_optimum_for_known_dimensions(dimension: int, value: float) -> None:
    assert uniformity_optimum(dimension) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize("scale", [0.1, 2.0, 30.0])
def test_the_optimum_is_the_hypergeometric_function(scale: float) -> None:
    from scipy.special import hyp0f1

    assert uniformity_optimum(10, scale=scale) == pytest.approx(-2 * scale + math.log(hyp0f1(5, scale**2)))


def test_even_rows_come_near_the_optimum(generator) -> None:
    z = torch.randn(3000, 16, generator=generator)
    assert uniformity(z) == pytest.approx(uniformity_optimum(16), abs=0.02)
    assert uniformity(z[:1500]) == pytest.approx(uniformity(z), abs=0.02)


@given(seed=st.integers(0, 1000), count=st.integers(3, 30), width=st.integers(1, 12))
@settings(max_examples=25, deadline=None)
def test_moments_of_cosines_are_those_of_all_pairs(seed: int, count: int, width: int) -> None:
    z = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    unit = torch.nn.functional.normalize(z)
    pairs = (unit @ unit.T)[~torch.eye(count, dtype=torch.bool)]
    found = cosines(z)
    assert found.mean == pytest.approx(float(pairs.mean()), abs=1e-9)
    assert found.sd == pytest.approx(float(pairs.std(correction=0)), abs=1e-7)
    assert found.anisotropy == pytest.approx(float(unit.mean(0).norm()), abs=1e-9)
    assert found.norm == pytest.approx(float(z.norm(dim=1).mean()))
    assert found.norm_variation == pytest.approx(float(z.norm(dim=1).std(correction=0)) / found.norm)


def test_tolerance_is_the_mean_over_pairs_of_a_class(generator) -> None:
    z = torch.randn(30, 6, generator=generator, dtype=torch.float64)
    labels = np.array(["a", "b", "c"])[torch.randint(3, (30,), generator=generator).numpy()]
    unit = torch.nn.functional.normalize(z)
    same = torch.from_numpy((labels[:, None] == labels[None]) & ~np.eye(30, dtype=bool))
    assert tolerance(z, labels) == pytest.approx(float((unit @ unit.T)[same].mean()))
    assert tolerance(torch.eye(3).repeat_interleave(4, 0), np.arange(12) // 4) == pytest.approx(1)


@pytest.mark.filterwarnings("ignore:1 of 4 classes")
def test_tolerance_over_all_pairs_is_thinned_by_the_share_of_pairs_of_a_class(generator) -> None:
    z, sizes = torch.randn(20, 6, generator=generator, dtype=torch.float64), np.array([9, 7, 3, 1])
    labels = np.repeat(np.arange(4), sizes)
    share = (sizes * (sizes - 1)).sum() / (20 * 19)
    assert tolerance(z, labels, normalise="all") == pytest.approx(tolerance(z, labels) * share)
    unit = torch.nn.functional.normalize(z)
    same = torch.from_numpy((labels[:, None] == labels[None]) & ~np.eye(20, dtype=bool))
    others = ~torch.eye(20, dtype=torch.bool)
    assert tolerance(z, labels, normalise="all") == pytest.approx(float((unit @ unit.T * same)[others].mean()))
    assert tolerance(z, labels, normalise="pairs") == tolerance(z, labels)


def test_classes_of_one_are_counted_and_left_out() -> None:
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])
    with pytest.warns(UserWarning, match="2 of 3 classes have one member"):
        assert tolerance(z, [0, 0, 1, 2]) == pytest.approx(0)
    with pytest.raises(ArgumentError, match="every label occurs once"):
        tolerance(z, [0, 1, 2, 3])


@pytest.mark.parametrize("measure", [uniformity, cosines, lambda z: tolerance(z, [0] * len(z))])
def test_bad_rows_are_counted(measure) -> None:
    with pytest.raises(ArgumentError, match="at least 2 row"):
        measure(torch.ones(1, 3))
    with pytest.raises(ArgumentError, match="2 of 4 rows hold NaN"):
        measure(torch.tensor([[1.0], [math.nan], [math.inf], [2.0]]))
    with pytest.raises(ArgumentError, match="1 of 2 rows are all zeros"):
        measure(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ArgumentError, match="scale must be a finite number above 0"):
        uniformity(torch.eye(3), scale=0)
    with pytest.raises(ArgumentError, match="exponent must be"):
        alignment(torch.ones(2, 3, 4), exponent=-1)
    with pytest.raises(ArgumentError, match=r"views must be \(V, B, D\)"):
        alignment(torch.ones(3, 4))
    with pytest.raises(ArgumentError, match="each of the 3 rows"):
        tolerance(torch.eye(3), [0, 0])
    with pytest.raises(ArgumentError, match="Did you mean 'pairs'"):
        tolerance(torch.eye(3), [0, 0, 1], normalise="pair")  # type: ignore[arg-type]
