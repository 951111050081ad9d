"""Encoders of texts: tokenizers, backbones, and the two together."""

from contrapose.encoders.texts import bag_of_words, transformer, word_conv  # noqa: F401  (registers them)
from contrapose.encoders.texts.backbone import TEXT_ENCODERS, TextBackbone, TokenwiseBackbone, text_encoder
from contrapose.encoders.texts.factory import build_text, tokenizer_for
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.encoders.texts.vocabulary import train_tokenizer

__all__ = [
    "TEXT_ENCODERS",
    "TextBackbone",
    "TextEncoder",
    "Tokenizer",
    "TokenwiseBackbone",
    "build_text",
    "text_encoder",
    "tokenizer_for",
    "train_tokenizer",
]
