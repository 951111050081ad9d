from __future__ import annotations

import copy
import json
import subprocess
import sys
import time

import pytest
import torch
from text_cases import TEXTS, tokenizer

from contrapose.encoders.texts import Tokenizer, train_tokenizer
from contrapose.errors import ArgumentError, DataError, MissingExtraError

KINDS = ("words", "pieces")
PAD, UNK, CLS, MASK = 0, 1, 2, 3


@pytest.mark.parametrize("kind", KINDS)
def test_words_in_rows_out_in_their_order(kind: str) -> None:
    encoded = tokenizer(kind).encode(TEXTS)
    assert len(encoded) == len(TEXTS)
    alone = [tokenizer(kind).encode([text]) for text in TEXTS]
    for row, one in enumerate(alone):
        length = int(one.mask.sum())
        assert encoded.values[row, :length].tolist() == one.values[0].tolist()
        assert encoded.mask[row].sum() == length
    assert encoded.values.dtype == torch.int64
    assert encoded.values.max() < tokenizer(kind).size
    assert (encoded.values[:, 0] == CLS).all()
    assert (encoded.values[~encoded.mask] == PAD).all()
    assert (encoded.values[encoded.mask] != PAD).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_without_words_is_the_class_token_alone(kind: str) -> None:
    encoded = tokenizer(kind).encode(["", " \n\t\u200b"])
    assert encoded.values.tolist() == [[CLS], [CLS]]
    assert encoded.mask.all()
    assert encoded.groups is not None
    assert encoded.groups.tolist() == [[0], [0]]


def test_groups_number_the_words_whatever_pieces_they_have() -> None:
    pieces = tokenizer("pieces")
    encoded = pieces.encode(["the believable catlog sat"])
    assert encoded.groups is not None
    tokens = [pieces.backend.id_to_token(number) for number in encoded.values[0].tolist()]
    expected, word = [], 0
    for token in tokens:
        word += token != "[CLS]" and not token.startswith("##")
        expected.append(word)
    assert encoded.groups[0].tolist() == expected
    assert expected[0] == 0
    assert expected[-1] == 4
    assert len(tokens) > 5, "one of the words must be in pieces, or the test tests nothing"


def test_nothing_of_a_url_is_lost_but_the_size_of_its_letters() -> None:
    url = "http://a.b/Cat?dog=1&log=%20mat"
    for made in (tokenizer("pieces", 64), train_tokenizer([url, url], "words")):
        assert "".join(made.decode(made.encode([url]))).replace(" ", "") == url.lower()


def test_spelling_is_made_one() -> None:
    words = tokenizer("words")
    ligature, plain = words.encode(["Ünïcödé ﬁne"]), words.encode(["ÜNÏCÖDÉ fine"])
    assert torch.equal(ligature.values, plain.values)
    chinese = words.encode(["猫犬"])
    assert chinese.groups is not None
    assert chinese.groups[0].tolist() == [0, 1, 2]  # each character is a word
    cased = train_tokenizer(["Cat cat Cat cat"], "words", lowercase=False)
    assert len(set(cased.encode(["Cat cat"]).values[0].tolist())) == 3


def test_unknown_words_are_one_token_or_pieces() -> None:
    assert tokenizer("words").encode(["zebra"]).values.tolist() == [[CLS, UNK]]
    assert UNK not in tokenizer("pieces").encode(["looklog"]).values


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_names_a_special_token_means_these_characters(kind: str) -> None:
    encoded = tokenizer(kind).encode(["[MASK] [CLS] [PAD]"])
    assert not {MASK, PAD} & set(encoded.values[0].tolist())
    assert encoded.values[0].tolist().count(CLS) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_long_texts_are_cut(kind: str) -> None:
    short = tokenizer(kind, max_length=8)
    encoded = short.encode([" ".join(["cat"] * 100), "cat"])
    assert tuple(encoded.shape) == (2, 8)
    assert encoded.mask.sum(dim=1).tolist() == [8, 2]
    assert encoded.values[0].tolist() == [CLS, *[int(encoded.values[1, 1])] * 7]


def test_a_text_of_a_hundred_thousand_words_costs_what_a_page_costs() -> None:
    page, book = "some words of a page " * 20, "some words of a page " * 20_000
    words = tokenizer("words")
    words.encode([page])
    started = time.perf_counter()
    words.encode([page] * 50)
    pages = time.perf_counter() - started
    started = time.perf_counter()
    words.encode([book] * 50)
    books = time.perf_counter() - started
    assert books < 20 * pages + 0.05  # the whole book would take a thousand times as long


