"""Pieces of a text: how long they are, where positives lie, and texts too short to be cut."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.views.texts.spans import LONG, SHORT, SpanOptions, Spans, beta


def numbered(texts: list[str], *, generator: torch.Generator | None = None) -> Padded:
    """Texts of numbers, each a token of one more."""
    rows = [[int(word) + 1 for word in text.split()] for text in texts]
    longest = max(map(len, rows))
    values = torch.tensor([row + (longest - len(row)) * [0] for row in rows])
    return Padded(values, values > 0)


def text_of(words: int) -> str:
    return " ".join(map(str, range(words)))


def cut(words: int, count: int = 2000, **options: Any) -> list[tuple[Tensor, Tensor]]:
    """First word and length of each piece, of many copies of one text; pieces are runs without gaps."""
    views = Spans(SpanOptions(**options), numbered)(
        count * [text_of(words)], generator=torch.Generator().manual_seed(0)
    )
    found = []
    for view in views[:-1]:
        lengths = view.mask.sum(dim=1)
        last = view.values.gather(1, lengths.unsqueeze(1) - 1).squeeze(1)
        assert torch.equal(last - view.values[:, 0] + 1, lengths)
        found.append((view.values[:, 0] - 1, lengths))
    return found


@pytest.mark.parametrize(("order", "alpha", "other"), [(LONG, 4, 2), (SHORT, 2, 4)])
def test_the_smallest_of_even_numbers_have_the_moments_of_beta(order: tuple[int, int], alpha: int, other: int) -> None:
    drawn = beta(40_000, order, torch.Generator().manual_seed(0))
    total = alpha + other
    assert float(drawn.mean()) == pytest.approx(alpha / total, abs=0.005)
    assert float(drawn.var()) == pytest.approx(alpha * other / total**2 / (total + 1), abs=0.002)


def test_anchors_are_long_and_positives_short() -> None:
    (_, anchors), *positives = cut(200, shortest=10, longest=40, positives=2)
    assert len(positives) == 2
    assert float(anchors.double().mean()) == pytest.approx(10 + 30 * 4 / 6, abs=0.5)
    for _, lengths in positives:
        assert float(lengths.double().mean()) == pytest.approx(10 + 30 * 2 / 6, abs=0.5)
        assert int(lengths.min()) >= 10 and int(lengths.max()) <= 40  # noqa: PT018
    assert not torch.equal(positives[0][0], positives[1][0])


def test_positives_lie_where_they_are_wanted() -> None:
    for place in ("any", "adjacent", "overlapping", "contained"):
        (start, length), (first, own) = cut(40, shortest=3, longest=20, positives=1, place=place)
        end, last = start + length, first + own
        assert int(first.min()) >= 0
        assert int(last.max()) <= 40
        gap = torch.maximum(first - end, start - last)  # 0 where they touch, below 0 where they share words
        assert int(gap.max()) <= 0
        if place == "adjacent":
            assert (gap == 0).all()
            assert {*(first >= end).tolist()} == {True, False}
        if place == "overlapping":
            assert (gap < 0).all()
            assert ((first < start) | (last > end)).any()
        if place == "contained":
            assert ((first >= start) & (last <= end)).all()
        if place == "any":
            assert (gap == 0).any()
            assert ((first >= start) & (last <= end)).any()
            assert ((gap < 0) & (last > end)).any()


@pytest.mark.parametrize("words", [1, 2, 3, 7])
@pytest.mark.parametrize("place", ["any", "adjacent", "overlapping", "contained"])
def test_short_texts_are_cut_as_far_as_they_go(words: int, place: str) -> None:
    for start, length in cut(words, 60, shortest=3, longest=20, positives=1, place=place):
        assert int(start.min()) >= 0
        assert int(length.min()) >= 1
        assert int((start + length).max()) <= words


def test_texts_of_one_word_are_told_and_the_same_generator_cuts_the_same() -> None:
    spans = Spans(SpanOptions(2, 4), lambda texts, generator: numbered([text or "8" for text in texts]))
    texts = ["7", text_of(9), "", text_of(30)]
    one, two = (spans(texts, generator=torch.Generator().manual_seed(3)) for _ in range(2))
    assert one[-1].tolist() == [1, 0, 1, 0]
    assert all(torch.equal(a.values, b.values) for a, b in zip(one[:-1], two[:-1], strict=True))
    other = spans(texts, generator=torch.Generator().manual_seed(4))
    assert any(a.shape != b.shape or not torch.equal(a.values, b.values) for a, b in zip(one, other[:-1], strict=False))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"shortest": 0}, "Spans of 0 to 48 words cannot be"),
        ({"longest": 7}, "Spans of 8 to 7 words cannot be"),
        ({"positives": 0}, "an anchor needs one at least"),
        ({"place": "adjacend"}, "Unknown place 'adjacend'. Did you mean 'adjacent'?"),
    ],
)
def test_bad_options_are_told(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError) as told:
        SpanOptions(**options)
    assert word in str(told.value)
