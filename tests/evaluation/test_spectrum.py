from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import Spectrum, effective_rank
from contrapose.evaluation.gram import covariance_eigenvalues, singular_values


def _orthogonal(size: int, generator: torch.Generator) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64)).Q


@given(seed=st.integers(0, 1000), count=st.integers(2, 40), width=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_both_spectra_are_those_of_the_matrix_itself(seed: int, count: int, width: int) -> None:
    z = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 2
    torch.testing.assert_close(singular_values(z), torch.linalg.svdvals(z), rtol=1e-6, atol=1e-5)
    expected = torch.linalg.svdvals(z - z.mean(0)).square() / (count - 1)
    torch.testing.assert_close(covariance_eigenvalues(z), expected, rtol=1e-6, atol=1e-9)


def test_blocks_change_nothing(generator, monkeypatch: pytest.MonkeyPatch) -> None:
    import contrapose.evaluation.gram as gram

    for shape in ((50, 8), (8, 50)):
        z = torch.randn(shape, generator=generator, dtype=torch.float64) + 1
        monkeypatch.setattr(gram, "ROWS_AT_A_TIME", 4096)
        whole = covariance_eigenvalues(z)
        monkeypatch.setattr(gram, "ROWS_AT_A_TIME", 7)
        torch.testing.assert_close(covariance_eigenvalues(z), whole, rtol=1e-9, atol=1e-12)


def test_orthonormal_rows_use_every_dimension(generator) -> None:
    found = Spectrum.of(_orthogonal(64, generator))
    assert found.effective_rank == pytest.approx(64, rel=1e-3)
    assert found.stable_rank == pytest.approx(64)
    assert found.negligible_share == 0
    assert found.finding() is None


def test_rank_one_uses_one(generator) -> None:
    z = torch.randn(300, 1, generator=generator) @ torch.randn(1, 64, generator=generator)
    found = Spectrum.of(z)
    assert found.effective_rank == pytest.approx(1, abs=1e-3)
    assert found.participation_ratio == pytest.approx(1, abs=1e-3)
    assert found.stable_rank == pytest.approx(1, abs=1e-3)
    assert found.alpha is None
    assert found.dimensional_collapse
    assert "effective rank 1.0 of 64" in str(found.finding())


def test_an_identity_covariance_participates_fully(generator) -> None:
    z = torch.cat([torch.eye(20), -torch.eye(20)]) + 7
    assert Spectrum.of(z).participation_ratio == pytest.approx(20, rel=1e-5)  # though the rows are far off centre


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_alpha_is_the_exponent(power: float, generator) -> None:
    eigenvalues = torch.arange(1, 121, dtype=torch.float64) ** -power
    assert Spectrum(eigenvalues, eigenvalues, 1.0).alpha == pytest.approx(power, abs=1e-8)
    assert Spectrum(eigenvalues[:25], eigenvalues[:25], 1.0).alpha == pytest.approx(power, abs=1e-8)
    assert Spectrum(eigenvalues[:19], eigenvalues[:19], 1.0).alpha is None
    half = torch.cat([torch.eye(120), -torch.eye(120)]).double() * eigenvalues.sqrt()
    assert Spectrum.of(5 * half @ _orthogonal(120, generator) - 3).alpha == pytest.approx(power, abs=1e-8)


def test_a_collapsed_encoder_is_found(generator) -> None:
    noise = torch.randn(200, 32, generator=generator)
    found = Spectrum.of(torch.ones(32) + 1e-6 * noise)
    assert found.complete_collapse
    assert "complete collapse: spread" in str(found.finding())
    assert not Spectrum.of(noise).complete_collapse


def test_a_rank_eight_embedding_reports_at_most_eight(generator) -> None:
    z = torch.randn(500, 8, generator=generator) @ torch.randn(8, 128, generator=generator)
    found = Spectrum.of(z)
    assert 6 < found.effective_rank <= 8.1
    assert found.dimensional_collapse


def test_scale_and_precision_change_no_rank(generator) -> None:
    z = torch.randn(400, 48, generator=generator) * torch.logspace(0, -4, 48)
    assert effective_rank(1000 * z) == pytest.approx(effective_rank(z), rel=1e-4)
    assert effective_rank(z.double()) == pytest.approx(effective_rank(z), rel=1e-3)
    assert Spectrum.of(1000 * z).participation_ratio == pytest.approx(Spectrum.of(z).participation_ratio, rel=1e-4)


def test_bad_rows_are_counted() -> None:
    with pytest.raises(ArgumentError, match="at least 2 row"):
        Spectrum.of(torch.ones(1, 3))
    with pytest.raises(ArgumentError, match="1 of 2 rows hold NaN"):
        Spectrum.of(torch.tensor([[1.0], [torch.nan]]))
