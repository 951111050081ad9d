"""What a fit begins with: new weights for a table, pictures, texts or sequences, or those of an earlier training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.data import Images, Rows
from contrapose.data.frames import Frames
from contrapose.data.texts import Texts
from contrapose.encoders import Encoder, ImageEncoder, RowEncoder, Start, build, build_rows
from contrapose.encoders.frames import FrameEncoder, build_frames
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.modalities import MODALITIES
from contrapose.modalities.frame_forms import fitted_form

Data = Images | Rows | Texts | Frames
USUAL = {"rows": "mlp", "image": "small_conv", "text": "bag_of_words", "frames": "conv1d"}
"""Encoders by the kind of data. bag_of_words and not a transformer [design]: a fit of a few thousand texts then takes
seconds, as it does for tables."""


def untrained(data: Data, name: str, seed: int, options: Mapping[str, Any], *, max_length: int) -> Encoder:
    """A new encoder, fitted to the data: its statistics (of a table: see `ContrastiveEncoder._rescale`), its words."""
    if isinstance(data, Texts):
        return build_text(name, tokenizer_for(name, data.texts, max_length=max_length), seed=seed, **options)
    if isinstance(data, Rows):
        return build_rows(name, mean=[0.0] * len(data.columns), scale=[1.0] * len(data.columns), seed=seed, **options)
    if isinstance(data, Frames):
        return build_frames(name, fitted_form(data), seed=seed, **options)
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


def begun(start: Start, data: Data) -> Encoder:
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
    return encoder


def _misfit(encoder: Encoder, data: Data) -> str | None:
    """What differs between what an encoder takes and the data, in words."""
    if isinstance(encoder, RowEncoder) and isinstance(data, Rows) and encoder.features != len(data.columns):
        return f"{encoder.features} columns, and X has {len(data.columns)}"
    if isinstance(encoder, RowEncoder) and encoder.inputs != encoder.features:
        return "categories or missing values, and X is of numbers alone"
    if isinstance(encoder, FrameEncoder) and isinstance(data, Frames):
        form = encoder.frame_form
        if (form.joints, form.channels) != (data.joints, data.channels):
            return f"frames of shape {form.step}, and X has {data.step_in_words()}"
    if isinstance(encoder, ImageEncoder) and isinstance(data, Images):
        ours, theirs = (encoder.channels, encoder.image_size), (data.channels, data.image_size)
        if ours != theirs:
            return f"{ours[0]} channels of {ours[1]} pixels, and X has {theirs[0]} of {theirs[1]}"
    return None
