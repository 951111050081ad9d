"""`train_tokenizer`: a vocabulary out of the user's own texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from typing import Any

from contrapose.encoders.arguments import choice, count
from contrapose.encoders.texts.tokenizer import CHARACTERS_A_TOKEN, MAX_LENGTH, Tokenizer
from contrapose.errors import ArgumentError, DataError
from contrapose.optional import optional

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[MASK]")
"""Tokens 0 to 3 of every vocabulary that is learned here."""

VOCABULARY = {"words": 16_384, "pieces": 8_192, "urls": 5_000}
"""How many tokens by default [design]. BERT has 30,522 pieces for 3.3 billion words (arXiv 1810.04805), URLBERT 5,000
(arXiv 2402.11495); each costs an embedding, and one that is seen ten times learns little."""

LEARNED_FROM = 20_000
"""Texts that a vocabulary is learned from, evenly spaced over all: the most frequent words of these are those of the
rest [design]."""

LEAST_OCCURRENCES = 2
"""A word seen once teaches nothing about another text [design]."""

LETTERS = 1_000
"""Different characters that a vocabulary of pieces is made of, the most frequent ones; as `tokenizers` has it."""

ADDRESS_LETTERS = "".join(map(chr, range(33, 127)))
"""All that an address can be written with, and all else that is printed of ASCII: such letters do turn up in logs."""

LONGEST_WORD = 100
"""Letters of a word that are put together from pieces at once. What is longer, as tokens in addresses are, is cut at
each hundredth: `tokenizers` makes [UNK] of the whole of it, and its time grows with the square of the length."""

CONTINUES = "##"
"""Stands before a piece that continues a word, as in BERT."""


def train_tokenizer(
    texts: Sequence[str],
    kind: str = "pieces",
    *,
    vocabulary: int | None = None,
    max_length: int = MAX_LENGTH,
    lowercase: bool = True,
) -> Tokenizer:
    """A tokenizer for these texts and their like. The same texts give the same one.

    Texts are brought to one spelling (Unicode's NFKC, control characters out, small letters), cut at blanks and
    around each mark and each Chinese character, and the words looked up: nothing is dropped, so that URLs and code
    keep their marks.

    Arguments:
        texts: to learn from; of more than 20,000 an even share. A list, or anything with rows of `str`.
        kind: `"words"`, the most frequent words, all others being [UNK]; or `"pieces"`, WordPiece: frequent words are
            whole, others are put together from pieces (`un ##believ ##able`); or `"urls"`, pieces in which no
            printed ASCII character is unknown, whether it was in the texts or not.
        vocabulary: the most tokens, special ones included; fewer where the texts have no more. `None`: 16,384 words,
            8,192 pieces, or 5,000 for URLs.
        max_length: the most tokens of a text, [CLS] included.
        lowercase: whether `Cat` is `cat`. BERT "uncased" (arXiv 1810.04805) did better than cased on most tasks.

    Errors:
        DataError: texts without a single word.
        ArgumentError: a kind, a size or a length that cannot be.
        MissingExtraError: `tokenizers` is not there.

    Papers: WordPiece, Schuster and Nakajima 2012; Wu et al. 2016, https://arxiv.org/abs/1609.08144
    """
    kind = choice(kind, "kind", tuple(VOCABULARY))
    size = count(VOCABULARY[kind] if vocabulary is None else vocabulary, "vocabulary", least=32)
    length = count(max_length, "max_length", least=2)
    rows = range(len(texts)) if len(texts) <= LEARNED_FROM else _evenly_spaced(len(texts))
    chosen = [texts[row][: CHARACTERS_A_TOKEN * length] for row in rows]
    library = optional("tokenizers", extra="text")
    words = _count_words(library, chosen, lowercase)
    letters = ADDRESS_LETTERS if kind == "urls" else ""
    if lowercase:
        letters = letters.lower()
    tokens = _frequent_words(words, size) if kind == "words" else _pieces(library, words, size, {*letters})
    if len(tokens) == len(SPECIAL):
        raise DataError(f"{len(texts)} texts hold no word that a vocabulary could be made of.")
    return Tokenizer(_backend(library, kind, tokens, lowercase), max_length=length, mask=SPECIAL.index("[MASK]"))


def _evenly_spaced(length: int) -> Sequence[int]:
    return [row * length // LEARNED_FROM for row in range(LEARNED_FROM)]


def _backend(library: Any, kind: str, tokens: Sequence[str], lowercase: bool) -> Any:
    """A tokenizer of the library: its rules, and these tokens numbered in their order."""
    numbers = {token: number for number, token in enumerate(tokens)}
    models = library.models
    if kind == "words":
        backend = library.Tokenizer(models.WordLevel(numbers, unk_token="[UNK]"))
    else:
        model = models.WordPiece(numbers, unk_token="[UNK]", continuing_subword_prefix=CONTINUES)
        backend = library.Tokenizer(model)
        backend.decoder = library.decoders.WordPiece(prefix=CONTINUES, cleanup=False)
    normalizers = library.normalizers
    backend.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.BertNormalizer(
                clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=lowercase
            ),
        ]
    )
    backend.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    if kind != "words":
        pieces = library.pre_tokenizers.Split(library.Regex(f".{{{LONGEST_WORD}}}"), "isolated")
        backend.pre_tokenizer = library.pre_tokenizers.Sequence([backend.pre_tokenizer, pieces])
    backend.post_processor = library.processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", SPECIAL.index("[CLS]"))]
    )
    return backend


def _count_words(library: Any, texts: Sequence[str], lowercase: bool) -> Counter[str]:
    """How often each word stands in the texts, by the rules of the tokenizer to come."""
    rules = _backend(library, "words", SPECIAL, lowercase)
    words: Counter[str] = Counter()
    for text in texts:
        split = rules.pre_tokenizer.pre_tokenize_str(rules.normalizer.normalize_str(text))
        words.update(word for word, _ in split)
    return words


def _frequent_words(words: Counter[str], size: int) -> list[str]:
    """Special tokens and the most frequent words; of equally frequent ones the first by alphabet."""
    ordered = sorted(words.items(), key=lambda found: (-found[1], found[0]))
    frequent = [word for word, times in ordered if times >= LEAST_OCCURRENCES]
    return [*SPECIAL, *(frequent or [word for word, _ in ordered])][:size]


def _pieces(library: Any, words: Counter[str], size: int, needed: Set[str] = frozenset()) -> list[str]:
    """Special tokens, letters, among them those that are needed, and what the letters are merged to, by the trainer of
    `tokenizers`.

    The trainer numbers the letters within words (`##a`) in an order that differs from process to process, and breaks
    ties by these numbers. Handed over as special tokens they have numbers of ours, and the result is the same always.
    """
    letters: Counter[str] = Counter()
    for word, times in words.items():
        for letter in word:
            letters[letter] += times
    room = min(LETTERS, (size - len(SPECIAL)) // 2)
    if len(needed) > room:
        raise ArgumentError(
            f"vocabulary={size} has no room for the {len(needed)} letters of addresses, each alone and within a word: "
            f"give {2 * len(needed) + len(SPECIAL)} or more."
        )
    usual = sorted(letters.keys() | needed, key=lambda letter: (letter not in needed, -letters[letter], letter))
    alphabet = sorted(usual[:room])
    fixed = [*SPECIAL, *alphabet, *(CONTINUES + letter for letter in alphabet)]
    trainer = library.trainers.WordPieceTrainer(
        vocab_size=size,
        min_frequency=LEAST_OCCURRENCES,
        special_tokens=fixed,
        limit_alphabet=len(alphabet),
        continuing_subword_prefix=CONTINUES,
        show_progress=False,
    )
    learner = library.Tokenizer(library.models.WordPiece(unk_token="[UNK]", continuing_subword_prefix=CONTINUES))
    learner.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
    known = set(alphabet)
    repeated = (" ".join([word] * times) for word, times in sorted(words.items()) if known.issuperset(word))
    learner.train_from_iterator(repeated, trainer)
    found = learner.get_vocab()
    return sorted(found, key=lambda token: found[token])
