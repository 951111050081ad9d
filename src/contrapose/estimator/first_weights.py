"""What a fit begins with: new weights, or those of an earlier training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.data import Images, Rows, Samples
from contrapose.data.texts import Texts
from contrapose.encoders import Encoder, ImageEncoder, RowEncoder, Start, build, build_rows
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.estimator.other_kinds import untrained_other
from contrapose.modalities import MODALITIES

USUAL = {"rows": "mlp", "image": "small_conv", "text": "bag_of_words"}
"""Encoders by the kind of data. bag_of_words and not a transformer [design]: a fit of a few thousand texts then takes
seconds, as it does for tables. Of other kinds: that of their options."""


def usual_encoder(kind: str) -> str:
    """The name of the encoder of a kind of data, where none is asked for."""
    options: Any = None if kind in USUAL else MODALITIES[kind].options()
    return USUAL[kind] if options is None else str(options.encoder)


def untrained(data: Samples, config: Any, options: Mapping[str, Any], *, max_length: int) -> Encoder:
    """A new encoder, fitted to the data: its statistics (of a table: see `ContrastiveEncoder._rescale`), its words."""
    name, seed = config.encoder, config.seed
    if isinstance(data, Texts):
        return build_text(name, tokenizer_for(name, data.texts, max_length=max_length), seed=seed, **options)
    if isinstance(data, Rows):
        return build_rows(name, mean=[0.0] * len(data.columns), scale=[1.0] * len(data.columns), seed=seed, **options)
    if not isinstance(data, Images):
        return untrained_other(data, config, options)
    mean, std = data.statistics()
    return build(
        name,
        channels=data.channels,
        image_size=data.image_size,
        mean=mean,
        std=std,
        seed=seed,
        preparation=data.preparation,
        **options,
    )


def begun(start: Start, data: Samples) -> Encoder:
    """The encoder to go on with, where it fits the data."""
    if start.modality != data.modality:
        ours = "tables" if start.modality == "rows" else MODALITIES[start.modality].plural
        theirs = (
            f"a table of {len(data.columns)} columns" if isinstance(data, Rows) else MODALITIES[data.modality].plural
        )
        raise ArgumentError(f"The weights of init are of {ours}, and X is {theirs}. Leave init out.")
    encoder = start.encoder(data.image_size if isinstance(data, Images) else None)
    wrong = _misfit(encoder, data)
    if wrong:
        raise ArgumentError(f"The weights of init take {wrong}. Leave init out, or give an encoder of such data.")
    if isinstance(encoder, ImageEncoder) and isinstance(data, Images):
        encoder.preparation = data.preparation
    if data.modality not in USUAL:
        MODALITIES[data.modality].settle(encoder, data)
    return encoder


def _misfit(encoder: Encoder, data: Samples) -> str | None:
    """What differs between what an encoder takes and the data, in words."""
    if isinstance(encoder, RowEncoder) and isinstance(data, Rows) and encoder.features != len(data.columns):
        return f"{encoder.features} columns, and X has {len(data.columns)}"
    if isinstance(encoder, RowEncoder) and encoder.inputs != encoder.features:
        return "categories or missing values, and X is of numbers alone"
    if isinstance(encoder, ImageEncoder) and isinstance(data, Images):
        ours, theirs = (encoder.channels, encoder.image_size), (data.channels, data.image_size)
        if ours != theirs:
            return f"{ours[0]} channels of {ours[1]} pixels, and X has {theirs[0]} of {theirs[1]}"
    return None
