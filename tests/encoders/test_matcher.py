"""Matchers: what they compute, pairs alike one by one and as a table, and back from their tensors."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from contrapose.encoders.matcher import DotMatcher, PerceptronMatcher, matcher, matcher_from, word_vectors
from contrapose.errors import ArgumentError, RunError


def drawn(text: int = 6, label: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, text, generator=generator), torch.randn(3, 5, label, generator=generator)


def test_the_perceptron_is_two_layers_over_both_vectors() -> None:
    texts, labels = drawn()
    found = matcher("perceptron", 6, 4, hidden=7)
    assert isinstance(found, PerceptronMatcher)
    logits = found(texts, labels)
    for row in range(3):
        for column in range(5):
            f = nn.functional.normalize(texts[row], dim=0) * math.sqrt(6)
            e = nn.functional.normalize(labels[row, column], dim=0) * math.sqrt(4)
            expected = found.last(torch.relu(found.first(torch.cat([f, e]))))
            torch.testing.assert_close(logits[row, column], expected[0])


@pytest.mark.parametrize("label", [4, 6])
def test_the_cheap_one_is_a_cosine(label: int) -> None:
    texts, labels = drawn(6, label)
    found = matcher("dot", 6, label, temperature=0.5)
    assert isinstance(found, DotMatcher)
    found.bias.data.fill_(0.3)
    expected = nn.functional.cosine_similarity(texts.unsqueeze(1), found.project(labels), dim=-1) / 0.5 + 0.3
    torch.testing.assert_close(found(texts, labels), expected)


@pytest.mark.parametrize("kind", ["perceptron", "dot"])
def test_a_table_asks_each_with_each_and_tensors_bring_it_back(kind: str) -> None:
    texts, labels = drawn()
    found = matcher(kind, 6, 4, hidden=7, temperature=0.2)  # type: ignore[arg-type]
    table = found.table_of(texts, labels[0])
    torch.testing.assert_close(table, found(texts, labels[0].expand(3, -1, -1)))
    back = matcher_from(found.state_dict(), 6, 4, where="there")
    assert torch.equal(back.table_of(texts, labels[0]), table)
    with pytest.raises(RunError, match="there holds no matcher for this encoder"):
        matcher_from(found.state_dict(), 5, 4, where="there")


def test_another_kind_is_refused() -> None:
    with pytest.raises(ArgumentError, match="matcher must be one of perceptron, dot; got 'mlp'"):
        matcher("mlp", 6, 4)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="no matcher"):
        matcher_from({}, 6, 4, where="there")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_label_is_the_mean_of_its_words(dtype: torch.dtype) -> None:
    class Has:
        table = nn.Parameter(torch.randn(9, 4, generator=torch.Generator().manual_seed(0)).to(dtype))

    tokens = torch.tensor([[[1, 2, -1], [3, -1, -1]], [[-1, -1, -1], [8, 8, 1]]])
    vectors = word_vectors(Has(), tokens)  # type: ignore[arg-type]
    table = Has.table.detach()
    expected = torch.stack([(table[1] + table[2]) / 2, table[3], 0 * table[0], (2 * table[8] + table[1]) / 3])
    torch.testing.assert_close(vectors.detach().flatten(0, 1), expected, rtol=0.02, atol=0.02)
    vectors.float().sum().backward()
    assert Has.table.grad is not None
    assert not Has.table.grad[[0, 4, 5, 6, 7]].any()
