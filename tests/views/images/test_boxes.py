"""Where a view says that it lies is where its pixels come from."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from contrapose.data import Batch
from contrapose.errors import ArgumentError, OptionError
from contrapose.view import Crops
from contrapose.views import ImageViews, ViewGenerator

SIDE = 32


def ramps(count: int) -> Tensor:
    """Pictures whose pixels say where they are: x in the first channel, y in the second, as shares of the side."""
    places = (torch.arange(SIDE) + 0.5) / SIDE  # (S,)
    x, y = places.expand(SIDE, SIDE), places[:, None].expand(SIDE, SIDE)
    return torch.stack([x, y, torch.zeros(SIDE, SIDE)]).expand(count, 3, SIDE, SIDE).contiguous()


def made(count: int = 16, **options: Any) -> Crops:
    views = ImageViews(**{"recipe": "none", "padding": "border", **options})
    maker = ViewGenerator(views, channels=3, image_size=SIDE).with_boxes()
    found = maker(ramps(count), generator=torch.Generator().manual_seed(0))
    assert isinstance(found, Crops)
    return found


def told(boxes: Tensor, size: int) -> Tensor:
    """What the pixels of views must show by their boxes, `(B, 2, S, S)`."""
    left, top, right, bottom = boxes.unbind(-1)  # (B,) each
    centres = (torch.arange(size) + 0.5) / size  # (S,)
    x = left[:, None] + centres * (right - left)[:, None]  # (B, S)
    y = top[:, None] + centres * (bottom - top)[:, None]  # (B, S)
    return torch.stack([x[:, None].expand(-1, size, -1), y[:, :, None].expand(-1, -1, size)], dim=1)


@pytest.mark.parametrize(
    "options",
    [
        {"crop_scale_min": 0.3, "flip_probability": 0.5},
        {"crop_scale_min": 0.3, "flip_probability": 0.5, "size": 20},
        {"flip_probability": 0.5},
        {"zoom_min": 1.2, "zoom_max": 1.6, "flip_probability": 0.5},
        {"crop_scale_min": 0.3, "crop_scale_max": 0.5, "flip_probability": 0.5, "translation": 0.2, "zoom_min": 0.9},
        {"crop_scale_min": 0.3, "weak_count": 1, "flip_probability": 0.5},
        {"crop_scale_min": 0.5, "small_count": 1, "small_crop_scale_min": 0.2, "small_crop_scale_max": 0.4},
    ],
    ids=["crop", "resized", "flip", "zoom", "all that moves", "weak", "multi-crop"],
)
def test_pixels_lie_where_the_box_says(options: dict[str, Any]) -> None:
    views = made(**options)
    assert views.boxes.shape == (len(views), 16, 4)
    for view, boxes in zip(views, views.boxes, strict=True):
        wanted = told(boxes, view.shape[-1])
        inside = (wanted > 0.5 / SIDE) & (wanted < 1 - 0.5 / SIDE)  # beyond, the edge is continued
        assert float(inside.float().mean()) > 0.7
        torch.testing.assert_close(view[:, :2][inside], wanted[inside], atol=2e-4, rtol=0)
    if options.get("flip_probability"):
        flipped = views.boxes[..., 0] > views.boxes[..., 2]
        assert 0 < int(flipped.sum()) < flipped.numel()
        assert bool((views.boxes[..., 1] < views.boxes[..., 3]).all())


def test_whole_pictures_have_the_whole_box() -> None:
    assert made().boxes.tolist() == [[[0.0, 0.0, 1.0, 1.0]] * 16] * 2


def test_views_are_those_without_boxes() -> None:
    maker = ViewGenerator(ImageViews(recipe="natural"), channels=3, image_size=SIDE)
    plain = maker(ramps(4), generator=torch.Generator().manual_seed(3))
    crops = maker.with_boxes()(ramps(4), generator=torch.Generator().manual_seed(3))
    assert not isinstance(plain, Crops)
    assert all(torch.equal(one, two) for one, two in zip(plain, crops, strict=True))


def test_a_shared_orientation_keeps_two_views_in_place_to_each_other() -> None:
    """Cells that the boxes hold for the same place show the same pixels."""
    pictures = functional.interpolate(torch.rand(8, 3, 4, 4, generator=torch.Generator().manual_seed(1)), SIDE)
    options = ImageViews(recipe="none", shared_orientation_probability=1.0, flip_probability=0.5)
    views = ViewGenerator(options, channels=3, image_size=SIDE, boxes=True)(
        pictures, generator=torch.Generator().manual_seed(0)
    )
    for one, two, first, second in zip(*views, *views.boxes, strict=True):  # type: ignore[attr-defined]
        apart = bool(first[0] != second[0])  # one of the two is mirrored
        torch.testing.assert_close(one.flip(-1) if apart else one, two, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["rotation_degrees", "shear_degrees", "elastic_strength"])
def test_what_turns_a_view_is_refused(name: str) -> None:
    maker = ViewGenerator(ImageViews(recipe="natural", **{name: 0.5}), channels=3, image_size=SIDE)
    with pytest.raises(OptionError, match=rf"{name} \(0.5\).*natural"):
        maker.with_boxes()


def test_a_batch_keeps_the_boxes_of_its_views() -> None:
    views = made(4, crop_scale_min=0.3)
    batch = Batch(views=views, indices=torch.arange(4))
    assert type(batch.views) is tuple
    assert batch.boxes is not None
    assert torch.equal(batch.to("cpu").boxes, views.boxes)  # type: ignore[arg-type]
    assert Batch(views=tuple(views), indices=torch.arange(4)).boxes is None
    with pytest.raises(ArgumentError, match=r"boxes of shape \(2, 4, 3\): give \(2, 4, 4\)"):
        Batch(views=tuple(views), indices=torch.arange(4), boxes=views.boxes[..., :3])
