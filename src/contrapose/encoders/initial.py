"""Trained weights as the start of another training: of a run, a folder, a hub, or an encoder in memory.

The encoder brings its architecture, its channels and its normalisation along: pictures are brought to what the weights
were trained with, not the other way round. Another picture size is possible where weights do not depend on it.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from contrapose.encoders.artifact import encoder_folder, load_encoder
from contrapose.encoders.backbone import ENCODERS
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.images.adapters import ADAPTERS, trained_size
from contrapose.encoders.images.factory import build
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.texts.factory import HUGGING_FACE
from contrapose.encoders.texts.published import published_name, published_text, takes_texts
from contrapose.errors import ArgumentError, ContraposeError
from contrapose.preparation import Fit, Preparation
from contrapose.words import a_type, capital

POSITIONS = ("positions", "pos_embed", "position_embeddings")  # the last word of a learned position's name
USUAL_SIDE = 224  # pixels that published weights were trained with, where nobody says otherwise
MOST_PREFIX_TOKENS = 5  # class, distillation and register tokens before the patches


@dataclass(frozen=True)
class Start:
    """Where training starts from.

    Arguments:
        source: what was given, in words.
        name: the encoder's, as `build` takes it.
        modality: the kind of data that it takes.
        make: the encoder; of pictures, for a side.
        channels: of pictures, C, to which they are brought.
        image_size: of pictures, their side in pixels; None: any, as the data have it.
        preparation: how the pictures became pixels that the weights were trained with.
    """

    source: str
    name: str
    modality: str
    make: Callable[[int | None], Encoder]
    channels: int | None = None
    image_size: int | None = None
    preparation: Preparation = field(default_factory=Preparation)

    def prepared(self, fit: str, white: float | None) -> tuple[Fit, float | None]:
        """How to open pictures for further training: as asked for, else as the weights are used to."""
        kept = self.preparation
        usual = kept.integers if kept.integers is not None else kept.floats
        return kept.fit if fit == Preparation.fit else cast(Fit, fit), usual if white is None else white

    def encoder(self, image_size: int | None = None) -> Encoder:
        """A copy of its own of the encoder, in float32 on the CPU; of pictures, for that side.

        Errors:
            ArgumentError: weights that are tied to another side, or that cannot be fetched.
        """
        return self.make(image_size).float().cpu().train()


def starting_point(
    init: Any, *, image_size: int | None = None, max_length: int | None = None, option: str = "--init"
) -> Start:
    """What `--init` or `init=` names.

    Arguments:
        init: a run folder, an encoder's folder, `timm:NAME` or `hf:NAME` (with their published weights), a folder as
            transformers writes it, an `Encoder`, or what holds one as `encoder` (an `Embedder`).
        image_size: the side asked for; None: that of the weights.
        max_length: of published models of texts, how many tokens of a text are read; None: as of all encoders of texts.
        option: what a person would say it with.

    Errors:
        ArgumentError: something else.
        RunError: no encoder there, or a damaged one.
        MissingExtraError: `timm:` or `hf:` without its library.
    """
    if isinstance(init, str | os.PathLike):
        place = os.fspath(init)
        name = place if is_published(place) else published_name(place)
        if name is not None and name.startswith(HUGGING_FACE) and takes_texts(name):
            return Start(place, name, "text", lambda _: published_text(name, max_length=max_length))
        if name is not None:
            size = image_size or trained_size(name)
            return Start(place, name, "image", lambda size: _published(name, size), channels=3, image_size=size)
        return _start_of(load_encoder(_folder(place, option)), place, image_size)
    found = init if isinstance(init, Encoder) else getattr(init, "encoder", None)
    if isinstance(found, Encoder):
        return _start_of(found, "an encoder given in Python", image_size)
    raise ArgumentError(
        f"{capital(a_type(init))} is no start for training: give a run folder, an encoder's folder, timm:NAME, "
        "hf:NAME, an encoder, or what contrapose.load returns."
    )


def is_published(init: Any) -> bool:
    """Whether it is `timm:NAME` or `hf:NAME`: published weights by their name."""
    return isinstance(init, str) and init.partition(":")[0] in ADAPTERS and ":" in init


def fingerprint_of(network: nn.Module) -> str:
    """A hash of the weights and, of an encoder, of what was fitted to the data."""
    digest = hashlib.sha256((network.name if isinstance(network, Encoder) else type(network).__qualname__).encode())
    if isinstance(network, Encoder) and not isinstance(network, ImageEncoder):
        digest.update(json.dumps(network.form, sort_keys=True).encode())  # of pictures it is among the weights
    for name, tensor in sorted(network.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _start_of(encoder: Encoder, source: str, image_size: int | None) -> Start:
    if not isinstance(encoder, ImageEncoder):
        return Start(source, encoder.name, encoder.modality, lambda _: copy.deepcopy(encoder))
    return Start(
        source,
        encoder.name,
        encoder.modality,
        lambda size: _resized(encoder, size or encoder.image_size, source),
        channels=encoder.channels,
        image_size=image_size or encoder.image_size,
        preparation=encoder.preparation,
    )


def _folder(init: str, option: str) -> Path:
    path = Path(init).expanduser()
    if init in ENCODERS and not path.exists():
        raise ArgumentError(
            f"{init} is the name of an encoder, not of trained weights: --encoder {init} trains one from the start, "
            f"and {option} takes a run folder, timm:NAME or hf:NAME."
        )
    return encoder_folder(path)


def _published(name: str, image_size: int | None) -> ImageEncoder:
    try:
        return build(name, channels=3, image_size=image_size or USUAL_SIDE, pretrained=True)
    except ContraposeError:
        raise
    except Exception as error:  # network, authorisation: many types of as many packages
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ArgumentError(
            f"The published weights of {name} cannot be fetched ({reason}). Check the name and the connection."
        ) from error


def _resized(encoder: ImageEncoder, image_size: int, source: str) -> ImageEncoder:
    """A copy for another picture size: convolutions do not mind, and learned positions are resampled."""
    if image_size == encoder.image_size:
        return copy.deepcopy(encoder)
    arguments = {**encoder.arguments, **encoder.backbone.chosen_by_size}
    arguments = {key: False if key == "pretrained" else value for key, value in arguments.items()}
    try:
        made = build(encoder.name, channels=encoder.channels, image_size=image_size, seed=0, **arguments)
        made.load_state_dict(_fitting(encoder.state_dict(), made.state_dict()))
    except (ArgumentError, RuntimeError) as error:
        raise ArgumentError(
            f"The weights of {source} were trained on pictures of {encoder.image_size} pixels and cannot be used for "
            f"{image_size} (encoder {encoder.name}: {str(error).strip().splitlines()[-1].strip()}). "
            f"Take --image-size {encoder.image_size}, or leave it out."
        ) from error
    return made


def _fitting(trained: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trained tensors, learned positions resampled to the grid that is wanted."""
    fitting = {}
    for name, tensor in trained.items():
        other = wanted.get(name)
        resample = other is not None and other.shape != tensor.shape and name.split(".")[-1] in POSITIONS
        fitting[name] = _resample(tensor, other.shape[1]) if resample and other is not None else tensor
    return fitting


def _resample(positions: Tensor, tokens: int) -> Tensor:
    """Positions of a square grid of patches, after some tokens that have none, on another grid.

    Shapes:
        positions: `(1, T, D)`; returns `(1, tokens, D)`.
    """
    for prefix in range(MOST_PREFIX_TOKENS + 1):
        old, new = math.isqrt(positions.shape[1] - prefix), math.isqrt(max(0, tokens - prefix))
        if old**2 + prefix == positions.shape[1] and new**2 + prefix == tokens and new:
            grid = positions[:, prefix:].unflatten(1, (old, old)).permute(0, 3, 1, 2)  # (1, D, old, old)
            grid = interpolate(grid.float(), (new, new), mode="bicubic", antialias=True)  # (1, D, new, new)
            patches = grid.flatten(2).mT.to(positions.dtype)  # (1, new * new, D)
            return torch.cat([positions[:, :prefix], patches], dim=1)  # (1, tokens, D)
    return positions  # of no square grid: loading says that it does not fit
