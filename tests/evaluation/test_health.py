from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import Health, effective_rank, spread


@pytest.mark.parametrize("size", [2, 64, 512])
def test_orthonormal_rows_use_every_dimension(size: int, generator) -> None:
    rows = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64)).Q
    assert effective_rank(rows) == pytest.approx(size, rel=1e-3)
    assert effective_rank(rows[: size // 2 + 1]) == pytest.approx(size // 2 + 1, rel=1e-3)


@pytest.mark.parametrize("shape", [(512, 512), (700, 512), (100, 512)])
def test_rank_one_is_one(shape: tuple[int, int], generator) -> None:
    rows = torch.randn(shape[0], 1, generator=generator) @ torch.randn(1, shape[1], generator=generator)
    offset = (min(shape) - 1) * 1e-7 * math.log(1e-7)  # what 1e-7 adds for each of the singular values that are 0
    for exact in (rows.double(), torch.ones(shape)):
        assert effective_rank(exact) == pytest.approx(1, rel=1e-3)
        assert effective_rank(exact) == pytest.approx(
            math.exp(-offset), rel=1e-5 if exact.dtype == torch.float32 else 1e-4
        )


def test_the_spectrum_is_neither_centred_nor_normalised() -> None:
    # singular values 3 and 1: p = 3/4, 1/4; centring would leave rank one, unit rows would give two
    rows = np.diag([3.0, 1.0])
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert effective_rank(rows) == pytest.approx(math.exp(entropy), rel=1e-5)


def test_rank_agrees_with_the_singular_values_and_float32_with_float64(generator) -> None:
    rows = torch.randn(5000, 24, generator=generator) * torch.logspace(0, -4, 24) + 1
    s = torch.linalg.svdvals(rows.double())
    p = s / s.sum() + 1e-7
    assert effective_rank(rows) == pytest.approx(torch.exp(-(p * p.log()).sum()).item(), rel=1e-6)
    assert effective_rank(rows.T.contiguous()) == pytest.approx(effective_rank(rows), rel=1e-6)
    assert effective_rank(rows.half().float()) == pytest.approx(effective_rank(rows), rel=1e-2)


def test_a_rank_eight_embedding_reports_eight_at_most(generator) -> None:
    rows = torch.randn(1000, 8, generator=generator) @ torch.randn(8, 256, generator=generator)
    assert 6 < effective_rank(rows) <= 8.1


@given(seed=st.integers(0, 1000), scale=st.floats(1e-25, 1e25))
@settings(max_examples=25, deadline=None)
def test_scale_and_rotation_change_neither_number_much(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(30, 8, generator=generator)
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=generator)).Q
    assert effective_rank(scale * rows @ rotation) == pytest.approx(effective_rank(rows), rel=1e-4)
    assert spread(scale * rows) == pytest.approx(spread(rows), rel=1e-4)
    assert 0 <= spread(rows @ rotation) <= 1 + 1e-6


def test_spread_of_the_closed_cases(generator) -> None:
    assert spread(torch.cat([torch.eye(16), -torch.eye(16)])) == pytest.approx(1, abs=1e-6)
    assert spread(torch.full((50, 16), 0.3)) == pytest.approx(0, abs=1e-6)
    assert spread(torch.randn(20_000, 64, generator=generator)) == pytest.approx(1, abs=0.01)
    # +e_1 and -e_1 of D = 16: one dimension of sd 1, times sqrt(D) / D
    assert spread(torch.tensor([[1.0], [-1.0]]) @ torch.eye(1, 16)) == pytest.approx(1 / 4)


def test_the_line_is_the_one_of_the_console() -> None:
    health = Health(254, 0.93, 61.2, 128, 3.1, 5.541)
    assert health.line() == (
        "health: 254 negatives per anchor · spread 0.93 (1 = isotropic) · effective rank 61 of 128 · "
        "loss 3.1 (chance 5.54)"
    )
    assert health.warning() is None
    bare = Health(None, 0.93, 61.2, 128, 0.25, rows=100)
    assert bare.line() == "health: spread 0.93 (1 = isotropic) · effective rank 61 of 100 · loss 0.25"
    assert "65,536 negatives" in Health(65_536, 0.9, 60, 128, 1).line()
    assert "6.5 negatives" in Health(6.5, 0.9, 60, 128, 1).line()
    assert "health: 1 negative per anchor" in Health(1, 0.9, 60, 128, 1).line()


def test_measure_is_the_functions_over_all_rows(generator) -> None:
    z = torch.randn(2, 50, 16, generator=generator, requires_grad=True)
    health = Health.measure(z, loss=torch.tensor(2.0, requires_grad=True), negatives_per_anchor=98)
    rows = z.detach().reshape(100, 16)
    assert (health.spread, health.effective_rank) == (spread(rows), effective_rank(rows))
    assert (health.rows, health.dimension, health.loss, health.chance) == (100, 16, 2.0, None)


def _measured(z: torch.Tensor, loss: float = 1.0, chance: float | None = None) -> str:
    return Health.measure(z, loss=loss, chance=chance, negatives_per_anchor=10).warning() or "fine"


def test_each_trouble_gets_its_verdict(generator) -> None:
    good = torch.randn(200, 32, generator=generator)
    assert _measured(good) == "fine"
    assert _measured(good, loss=3.0, chance=5.5) == "fine"
    assert _measured(good, loss=5.45, chance=5.5).startswith("loss at chance: 5.45")
    assert _measured(good, loss=7.0, chance=5.5).startswith("loss at chance")
    assert _measured(good, loss=-1.05, chance=-1.0) == "fine"
    assert _measured(good, loss=-0.99, chance=-1.0).startswith("loss at chance")
    assert _measured(good, loss=math.nan).startswith("not finite")
    collapsed = good[:1] + 1e-6 * good
    assert _measured(collapsed).startswith("complete collapse")
    assert _measured(torch.zeros(200, 32)).startswith("complete collapse")
    flat = torch.randn(200, 2, generator=generator) @ torch.randn(2, 32, generator=generator)
    assert _measured(flat).startswith("dimensional collapse: the embeddings use 2.0 of 32")
    broken = good.clone()
    broken[3, 1] = math.inf
    assert _measured(broken).startswith("not finite")
    assert "nan" in Health.measure(broken, loss=1.0, negatives_per_anchor=1).line()


def test_few_rows_are_not_taken_for_a_dimensional_collapse(generator) -> None:
    assert _measured(torch.randn(20, 512, generator=generator)) == "fine"


@pytest.mark.parametrize("function", [spread, effective_rank])
def test_bad_input_is_named(function) -> None:
    for bad, words in [
        (torch.ones(1, 4), "at least 2 row"),
        (torch.ones(4), r"must be \(N, D\)"),
        (torch.full((5, 2), torch.nan), "5 of 5 rows hold NaN"),
    ]:
        with pytest.raises(ArgumentError, match=words):
            function(bad)
    with pytest.raises(ArgumentError, match="4 of 4 rows are all zeros"):
        spread(torch.zeros(4, 2))
    assert effective_rank(torch.zeros(4, 2)) == 0


def test_it_is_cheap_enough_for_a_training_loop(generator) -> None:
    z = torch.randn(512, 128, generator=generator)
    Health.measure(z, loss=1.0, negatives_per_anchor=510)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        Health.measure(z, loss=1.0, negatives_per_anchor=510)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.02  # 3 ms on an idle core; the best of 5, since the test machine may be busy


def test_rank_one_is_found_where_a_tenth_would_miss_it(generator) -> None:
    line = torch.randn(200, 1, generator=generator) * torch.tensor([1.0, -1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0])
    assert _measured(line).startswith("dimensional collapse: the embeddings use 1.0 of 8")
    assert _measured(torch.randn(200, 2, generator=generator)) == "fine"


def test_the_norm_is_the_mean_length_of_a_row() -> None:
    z = torch.tensor([[[3.0, 4.0]], [[0.0, 1.0]]])
    assert Health.measure(z, loss=1.0, negatives_per_anchor=None).norm == 3
    assert math.isnan(Health.measure(z * math.inf, loss=1.0, negatives_per_anchor=None).norm)


def test_a_chance_value_is_named_where_it_has_a_name(generator) -> None:
    good = torch.randn(200, 32, generator=generator)
    assert "and ln 511 = 6.24 is what guessing costs" in _measured(good, loss=6.24, chance=math.log(511))
    assert "and 0 is what guessing costs" in _measured(good, loss=0.0, chance=0.0)
    assert "and 6.2 is what guessing costs" in _measured(good, loss=6.2, chance=6.2)


def test_what_tells_classes_apart_has_other_remedies(generator) -> None:
    def told(z: torch.Tensor, **changes: float) -> str:
        facts = {"loss": 0.1, "chance": 0.7, "negatives_per_anchor": None, "contrasts": False} | changes
        return Health.measure(z, **facts).warning() or "fine"

    two = torch.eye(64)[[0, 1] * 32] + 0.001 * torch.randn(64, 64, generator=generator)
    assert told(two) == "fine"  # of two classes one dimension is enough
    assert told(two, contrasts=True).startswith("dimensional collapse")
    same = torch.ones(64, 8) + 0.001 * torch.randn(64, 8, generator=generator)
    for z, loss in ((same, 0.1), (torch.randn(64, 8, generator=generator), 0.7)):
        words = told(z, loss=loss)
        assert words.startswith(("complete collapse", "loss at chance"))
        assert not any(word in words for word in ("projection", "negatives", "views", "temperature"))
    assert "--fine-tune" in told(torch.randn(64, 8, generator=generator), loss=0.7)
    assert "negatives" not in Health.measure(two, loss=0.1, negatives_per_anchor=None, contrasts=False).line()
