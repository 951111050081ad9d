"""CLESS: texts matched with the texts of labels, and with their own words until there are labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.errors import DataError
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.encoders.texts import TextEncoder
    from contrapose.learners import Learner

PIECES = 8
"""Tokens of a pseudo-label that are read [design]: a word is a few pieces."""


@register("cless")
@dataclass(frozen=True, kw_only=True)
class CLESS(Method):
    """Labels are texts: words of a text stand for them, and where there are labels, these too.

    With `--label-column` (or `--label-texts`) the texts of the labels are mixed in; a text without one is learned from
    by its words alone. The matcher is kept with the run, so that it names labels that it never saw: `contrapose apply
    RUN DATA --label-texts sports politics`. Of the projection options `--projection-hidden` alone plays a part: units
    of the matcher.

    What to expect: nothing of minutes on a small corpus. On 3,200 docstrings of 60 packages, of which 12 were held out,
    10 epochs and five seeds (`contrapose reproduce primer`: *contrary here*), held-out packages were named by their
    texts in 8.9 % of cases (chance 8.3 %; word counts 19.7 %, MiniLM 50.8 %), learned ones with a macro-F1 of 6.9 %,
    17.9 % from labels alone (`--learn-by labels`), where a classifier had 63.1 %; with four labels a class its
    embeddings had 9.5 %, word counts 31.9 %. In a first look (5,700 texts of AG News without a label, a bag of words,
    `--matcher dot --learning-rate 0.01`, 6 epochs, one seed) 1,900 other texts were named right to 56 % by four labels
    of three or four words each and to 36 % by one word each; word counts 37 % and 28 %, chance 25 %. The metrics say
    how often a label of a text is ranked above others (`words_ranked_right`, `labels_ranked_right`; half by chance),
    and which share of the texts had no word that could be one (`texts_without_words`).
    """

    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="texts without labels, then few: words of a text are its labels, so that new labels are named by their "
        "texts",
        paper="Rethmeier and Augenstein, AIBSD 2022, https://arxiv.org/abs/2010.01061",
    )
    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    kinds_note: ClassVar[str] = "for it is words that labels are made of"
    needs: ClassVar[tuple[str, ...]] = ("a table of tokens",)
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "a text is asked about words, so one of each is enough"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}

    batch_size: int = 64
    """Samples per process and step. 64 [design]: negatives are words of the other texts."""
    projection_hidden: int = 128
    """Units of the matcher's perceptron. 128 [design], as many as dimensions."""
    learn_by: Literal["auto", "words", "labels", "both"] = "auto"
    """words: pseudo-labels, words of the text itself. labels: the texts of its classes. auto: both where --label-column
    or --label-texts is given, else words."""
    label_texts: tuple[str, ...] = ()
    """What the classes are called, in the order of their numbers. Default: their names."""
    pseudo_labels: int = 4
    """Words of each text that are its labels in a step, drawn with probability count^-0.5. 4 [design]."""
    negatives: int = 32
    """Words of other texts, and labels of other classes, that each text is asked about in a step. 32 [design]."""
    label_weight: float = 1.0
    """Weight of the labels beside that of the words. 1 [design]: alike."""
    matcher: Literal["perceptron", "dot"] = "perceptron"
    """perceptron: of two layers, over text and label. dot: the cosine of both over --temperature, with a bias."""
    temperature: float = 0.1
    """What cosines are divided by, with --matcher dot. [design] 0.1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("learn_by", ("auto", "words", "labels", "both"))
        self._check_choice("matcher", ("perceptron", "dot"))
        for name in ("pseudo_labels", "negatives"):
            self._check(name, getattr(self, name) >= 1, "at least 1: a text is told by a label and by others")
        for name in ("label_weight", "temperature"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check("label_texts", not self.label_texts or self.by_labels, "left out with --learn-by words")
        self._check("views", self.views.total() == 1, "1 of each text (--views.count 1)")
        if self.label_texts:
            from contrapose.encoders.texts.label_texts import check_labels

            check_labels(self.label_texts, option="--label-texts")

    @property
    def by_labels(self) -> bool:
        """Whether classes are learned from."""
        named = self.label_column is not None or bool(self.label_texts)
        return self.learn_by in ("labels", "both") or (self.learn_by == "auto" and named)

    @property
    def by_words(self) -> bool:
        """Whether words of the texts are."""
        return self.learn_by != "labels"

    @property
    def shown_targets(self) -> tuple[str, ...]:
        return ("label",) if self.by_labels else ()

    def remarks(self) -> list[str]:
        if self.by_labels:
            return [] if self.by_words else ["labels alone: no word of a text is learned by"]
        return ["words alone: classes play no part; --label-column mixes in the texts of labels"]

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """The texts with their pseudo-labels.

        Errors:
            DataError: no text has a word that could be one, or all have the same.
        """
        from contrapose.encoders.texts.label_texts import label_tokens
        from contrapose.stop_words import usable, word_counts
        from contrapose.views.texts.pseudo_labels import LabelViews, PseudoLabels

        if not self.by_words:
            return LabelViews(views, None, None)
        texts = cast("Texts", samples).texts
        counts = word_counts(texts)
        words = usable(counts)
        tokens = label_tokens(cast("TextEncoder", encoder).tokenizer, words or [""], longest=PIECES)  # (V, L)
        known = (tokens >= 0).any(dim=1)  # (V,): of others the vocabulary knows nothing
        if not known.any():
            raise DataError(
                f"{samples.origin}: none of its {len(texts):,} texts has a word that could stand for a label, stop "
                "words aside. Name another column with --text-column, or learn by labels alone: --learn-by labels."
            )
        if len(texts) > 1 and len(set(texts)) == 1:
            raise DataError(
                f"{samples.origin}: its {len(texts):,} texts are all the same: no word is one of others alone. Give "
                "others, or name another column with --text-column."
            )
        kept = {word: counts[word] for word, some in zip(words, known.tolist(), strict=False) if some}
        drawn = PseudoLabels(kept, positives=self.pseudo_labels, negatives=self.negatives)
        return LabelViews(views, drawn, tokens[known])

    def vocabulary_beside(self, samples: Samples) -> list[str]:
        """What the labels are called: a label of unknown words would say nothing."""
        from contrapose.encoders.texts.label_texts import label_text

        if not self.by_labels:
            return []
        return [label_text(name) for name in self.label_texts or samples.class_names or ()]

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders.matcher import matcher
        from contrapose.encoders.texts.label_texts import label_tokens, words_for_names
        from contrapose.learners import LabelMatching
        from contrapose.objectives import label_nce

        tokenizer = cast("TextEncoder", encoder).tokenizer

        def tokens(names: Any) -> Tensor:
            return label_tokens(tokenizer, self.label_texts or words_for_names(names))

        def objective(logits: Tensor, positive: Tensor, valid: Tensor) -> Tensor:
            return label_nce(logits, positive, valid, reduction="none")

        width = cast("Any", encoder).table.shape[1]
        return LabelMatching(
            encoder,
            matcher(
                self.matcher, encoder.dimension, width, hidden=self.projection_hidden, temperature=self.temperature
            ),
            objective,
            by_words=self.by_words,
            by_labels=self.by_labels,
            label_tokens=tokens,
            label_weight=self.label_weight,
            negatives=self.negatives,
            generator=generator,
        )
