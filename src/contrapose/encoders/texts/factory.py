"""`build_text`: an encoder of texts from its name, and the tokenizer that fits it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contrapose.encoders.concatenated import CONCATENATED, parts_of
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.texts.backbone import (
    TEXT_ENCODERS,
    LexicalBackbone,
    TabledBackbone,
    TextBackbone,
    TextFactory,
    TokenwiseBackbone,
)
from contrapose.encoders.texts.concatenated import ConcatenatedTextBackbone
from contrapose.encoders.texts.hugging_face import hf_text_backbone, hf_tokenizer
from contrapose.encoders.texts.slots import with_slots
from contrapose.encoders.texts.text_encoder import (
    TOKENIZER_FILE,
    LexicalTextEncoder,
    TabledTextEncoder,
    TextEncoder,
    TokenwiseTextEncoder,
)
from contrapose.encoders.texts.tokenizer import MAX_LENGTH, Tokenizer
from contrapose.encoders.texts.vocabulary import train_tokenizer
from contrapose.errors import ArgumentError, did_you_mean

HUGGING_FACE = "hf:"


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
    tokenizer = with_slots(tokenizer, arguments.get("slots", 1))
    with seeded(seed):
        backbone = _made(make, tokenizer, arguments)
    return _kind_for(backbone)(backbone, tokenizer, name=name, arguments={**arguments, **backbone.remembered})


def _kind_for(backbone: TextBackbone) -> type[TextEncoder]:
    if isinstance(backbone, LexicalBackbone):
        return LexicalTextEncoder
    if isinstance(backbone, TabledBackbone):
        return TabledTextEncoder
    return TokenwiseTextEncoder if isinstance(backbone, TokenwiseBackbone) else TextEncoder


def tokenizer_for(
    name: str, texts: Sequence[str], *, max_length: int = MAX_LENGTH, kind: str | None = None, **options: Any
) -> Tokenizer:
    """The tokenizer of an encoder: of `hf:NAME` the published one, of all others one that is learned from `texts`.

    Arguments:
        kind: `"words"`, `"pieces"` or `"urls"`; `None`: what the encoder does best with. For `hf:` any kind means
            that the vocabulary is learned from the texts all the same, which new weights can do with.
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
    return _concatenated if name == CONCATENATED else _known(name).make


def _concatenated(*, tokenizer: Tokenizer, parts: Any, normalize: bool = True) -> TextBackbone:
    """Several of them side by side, which read with one vocabulary."""

    def make(name: str, **arguments: Any) -> TextBackbone:
        return _made(text_factory_of(name), tokenizer, arguments)

    made, _ = parts_of(parts, normalize, make)
    return ConcatenatedTextBackbone(made, normalize=normalize)


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
