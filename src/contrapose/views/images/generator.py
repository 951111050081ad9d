"""`ViewGenerator`: a batch of pictures into views of it, a batch at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from contrapose.view import Crops
from contrapose.views.images.batch import as_floats, check_pictures
from contrapose.views.images.boxes import boxes_of, check_upright
from contrapose.views.images.colour import apply_colour, colour_matrix, contrast_offset, mean_grey
from contrapose.views.images.draw import ViewNumbers, draw_view
from contrapose.views.images.filters import erase, gaussian_blur, solarize, thicken
from contrapose.views.images.forensic import degrade
from contrapose.views.images.geometry import Padding, elastic_field, warp
from contrapose.views.images.options import ImageViews
from contrapose.views.images.orientation import draw_orientations, orient
from contrapose.views.images.upright import is_upright, render_upright


class ViewGenerator:
    """Random views of a batch of pictures, every sample and every view with numbers of its own.

    First, all views of a picture are given one orientation (a quarter turn, a mirror), where that is switched on.
    Then, in this order: one reading of the picture (crop, flip, rotation, shear, zoom, shift and bending composed,
        so that nothing is interpolated twice), stroke thickness, colour (brightness, contrast, saturation,
        hue and grey as one matrix), a clip to [0, 1], blur, solarize, erasing, loss of quality (a lossy file, a
        blur, noise). A quarter turn follows the reading. What no sample was chosen for is not computed.
    Of weak views, only the orientation, crop and flip.

    The order of the colour operations is fixed, and they are clipped once at their end; the reference
    implementations of SimCLR (arXiv 2002.05709) shuffle the four for each picture and clip after each. That
    is the one thing that differs from them: a single matrix cannot do it. Everything works on the device of
    the pictures; with `recipe="none"` the views are exact copies.

    Shapes:
        images: `(B, C, H, W)` uint8, or floats in [0, 1]; returns `count` views `(B, C, size, size)`, then
            `small_count` views `(B, C, small_size, small_size)`, all float32 in [0, 1]. With `boxes` they are `Crops`.

    Arguments:
        options: resolved or not; its field docstrings name the source of each default.
        channels: C of the pictures. Saturation, hue and grey exist for 3 only; all else for any number.
        image_size: side of the pictures in pixels; the side of the views unless the options say otherwise.
        boxes: say of every view where in its picture it lies, after all that moves pixels: crop, flip, zoom and shift.
            A shared orientation counts as done before: boxes are of the picture as all of its views have it.

    Errors:
        ArgumentError: options that the channels do not allow; pictures of another shape, type or range.
        OptionError: with `boxes`, options that turn, slant or bend views: these are no boxes of their pictures.
    """

    def __init__(
        self, options: ImageViews | None = None, *, channels: int, image_size: int, boxes: bool = False
    ) -> None:
        self.channels = channels
        self.image_size = image_size
        self.options = (options or ImageViews()).resolve(channels, image_size)
        self.boxes = boxes
        if boxes:
            check_upright(self.options)

    def with_boxes(self) -> ViewGenerator:
        """The same, which also says where each view lies."""
        return ViewGenerator(self.options, channels=self.channels, image_size=self.image_size, boxes=True)

    def __repr__(self) -> str:
        return f"ViewGenerator({self.options}, channels={self.channels}, image_size={self.image_size})"

    @torch.no_grad()
    def __call__(self, images: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
        """Views of the batch; the same state of `generator` (torch's global one if `None`) gives the same
        views."""
        check_pictures(images, self.channels)
        pictures = images  # (B, C, H, W)
        batch, _, height, width = pictures.shape
        shared = self.options.number("shared_orientation_probability")
        if shared > 0:
            pictures = orient(pictures, draw_orientations(batch, shared, generator=generator))
        views, boxes = [], []
        # View by view, not all in one tensor: as fast, a smaller working set, and no copy of the pictures
        count, weak = self.options.count, self.options.weak()
        for number in range(count + int(self.options.number("small_count"))):
            small = number >= count
            options = weak if count - self.options.weak_count <= number < count else self.options
            numbers = draw_view(options, batch, width / height, small=small, sides=(height, width), generator=generator)
            if not is_upright(pictures, numbers, options.side(small)):
                pictures = as_floats(pictures)  # once for all views
            views.append(render_view(pictures, numbers, options, small=small))
            if self.boxes:
                boxes.append(boxes_of(numbers.matrix, batch))  # (B, 4)
        return Crops(views, torch.stack(boxes)) if self.boxes else tuple(views)


def render_view(pictures: Tensor, numbers: ViewNumbers, options: ImageViews, *, small: bool = False) -> Tensor:
    """One view of each picture, by the given numbers; draws nothing at random.

    Shapes:
        pictures: `(B, C, H, W)` bytes, or floats in [0, 1]; returns `(B, C, S, S)` float32.
    """
    device = pictures.device
    size, padding = options.side(small), _cheapest_padding(options)
    if is_upright(pictures, numbers, size):
        numbers, done = _not_yet(numbers)
        views = render_upright(pictures, done, size=size, padding=padding)  # (B, C, S, S)
    else:
        views = _read(as_floats(pictures), numbers, size, padding)  # (B, C, S, S)
    if numbers.turns is not None:
        views = orient(views, numbers.turns)
    if numbers.thickness is not None:
        amount = numbers.thickness
        _change(views, amount != 0, lambda some, rows: thicken(some, amount[rows].to(device)))
    if numbers.jitter is not None or numbers.grey is not None:
        views = _colour(views, numbers)
    views.clamp_(0, 1)
    if numbers.sigma is not None:
        sigma = numbers.sigma
        _change(views, sigma > 0, lambda some, rows: gaussian_blur(some, sigma[rows].to(device)))
    if numbers.solarize is not None:
        threshold = options.number("solarize_threshold")
        _change(views, numbers.solarize, lambda some, rows: solarize(some, threshold))
    if numbers.hole is not None:
        views = erase(views, numbers.hole.to(device))
    return views if numbers.degradation is None else degrade(views, numbers.degradation)


def _not_yet(numbers: ViewNumbers) -> tuple[ViewNumbers, ViewNumbers]:
    """What is left to do after `render_upright`, and what it does: only the reading, where something comes between that
    and the colours."""
    if numbers.turns is not None or numbers.thickness is not None:
        return numbers, ViewNumbers(matrix=numbers.matrix)
    return dataclasses.replace(numbers, jitter=None, grey=None, sigma=None), numbers


def _read(pictures: Tensor, numbers: ViewNumbers, size: int, padding: Padding) -> Tensor:
    if numbers.matrix is None:
        if pictures.shape[-2:] == (size, size):
            return pictures.clone()  # a view is never the caller's own memory
        return functional.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True).clamp_(0, 1)
    bend = None if numbers.knots is None else elastic_field(numbers.knots.to(pictures.device), size)  # (B, 2, S, S)
    return warp(pictures, numbers.matrix, bend, size=size, padding=padding)  # (B, C, S, S)


def _cheapest_padding(options: ImageViews) -> Padding:
    """The padding asked for, or "border" where it gives the same pixels as "reflection": reading never leaves
    the picture. (A crop by pixels does, where the picture is smaller than the view.)"""
    o = options.number
    still = all(o(name) == 0 for name in ("rotation_degrees", "shear_degrees", "translation", "elastic_strength"))
    assert options.padding is not None
    inside = still and o("zoom_min") >= 1 and options.crop == "resize"
    return "border" if inside and options.padding == "reflection" else options.padding


def _colour(views: Tensor, numbers: ViewNumbers) -> Tensor:
    neutral = torch.tensor([1.0, 1.0, 1.0, 0.0]).expand(len(views), 4)  # (B, 4)
    jitter = (neutral if numbers.jitter is None else numbers.jitter).to(views.device)
    brightness, contrast, saturation, hue = jitter.unbind(-1)  # (B,) each
    mean = mean_grey(views)  # (B,)
    if views.shape[1] == 3:
        grey = None if numbers.grey is None else numbers.grey.to(views.device)
        return apply_colour(views, colour_matrix(brightness, contrast, saturation, hue, mean, grey))
    gain, offset = brightness * contrast, contrast_offset(brightness, contrast, mean)  # (B,)
    return views.mul_(gain[:, None, None, None]).add_(offset[:, None, None, None])


def _change(views: Tensor, chosen: Tensor, change: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Replace the chosen rows by `change(rows of views, their indices)`: work is done only where an operation
    was drawn."""
    rows = chosen.nonzero()[:, 0]  # (b,), on the device of the numbers: no wait for a GPU
    if len(rows):
        places = rows.to(views.device)
        views[places] = change(views[places], rows)
