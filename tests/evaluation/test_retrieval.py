from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import Retrieval, retrieval


def _ranking(pattern: list[int]) -> Retrieval:
    """Two equal queries whose gallery is ranked as the pattern of relevance says."""
    angle = torch.linspace(0.1, 1.2, len(pattern))
    gallery = torch.stack([angle.cos(), angle.sin()], dim=1)
    return retrieval(torch.tensor([[1.0, 0.0]] * 2), [1, 1], gallery, pattern, ks=(1, 2))


def test_separated_clusters_are_perfect(generator) -> None:
    z = torch.eye(4).repeat_interleave(5, 0) + 0.01 * torch.randn(20, 4, generator=generator)
    found = retrieval(z, np.arange(20) // 5)
    assert {name: metric.value for name, metric in found.metrics.items()} == dict.fromkeys(
        ("recall@1", "recall@5", "recall@10", "R-precision", "MAP@R", "MRR"), 1.0
    )
    assert (found.median_rank, found.queries, found.skipped) == (1, 20, 0)


@pytest.mark.parametrize(
    ("pattern", "recall", "precision", "average", "reciprocal"),
    [
        ([0, 0, 1, 1], 0, 0, 0, 1 / 3),
        ([1, 0, 1, 1], 1, 2 / 3, (1 + 2 / 3) / 3, 1),
        ([0, 1, 0, 1], 0, 1 / 2, 1 / 4, 1 / 2),
        ([0, 0, 0, 1], 0, 0, 0, 1 / 4),
    ],
)
def test_known_rankings(pattern, recall: float, precision: float, average: float, reciprocal: float) -> None:
    found = _ranking(pattern)
    values = {name: metric.value for name, metric in found.metrics.items()}
    assert values["recall@1"] == recall
    assert values["R-precision"] == pytest.approx(precision)
    assert values["MAP@R"] == pytest.approx(average)
    assert values["MRR"] == pytest.approx(reciprocal)
    assert found.median_rank == pytest.approx(1 / reciprocal)


@given(seed=st.integers(0, 1000), block=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_it_is_the_definition_for_every_block(seed: int, block: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    labels = torch.randint(8, (40,), generator=generator)
    found = retrieval(z, labels, ks=(3,), block=block)
    unit = torch.nn.functional.normalize(z)
    order = (unit @ unit.T).fill_diagonal_(-2).argsort(descending=True)[:, :-1]
    relevant = (labels[order] == labels[:, None]).numpy()
    asked = [row for row in relevant if row.any()]
    average = [
        sum(row[: i + 1].mean() * row[i] for i in range(row.sum())) / row.sum()  # P(i) rel(i)
        for row in asked
    ]
    assert found.metrics["recall@3"].value == pytest.approx(np.mean([row[:3].any() for row in asked]))
    assert found.metrics["MAP@R"].value == pytest.approx(np.mean(average))
    assert found.metrics["MRR"].value == pytest.approx(np.mean([1 / (1 + row.argmax()) for row in asked]))
    assert found.skipped == 40 - len(asked)


def test_constant_embeddings_score_chance() -> None:
    labels = np.arange(400) // 40  # sorted: the order of the gallery must not help
    runs = [
        retrieval(torch.full((400, 7), 0.3), labels, generator=torch.Generator().manual_seed(seed)).metrics
        for seed in range(20)
    ]
    assert np.mean([run["recall@1"].value for run in runs]) == pytest.approx(0.1, abs=0.01)
    assert np.mean([run["MAP@R"].value for run in runs]) < 0.03


def test_captions_find_their_picture_and_pictures_any_caption(generator) -> None:
    pictures = torch.randn(20, 8, generator=generator)
    captions = pictures.repeat_interleave(5, 0) + 0.1 * torch.randn(100, 8, generator=generator)
    of = np.arange(20).repeat(5)
    assert retrieval(pictures, np.arange(20), captions, of).metrics["recall@1"].value > 0.9
    assert retrieval(captions, of, pictures, np.arange(20)).metrics["recall@1"].value > 0.9


def test_queries_without_a_partner_are_counted() -> None:
    z = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.8, 0.3]])
    found = retrieval(z, ["a", "a", "b", "a"], ks=(1,))
    assert (found.queries, found.skipped) == (3, 1)
    assert "1 queries without a relevant item skipped" in found.metrics["MAP@R"].protocol


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ks": (0,)}, "ks must be a whole number of at least 1"),
        ({"ks": (6,)}, "at most 5"),
        ({"query_labels": np.arange(6)}, "nothing to find"),
        ({"query_labels": np.arange(5)}, "each of the 6 rows"),
        ({"gallery": np.eye(6)}, "together"),
        ({"gallery": np.eye(6), "gallery_labels": list("abcdef")}, "of one kind"),
        ({"query": np.zeros((6, 6))}, "6 of 6 rows are all zeros"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        retrieval(**{"query": np.eye(6), "query_labels": np.arange(6) % 2, "ks": (1,), **change})
