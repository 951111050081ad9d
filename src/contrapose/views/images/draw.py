"""The random numbers of one view: what is done to each sample, decided before any pixel is touched."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from contrapose.views.images.forensic import draw_degradation, draw_turns
from contrapose.views.images.geometry import affine_matrix, compose, crop_matrix
from contrapose.views.images.options import ImageViews

# Boxes tried before a crop falls back to the whole picture, as in RandomResizedCrop of torchvision
_ATTEMPTS = 10
_ERASE_RATIO = (0.3, 1 / 0.3)  # Random Erasing, arXiv 1708.04896, section 4

_PURPOSES = (
    *(f"area {attempt}" for attempt in range(_ATTEMPTS)),
    *(f"ratio {attempt}" for attempt in range(_ATTEMPTS)),
    *("crop x", "crop y", "flip", "rotation", "shear", "zoom", "shift x", "shift y"),
    *("colour", "brightness", "contrast", "saturation", "hue", "grey"),
    *(
        "blur",
        "sigma",
        "solarize",
        "erase",
        "erase area",
        "erase ratio",
        "erase y",
        "erase x",
        "thicken",
        "thickness",
    ),
)


class UniformTable:
    """Uniform numbers in [0, 1), one row for each purpose and one column for each sample.

    All rows are drawn whatever is switched on, so that turning one operation on or off leaves the numbers of
    the others as they are: two settings can be compared on the same crops.
    """

    def __init__(self, batch: int, generator: torch.Generator | None) -> None:
        device = torch.device("cpu") if generator is None else generator.device
        rows = torch.rand(len(_PURPOSES), batch, generator=generator, device=device)
        self._rows = dict(zip(_PURPOSES, rows.unbind(0), strict=True))  # name -> (B,)

    def between(self, purpose: str, low: float, high: float) -> Tensor:
        """Uniform in [low, high), `(B,)`."""
        return self._rows[purpose] * (high - low) + low

    def happens(self, purpose: str, probability: float) -> Tensor:
        """True with this probability, `(B,)` boolean."""
        return self._rows[purpose] < probability

    def several(self, purpose: str, low: float, high: float) -> Tensor:
        """The rows of all attempts at something, uniform in [low, high), `(attempts, B)`."""
        rows = [self.between(f"{purpose} {attempt}", low, high) for attempt in range(_ATTEMPTS)]
        return torch.stack(rows)


@dataclass(frozen=True)
class ViewNumbers:
    """What one view does to each of B samples; `None` where an operation is switched off for all.

    Shapes:
        matrix: `(B, 2, 3)` reading matrix; knots: `(B, 2, k, k)` elastic displacements in normalised units.
        thickness: `(B,)` pixels, signed; sigma: `(B,)` pixels, 0 for no blur; grey, solarize: `(B,)` boolean.
        jitter: `(B, 4)` factors of brightness, contrast, saturation, and turn of the hue.
        hole: `(B, 4)` top, left, height, width in pixels, the last two 0 for none.
        turns: `(B,)` quarter turns, 0 to 3; degradation: `(B, 3)`, as `forensic.draw_degradation` gives it.
    """

    matrix: Tensor | None = None
    knots: Tensor | None = None
    thickness: Tensor | None = None
    jitter: Tensor | None = None
    grey: Tensor | None = None
    sigma: Tensor | None = None
    solarize: Tensor | None = None
    hole: Tensor | None = None
    turns: Tensor | None = None
    degradation: Tensor | None = None

    def select(self, samples: Tensor) -> ViewNumbers:
        """The numbers of these samples only, in this order."""
        chosen = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return ViewNumbers(**{name: value if value is None else value[samples] for name, value in chosen.items()})

    def to(self, device: torch.device | str) -> ViewNumbers:
        """The same numbers there."""
        everything = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return ViewNumbers(**{name: None if value is None else value.to(device) for name, value in everything.items()})


def draw_view(
    options: ImageViews,
    batch: int,
    aspect: float,
    *,
    small: bool = False,
    sides: tuple[int, int] | None = None,
    generator: torch.Generator | None = None,
) -> ViewNumbers:
    """Draw what one view does to each of `batch` samples.

    Arguments:
        options: resolved options.
        aspect: width over height of the pictures, in pixels.
        small: draw for a small view of the multi-crop (its own size and crop range).
        sides: height and width of the pictures in pixels, for crops by pixels; None: as large as a view.
        generator: the numbers come from it, on its device; without one, from torch's global CPU generator.
    """
    table = UniformTable(batch, generator)
    size = options.small_size if small else options.size
    assert size is not None
    return ViewNumbers(
        matrix=_draw_matrix(options, table, aspect, "small_crop" if small else "crop", sides or (size, size), size),
        thickness=_draw_thickness(options, table),
        jitter=_draw_jitter(options, table),
        grey=_draw_chance(table, "grey", options.number("grey_probability")),
        sigma=_draw_sigma(options, table),
        solarize=_draw_chance(table, "solarize", options.number("solarize_probability")),
        hole=_draw_hole(options, table, size),
        # last: how many numbers these take depends on the options
        knots=_draw_knots(options, batch, generator),
        turns=draw_turns(batch, options.number("quarter_turn_probability"), generator=generator),
        degradation=draw_degradation(options, batch, generator=generator),
    )


def _draw_chance(table: UniformTable, purpose: str, probability: float) -> Tensor | None:
    return table.happens(purpose, probability) if probability > 0 else None


def _draw_matrix(
    options: ImageViews, table: UniformTable, aspect: float, crop: str, sides: tuple[int, int], size: int
) -> Tensor | None:
    o = options.number
    rotation, shear = math.radians(o("rotation_degrees")), math.radians(o("shear_degrees"))
    pixels = options.crop == "pixels"
    crops = sides != (size, size) if pixels else min(o(f"{crop}_scale_min"), o(f"{crop}_scale_max")) < 1
    moves = rotation > 0 or shear > 0 or o("translation") > 0 or not o("zoom_min") == o("zoom_max") == 1
    if not (crops or moves or o("flip_probability") > 0 or o("elastic_strength") > 0):
        return None
    flip = table.happens("flip", o("flip_probability"))  # (B,)
    whole = torch.tensor([0.0, 0.0, 1.0, 1.0], device=flip.device).expand(len(flip), 4)  # (B, 4)
    if crops:
        whole = _draw_pixels(table, sides, size) if pixels else _draw_crop(options, table, aspect, crop)  # (B, 4)
    matrix = crop_matrix(whole, flip)  # (B, 2, 3)
    if not moves:
        return matrix
    shift = [table.between(f"shift {axis}", -o("translation"), o("translation")) for axis in "xy"]
    inner = affine_matrix(
        table.between("rotation", -rotation, rotation),
        table.between("shear", -shear, shear),
        table.between("zoom", o("zoom_min"), o("zoom_max")),
        torch.stack(shift, dim=-1),  # (B, 2)
    )
    return compose(matrix, inner)


def _draw_crop(options: ImageViews, table: UniformTable, aspect: float, crop: str) -> Tensor:
    """Centre and size of a random box inside the picture, `(B, 4)`.

    Area share a uniform, log of the ratio r uniform, redrawn while the box is wider or higher than the
    picture; then the place uniform. If all attempts fail, the largest box of an allowed ratio in the middle.
    """
    o = options.number
    least, most = o("crop_ratio_min"), o("crop_ratio_max")
    area = table.several("area", o(f"{crop}_scale_min"), o(f"{crop}_scale_max"))  # (attempts, B)
    ratio = table.several("ratio", math.log(least), math.log(most)).exp()  # (attempts, B)
    width, height = (
        (area * ratio / aspect).sqrt(),
        (area / ratio * aspect).sqrt(),
    )  # (attempts, B), shares of the sides
    fits = (width <= 1) & (height <= 1)
    first = fits.to(torch.uint8).argmax(dim=0, keepdim=True)  # (1, B), the first of equal maxima
    any_fits = fits.any(dim=0)  # (B,)
    middle = min(max(aspect, least), most) / aspect  # ratio of the fallback box relative to the picture's
    width = torch.where(any_fits, width.gather(0, first)[0], min(middle, 1.0))  # (B,)
    height = torch.where(any_fits, height.gather(0, first)[0], min(1 / middle, 1.0))  # (B,)
    x = (1 - width) * torch.where(any_fits, table.between("crop x", -1.0, 1.0), 0.0)
    y = (1 - height) * torch.where(any_fits, table.between("crop y", -1.0, 1.0), 0.0)
    return torch.stack([x, y, width, height], dim=-1)  # (B, 4)


def _draw_pixels(table: UniformTable, sides: tuple[int, int], size: int) -> Tensor:
    """Centre and size, `(B, 4)`, of a box of `size` whole pixels a side, uniform over its places in the picture; one
    that is larger than the picture has it in its middle."""
    found = []
    for axis, side in (("y", sides[0]), ("x", sides[1])):
        share = table.between(f"crop {axis}", 0.0, 1.0).double()  # (B,)
        start = (share * (side - size + 1)).floor() if side >= size else torch.full_like(share, (side - size) // 2)
        found.append(((2 * start + size) / side - 1).to(torch.float32))  # (B,)
    y, x = found
    width, height = (torch.full_like(x, size / side) for side in (sides[1], sides[0]))  # (B,) each
    return torch.stack([x, y, width, height], dim=-1)  # (B, 4)


def _draw_knots(options: ImageViews, batch: int, generator: torch.Generator | None) -> Tensor | None:
    strength, cells = options.number("elastic_strength"), options.elastic_cells
    if strength == 0:
        return None
    assert cells is not None
    device = torch.device("cpu") if generator is None else generator.device
    # a share s of the side is 2 s in normalised units
    return torch.randn(batch, 2, cells, cells, generator=generator, device=device) * (2 * strength)


def _draw_thickness(options: ImageViews, table: UniformTable) -> Tensor | None:
    probability, most = options.number("thickness_probability"), options.number("thickness_pixels")
    if probability == 0 or most == 0:
        return None
    return table.between("thickness", -most, most) * table.happens("thicken", probability)  # (B,)


def _draw_jitter(options: ImageViews, table: UniformTable) -> Tensor | None:
    o = options.number
    strengths = {name: o(name) for name in ("brightness", "contrast", "saturation")}
    if o("colour_probability") == 0 or (o("hue") == 0 and not any(strengths.values())):
        return None
    factors = [table.between(name, max(0.0, 1 - value), 1 + value) for name, value in strengths.items()]
    numbers = torch.stack([*factors, table.between("hue", -o("hue"), o("hue"))], dim=-1)  # (B, 4)
    neutral = numbers.new_tensor([1.0, 1.0, 1.0, 0.0])
    return torch.where(table.happens("colour", o("colour_probability"))[:, None], numbers, neutral)


def _draw_sigma(options: ImageViews, table: UniformTable) -> Tensor | None:
    o = options.number
    if o("blur_probability") == 0 or o("blur_sigma_max") == 0:
        return None
    sigma = table.between("sigma", o("blur_sigma_min"), o("blur_sigma_max"))
    return sigma * table.happens("blur", o("blur_probability"))  # (B,)


def _draw_hole(options: ImageViews, table: UniformTable, size: int) -> Tensor | None:
    o = options.number
    if o("erase_probability") == 0:
        return None
    area = table.between("erase area", o("erase_scale_min"), o("erase_scale_max"))  # (B,)
    ratio = table.between("erase ratio", *(math.log(bound) for bound in _ERASE_RATIO)).exp()  # (B,)
    ratio = ratio.clamp(min=area, max=1 / area)  # beyond, the rectangle would not fit and lose area
    sides = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], dim=-1) * size  # (B, 2) height, width
    sides = sides.round().clamp(1, size) * table.happens("erase", o("erase_probability"))[:, None]
    place = torch.stack([table.between("erase y", 0.0, 1.0), table.between("erase x", 0.0, 1.0)], dim=-1)  # (B, 2)
    corner = (place * (size - sides + 1)).floor()  # uniform over the size - side + 1 places
    return torch.cat([corner, sides], dim=-1).long()  # (B, 4)
