"""Some samples beside the views that training made of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from contrapose.data import Images, Samples, derived_generator
from contrapose.data.samples import evenly_spaced
from contrapose.encoders import Encoder
from contrapose.modalities import Modality, modality_of
from contrapose.report.cards import Card, TextCard, drawing_card, name_of, picture_card, show
from contrapose.report.page import ViewRow, Views
from contrapose.views import ImageViews, ViewGenerator

SAMPLES, VIEWS = 4, 6
_PAGE = 5  # names the random stream


def views_of(samples: Samples, encoder: Encoder, options: Any, *, seed: int = 0) -> Views:
    """Four samples, evenly spaced, with six views each.

    Arguments:
        encoder: of the run, which knows in which form views are.
        options: of the run's views; small views are left out.
        seed: of the random views.

    Errors:
        ArgumentError: options that these samples do not allow.
    """
    if isinstance(samples, Images):
        return _of_pictures(samples, options, seed)
    modality, rows = modality_of(samples), evenly_spaced(len(samples), SAMPLES)
    make = modality.views(dataclasses.replace(options, count=VIEWS), samples, encoder)
    views = make(samples.batch(rows), generator=derived_generator(seed, _PAGE))
    cards = [_cards(modality, view, encoder, number) for number, view in enumerate(views, 1)]  # V lists of B
    originals = show(samples)
    shown = [
        ViewRow(name_of(samples.identifiers[row]), originals(row), [view[line] for view in cards])
        for line, row in enumerate(rows.tolist())
    ]
    return Views(shown, options.in_words())


def _cards(modality: Modality, view: Any, encoder: Encoder, number: int) -> list[Card]:
    """Each sample of a view: drawn where its kind is drawn, else in words."""
    drawings = modality.view_drawings(view, encoder)
    if drawings is not None:
        return [drawing_card(drawing, f"view {number} of a {modality.noun}") for drawing in drawings]
    return [TextCard(text) for text in modality.shown_views(view, encoder)]


def _of_pictures(images: Images, options: ImageViews, seed: int) -> Views:
    wanted = dataclasses.replace(options, count=VIEWS, small_count=0)
    make = ViewGenerator(wanted, channels=images.channels, image_size=images.image_size)
    rows = evenly_spaced(len(images), SAMPLES)
    pictures = images.batch(rows)  # (B, C, H, W)
    views = torch.stack(make(pictures, generator=derived_generator(seed, _PAGE)))  # (V, B, C, S, S)
    pixels = (views * 255).round().clamp(0, 255).to(torch.uint8)  # (V, B, C, S, S)
    shown = [
        ViewRow(
            name=name_of(images.identifiers[row]),
            original=picture_card(pictures[line], f"sample {images.identifiers[row]} as it is"),
            views=[
                picture_card(pixels[view, line], f"view {view + 1} of sample {images.identifiers[row]}")
                for view in range(len(pixels))
            ],
        )
        for line, row in enumerate(rows.tolist())
    ]
    return Views(shown, in_words(make.options))


def in_words(options: ImageViews) -> str:
    """The operations that are switched on, with their numbers."""
    fields = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    switches = [name for name in fields if name.endswith("_probability") and fields[name]]
    chances = [f"{name.removesuffix('_probability').replace('_', ' ')} {100 * fields[name]:.3g} %" for name in switches]
    amounts = ("rotation_degrees", "shear_degrees", "translation", "elastic_strength")
    moved = [f"{name.replace('_', ' ')} {fields[name]:g}" for name in amounts if fields[name]]
    least, largest = (100 * options.number(name) for name in ("crop_scale_min", "crop_scale_max"))
    crop = [f"crops of {least:.3g} to {largest:.3g} % of the area"] if least < 100 else []
    return f"Recipe {options.recipe}: {', '.join([*crop, *moved, *chances]) or 'exact copies'}."
