"""Right and wrong words in a blank: what is drawn, how frequent it is, and texts without a blank."""

from __future__ import annotations

import zlib
from collections import Counter

import pytest
import torch

from contrapose.encoders.texts import train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.views.texts.fills import Fills, cased, fill

WORDS = [f"{first}{second}" for first in "abcdefghij" for second in "klmnop"]  # 60 of them
TEXTS = [f"{word.capitalize()}, {WORDS[(n * 7) % 60]} 12 {WORDS[(n * 3) % 60]}!" for n, word in enumerate(2 * WORDS)]


class Kept:
    """A maker that remembers the texts; of each it makes one number."""

    def __init__(self) -> None:
        self.texts: list[list[str]] = []

    def __call__(self, texts: list[str], *, generator: torch.Generator | None) -> Padded:
        self.texts.append(list(texts))
        values = torch.tensor([[zlib.crc32(text.encode())] for text in texts])
        return Padded(values, torch.ones_like(values, dtype=torch.bool))


def filled(texts: list[str], *, wrong: int = 2, near: int = 10, seed: int = 0) -> tuple[list[list[str]], torch.Tensor]:
    kept = Kept()
    *views, known = Fills(TEXTS, kept, wrong=wrong, near=near)(texts, generator=torch.Generator().manual_seed(seed))
    assert len(views) == 1 + wrong
    return kept.texts, known


def test_one_word_is_another_one_and_all_else_stays() -> None:
    (right, *wrong), known = filled(TEXTS)
    assert right == TEXTS
    assert known.all()
    changed = Counter()
    for others in wrong:
        for text, other in zip(TEXTS, others, strict=True):
            pairs = [(a, b) for a, b in zip(text.split(), other.split(), strict=True) if a != b]
            assert len(pairs) == 1
            (before, behind) = (word.strip(",!") for word in pairs[0])
            assert before.lower() in WORDS
            assert behind.lower() in WORDS
            assert before.istitle() == behind.istitle()
            changed[text.split().index(pairs[0][0])] += 1
    assert set(changed) == {0, 1, 3}  # any word, and no number
    assert all(a != b for a, b in zip(*wrong, strict=True))  # two wrong words are two


def test_both_views_of_a_text_have_their_blank_in_one_place() -> None:
    (right, one, other), _ = filled(TEXTS)
    for text, first, second in zip(right, one, other, strict=True):
        places = [
            {place for place, pair in enumerate(zip(text.split(), changed.split(), strict=True)) if pair[0] != pair[1]}
            for changed in (first, second)
        ]
        assert places[0] == places[1]


def test_wrong_words_are_about_as_frequent() -> None:
    texts = [" ".join(WORDS[: 1 + n % 60]) for n in range(240)]  # word k stands in (60 - k) / 60 of them
    fills = Fills(texts, Kept(), wrong=3, near=6)
    ranks = {word: rank for rank, word in enumerate(fills.words)}
    for word in WORDS:
        found = fills._like(word, torch.rand(6, generator=torch.Generator().manual_seed(1)))
        assert len({*found, word}) == 4
        assert max(abs(ranks[other] - ranks[word]) for other in found) <= 6


def test_the_most_frequent_words_are_no_blanks_of_a_large_vocabulary() -> None:
    many = [f"{a}{b}{c}" for a in "abcdefghij" for b in "klmnopqrst" for c in "uvwxyz"]  # 600
    texts = [f"the of {word}" for word in many for _ in range(2)]
    texts += [f"the of {word}" for word in many[:98]]
    fills = Fills(texts, Kept(), wrong=1)
    assert {"the", "of", *many[:98]}.isdisjoint(fills.words)
    assert len(fills.words) == 502


def test_texts_without_a_known_word_are_told() -> None:
    (right, *wrong), known = filled(["ak and", "12 34", "zz", ""])
    assert known.tolist() == [[True, True], [False, False], [False, False], [False, False]]
    assert right[1:] == wrong[0][1:] == wrong[1][1:]
    assert wrong[0][0].endswith(" and")


def test_blanks_are_where_the_encoder_reads() -> None:
    texts = [" ".join(WORDS[n % 20 : n % 20 + 9]) for n in range(60)]
    words = train_tokenizer(texts, "words", max_length=5)  # [CLS] and four words
    fills = Fills(texts, lambda some, generator: words.encode(some), wrong=2, near=6, read=words.characters_read)
    right, *wrong, known = fills(texts, generator=torch.Generator().manual_seed(0))
    assert known.all()
    for view in wrong:
        assert (view.values != right.values).sum(dim=1).eq(1).all()  # one word, and it is read
    (place,) = (view.values != right.values).nonzero()[:, 1].unique().unsqueeze(0)
    assert place.tolist() == [1, 2, 3, 4]
    assert words.characters_read([texts[0], "", "ak"]) == [len(" ".join(texts[0].split()[:4])), 0, 2]


def test_words_that_the_vocabulary_does_not_tell_apart_are_no_candidates() -> None:
    few = train_tokenizer(["nothing of all this"] * 2, "words")  # every word of theirs is [UNK]
    *_, known = Fills(TEXTS, lambda some, generator: few.encode(some), wrong=2, near=10)(TEXTS)
    assert not known.any()


def test_a_name_with_digits_is_one_word_and_a_number_is_none() -> None:
    fills = Fills(["word12 word34 12 345 _ a"] * 2, Kept(), wrong=1)
    assert fills.words == ["word12", "word34"]


def test_the_same_generator_fills_the_same() -> None:
    assert filled(TEXTS)[0] == filled(TEXTS)[0]
    assert filled(TEXTS)[0] != filled(TEXTS, seed=1)[0]


def test_letters_are_large_where_the_right_word_has_them() -> None:
    assert [cased("word", like) for like in ("and", "And", "AND")] == ["word", "Word", "WORD"]


def test_a_blank_is_filled_and_slips_are_told() -> None:
    assert fill("The _ sat.", "cat") == "The cat sat."
    assert fill("The ## sat.", "cat", blank="##") == "The cat sat."
    for text, number in (("no blank", 0), ("_ and _", 2)):
        with pytest.raises(ArgumentError, match=f"is to have one blank '_', and this has {number}"):
            fill(text, "cat")
    with pytest.raises(ArgumentError, match="2 wrong words are asked for, and the texts have 2 that"):
        Fills(["red blue", "red blue green"], Kept(), wrong=2)
