"""A word in the place of another: which one, as a vector and as text, and what may be put in."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from contrapose.encoders.pairs import Towers, build_towers
from contrapose.encoders.perturbations import ReplacedWord
from contrapose.encoders.texts import train_tokenizer
from contrapose.errors import ArgumentError

TEXTS = ["a photo of a red seven", "this is a nine, in blue", "the green one", "of the", "nine blue"]


def towers(name: str = "bag_of_words", kind: str = "words", **own: Any) -> Towers:
    tokenizer = train_tokenizer(5 * TEXTS + ["red seven blue nine green one photo"], kind, max_length=12)
    made = build_towers(
        "tiny_conv", name, channels=3, image_size=8, tokenizer=tokenizer, width=6, seed=0, text_arguments=own
    )  # fmt: skip
    return made.eval()


NAMES = [("bag_of_words", "words"), ("transformer", "words"), ("transformer", "pieces"), ("word_conv", "words")]


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_behind_the_table_a_tower_reads_what_it_reads_before(name: str, kind: str) -> None:
    text: Any = towers(name, kind).text
    view = text.prepare(TEXTS)
    torch.testing.assert_close(text.entered(text.embed(view), view), text(view))


@pytest.mark.parametrize(("name", "kind"), NAMES)
def test_the_vector_of_a_word_is_that_word(name: str, kind: str) -> None:
    made = towers(name, kind)
    words = ReplacedWord(made)
    view = made.prepare(TEXTS)
    slots = words.slots(view)
    assert int(slots[3]) == 0  # nothing but stop words
    told = words.replaced(TEXTS, "blue")
    assert told[3] == TEXTS[3]
    # Of a word of several tokens ("nine,") the others become 0, and no text says that.
    groups = view.groups
    assert groups is not None
    single = [row for row in range(5) if int(slots[row]) == 0 or int((groups[row] == slots[row]).sum()) < 2]
    assert len(single) >= 3
    found = words.embedded(view, slots, words.vector_of("blue"))[single]
    torch.testing.assert_close(found, made.embed_texts(made.prepare([told[row] for row in single])))


def test_it_is_the_word_on_which_the_text_hangs_most() -> None:
    made = towers("transformer")
    words = ReplacedWord(made)
    view = made.prepare(TEXTS[:2])
    whole = made.embed_texts(view).log_softmax(dim=1)  # (2, D)
    for row, slot in enumerate(words.slots(view).tolist()):
        scores = {}
        for place, token in enumerate(view.values[row].tolist()):
            spoken = made.text.tokenizer.decode(view[[row]])[0].split()
            if token in words.tokenizer.special or bool(words.silent[token]) or not bool(view.mask[row, place]):
                continue
            other = view[[row]]
            values = other.values.clone()
            values[0, place] = words.unknown
            masked = made.embed_texts(type(view)(values, other.mask)).log_softmax(dim=1)[0]
            group = int(view.groups[row, place])
            scores[group] = float((whole[row].exp() * (whole[row] - masked)).sum())
            assert spoken
        assert slot == max(scores, key=lambda group: scores[group])
    start, end = words.located(TEXTS[:2])[1]
    assert TEXTS[1][start:end] in ("nine", "blue")


def test_surplus_tokens_are_zero() -> None:
    made = towers("bag_of_words", "pieces")
    words = ReplacedWord(made)
    view = made.prepare(["seven ninegreen"])
    groups = view.groups
    assert groups is not None
    pieces = int((groups[0] == 2).sum())
    assert pieces > 1
    text: Any = made.text
    vector = torch.full((words.table.shape[1],), 0.5)
    x = text.embed(view)[0]  # (T, E)
    x[groups[0] == 2] = 0
    x[int((groups[0] == 2).nonzero()[0])] = vector
    expected = functional.normalize(made.weak[1](text.backbone.layers(x.mean(dim=0, keepdim=True))), dim=1)
    torch.testing.assert_close(words.embedded(view, torch.tensor([2]), vector), expected)


def test_lengths_are_those_of_words_and_directions_stay() -> None:
    words = ReplacedWord(towers())
    lengths = words.table.detach().norm(dim=1)
    direction = functional.normalize(torch.randn(words.table.shape[1]), dim=0)
    middle = float(lengths.mean())
    for length, expected in ((1e-6, lengths.min()), (100.0, lengths.max()), (middle, middle)):
        found = words.bounded(length * direction)
        assert float(found.norm()) == pytest.approx(float(expected), rel=1e-5)
        torch.testing.assert_close(functional.normalize(found, dim=0), direction)
    assert words.bounded(torch.zeros(words.table.shape[1])).isfinite().all()


def test_what_may_be_put_in() -> None:
    made = towers()
    words = ReplacedWord(made)
    assert {"red", "seven", "blue", "one"} <= set(words.words)
    assert not {"a", "the", "of", "in", ",", "[UNK]"} & set(words.words)
    assert len(words.words) == len(words.tokens)
    for word in words.words:
        assert words.nearest(words.vector_of(word)) == word
    assert words.nearest(words.vector_of("red") + 0.01) == "red"
    with pytest.raises(ArgumentError, match="'the' is no word of one token"):
        words.vector_of("the")


def test_towers_that_cannot_be_entered_are_refused() -> None:
    made: Any = towers()
    del made.text
    made.text = torch.nn.Identity()
    with pytest.raises(ArgumentError, match="cannot be entered there"):
        ReplacedWord(made)


def test_gradients_reach_the_vector_alone() -> None:
    made = towers().requires_grad_(False)
    words = ReplacedWord(made)
    view = made.prepare(TEXTS)
    vector = words.vector_of("red").clone().requires_grad_()
    words.embedded(view, words.slots(view), vector).sum().backward()
    assert vector.grad is not None
    assert float(vector.grad.abs().max()) > 0
