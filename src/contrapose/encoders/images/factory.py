"""`build`: an encoder of pictures from its name."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from contrapose.encoders.arguments import count
from contrapose.encoders.backbone import ENCODERS, Backbone, Factory
from contrapose.encoders.concatenated import CONCATENATED, ConcatenatedBackbone, parts_of
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.images.adapters import ADAPTERS
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.images.layered import encoder_class
from contrapose.errors import ArgumentError, did_you_mean
from contrapose.preparation import Preparation


def build(
    name: str,
    *,
    channels: int,
    image_size: int,
    mean: object = None,
    std: object = None,
    seed: int | None = None,
    preparation: Preparation | None = None,
    **arguments: Any,
) -> ImageEncoder:
    """An encoder with new weights (or, for `timm:` and `hf:` with `pretrained=True`, with published ones).

    Arguments:
        name: one of `ENCODERS`, or `timm:NAME`, or `hf:NAME`.
        channels: C of the pictures; the number of columns for rows of numbers.
        image_size: side of the pictures in pixels; 1 for rows of numbers.
        mean, std: statistics of each channel on the scale of [0, 1], a number standing for all. `None`: those
            that pretrained weights came with, otherwise 0.5 and 0.5, which maps [0, 1] onto [-1, 1].
        seed: first weights that are the same every time, drawn without touching the global random state.
            `None`: they are drawn from torch's global state, as by any module.
        preparation: how pictures become pixels, as `Images.preparation` says of those it is going to be trained on.
        arguments: the encoder's own; see its factory. Unknown ones are refused.

    Errors:
        ArgumentError: an unknown name or argument, a value that the encoder cannot use.
        MissingExtraError: `timm:` or `hf:` without timm or transformers.
    """
    channels, image_size = count(channels, "channels"), count(image_size, "image_size")
    factory = factory_of(name)
    arguments = arguments_of(name, factory, arguments, given=("channels", "image_size"))
    with seeded(seed):
        backbone = factory(channels=channels, image_size=image_size, **arguments)
    known_mean, known_std = _per_channel(backbone, channels)
    return encoder_class(backbone)(
        backbone,
        name=name,
        arguments={**arguments, **backbone.remembered},
        channels=channels,
        image_size=image_size,
        mean=known_mean if mean is None else mean,
        std=known_std if std is None else std,
        preparation=preparation,
    )


def factory_of(name: str) -> Factory:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: a name that neither `ENCODERS` nor an adapter knows.
    """
    prefix, colon, rest = name.partition(":")
    if colon and prefix in ADAPTERS:
        return functools.partial(ADAPTERS[prefix], rest)
    if name == CONCATENATED:
        return _concatenated
    if name not in ENCODERS:
        known = [*ENCODERS, *(f"{adapter}:NAME" for adapter in ADAPTERS)]
        raise ArgumentError(f"Unknown encoder {name!r}.{did_you_mean(name, known)}")
    return ENCODERS[name]


def rebuild_image(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> ImageEncoder:
    """The encoder that `form` describes, with new weights; nothing is fetched from anywhere."""
    if name.startswith("hf:") and not isinstance(arguments.get("config"), dict):
        raise ArgumentError(f"{name!r} comes without its config, which would have to be fetched.")
    arguments = {key: False if key == "pretrained" else value for key, value in arguments.items()}
    preparation = Preparation.from_json(form.get("preparation", {}))
    sizes = {"channels": form["channels"], "image_size": form["image_size"]}
    return build(name, **sizes, seed=seed, preparation=preparation, **arguments)


def _concatenated(*, channels: int, image_size: int, parts: Any, normalize: bool = True) -> Backbone:
    """Several of them side by side."""

    def make(name: str, **arguments: Any) -> Backbone:
        return factory_of(name)(channels=channels, image_size=image_size, **arguments)

    return ConcatenatedBackbone(*parts_of(parts, normalize, make), normalize=normalize)


def _per_channel(backbone: Backbone, channels: int) -> tuple[object, object]:
    """The backbone's own statistics, averaged where its weights were adapted to other channels."""
    if backbone.statistics is None:
        return 0.5, 0.5
    mean, std = (
        list(values) if len(values) == channels else sum(values) / len(values) for values in backbone.statistics
    )
    return mean, std
