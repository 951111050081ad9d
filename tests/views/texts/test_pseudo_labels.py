"""Pseudo-labels: what is drawn is a word of the text, what stands against it is a word of others, as often as it should
be; and how a learner gets them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from contrapose.encoders.texts import train_tokenizer
from contrapose.encoders.texts.label_texts import label_tokens
from contrapose.errors import ArgumentError
from contrapose.stop_words import STOP_WORDS, usable, word_counts, words_of
from contrapose.views.texts.pseudo_labels import LabelViews, PseudoLabels

WORDS = ["ship", "harbour", "wave", "the", "of", "flour", "Oven", "yeast", "goal", "team", "x", "is", "7"]
TEXTS = ["The ship left the harbour.", "flour and yeast, yeast!", "a goal of the team", "of the", "team ship"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=6),
    st.integers(1, 5),
    st.integers(1, 9),
    st.integers(0, 2**30),
)
def test_no_negative_is_ever_a_word_of_its_text(texts: list[str], g: int, b: int, seed: int) -> None:
    draw = PseudoLabels(word_counts(texts), positives=g, negatives=b)
    drawn = draw(texts, generator=torch.Generator().manual_seed(seed))
    assert drawn.chosen.shape == (len(texts), g + b)
    for row, text in enumerate(texts):
        own, positive, negative = words_of(text), *drawn.named(row)
        others = set(usable(word for other in texts for word in words_of(other))) - set(own)
        assert len(positive) == min(g, len(usable(own)))  # as many as there are
        assert set(positive) <= set(own) - STOP_WORDS
        assert not set(negative) & set(own)
        assert len(negative) == (min(b, len(others)) if usable(own) else 0)
        for words in (positive, negative):
            assert len(set(words)) == len(words)


def test_frequent_words_are_drawn_by_the_inverse_root_of_their_count() -> None:
    counts = {"common": 100, "rare": 4, "single": 1}
    draw = PseudoLabels(counts, positives=1, negatives=1)
    generator, texts = torch.Generator().manual_seed(0), ["common rare single uncounted"] * 400
    found: dict[str, int] = {}
    for _ in range(10):
        drawn = draw(texts, generator=generator)
        for row in range(len(texts)):
            ((word,), _) = drawn.named(row)
            found[word] = found.get(word, 0) + 1
    weights = {"common": 0.1, "rare": 0.5, "single": 1.0}  # what was never counted is never drawn
    assert found.keys() == weights.keys()
    for word, weight in weights.items():
        assert found[word] / 4000 == pytest.approx(weight / sum(weights.values()), abs=0.03)


def test_the_same_generator_draws_the_same() -> None:
    draw = PseudoLabels(word_counts(TEXTS))
    one, other, third = (draw(TEXTS, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert one.chosen.equal(other.chosen)
    assert not one.chosen.equal(third.chosen)


def test_words_are_runs_of_letters_and_stop_words_say_nothing() -> None:
    assert words_of("card_arrival: Don't, 3x Über猫") == ["card", "arrival", "don", "t", "x", "über猫"]
    assert usable(words_of("the cat and the cat is a b")) == ["cat"]


def test_a_learner_gets_tokens_and_who_goes_with_the_text() -> None:
    tokenizer = train_tokenizer(TEXTS * 2, "words", max_length=8)
    counts = {word: count for word, count in word_counts(TEXTS).items() if word in usable([word])}
    tokens = label_tokens(tokenizer, [*counts])
    views = LabelViews(lambda raw, generator=None: (tokenizer.encode(raw),), PseudoLabels(counts), tokens)
    text, asked, goes = views(TEXTS, generator=torch.Generator().manual_seed(0))
    assert len(text) == 5
    assert asked.shape[:2] == goes.shape == (5, 36)
    assert (goes[3] == -1).all()  # "of the": skipped
    assert ((asked >= 0).any(dim=-1) == (goes >= 0)).all()
    named = [tokenizer.backend.id_to_token(int(token)) for token in asked[0][goes[0] == 1][:, 0]]
    assert sorted(named) == ["harbour", "left", "ship"]
    _, _, goes = views(["galleon ship", "galleon team"], generator=torch.Generator().manual_seed(0))
    assert (goes == 1).sum() == 2  # words that were not counted are nobody's label
    _, _, goes = views(["galleon"], generator=torch.Generator().manual_seed(0))
    assert (goes == -1).all()
    assert len(LabelViews(lambda raw, generator=None: (raw,), None, None)(TEXTS)) == 1


def test_none_of_them_is_no_question() -> None:
    for slip in ({"positives": 0}, {"negatives": 0}):
        with pytest.raises(ArgumentError, match="must be at least 1, got 0: a text is told by a label and by others"):
            PseudoLabels({}, **slip)
