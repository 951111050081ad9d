from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.errors import ArgumentError
from contrapose.evaluation import one_shot


def _runs(generator: torch.Generator, noise: float, runs: int = 20, ways: int = 20):
    support = torch.randn(runs, ways, 16, generator=generator)
    answer = torch.stack([torch.randperm(ways, generator=generator) for _ in range(runs)])
    query = support[torch.arange(runs)[:, None], answer]
    return support, query + noise * torch.randn(query.shape, generator=generator), answer


def test_copies_of_the_examples_are_all_named(generator) -> None:
    support, query, answer = _runs(generator, noise=0.0)
    result = one_shot(support, 3 * query, answer)
    assert (result.value, result.high) == (1, 1)
    assert result.low == pytest.approx(400 / (400 + 1.96**2), abs=1e-5)  # 400 right answers are no proof of all
    assert result.count == 400
    assert result.protocol == (
        "20-way one-shot, nearest by cosine, 20 runs x 20 queries, interval over runs, chance 5.0 %"
    )


@pytest.mark.parametrize("answer", [0, 3])
def test_constant_features_score_chance_whatever_the_answers(answer: int) -> None:
    result = one_shot(torch.full((4, 5, 1537), 0.3), torch.full((4, 7, 1537), 0.3), torch.full((4, 7), answer))
    assert result.value == pytest.approx(0.2)
    assert result.low < 0.2 < result.high < 0.4


def test_it_is_the_definition(generator) -> None:
    support, query, answer = _runs(generator, noise=1.0)
    right = [
        float(torch.cosine_similarity(query[r, q], support[r], dim=-1).argmax() == answer[r, q])
        for r in range(20)
        for q in range(20)
    ]
    result = one_shot(support.numpy(), query.numpy(), answer.numpy())
    assert result.value == pytest.approx(np.mean(right))
    assert 0.3 < result.low < result.value < result.high < 1


def test_the_interval_is_over_runs(generator) -> None:
    # every run is all right or all wrong: 8 runs are 8 pieces of evidence, however many queries they have
    support = torch.eye(2).repeat(8, 1, 1)
    answer = torch.zeros(8, 100, dtype=torch.long)
    query = torch.eye(2)[torch.arange(8) % 2][:, None].repeat(1, 100, 1)
    result = one_shot(support, query, answer)
    assert result.value == 0.5
    assert result.high - result.low > 0.5
    assert "over the queries of one run" in one_shot(support[:1], query[:1], answer[:1]).protocol


@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
@settings(max_examples=20, deadline=None)
def test_rotation_and_scale_change_nothing(seed: int, scale: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    support, query, answer = _runs(generator, noise=1.0, runs=3, ways=5)
    rotation = torch.linalg.qr(torch.randn(16, 16, generator=generator, dtype=torch.float64)).Q
    plain = one_shot(support.double(), query.double(), answer)
    assert one_shot(scale * support.double() @ rotation, query.double() @ rotation, answer) == plain


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"support": torch.ones(3, 4)}, r"support must be \(R, N, D\); got \(3, 4\)"),
        ({"query": torch.ones(2, 6, 5)}, "must agree in R and D"),
        ({"query": torch.ones(3, 6, 4)}, "must agree in R and D"),
        ({"support": torch.ones(3, 1, 5)}, "at least 2 examples"),
        ({"support": torch.zeros(3, 4, 5)}, "support: 12 of 12 rows are all zeros"),
        ({"query": torch.full((3, 6, 5), torch.inf)}, "query: 18 of 18 rows hold NaN or infinity"),
        ({"answer": torch.zeros(3, 5, dtype=torch.long)}, r"\(3, 6\); got \(3, 5\)"),
        ({"answer": torch.zeros(3, 6)}, "an integer for each query"),
        ({"answer": torch.full((3, 6), 4)}, r"18 of 18 lie outside 0..3"),
    ],
)
def test_bad_input_is_named(change, words: str) -> None:
    good = {"support": torch.ones(3, 4, 5), "query": torch.ones(3, 6, 5)}
    good["answer"] = torch.zeros(3, 6, dtype=torch.long)
    with pytest.raises(ArgumentError, match=words):
        one_shot(**{**good, **change})
