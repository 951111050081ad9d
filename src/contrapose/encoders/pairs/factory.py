"""`build_towers`: two towers from the names of their encoders."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from contrapose.encoders.arguments import count
from contrapose.encoders.factory import seeded
from contrapose.encoders.images.factory import build, rebuild_image
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.pairs.clip_models import HUGGING_FACE, rebuild_clip_model
from contrapose.encoders.pairs.towers import Towers
from contrapose.encoders.texts.factory import build_text, rebuild_text, text_factory_of
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.encoders.texts.tokenizer import Tokenizer
from contrapose.errors import ArgumentError

TOWERS = "towers"
"""What `encoder.json` calls two towers that the house has put together."""


def build_towers(
    image_encoder: str,
    text_encoder: str,
    *,
    channels: int,
    image_size: int,
    tokenizer: Tokenizer,
    width: int = 128,
    strong_hidden: int = 0,
    text_dropout: float | None = None,
    seed: int | None = None,
    image_arguments: Mapping[str, Any] | None = None,
    text_arguments: Mapping[str, Any] | None = None,
    **prepared: Any,
) -> Towers:
    """Two towers with new weights and heads into one space.

    Arguments:
        image_encoder, text_encoder: names as `build` and `build_text` take them.
        channels, image_size: of the pictures; `prepared`: mean, std and preparation, as `build` has them.
        tokenizer: what texts become tokens with; `tokenizer_for` has the one that fits.
        width: D, dimensions of the common space.
        strong_hidden: hidden units of strong heads besides; 0: none.
        text_dropout: of the text tower; None: as the encoder has it.
        seed: first weights that are the same every time.
        image_arguments, text_arguments: the encoders' own.

    Errors:
        ArgumentError: an unknown encoder or argument, a value that cannot be used.
    """
    image = build(
        image_encoder,
        channels=channels,
        image_size=image_size,
        seed=seed,
        **prepared,
        **(image_arguments or {}),
    )
    own = {**_dropout(text_encoder, text_dropout), **(text_arguments or {})}
    text = build_text(text_encoder, tokenizer, seed=None if seed is None else seed + 1, **own)
    return joined_towers(image, text, width=width, strong_hidden=strong_hidden, seed=seed)


def joined_towers(
    image: ImageEncoder, text: TextEncoder, *, width: int = 128, strong_hidden: int = 0, seed: int | None = None
) -> Towers:
    """Two towers of encoders that are there already, trained ones for instance, with new heads."""
    arguments = {
        "image": {"encoder": image.name, "arguments": image.arguments},
        "text": {"encoder": text.name, "arguments": text.arguments},
        "width": count(width, "width"),
        "strong_hidden": count(strong_hidden, "strong_hidden", least=0),
    }
    with seeded(seed):
        return Towers(image, text, name=TOWERS, arguments=arguments, width=width, strong_hidden=strong_hidden)


def _dropout(text_encoder: str, share: float | None) -> dict[str, float]:
    """As an argument of the text encoder, where it has one.

    Errors:
        ArgumentError: it has none, and numbers are to be dropped.
    """
    if share is None:
        return {}
    if "dropout" in inspect.signature(text_factory_of(text_encoder)).parameters:
        return {"dropout": share}
    if share:
        raise ArgumentError(
            f"text_dropout is {share:g} (--text-dropout), and the text encoder {text_encoder!r} drops nothing: set it "
            "to "
            "0, or take --text-encoder transformer."
        )
    return {}


def rebuild_towers(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> Towers:
    """The towers that `encoder.json` describes, with new weights; nothing is fetched from anywhere.

    Errors:
        ArgumentError: a description that nothing can be built of.
    """
    tower_factory_of(name)
    if name.startswith(HUGGING_FACE):
        return rebuild_clip_model(name, arguments, form, files, seed)
    parts = [arguments.get(side) for side in ("image", "text")]
    if not all(isinstance(part, Mapping) and {"encoder", "arguments"} <= part.keys() for part in parts):
        raise ArgumentError(
            "Its arguments do not say what the towers are: image and text, each with encoder, arguments."
        )
    one, other = arguments["image"], arguments["text"]
    return joined_towers(
        rebuild_image(one["encoder"], one["arguments"], form["image"], {}, seed),
        rebuild_text(other["encoder"], other["arguments"], form["text"], files, seed + 1),
        width=arguments["width"],
        strong_hidden=arguments["strong_hidden"],
        seed=seed,
    )


def tower_factory_of(name: str) -> str:
    """Pass a name of which towers can be made again.

    Errors:
        ArgumentError: another one.
    """
    if name != TOWERS and not name.startswith(HUGGING_FACE):
        raise ArgumentError(f"Unknown towers {name!r}: they are {TOWERS}, or {HUGGING_FACE}NAME of a CLIP-like model.")
    return name
