"""What methods share that put other tokens into a text: one view, a small generator, and its options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from contrapose.methods.method import Method
from contrapose.methods.sentences import check_texts_differ

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.learners import TokenGenerator


@dataclass(frozen=True, kw_only=True)
class TokenMethod(Method):
    """A method for texts that learns from tokens which a small network makes up: inherit this in place of `Method`."""

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    kinds_note: ClassVar[str] = "for it puts other tokens in the place of some"
    needs: ClassVar[tuple[str, ...]] = ("tokens in context",)
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one, the whole text: other tokens are put into it, and no word has to go"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}

    batch_size: int = 64
    """Samples per process and step. [design] 64, as of the other methods of texts."""
    mask_share: float = 0.15
    """Share of the tokens that are hidden and drawn anew. 0.15: that of BERT and ELECTRA."""
    generator_width: float = 0.25
    """Width of the network that draws them, in parts of the encoder's. 1/4: ELECTRA's finding; wider ones fool it too
    well."""
    generator_blocks: int = 2
    """Blocks of that network. [design] 2, as many as the small transformer has; ELECTRA's has as many as its
    encoder."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("views", self.views.total() == self.view_count, f"{self.view_count} of each text")
        self._check("mask_share", 0 < self.mask_share < 1, "between 0 and 1")
        self._check("generator_width", 0 < self.generator_width <= 1, "above 0 and at most 1")
        self._check("generator_blocks", self.generator_blocks >= 1, "at least 1")

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What makes the views of these texts.

        Errors:
            DataError: all are the same.
        """
        check_texts_differ(samples)
        return views

    def token_generator(self, encoder: Encoder) -> TokenGenerator:
        """The network that makes tokens up, with the encoder's table."""
        from contrapose.learners import TokenGenerator

        return TokenGenerator(encoder, width=self.generator_width, blocks=self.generator_blocks, share=self.mask_share)
