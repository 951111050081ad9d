"""`TextEncoder`: a backbone that carries its own vocabulary. This is what a run on texts exports."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.encoder import Encoder
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.texts.backbone import (
    TEXT_ENCODERS,
    LexicalBackbone,
    TextBackbone,
    TextFactory,
    TokenwiseBackbone,
)
from contrapose.encoders.texts.hugging_face import hf_text_backbone, hf_tokenizer
from contrapose.encoders.texts.tokenizer import MAX_LENGTH, Tokenizer
from contrapose.encoders.texts.vocabulary import train_tokenizer
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.padded import Padded
from contrapose.words import a_type

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm

TOKENIZER_FILE = "tokenizer.json"
HUGGING_FACE = "hf:"


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


class TokenwiseTextEncoder(TextEncoder):
    """A `TextEncoder` that has a vector for each token as well (the capability `Tokenwise`)."""

    backbone: TokenwiseBackbone

    def tokens(self, view: Padded) -> Float[Tensor, "B T D"]:
        """A vector for each token, before pooling; what stands at padding means nothing."""
        return self.backbone.tokens(self._checked(view))  # (B, T, D)

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        """The embedding that `forward` returns."""
        return self.backbone.pool(tokens, view)  # (B, D)


class LexicalTextEncoder(TokenwiseTextEncoder):
    """A `TokenwiseTextEncoder` that can be entered behind its table of tokens (the capability `Lexical`)."""

    backbone: LexicalBackbone

    @property
    def special(self) -> tuple[int, ...]:
        return self.tokenizer.special

    @property
    def table(self) -> Float[Tensor, "M E"]:
        return self.backbone.table

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return self.backbone.embed(self._checked(view))  # (B, T, E)

    def tokens_of(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B T D"]:
        return self.backbone.tokens_of(embedded, view)  # (B, T, D)


def build_text(name: str, tokenizer: Tokenizer, *, seed: int | None = None, **arguments: Any) -> TextEncoder:
    """A text encoder with new weights (or, for `hf:` with `pretrained=True`, with published ones).

    Arguments:
        name: one of `TEXT_ENCODERS`, or `hf:NAME`.
        tokenizer: what the texts become tokens with; `tokenizer_for` has the one that fits.
        seed: first weights that are the same every time, drawn without touching the global random state. `None`: they
            are drawn from torch's global state, as by any module.
        arguments: the encoder's own; see its factory. Unknown ones are refused.

    Errors:
        ArgumentError: an unknown name or argument, a value that the encoder cannot use.
        MissingExtraError: `hf:` without transformers.
    """
    make = text_factory_of(name)
    arguments = arguments_of(name, make, arguments, given=("tokenizer", "vocabulary", "max_length"))
    with seeded(seed):
        backbone = _made(make, tokenizer, arguments)
    return _kind_for(backbone)(backbone, tokenizer, name=name, arguments={**arguments, **backbone.remembered})


def _kind_for(backbone: TextBackbone) -> type[TextEncoder]:
    if isinstance(backbone, LexicalBackbone):
        return LexicalTextEncoder
    return TokenwiseTextEncoder if isinstance(backbone, TokenwiseBackbone) else TextEncoder


def tokenizer_for(
    name: str, texts: Sequence[str], *, max_length: int = MAX_LENGTH, kind: str | None = None, **options: Any
) -> Tokenizer:
    """The tokenizer of an encoder: of `hf:NAME` the published one, of all others one that is learned from `texts`.

    Arguments:
        kind: `"words"` or `"pieces"`; `None`: what the encoder does best with. For `hf:` any kind means that the
            vocabulary is learned from the texts all the same, which new weights can do with.
        options: of `train_tokenizer`.

    Errors:
        ArgumentError, DataError, MissingExtraError: as of `train_tokenizer` and `hf_tokenizer`.
    """
    if name.startswith(HUGGING_FACE) and kind is None:
        return hf_tokenizer(name.removeprefix(HUGGING_FACE), max_length=max_length)
    usual = "pieces" if name.startswith(HUGGING_FACE) else _known(name).tokenizer
    return train_tokenizer(texts, kind or usual, max_length=max_length, **options)


def rebuild_text(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> TextEncoder:
    """The encoder that `form` and its vocabulary describe, with new weights; nothing is fetched from anywhere.

    Arguments:
        name, arguments, form: as `encoder.json` has them.
        files: the further files of the folder, by name.

    Errors:
        ArgumentError: a description that nothing can be built of.
        MissingExtraError: `tokenizers`, or for `hf:` transformers, is not there.
    """
    if TOKENIZER_FILE not in files:
        raise ArgumentError(f"The vocabulary, {TOKENIZER_FILE}, is missing: export the encoder again.")
    tokenizer = Tokenizer.from_json(
        files[TOKENIZER_FILE], max_length=form["max_length"], pad=form.get("pad", 0), mask=form.get("mask")
    )
    if tokenizer.size != form["vocabulary"]:
        raise ArgumentError(
            f"{TOKENIZER_FILE} has {tokenizer.size} tokens and the encoder {form['vocabulary']}: they do not belong "
            "together. Export the encoder again."
        )
    if name.startswith(HUGGING_FACE) and not isinstance(arguments.get("config"), Mapping):
        raise ArgumentError(f"{name!r} comes without its config, which would have to be fetched.")
    offline = {key: False if key == "pretrained" else value for key, value in arguments.items()}
    return build_text(name, tokenizer, seed=seed, **offline)


def text_factory_of(name: str) -> Callable[..., TextBackbone]:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: a name that neither `TEXT_ENCODERS` nor the adapter of transformers knows.
    """
    if name.startswith(HUGGING_FACE):
        return functools.partial(hf_text_backbone, name.removeprefix(HUGGING_FACE))
    return _known(name).make


def _made(make: Callable[..., TextBackbone], tokenizer: Tokenizer, arguments: Mapping[str, Any]) -> TextBackbone:
    """A factory is told of the vocabulary what it asks for."""
    known = {"tokenizer": tokenizer, "vocabulary": tokenizer.size, "max_length": tokenizer.max_length}
    asked = inspect.signature(make).parameters
    return make(**{key: value for key, value in known.items() if key in asked}, **arguments)


def _known(name: str) -> TextFactory:
    if name not in TEXT_ENCODERS:
        known = [*TEXT_ENCODERS, f"{HUGGING_FACE}NAME"]
        raise ArgumentError(f"Unknown text encoder {name!r}.{did_you_mean(name, known)}")
    return TEXT_ENCODERS[name]
