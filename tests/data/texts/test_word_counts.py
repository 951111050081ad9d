import numpy as np
import pytest

from contrapose.data.texts import word_counts
from contrapose.data.texts.word_counts import OTHERS, WordCounts

KNOWN = ["A dog barks.", "The cat sleeps.", "the dog, the cat"]


def test_the_weights_are_those_of_the_equation() -> None:
    row = WordCounts(KNOWN)(["the the dog"])[0]
    weights = [2 * (1 + np.log(4 / 3)), 1 + np.log(4 / 3)]  # `the` in two of three texts, and so is `dog`
    np.testing.assert_allclose(np.sort(row[row > 0]), np.sort(weights / np.linalg.norm(weights)), rtol=1e-6)


def test_marks_and_capitals_make_no_other_word() -> None:
    counts = WordCounts(KNOWN)
    np.testing.assert_array_equal(counts(["DOG"]), counts(["dog"]))
    first, second = counts(["dog.", "dog"])
    assert 0.3 < first @ second < 1


def test_a_word_never_seen_before_is_the_same_word_elsewhere() -> None:
    rows = WordCounts(KNOWN)(["a wombat", "the wombat", "the platypus", "the"])
    first, second, third, alone = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    assert first @ second > 0.5 > second @ third
    own = alone > 0
    np.testing.assert_allclose(rows[1:, own].ravel(), 1, rtol=1e-6)  # what a probe has learned of `the` stays


def test_a_text_of_unseen_words_alone_has_length_one() -> None:
    np.testing.assert_allclose(np.linalg.norm(WordCounts(KNOWN)(["wombat platypus"]), axis=1), 1, rtol=1e-6)


def test_words_beyond_the_columns_share_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_counts, "WORDS", 2)
    counts = WordCounts(KNOWN)
    assert counts(KNOWN).shape == (3, 2 + OTHERS)
    assert np.linalg.norm(counts(["sleeps the cat"])) > 1


def test_a_text_without_words_has_numbers_and_no_direction() -> None:
    rows = WordCounts(KNOWN)(["", "dog"])
    assert rows[0].min() == rows[0].max() > 0
    assert rows[1].argmax() == WordCounts(KNOWN)(["dog"])[0].argmax()
