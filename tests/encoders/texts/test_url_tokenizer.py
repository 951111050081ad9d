"""Pieces of URLs: no letter of an address is lost, however rare and however long the word; upper case on request."""

from __future__ import annotations

import string
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contrapose.encoders.texts import Tokenizer, build_text, tokenizer_for, train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES

LEARNED = ["http://www.example.com/news/article", "example.org/shop/cart?id=7", "https://login.example.net/a-b_c"] * 3
URLS = [
    "http://a.b/c?x=1",
    "HTTPS://User@Example.COM:8080/~me/(a);b='c'!$&*+,;=?q=%C3%9F%20x#[frag]",
    "xn--mnchen-3ya.de/" + "0123456789abcdef" * 16 + "/x",
    "a.com/" + "".join(letter for letter in string.printable if 33 <= ord(letter) < 127),
    "ümläut.de/straße?ü=1",
]


def joined(tokenizer: Tokenizer, url: str) -> str:
    """The pieces of a text put together again."""
    view = tokenizer.encode([url])
    tokens = [tokenizer.backend.id_to_token(number) for number in view.values[0][view.mask[0]].tolist()]
    assert tokens[0] == "[CLS]"
    return "".join(token.removeprefix("##") for token in tokens[1:])


@pytest.mark.parametrize("lowercase", [True, False])
def test_no_letter_of_a_url_is_lost(lowercase: bool) -> None:
    tokenizer = train_tokenizer([*LEARNED, *URLS[4:]], "urls", lowercase=lowercase, max_length=600)
    for url in URLS:
        assert joined(tokenizer, url) == (url.lower() if lowercase else url)


def test_pieces_of_texts_lose_no_long_word_but_letters_that_they_have_never_seen() -> None:
    tokenizer = train_tokenizer(LEARNED, "pieces", max_length=600)
    long = "example" * 40
    assert joined(tokenizer, f"a.com/{long}") == f"a.com/{long}"
    assert "[UNK]" in joined(tokenizer, "a.com/z~y")
    assert joined(train_tokenizer(LEARNED, "urls", max_length=600), "a.com/z~y") == "a.com/z~y"


def test_a_very_long_word_takes_no_longer_than_as_many_letters_in_short_ones() -> None:
    tokenizer = train_tokenizer(LEARNED, "urls", max_length=200)
    word = "q7z" * 3_000
    short = "/".join(word[start : start + 90] for start in range(0, len(word), 90))

    def seconds(text: str) -> float:
        started = time.perf_counter()
        for _ in range(3):
            tokenizer.encode([text])
        return time.perf_counter() - started

    seconds(short)
    assert seconds(word) < 10 * seconds(short) + 0.05


def test_a_vocabulary_too_small_for_the_letters_is_refused() -> None:
    with pytest.raises(ArgumentError, match="vocabulary=100 has no room for the 68 letters of addresses"):
        train_tokenizer(LEARNED, "urls", vocabulary=100)
    assert train_tokenizer(LEARNED, "urls", vocabulary=140).size == 140
    assert train_tokenizer(LEARNED, "urls").size <= 5_000


def test_it_comes_back_from_its_file() -> None:
    made = train_tokenizer(LEARNED, "urls", max_length=600)
    back = Tokenizer.from_json(made.to_json(), max_length=600, mask=made.mask)
    assert back.fingerprint == made.fingerprint
    for url in URLS[:4]:
        assert joined(back, url) == url.lower()


def test_the_options_of_texts_reach_it() -> None:
    from contrapose.methods import METHODS

    config = METHODS["simclr"].on("text")(tokenizer="urls", lowercase=False, vocabulary=500, max_length=100)
    encoder = MODALITIES["text"].encoder(config, MODALITIES["text"].open(LEARNED))
    assert joined(encoder.tokenizer, URLS[1]) == URLS[1]  # type: ignore[attr-defined]
    assert tokenizer_for("transformer", LEARNED).fingerprint == train_tokenizer(LEARNED, "pieces").fingerprint
    with pytest.raises(ArgumentError, match=r"tokenizer must be one of auto, words, pieces, urls"):
        METHODS["simclr"].on("text")(tokenizer="letters")


def test_tokens_beyond_the_vocabulary_are_named() -> None:
    tokenizer = train_tokenizer(LEARNED, "urls", vocabulary=200)
    encoder = build_text("transformer", tokenizer, dimension=8, heads=2, seed=0)
    view = tokenizer.encode(URLS[:2])
    view.values[1, 2] = tokenizer.size
    with pytest.raises(ArgumentError, match=rf"Token {tokenizer.size} does not exist: .* has tokens 0 to "):
        encoder(view)


def test_real_urls_come_back_but_for_blanks(shared_data: Callable[[str], Path]) -> None:
    pandas = pytest.importorskip("pandas")
    found = pandas.read_parquet(shared_data("urls/test.parquet")).url
    urls = [url for url in found.iloc[::30] if url.isascii() and len(url) < 900]
    tokenizer = train_tokenizer(urls[::2], "urls", vocabulary=1_000, max_length=1_000)
    for url in urls:
        assert joined(tokenizer, url) == "".join(url.lower().split())
