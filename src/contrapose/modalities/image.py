"""Pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.errors import ArgumentError
from contrapose.modalities.expected import expected_of_photographs
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.images.options import ImageViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Images, Samples
    from contrapose.data.problems import Problem
    from contrapose.encoders import Encoder, ImageEncoder, Start

_PYTHON = ("cache", "channels", "preparation", "masks")  # options of `open_data` that no method has


@dataclass(frozen=True, kw_only=True)
class ImageOptions(Options):
    """What a method has on pictures."""

    views: ImageViews = field(default_factory=ImageViews)
    """How views are made."""
    encoder: str = "small_conv"
    """Backbone: small_conv, tiny_conv, micro_conv, dense_conv, resnet18, resnet34, resnet50, vit_micro, vit_mini,
    vit_tiny, vit_small, mlp, no_down_conv and resnet50_no_down (full resolution first), timm:NAME or hf:NAME."""
    image_column: str | None = None
    """Column of a table, or array of an .npz, with the pictures or their paths. Default: one with a usual name (image,
    path, file, ...)."""
    image_size: int | None = None
    """Working resolution in pixels. Default: as stored up to 96, else 64."""
    fit: Literal["crop", "pad"] = "crop"
    """Pictures that are not square: crop keeps their central square, pad the whole picture with its edge continued."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: by the range of them all."""
    workers: int | None = None
    """Processes that decode photos. Default: one per core."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("image_size", "workers", "white"):
            self._check(name, getattr(self, name) is None or getattr(self, name) > 0, "above 0")
        self._check_choice("fit", ("crop", "pad"))


class _Image(Modality):
    name, noun, plural = "image", "picture", "pictures"
    options: ClassVar[type[Options]] = ImageOptions
    reading = ("image_column", "image_size", "fit", "white", "workers")
    floor_name = "raw pixels"
    pipeline_tag, example = "image-feature-extraction", '"photos/"'
    class_tag = "image-classification"
    drawn = True

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data import open_data

        return open_data(spec, **check_reading(self, reading, python=_PYTHON))

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        from contrapose.data import open_data

        encoder = cast("ImageEncoder", encoder)
        reading = {"preparation": encoder.preparation, **check_reading(self, reading, python=_PYTHON)}
        return open_data(spec, image_size=encoder.image_size, channels=encoder.channels, **reading)

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, **{"preparation": cast("Images", samples).preparation, **reading})

    def as_query(self, query: Any) -> Any:
        import os
        from pathlib import Path

        from PIL.Image import Image

        from contrapose.data.files.walk import SUFFIXES

        named = isinstance(query, str | os.PathLike) and Path(query).suffix.lower() in SUFFIXES
        return [query] if isinstance(query, Image) or (named and Path(query).is_file()) else query

    def start(self, init: Any, config: Any) -> Start:
        from contrapose.encoders import starting_point

        return starting_point(init, image_size=config.image_size, option=config.start_option)

    def started(self, start: Start, samples: Samples) -> Encoder:
        return start.encoder(cast("Images", samples).image_size)

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        fit, white = start.prepared(config.fit, config.white)
        return {"image_size": start.image_size, "channels": start.channels, "fit": fit, "white": white}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders import build

        images = cast("Images", samples)
        mean, std = images.statistics()
        size, channels = images.image_size, images.channels
        given: dict[str, Any] = {"mean": mean, "std": std, "seed": config.seed, **config.encoder_arguments}
        return build(config.encoder, channels=channels, image_size=size, **given)

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views import ViewGenerator

        images = cast("Images", samples)
        resolved = options.resolve(images.channels, images.image_size)
        return ViewGenerator(resolved, channels=images.channels, image_size=images.image_size)

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views import ViewAdapter, ViewGenerator

        return views if isinstance(views, ViewGenerator | ViewAdapter) else ViewAdapter(views, count=options.count)

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        import torch

        encoder = cast("ImageEncoder", encoder)
        shape = (size, encoder.channels, encoder.image_size, encoder.image_size)
        return torch.rand(shape, generator=torch.Generator().manual_seed(seed))  # (B, C, S, S)

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.images.problems import picture_problems

        return picture_problems(cast("Images", samples))

    def used_as(self, samples: Samples) -> str:
        images = cast("Images", samples)
        return f"used as {images.channels} x {images.image_size} x {images.image_size}"

    def one_of(self, samples: Samples, row: int, source: Any) -> str:
        """Width and height in the file, where the sample is one."""
        from contrapose.data.images.files import size_in_file

        found = size_in_file(samples.identifiers[row], source)
        return "" if found is None else f"{found[0]} x {found[1]}"

    def expected(self, samples: Samples) -> str | None:
        from contrapose.data.files.known_sets import MADE_BY_NAME

        photographs = cast("Images", samples).channels == 3 and not samples.origin.startswith(MADE_BY_NAME)
        return expected_of_photographs(len(samples)) if photographs else None

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        import numpy as np

        def raw(samples: Samples) -> np.ndarray:
            pixels = cast("Images", samples).pixels  # (N, C, H, W)
            rows = pixels.reshape(len(pixels), -1).astype(np.float32)  # (N, C·H·W)
            # A black picture has no direction, and so no cosine; one grey level more in every pixel gives it one.
            return (rows if rows.any(axis=1).all() else rows + 1) / 255

        return raw

    def takes(self, encoder: Encoder) -> list[str]:
        encoder = cast("ImageEncoder", encoder)
        mean, std = (", ".join(f"{value:.4g}" for value in found.tolist()) for found in (encoder.mean, encoder.std))
        shape = f"(B, {encoder.channels}, {encoder.image_size}, {encoder.image_size})"
        return [
            f"Input: `{shape}`, uint8 or float in [0, 1]. `embed` resizes and converts.",
            f"Normalisation is inside: mean {mean}, standard deviation {std} of each channel.",
        ]

    def limit(self, seen: int, form: dict[str, Any]) -> str:
        side = form["image_size"]
        return (
            f"It has seen {seen:,} training pictures, at {side} x {side} pixels; pictures unlike these may be embedded "
            "badly, and others are resized to that."
        )

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        encoder, images = cast("ImageEncoder", encoder), cast("Images", samples)
        ours, theirs = encoder.channels, images.channels
        if ours != theirs:
            raise ArgumentError(
                f"The weights to start from take pictures of {ours} channel(s), and these have {theirs}. "
                f"Open the data with channels={ours}."
            )
        encoder.preparation = images.preparation


IMAGE = _Image()