def test_the_same_texts_give_the_same_tokenizer_in_every_process() -> None:
    code = f"""
import sys; sys.path[:0] = {sys.path!r}
from test_tokenizer import made_of_docstrings
print(made_of_docstrings("words"), made_of_docstrings("pieces"))
"""
    elsewhere = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert elsewhere.split() == [made_of_docstrings("words"), made_of_docstrings("pieces")]


def made_of_docstrings(kind: str) -> str:
    """A tokenizer's fingerprint, made of texts with many ties between pairs of letters."""
    texts = [str(getattr(str, name).__doc__) for name in dir(str)]
    return train_tokenizer(texts, kind, vocabulary=400).fingerprint


def test_a_vocabulary_has_the_special_tokens_first_and_is_no_larger_than_asked() -> None:
    for kind in KINDS:
        made = train_tokenizer(TEXTS, kind, vocabulary=60)
        assert made.size <= 60
        assert [made.backend.id_to_token(number) for number in range(4)] == ["[PAD]", "[UNK]", "[CLS]", "[MASK]"]
        assert made.mask == MASK
        assert made.pad == PAD
    words = train_tokenizer(["b a b a c c c once"], "words")
    assert [words.backend.id_to_token(number) for number in range(4, words.size)] == ["c", "a", "b"]


def test_a_tokenizer_comes_back_from_its_file() -> None:
    for kind in KINDS:
        made = tokenizer(kind)
        back = Tokenizer.from_json(made.to_json(), max_length=made.max_length, mask=made.mask)
        assert back.fingerprint == made.fingerprint
        assert torch.equal(back.encode(TEXTS).values, made.encode(TEXTS).values)
        assert json.loads(made.to_json())["model"]["type"] == {"words": "WordLevel", "pieces": "WordPiece"}[kind]
    other = train_tokenizer(TEXTS, "pieces", vocabulary=80)
    assert other.fingerprint != tokenizer("pieces").fingerprint
    assert copy.deepcopy(other) is other


def test_decoding_shows_what_is_left_of_a_view() -> None:
    pieces = tokenizer("pieces")
    view = pieces.encode(["the believable cat", "a dog"])
    view.values[1, 2] = MASK
    assert pieces.decode(view) == ["the believable cat", "a [MASK]"]


def test_at_most_so_many_texts_are_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.encoders.texts.vocabulary.LEARNED_FROM", 10)
    made = train_tokenizer([f"w{row} w{row}" for row in range(100)], "words", vocabulary=50)
    assert set(made.backend.get_vocab()) >= {f"w{row}" for row in range(0, 100, 10)}
    assert made.size == 4 + 10


def test_what_is_no_text_is_named() -> None:
    with pytest.raises(ArgumentError, match=r"A single text was given .* \[text\]"):
        tokenizer().encode("one text")
    with pytest.raises(ArgumentError, match=r"Text 1 is 3, of type int: give texts"):
        tokenizer().encode(["a", 3])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match=r"Text 0 is None"):
        tokenizer().encode([None])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="No texts were given"):
        tokenizer().encode([])
    with pytest.raises(ArgumentError, match="half a character"):
        tokenizer().encode(["\ud83d"])
    with pytest.raises(ArgumentError, match="int is no list of texts"):
        tokenizer().encode(7)  # type: ignore[arg-type]


def test_texts_without_words_and_impossible_sizes_are_refused() -> None:
    with pytest.raises(DataError, match="2 texts hold no word"):
        train_tokenizer(["", "  "], "words")
    with pytest.raises(DataError, match="no word"):
        train_tokenizer(["", "  "], "pieces")
    with pytest.raises(ArgumentError, match="kind='letters' cannot be used: choose one of words, pieces"):
        train_tokenizer(TEXTS, "letters")
    with pytest.raises(ArgumentError, match="vocabulary=5 cannot be used"):
        train_tokenizer(TEXTS, vocabulary=5)
    with pytest.raises(ArgumentError, match="max_length=1 cannot be used"):
        train_tokenizer(TEXTS, max_length=1)
    with pytest.raises(ArgumentError, match=r"tokenizer\.json is damaged"):
        Tokenizer.from_json(b"{}", max_length=8)


def test_the_extra_that_is_needed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'contrapose\[text\]'"):
        train_tokenizer(TEXTS)
