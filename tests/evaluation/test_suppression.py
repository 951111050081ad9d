"""Probes factor by factor: closed forms, the least of them, and how far a reference is above."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import factor_probes, linear_probe, suppressed


def factors(count: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: random.integers(0, 4, count) for name in ("colour", "shape")}


def codes(of: dict[str, np.ndarray], *names: str) -> torch.Tensor:
    """One-hot rows of these factors."""
    return torch.cat([torch.eye(4)[torch.as_tensor(of[name])] for name in names], dim=1)


KNOWN, ASKED = factors(240, 0), factors(160, 1)


def probed(*names: str) -> object:
    return factor_probes(codes(KNOWN, *names), KNOWN, codes(ASKED, *names), ASKED, strengths=(0.01,))


def test_codes_of_all_factors_give_1_and_one_alone_leaves_the_other_at_chance() -> None:
    both, colour = probed("colour", "shape"), probed("colour")
    assert {name: metric.value for name, metric in both.metrics().items()} == dict.fromkeys(
        ("colour", "shape", "mean", "minimum"), 1.0
    )
    assert colour.factors["colour"].value == 1.0
    assert colour.worst == "shape"
    assert colour.factors["shape"].value == pytest.approx(0.25, abs=0.1)
    assert colour.minimum.value == colour.factors["shape"].value
    assert colour.mean.value == pytest.approx((1 + colour.minimum.value) / 2)


def test_a_factor_is_read_as_by_the_probe_and_intervals_hold_the_value() -> None:
    z = codes(KNOWN, "colour", "shape") + torch.randn(240, 8, generator=torch.Generator().manual_seed(2))
    other = codes(ASKED, "colour", "shape") + torch.randn(160, 8, generator=torch.Generator().manual_seed(3))
    found = factor_probes(z, KNOWN, other, ASKED, strengths=(0.1,), generator=torch.Generator().manual_seed(0))
    alone = linear_probe(z, KNOWN["colour"], other, ASKED["colour"], strengths=(0.1,))
    assert found.factors["colour"].value == alone.value
    for metric in found.metrics().values():
        assert metric.low < metric.value < metric.high
        assert metric.count == 160
    right = np.stack([metric.items for metric in found.factors.values()])
    assert found.minimum.value == pytest.approx(right.mean(axis=1).min())
    # The least in each resample: half a standard error below the value where both factors are as bad.
    assert abs(np.mean(found.minimum.draws) - found.minimum.value) < 0.03
    again = factor_probes(z, KNOWN, other, ASKED, strengths=(0.1,), generator=torch.Generator().manual_seed(0))
    assert np.array_equal(again.minimum.draws, found.minimum.draws)


def test_suppression_is_what_the_best_reference_has_more() -> None:
    colour, shape = probed("colour"), probed("shape")
    both = suppressed(colour, [colour, shape])
    assert both["colour"].value == 0.0
    assert both["shape"].value == pytest.approx(1 - colour.factors["shape"].value)
    assert both["shape"].low > 0.5
    assert both["shape"].sign == -1  # less of it is better


def test_factors_that_do_not_fit_are_refused() -> None:
    rows = codes(KNOWN, "colour")
    with pytest.raises(ArgumentError, match=r"\(colour, shape\) and of those that are asked \(colour\)"):
        factor_probes(rows, KNOWN, rows, {"colour": KNOWN["colour"]})
    with pytest.raises(ArgumentError, match=r"\(none\) and"):
        factor_probes(rows, {}, rows, {})
    with pytest.raises(ArgumentError, match="Give references"):
        suppressed(probed("colour"), [])
    short = factor_probes(rows, KNOWN, rows, KNOWN, strengths=(0.01,))
    with pytest.raises(ArgumentError, match="asked about 240 samples, and this one about 160"):
        suppressed(probed("colour"), [short])
