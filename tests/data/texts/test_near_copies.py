"""Near-duplicates: exactly the pairs that brute force finds, in closed forms, and fast enough to be asked for."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from contrapose.data.texts.near_copies import near_copies
from contrapose.errors import ArgumentError


def members(text: str) -> set[tuple[str, ...]]:
    words = "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
    return {*zip(words, strict=True), *itertools.pairwise(words)}


def brute_force(texts: list[str], threshold: float) -> dict[tuple[int, int], float]:
    """Every pair compared, but exact copies: of these the first stands for all."""
    first = {text.strip(): row for row, text in reversed(list(enumerate(texts)))}
    sets = [members(text) for text in texts]
    found = {}
    for one, other in itertools.combinations(sorted(first.values()), 2):
        a, b = sets[one], sets[other]
        if a | b and len(a & b) >= threshold * len(a | b) - 1e-9:
            found[one, other] = len(a & b) / len(a | b)
    return found


def spoilt(random: np.random.Generator, text: str) -> str:
    """A text with a word changed, put elsewhere, doubled or left out, or in other letters."""
    words = text.split()
    place, way = int(random.integers(len(words))), int(random.integers(5))
    if way == 0:
        words[place] = f"w{random.integers(60)}"
    elif way == 1:
        words.insert(int(random.integers(len(words))), words.pop(place))
    elif way == 2:
        words.insert(place, words[place])
    elif way == 3:
        words[place] = words[place].upper() + ","
    else:
        del words[place]
    return " ".join(words)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 1.0])
def test_the_pairs_are_those_of_brute_force(threshold: float) -> None:
    random = np.random.default_rng(0)
    # few words, so that many texts share many of them, and texts of one word and of none
    texts = [" ".join(f"w{n}" for n in random.integers(0, 60, random.integers(1, 25))) for _ in range(150)]
    texts += [spoilt(random, texts[row]) for row in random.integers(0, 150, 100)] + ["...", "", "-", " w3 w4 ", "w3 w4"]
    wanted = brute_force(texts, threshold)
    assert len(wanted) > 5
    found = near_copies(texts, threshold)
    assert found.complete
    rows = [tuple(pair) for pair in found.rows.tolist()]
    assert len(set(rows)) == len(rows)
    assert set(rows) == set(wanted)  # precision and recall of 1
    np.testing.assert_allclose(found.similarity, [wanted[pair] for pair in rows])
    assert (np.diff(found.similarity) <= 0).all()
    assert found.texts == len({row for pair in rows for row in pair})


def test_closed_forms() -> None:
    same = near_copies(["The cat sat.", "the CAT sat", "a dog ran off", "the cat sat"], 1.0)
    assert same.rows.tolist() == [[0, 1], [0, 3], [1, 3]]
    words = [f"w{n}" for n in range(20)]
    changed = near_copies([" ".join(words), " ".join([*words[:9], "other", *words[10:]])])
    assert changed.similarity.tolist() == [pytest.approx((19 + 17) / (21 + 21))]
    copies = near_copies(["the cat sat on the mat", "  the cat sat on the mat\n", "The cat sat on the mat"])
    assert copies.rows.tolist() == [[0, 2]]  # the second is an exact copy, which is told of elsewhere
    assert len(near_copies(["one text only"])) == len(near_copies(["...", "?!", ""])) == 0


def test_letters_without_blanks_between_words_are_words() -> None:
    (pair,) = near_copies(
        ["猫が好きです。毎日遊びます", "猫が好きです、毎日遊びます", "犬は好きではない"]
    ).rows.tolist()
    assert pair == [0, 1]


def test_what_is_too_much_is_said_and_not_done() -> None:
    texts = [f"user logged in at {n // 100} from there {n % 7} again" for n in range(600)]
    all_of_them, some = near_copies(texts, 0.5), near_copies(texts, 0.5, most=1000)
    assert all_of_them.complete
    assert not some.complete
    assert {*map(tuple, some.rows.tolist())} < {*map(tuple, all_of_them.rows.tolist())}


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5, float("nan")])
def test_impossible_thresholds_are_refused(threshold: float) -> None:
    with pytest.raises(ArgumentError, match="above 0 and up to 1"):
        near_copies(["a b", "a c"], threshold)


def test_many_texts_take_seconds() -> None:
    random = np.random.default_rng(1)
    words = [f"w{number}" for number in (random.zipf(1.3, 20_000 * 12) % 30_000)]
    texts = [" ".join(words[12 * row : 12 * row + 12]) for row in range(20_000)]
    texts[-200:] = [f"{text} w0" for text in texts[:200]]
    begun = time.perf_counter()
    found = near_copies(texts)
    assert time.perf_counter() - begun < 60  # brute force would compare 200 million pairs
    assert {(row, 19_800 + row) for row in range(200)} <= {*map(tuple, found.rows.tolist())}
