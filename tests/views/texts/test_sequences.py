"""A text in several sequences: nothing is lost, and short texts leave some empty."""

from __future__ import annotations

import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.views.texts.sequences import Sequences
from contrapose.views.texts.whole import WholeBeside


class Kept:
    """A maker that remembers the texts."""

    def __init__(self) -> None:
        self.texts: list[list[str]] = []

    def __call__(self, texts: list[str], *, generator: torch.Generator | None = None) -> Padded:
        self.texts.append(list(texts))
        ones = torch.ones(len(texts), 1, dtype=torch.long)
        return Padded(ones, ones.bool())


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_sequences_put_together_are_the_text(count: int) -> None:
    texts = [" ".join(f"w{n}" for n in range(words)) for words in (0, 1, 2, 7, 40)]
    kept = Kept()
    views = Sequences(kept, count=count)(texts)
    assert len(views) == len(kept.texts) == count
    for row, text in enumerate(texts):
        parts = [sequence[row] for sequence in kept.texts]
        assert " ".join(part for part in parts if part) == text
        lengths = [len(part.split()) for part in parts]
        assert max(lengths) - min(lengths) <= 1


def test_no_sequence_is_told() -> None:
    with pytest.raises(ArgumentError, match="0 sequences of a text are none"):
        Sequences(Kept(), count=0)


def test_the_whole_text_stands_in_the_place_of_the_first_view() -> None:
    def cropped(raw: list[str], *, generator: torch.Generator | None = None) -> tuple[Padded, ...]:
        assert generator is drawn
        return tuple(Padded(torch.full((len(raw), 1), n), torch.ones(len(raw), 1, dtype=torch.bool)) for n in (7, 8, 9))

    drawn = torch.Generator()
    kept = Kept()
    views = WholeBeside(cropped, kept)(["a b", "c"], generator=drawn)
    assert kept.texts == [["a b", "c"]]
    assert [int(view.values[0]) for view in views] == [1, 8, 9]
