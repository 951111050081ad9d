"""What methods of sentences share: whole texts told apart by dropout, and the options of SimCSE's softmax."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.errors import ArgumentError, DataError
from contrapose.methods.method import Method, name_of
from contrapose.modalities import modality_of

if TYPE_CHECKING:
    from torch import Tensor, nn

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.learners import MaskedLanguage
    from contrapose.learners.drawn_pairs import Drawn


@dataclass(frozen=True, kw_only=True)
class SentenceMethod(Method):
    """A method for texts whose views are the whole text twice: inherit this in place of `Method`."""

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    kinds_note: ClassVar[str] = "for it is the dropout in their encoders that tells two views of one apart"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}

    batch_size: int = 64
    """Samples per process and step. 64: the authors' with BERT-base."""
    projection_layers: int = 1
    """Linear maps of the projection head, with a tanh behind the last. 1: the authors' pooler, which is used in
    training alone; 0 compares the embeddings themselves."""
    projection_dimension: int = 128
    """D, the dimension in which the loss compares. 128, as many as the encoders of texts have here; the authors' is
    their encoder's too."""
    temperature: float = 0.05
    """Sharpness of the softmax. 0.05: the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check_views(2, 2)

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What makes the views of these texts.

        Errors:
            DataError: all are the same.
        """
        check_texts_differ(samples)
        return views

    def sentence_head(self, encoder: Encoder) -> nn.Module:
        """The projection head, its outputs within -1 and 1."""
        return sentence_head(self, encoder)

    def check_twins(self, encoder: Encoder) -> None:
        """Pass an encoder that makes two things of one text, where nothing but it tells views apart.

        Errors:
            ArgumentError: it has no dropout.
        """
        import torch

        if not self.views.are_copies:
            return
        view = modality_of(encoder).made_up(encoder, 2, 0).to(encoder.device)
        training = encoder.training
        encoder.train()
        with torch.no_grad():
            same = torch.equal(encoder(view), encoder(view))
        encoder.train(training)
        if same:
            raise ArgumentError(
                f"{name_of(self)} tells the two views of a text apart by dropout alone, and this {encoder.name} has "
                "none: give one with dropout, or let words be left out (--views.delete 0.1)."
            )


@dataclass(frozen=True, kw_only=True)
class TwinMethod(SentenceMethod):
    """A `SentenceMethod` that may guess hidden words of the text besides, as SimCSE's option has it."""

    mlm_weight: float = 0.0
    """How much guessing hidden words of the text counts beside (needs an encoder with tokens in context and a
    vocabulary with [MASK]). 0: not at all, as in the authors' runs; their option has 0.1."""
    hard_weight: float = 0.0
    """Logarithm of the weight of an anchor's own hard negative. 0: that of all others, the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("mlm_weight", self.mlm_weight >= 0, "0 or more")
        self._check("hard_weight", self.hard_weight < math.inf, "a number, or -inf")

    def language(self, encoder: Encoder) -> MaskedLanguage | None:
        """What guesses hidden words, where that counts.

        Errors:
            ArgumentError: an encoder without tokens in context, or a vocabulary without [MASK].
        """
        from contrapose.learners import MaskedLanguage

        return MaskedLanguage(encoder) if self.mlm_weight else None

    def objective(self, drawn: Drawn, rows: Tensor | None) -> Tensor:
        """SimCSE's softmax over what was drawn for the anchors."""
        from contrapose.objectives import simcse

        return simcse(
            drawn.anchors,
            drawn.positives,
            drawn.negatives,
            weights=drawn.weights,
            ignored=drawn.ignored,
            log_weight=self.hard_weight,
            temperature=self.temperature,
            rows=rows,
        )


def check_texts_differ(samples: Samples) -> None:
    """Pass texts of which two at least are not the same.

    Errors:
        DataError: all are.
    """
    texts = cast("Texts", samples).texts
    if len(texts) > 1 and len(set(texts)) == 1:
        raise DataError(
            f"{samples.origin}: its {len(texts):,} texts are all the same: there is nothing to tell them from. "
            "Give others, or name another column with --text-column."
        )


def sentence_head(config: Method, encoder: Encoder) -> nn.Module:
    """A projection head as SimCSE has it: linear maps, and a tanh that holds what comes out within -1 and 1."""
    from torch import nn

    head = config.head(encoder.dimension)
    return nn.Sequential(head, nn.Tanh()) if config.projection_layers else head
