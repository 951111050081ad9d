"""Texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.modalities.expected import expected_of_texts
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.texts.options import TextViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Samples
    from contrapose.data.problems import Problem
    from contrapose.data.texts import Texts
    from contrapose.data.texts.near_copies import NearCopies
    from contrapose.encoders import Encoder, Start
    from contrapose.encoders.texts import TextEncoder
    from contrapose.encoders.texts.coverage import Coverage


@dataclass(frozen=True, kw_only=True)
class TextOptions(Options):
    """What a method has on texts."""

    views: TextViews = field(default_factory=TextViews)
    """How views are made."""
    encoder: str = "transformer"
    """transformer (two layers of 128; ten seconds a thousand texts and epoch on one slow core), bag_of_words (no order,
    thirty times faster), or hf:NAME with new weights (--init hf:NAME begins with those published)."""
    text_column: str | None = None
    """Column of a table with the texts. Default: one with a usual name (text, sentence, review, ...), else the one with
    the longest texts."""
    comment_column: str | None = None
    """Column of a table with what is said of each text, where these are programs: it becomes a comment above them."""
    max_length: int = 64
    """Tokens of a text that are read; what comes after is cut."""
    vocabulary: int | None = None
    """Tokens that are told apart, learned from the texts. Default: as the tokenizer has it for so many texts."""
    tokenizer: Literal["auto", "words", "pieces", "urls"] = "auto"
    """words: whole words; pieces: of words (WordPiece), so that no word is unknown; urls: pieces, and all letters of
    addresses are known. auto: what the encoder does best with; of hf:NAME its own."""
    lowercase: bool = True
    """Whether Cat is cat, in a vocabulary that is learned from the texts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("max_length", self.max_length >= 2, "2 or more")
        self._check("vocabulary", self.vocabulary is None or self.vocabulary > 0, "above 0")
        self._check_choice("tokenizer", ("auto", "words", "pieces", "urls"))


class _Text(Modality):
    name, noun, plural = "text", "text", "texts"
    options: ClassVar[type[Options]] = TextOptions
    reading = ("text_column", "comment_column")
    floor_name = "word counts"
    class_tag = "text-classification"
    pipeline_tag, example = "sentence-similarity", '["some words", "other words"]'

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.texts import open_texts

        reading = check_reading(self, reading)
        reading.pop("progress", None)  # lines and columns are read at once
        return open_texts(spec, **reading)

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, **reading)

    def as_query(self, query: Any) -> Any:
        """Words that were typed are one text; what is there, or is called like data, is opened."""
        from contrapose.data.kinds import names_data

        return [query] if isinstance(query, str) and query.strip() and not names_data(query) else query

    def start(self, init: Any, config: Any) -> Start:
        from contrapose.encoders import starting_point

        return starting_point(init, max_length=config.max_length, option=config.start_option)

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        return {}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders.texts import build_text, tokenizer_for

        kind = None if config.tokenizer == "auto" else config.tokenizer
        texts = _with_labels(cast("Texts", samples).every_text, config.vocabulary_beside(samples))
        how = {"max_length": config.max_length, "vocabulary": config.vocabulary, "lowercase": config.lowercase}
        tokenizer = tokenizer_for(config.encoder, texts, kind=kind, **how)
        return build_text(config.encoder, tokenizer, seed=config.seed, **config.encoder_arguments)

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views.texts import TextViewMaker

        encoder = cast("TextEncoder", encoder)
        return TextViewMaker(options, encoder.prepare, mask_token=encoder.tokenizer.mask)

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        def make(raw: Any, *, generator: Any = None) -> tuple[Any, ...]:
            return tuple(encoder.prepare([views(text) for text in raw]) for _ in range(options.count))

        return make

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        return encoder.prepare([f"{seed} {number}" for number in range(size)])

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        return cast("TextEncoder", encoder).tokenizer.decode(view)

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.texts.problems import text_problems

        return text_problems(cast("Texts", samples))

    def near_copies(self, samples: Samples, threshold: float | None) -> NearCopies | None:
        from contrapose.data.texts.near_copies import NEAR, near_copies

        texts = cast("Texts", samples).texts
        return None if threshold == 0 else near_copies(texts, NEAR if threshold is None else threshold)

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        from contrapose.data.texts.problems import text_facts

        measured = _coverage(cast("TextEncoder", encoder), samples)
        return [*text_facts(cast("Texts", samples)), *measured.in_words(len(samples))]

    def unused(self, config: Any, encoder: Encoder) -> list[str]:
        read = cast("TextEncoder", encoder).tokenizer.max_length
        theirs = (
            [f"--max-length {config.max_length}"] if config.max_length not in (TextOptions.max_length, read) else []
        )
        theirs += [] if config.vocabulary is None else [f"--vocabulary {config.vocabulary}"]
        theirs += [] if config.tokenizer == "auto" else [f"--tokenizer {config.tokenizer}"]
        say = "plays" if len(theirs) == 1 else "play"
        found = f"{', '.join(theirs)} {say} no part: the weights bring their vocabulary along, and read {read} tokens."
        return [found] if theirs else []

    def read_by(self, encoder: Encoder, samples: Samples) -> list[str]:
        return _coverage(cast("TextEncoder", encoder), samples).remarks(len(samples))

    def expected(self, samples: Samples) -> str | None:
        return expected_of_texts(len(samples))

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """TF-IDF of the words and marks of the known texts, each row of length 1."""
        from contrapose.data.texts.word_counts import WordCounts

        counts = WordCounts(cast("Texts", known).texts)
        return lambda samples: counts(cast("Texts", samples).texts)

    def takes(self, encoder: Encoder) -> list[str]:
        tokenizer = cast("TextEncoder", encoder).tokenizer
        return [
            f"Input: texts, of which the first {tokenizer.max_length} tokens are read.",
            f"Vocabulary: {tokenizer.size:,} tokens, in `tokenizer.json`.",
        ]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        """Any text can be prepared."""


def _coverage(encoder: TextEncoder, samples: Samples) -> Coverage:
    """What the encoder's vocabulary makes of some of the texts."""
    from contrapose.data.samples import evenly_spaced
    from contrapose.encoders.texts.coverage import MEASURED, coverage

    return coverage(encoder.tokenizer, cast("Texts", samples).batch(evenly_spaced(len(samples), MEASURED)))


def _with_labels(texts: Sequence[str], labels: list[str]) -> Sequence[str]:
    """What a vocabulary is learned from: words of labels stand there often enough to be among them, twice each."""
    from contrapose.data.samples import evenly_spaced
    from contrapose.encoders.texts.vocabulary import LEARNED_FROM

    if not labels:
        return texts
    return [
        *labels,
        *labels,
        *(texts[row] for row in evenly_spaced(len(texts), max(1, LEARNED_FROM - 2 * len(labels)))),
    ]


TEXT = _Text()
