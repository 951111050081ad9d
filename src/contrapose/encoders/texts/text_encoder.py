"""`TextEncoder`: a backbone that carries its own vocabulary. This is what a run on texts exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.by_length import by_length
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.in_chunks import by_rows
from contrapose.encoders.texts.backbone import (
    LexicalBackbone,
    TabledBackbone,
    TextBackbone,
    TokenwiseBackbone,
)
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.words import a_type

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm

TOKENIZER_FILE = "tokenizer.json"


class TextEncoder(Encoder):
    """Texts to embeddings.

        z = encoder(encoder.prepare(["some words", "others"]))

    Shapes:
        prepare: B texts to `Padded` numbers `(B, T)`, T at most `max_length`; what is too long is cut.
        forward: returns `(B, dimension)`. How a text is padded, and beside which others, changes nothing.

    Arguments:
        backbone: what turns numbers of tokens into features.
        tokenizer: what turns texts into numbers of tokens.
        name, arguments: how `build_text` made it; written into `encoder.json`.

    Errors:
        ArgumentError: something else than texts, or tokens that the vocabulary does not have.
    """

    def __init__(
        self, backbone: TextBackbone, tokenizer: Tokenizer, *, name: str, arguments: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.name = name
        self.arguments = dict(arguments)

    @property
    def form(self) -> dict[str, Any]:
        tokenizer = self.tokenizer
        return {
            "modality": "text",
            "max_length": tokenizer.max_length,
            "vocabulary": tokenizer.size,
            "pad": tokenizer.pad,
            "mask": tokenizer.mask,
        }

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    def prepare(self, raw: Sequence[str] | Padded) -> Padded:
        """Texts as numbers of tokens; `Padded` that are numbers already stay as they are."""
        return raw if isinstance(raw, Padded) else self.tokenizer.encode(raw)

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return self.backbone(self._checked(view))  # (B, D)

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary."""
        return {TOKENIZER_FILE: self.tokenizer.to_json()}

    def _checked(self, view: Padded) -> Padded:
        if not isinstance(view, Padded):
            raise ArgumentError(
                f"Encoder {self.name!r} takes numbers of tokens (Padded) and was given {a_type(view)}: "
                "give encoder.prepare(texts)."
            )
        if view.device.type == "cpu" and view.values.numel() and int(view.values.max()) >= self.tokenizer.size:
            raise ArgumentError(
                f"Token {int(view.values.max())} does not exist: the vocabulary of encoder {self.name!r} has tokens 0 "
                f"to {self.tokenizer.size - 1}. Prepare the texts with the encoder that is to take them."
            )
        return view

    def onnx_form(self) -> OnnxForm:
        """From numbers of tokens on."""
        from contrapose.encoders.texts.onnx_form import onnx_form

        return onnx_form(self.backbone, self.tokenizer)

    def extra_repr(self) -> str:
        return f"name={self.name!r}, vocabulary={self.tokenizer.size}, dimension={self.dimension}"


class TabledTextEncoder(TextEncoder):
    """A `TextEncoder` whose table of tokens can be read (the capability `Tabled`), and that can be entered behind it
    (`Enterable`)."""

    backbone: TabledBackbone

    @property
    def table(self) -> Float[Tensor, "M E"]:
        return self.backbone.table

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return self.backbone.embed(self._checked(view))  # (B, T, E)

    def entered(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B D"]:
        return self.backbone.entered(embedded, view)  # (B, D)


class TokenwiseTextEncoder(TextEncoder):
    """A `TextEncoder` that has a vector for each token as well (the capability `Tokenwise`)."""

    backbone: TokenwiseBackbone

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return by_length(self.backbone, self._checked(view))  # (B, D)

    @by_rows
    def tokens(self, view: Padded) -> Float[Tensor, "B T D"]:
        """A vector for each token, before pooling; what stands at padding means nothing."""
        return self.backbone.tokens(self._checked(view))  # (B, T, D)

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        """The embedding that `forward` returns."""
        return self.backbone.pool(tokens, view)  # (B, D)


class LexicalTextEncoder(TokenwiseTextEncoder):
    """A `TokenwiseTextEncoder` that can be entered behind its table of tokens (the capabilities `Lexical` and
    `Enterable`)."""

    backbone: LexicalBackbone

    @property
    def special(self) -> tuple[int, ...]:
        return self.tokenizer.special

    @property
    def slots(self) -> int:
        return self.backbone.slots

    @property
    def table(self) -> Float[Tensor, "M E"]:
        return self.backbone.table

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return self.backbone.embed(self._checked(view))  # (B, T, E)

    def tokens_of(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B T D"]:
        return self.backbone.tokens_of(embedded, view)  # (B, T, D)

    def entered(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B D"]:
        return self.backbone.entered(embedded, view)  # (B, D)
