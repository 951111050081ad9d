from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from contrapose.views.images.geometry import affine_matrix, compose, crop_matrix, elastic_field, warp

ZERO = torch.zeros(1)
ONE = torch.ones(1)
WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
NO_FLIP = torch.tensor([False])


@pytest.fixture
def images() -> Tensor:
    return torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))


def affine(
    rotation: float = 0.0, shear: float = 0.0, zoom: float = 1.0, shift: tuple[float, float] = (0.0, 0.0)
) -> Tensor:
    numbers = [torch.tensor([value]) for value in (rotation, shear, zoom)]
    return affine_matrix(*numbers, torch.tensor([shift]))


def test_neutral_numbers_copy(images: Tensor) -> None:
    matrix = compose(crop_matrix(WHOLE, NO_FLIP), affine())
    torch.testing.assert_close(warp(images, matrix, size=12), images, atol=1e-6, rtol=0)


def test_flip_mirrors_columns_and_twice_is_nothing(images: Tensor) -> None:
    flip = crop_matrix(WHOLE, torch.tensor([True]))
    once = warp(images, flip, size=12)
    torch.testing.assert_close(once, images.flip(-1), atol=1e-5, rtol=0)
    torch.testing.assert_close(warp(once, flip, size=12), images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns_are_rot90(images: Tensor, quarters: int) -> None:
    turned = warp(images, affine(rotation=quarters * math.pi / 2), size=12)
    torch.testing.assert_close(turned, torch.rot90(images, quarters, (-2, -1)), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("right", "down"), [(2, 0), (-3, 1), (0, -4)])
def test_whole_pixel_shift_is_roll_with_padding(images: Tensor, right: int, down: int) -> None:
    matrix = affine(shift=(right / 12, down / 12))
    expected = torch.zeros_like(images)
    rows = slice(max(down, 0), 12 + min(down, 0))
    columns = slice(max(right, 0), 12 + min(right, 0))
    expected[..., rows, columns] = images.roll((down, right), (-2, -1))[..., rows, columns]
    torch.testing.assert_close(warp(images, matrix, size=12, padding="zeros"), expected, atol=1e-5, rtol=0)


def test_border_padding_repeats_the_edge(images: Tensor) -> None:
    moved = warp(images, affine(shift=(3 / 12, 0.0)), size=12, padding="border")
    torch.testing.assert_close(moved[..., :3], images[..., :1].expand(-1, -1, -1, 3), atol=1e-5, rtol=0)


def test_reflection_padding_mirrors_at_the_edge(images: Tensor) -> None:
    moved = warp(images, affine(shift=(3 / 12, 0.0)), size=12, padding="reflection")
    torch.testing.assert_close(moved[..., :3], images[..., :3].flip(-1), atol=1e-5, rtol=0)


def test_shear_slants_rows_by_their_distance_from_the_middle() -> None:
    size = 11
    picture = torch.zeros(1, 1, size, size)
    picture[..., 5] = 1  # an upright line in the middle
    leaning = warp(picture, affine(shear=math.atan(1.0)), size=size, padding="zeros")[0, 0]
    assert leaning.argmax(dim=1).tolist() == list(range(size))  # 45 degrees: the top goes left, the bottom right
    assert leaning.max(dim=1).values == pytest.approx(torch.ones(size).tolist(), abs=1e-5)


def test_zoom_two_reads_the_middle_half(images: Tensor) -> None:
    zoomed = warp(images, affine(zoom=2.0), size=12)
    middle = crop_matrix(torch.tensor([[0.0, 0.0, 0.5, 0.5]]), NO_FLIP)
    torch.testing.assert_close(zoomed, warp(images, middle, size=12))
    slice_resized = functional.interpolate(images[..., 3:9, 3:9], size=12, mode="bilinear")
    torch.testing.assert_close(zoomed[..., 1:-1, 1:-1], slice_resized[..., 1:-1, 1:-1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [6, 9, 24])
def test_crop_is_the_resized_slice(images: Tensor, size: int) -> None:
    top, left, height, width = 2, 4, 9, 6
    box = torch.tensor([[(2 * left + width) / 12 - 1, (2 * top + height) / 12 - 1, width / 12, height / 12]])
    view = warp(images, crop_matrix(box, NO_FLIP), size=size)
    piece = images[..., top : top + height, left : left + width]
    expected = functional.interpolate(piece, size=(size, size), mode="bilinear", align_corners=False)
    edge = math.ceil(size / 12)  # outside it, a slice repeats its edge where the crop reads on in the picture
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    torch.testing.assert_close(view[inner], expected[inner], atol=1e-5, rtol=0)


def test_compose_is_one_after_the_other() -> None:
    point = torch.tensor([[0.3], [-0.2], [1.0]])
    inner = affine(0.4, 0.2, 1.3, (0.1, -0.2))
    outer = crop_matrix(torch.tensor([[0.2, -0.1, 0.6, 0.7]]), torch.tensor([True]))
    through = outer[0] @ torch.cat([inner[0] @ point, torch.ones(1, 1)])
    torch.testing.assert_close(compose(outer, inner)[0] @ point, through)


def test_affine_matrix_undoes_its_own_definition() -> None:
    rotation, slant, zoom, shift = 0.5, 0.3, 1.4, torch.tensor([0.1, -0.05])
    cos, sin = math.cos(rotation), math.sin(rotation)
    turn = torch.tensor([[cos, sin], [-sin, cos]])  # y points down
    lean = torch.tensor([[1.0, math.tan(slant)], [0.0, 1.0]])
    content = torch.tensor([0.2, 0.6])
    seen_at = turn @ lean @ content * zoom + 2 * shift
    matrix = affine(rotation, slant, zoom, tuple(shift.tolist()))[0]
    torch.testing.assert_close(matrix @ torch.cat([seen_at, ONE]), content)


def test_constant_displacement_is_a_shift(images: Tensor) -> None:
    displacement = torch.zeros(1, 2, 12, 12)
    displacement[:, 0] = 2 * 2 / 12  # reads two pixels to the right: the content moves to the left
    bent = warp(images, affine(), displacement, size=12)
    torch.testing.assert_close(bent[..., :-2], images[..., 2:], atol=1e-5, rtol=0)


def test_displacement_goes_through_the_matrix(images: Tensor) -> None:
    """Bending happens in the frame of the view: in a crop it moves by shares of the crop's side."""
    matrix = crop_matrix(torch.tensor([[0.0, 0.0, 0.5, 0.5]]), NO_FLIP)
    displacement = torch.full((1, 2, 12, 12), 0.2)
    moved = crop_matrix(torch.tensor([[0.1, 0.1, 0.5, 0.5]]), NO_FLIP)
    torch.testing.assert_close(
        warp(images, matrix, displacement, size=12), warp(images, moved, size=12), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("size", [5, 17, 35])
def test_elastic_field_is_bicubic_interpolation(size: int) -> None:
    knots = torch.randn(3, 2, 5, 5, generator=torch.Generator().manual_seed(1))
    field = elastic_field(knots, size)
    expected = functional.interpolate(knots, size=(size, size), mode="bicubic", align_corners=True)
    torch.testing.assert_close(field, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(field[..., 0, 0], knots[..., 0, 0])
    torch.testing.assert_close(field[..., -1, 0], knots[..., -1, 0])


def test_far_reduction_averages_every_pixel() -> None:
    """A fine checkerboard becomes grey: without the halving, two of every eight pixels would be read."""
    board = torch.arange(64)[:, None].add(torch.arange(64)).remainder(2).float()[None, None]
    view = warp(board, affine(), size=8)
    torch.testing.assert_close(view, torch.full((1, 1, 8, 8), 0.5), atol=1e-6, rtol=0)
    torch.testing.assert_close(warp(torch.rand(1, 1, 64, 64), affine(), size=32).shape, torch.Size([1, 1, 32, 32]))


def test_each_sample_chooses_its_own_halvings() -> None:
    images = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    whole, piece, corner = [0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.125, 0.125], [-0.875, -0.875, 0.125, 0.125]
    matrix = crop_matrix(torch.tensor([whole, piece, corner, whole]), torch.zeros(4, dtype=torch.bool))
    views = warp(images, matrix, size=8)
    averaged = functional.avg_pool2d(images, 8)
    torch.testing.assert_close(views[[0, 3]], averaged[[0, 3]], atol=1e-5, rtol=0)
    torch.testing.assert_close(views[1], images[1, :, 28:36, 28:36], atol=1e-5, rtol=0)
    torch.testing.assert_close(views[2], images[2, :, :8, :8], atol=1e-5, rtol=0)


def test_odd_pictures_are_halved_in_place() -> None:
    ramp = torch.linspace(0, 1, 63)[None, None, None].expand(1, 1, 63, 63)
    view = warp(ramp, affine(), size=9)[0, 0]
    expected = functional.interpolate(ramp, size=(9, 9), mode="bilinear", antialias=True)[0, 0]
    torch.testing.assert_close(view[:, 1:-1], expected[:, 1:-1], atol=0.01, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    size=st.integers(1, 20),
    padding=st.sampled_from(["zeros", "border", "reflection"]),
)
def test_a_warp_stays_between_the_picture_s_values(seed: int, height: int, width: int, size: int, padding: str) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(4, 2, height, width, generator=generator)
    matrix = torch.randn(4, 2, 3, generator=generator)
    views = warp(images, matrix, size=size, padding=padding)  # type: ignore[arg-type]
    assert views.shape == (4, 2, size, size)
    assert views.min() >= (-1e-5 if padding == "zeros" else images.min() - 1e-5)
    assert views.max() <= images.max() + 1e-5


def test_samples_do_not_touch_each_other() -> None:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(6, 3, 10, 10, generator=generator)
    matrix = torch.randn(6, 2, 3, generator=generator)
    displacement = torch.randn(6, 2, 7, 7, generator=generator) * 0.1
    order = torch.randperm(6, generator=generator)
    together = warp(images, matrix, displacement, size=7)
    permuted = warp(images[order], matrix[order], displacement[order], size=7)
    torch.testing.assert_close(permuted, together[order])
