"""k-means against its definition, and what cannot be clustered."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.training.multistage.k_means import k_means


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def blobs(each: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    centres = torch.tensor([[0.0, 0], [8, 0], [0, 8], [8, 8]])
    truth = torch.arange(4).repeat_interleave(each)
    return centres[truth] + 0.3 * torch.randn(4 * each, 2, generator=generator(1)), truth


def test_it_finds_groups_far_apart_from_any_start() -> None:
    rows, truth = blobs()
    for seed in range(5):
        found = k_means(rows, 4, generator=generator(seed))
        pairs = set(zip(truth.tolist(), found.labels.tolist(), strict=True))
        assert len(pairs) == 4
        assert found.inertia < 0.5


def test_labels_are_the_nearest_centres_and_centres_the_means() -> None:
    rows = torch.randn(200, 5, generator=generator(2))
    found = k_means(rows, 7, generator=generator(3))
    distances = (rows[:, None] - found.centres).square().sum(dim=2)  # (N, K)
    assert torch.equal(found.labels, distances.argmin(dim=1))
    assert found.inertia == pytest.approx(float(distances.min(dim=1).values.mean()), rel=1e-4)
    for number in range(7):
        torch.testing.assert_close(
            found.centres[number], rows[found.labels == number].mean(dim=0), atol=1e-3, rtol=1e-3
        )
    again = k_means(rows, 7, generator=generator(3))
    assert torch.equal(again.labels, found.labels)
    assert torch.equal(again.centres, found.centres)


def test_one_cluster_is_the_mean_and_as_many_as_rows_leave_nothing() -> None:
    rows = torch.randn(30, 4, generator=generator(4))
    one = k_means(rows, 1, generator=generator())
    torch.testing.assert_close(one.centres[0], rows.mean(dim=0))
    assert one.labels.tolist() == [0] * 30
    every = k_means(rows, 30, generator=generator())
    assert every.inertia == pytest.approx(0.0, abs=1e-5)
    assert sorted(every.labels.tolist()) == list(range(30))


def test_a_centre_without_rows_is_sown_anew() -> None:
    """Two places, three clusters: the third start falls on a place that is taken, and its cluster stays empty at most
    where no row is left over; with a far row there is one, each cluster has some."""
    from contrapose.training.multistage.k_means import _means

    rows = torch.tensor([[0.0], [0.1], [0.2], [9.0]])
    labels, apart = torch.tensor([0, 0, 0, 0]), torch.tensor([0.0, 0.01, 0.04, 81.0])
    moved = _means(rows, labels, apart, torch.zeros(2, 1))
    assert moved[1].tolist() == [9.0]
    same = k_means(torch.zeros(6, 2), 3, generator=generator())
    assert same.inertia == 0.0


def test_on_the_sphere_centres_are_the_directions_of_means() -> None:
    rows = torch.nn.functional.normalize(torch.randn(200, 5, generator=generator(2)), dim=1)
    found = k_means(rows, 7, generator=generator(3), spherical=True)
    torch.testing.assert_close(found.centres.norm(dim=1), torch.ones(7))
    assert torch.equal(found.labels, (rows @ found.centres.T).argmax(dim=1))
    for number in range(7):
        mean = torch.nn.functional.normalize(rows[found.labels == number].mean(dim=0), dim=0)
        torch.testing.assert_close(found.centres[number], mean, atol=1e-2, rtol=0)
    longer = k_means(rows * torch.linspace(0.1, 5, 200)[:, None], 7, generator=generator(3), spherical=True)
    torch.testing.assert_close(longer.centres, found.centres)
    with pytest.raises(ArgumentError, match="1 of 3 rows are zeros"):
        k_means(torch.eye(3) * torch.tensor([1, 0, 1]), 2, generator=generator(), spherical=True)


def test_rows_that_cancel_or_are_equal_leave_centres_on_the_sphere() -> None:
    pair = torch.tensor([[1.0, 0], [-1, 0]])
    assert k_means(pair, 1, generator=generator(), spherical=True).centres.norm() == 1
    same = k_means(pair[:1].expand(6, 2), 3, generator=generator(), spherical=True)
    assert torch.equal(same.centres, pair[:1].expand(3, 2))


@pytest.mark.parametrize(
    ("rows", "count", "said"),
    [
        (torch.zeros(4, 2), 5, "5 clusters of 4 samples cannot be found: give a number from 1 to 4"),
        (torch.zeros(4, 2), 0, "0 clusters"),
        (torch.tensor([[0.0, float("nan")], [1, 1]]), 1, "1 of 2 rows are NaN"),
        (torch.zeros(4), 1, r"shape \(4,\)"),
        (torch.zeros(4, 2, dtype=torch.long), 1, "int64"),
    ],
)
def test_rows_that_cannot_be_clustered_are_refused(rows: torch.Tensor, count: int, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        k_means(rows, count, generator=generator())
