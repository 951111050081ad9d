from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.views import ViewAdapter


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> Tensor:
    return torch.randint(0, 256, (5, 3, 8, 10), dtype=torch.uint8, generator=seeded(9))


class BatchNoise(nn.Module):
    """As kornia's: a module that takes a float batch and draws from torch's global generator."""

    def forward(self, batch: Tensor) -> Tensor:
        assert batch.dtype == torch.float32
        return batch.mul_(torch.rand(len(batch), 1, 1, 1))


def pil_flip(image: Image.Image) -> Image.Image:
    """As torchvision's: a PIL picture in and out, numbers from Python's `random`."""
    assert isinstance(image, Image.Image)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else image


def array_noise(image: np.ndarray) -> dict[str, Any]:
    """As albumentations': `image=` an (H, W, C) uint8 array, a dictionary out, numbers from numpy."""
    assert image.dtype == np.uint8
    assert image.shape == (8, 10, 3)
    return {"image": (image * np.random.rand()).astype(np.uint8), "mask": None}


def tensor_crop(image: Tensor) -> Tensor:
    assert image.dtype == torch.float32
    left = int(torch.randint(0, 4, ()))
    return image[:, :6, left : left + 6]


STYLES: list[tuple[Callable[..., Any], dict[str, Any], tuple[int, ...]]] = [
    (BatchNoise(), {}, (5, 3, 8, 10)),
    (pil_flip, {}, (5, 3, 8, 10)),
    (array_noise, {"per_image_input": "array"}, (5, 3, 8, 10)),
    (tensor_crop, {"per_image_input": "tensor"}, (5, 3, 6, 6)),
]


@pytest.mark.parametrize(("transform", "how", "shape"), STYLES)
def test_each_style_gives_views_by_the_seed(
    transform: Callable[..., Any], how: dict[str, Any], shape: tuple[int, ...], images: Tensor
) -> None:
    make = ViewAdapter(transform, count=3, **how)
    kept = images.clone()
    views, again, other = (make(images, generator=seeded(seed)) for seed in (1, 1, 2))
    assert [(tuple(view.shape), view.dtype) for view in views] == [(shape, torch.float32)] * 3
    assert all(view.min() >= 0 and view.max() <= 1 for view in views)
    assert all(torch.equal(a, b) for a, b in zip(views, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(views, other, strict=True))
    assert not (torch.equal(views[0], views[1]) and torch.equal(views[0], views[2]))
    assert torch.equal(images, kept)
    floats = images.float() / 255
    make(floats, generator=seeded())
    assert torch.equal(floats, images.float() / 255)  # BatchNoise works in place


@pytest.mark.parametrize(("transform", "how", "shape"), STYLES)
def test_the_global_generators_are_put_back(
    transform: Callable[..., Any], how: dict[str, Any], shape: tuple[int, ...], images: Tensor
) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    ViewAdapter(transform, **how)(images, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    assert random.getstate() == before[2]


def test_the_global_generators_are_put_back_after_an_error(images: Tensor) -> None:
    def broken(image: Image.Image) -> Image.Image:
        raise ZeroDivisionError

    before = torch.get_rng_state(), random.getstate()
    with pytest.raises(ZeroDivisionError):
        ViewAdapter(broken)(images, generator=seeded())
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]


@pytest.mark.parametrize("how", ["pil", "array", "tensor"])
def test_pixels_arrive_and_return_unchanged(how: Any, images: Tensor) -> None:
    def same(image: Any) -> Any:
        return image

    (view,) = ViewAdapter(same, count=1, per_image_input=how)(images)
    assert torch.equal(view, images.float() / 255)
    (view,) = ViewAdapter(same, count=1, per_image_input=how)(images.float() / 255)
    assert torch.equal(view, images.float() / 255)


def test_one_channel_goes_through_pil() -> None:
    images = torch.randint(0, 256, (2, 1, 6, 6), dtype=torch.uint8)
    seen = []

    def note(image: Image.Image) -> Image.Image:
        seen.append(image.mode)
        return image

    (view,) = ViewAdapter(note, count=1)(images)
    assert seen == ["L", "L"]
    assert torch.equal(view, images.float() / 255)


def test_auto_tells_the_styles_apart() -> None:
    foreign = type("Blur", (nn.Module,), {"__module__": "torchvision.transforms.v2"})
    album = type("Compose", (), {"__module__": "albumentations.core", "__call__": lambda self, image: image})
    assert ViewAdapter(BatchNoise()).batched
    assert not ViewAdapter(foreign()).batched
    assert not ViewAdapter(nn.Sequential(foreign())).batched
    assert ViewAdapter(foreign(), batched=True).batched
    assert ViewAdapter(album()).per_image_input == "array"
    assert ViewAdapter(pil_flip).per_image_input == "pil"


def test_a_transform_with_a_seed_of_its_own_is_seeded(images: Tensor) -> None:
    class Own:
        def __init__(self) -> None:
            self.generator = np.random.default_rng()

        def set_random_seed(self, seed: int) -> None:
            self.generator = np.random.default_rng(seed)

        def __call__(self, image: np.ndarray) -> np.ndarray:
            return (image * self.generator.random()).astype(np.uint8)

    make = ViewAdapter(Own(), per_image_input="array")
    one, again = make(images, generator=seeded(4)), make(images, generator=seeded(4))
    assert torch.equal(one[0], again[0])
    assert torch.equal(one[1], again[1])


def test_a_little_overshoot_is_clipped(images: Tensor) -> None:
    (view,) = ViewAdapter(lambda image: image * 1.2 - 0.1, count=1, per_image_input="tensor")(images)
    assert view.min() == 0
    assert view.max() == 1


def of_random_size(image: Image.Image) -> Image.Image:
    return image.resize((random.randint(3, 30), 8))


@pytest.mark.parametrize(
    ("transform", "how", "message"),
    [
        (lambda image: None, {}, "returned a NoneType; expected a tensor, an array or a PIL picture"),
        (lambda image: [image, image], {}, "count says how many views are made"),
        (lambda image: image[0], {"per_image_input": "tensor"}, "returned a picture of shape (8, 10)"),
        (lambda image: image * float("nan"), {"per_image_input": "tensor"}, "not finite"),
        (lambda image: (image - 0.5) * 4, {"per_image_input": "tensor"}, "leave out a final Normalize"),
        (lambda image: image.long(), {"per_image_input": "tensor"}, "values of dtype torch.int64"),
        (
            lambda batch: batch[:2],
            {"batched": True},
            "returned a tensor of shape (2, 3, 8, 10); expected (5, C, H, W)",
        ),
        (lambda batch: {"image": batch}, {"batched": True}, "returned a dict; expected a tensor"),
        (lambda batch: batch[:, :, :0], {"batched": True}, "returned an empty picture"),
        (of_random_size, {}, "of_random_size returned pictures of different shapes"),
    ],
)
def test_a_bad_result_names_the_transform(
    transform: Callable[..., Any], how: dict[str, Any], message: str, images: Tensor
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)) as error:
        ViewAdapter(transform, **how)(images, generator=seeded())
    assert transform.__qualname__ in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transform": 3}, "transform is 3; it must be a callable"),
        ({"count": 0}, "count is 0"),
        ({"batched": "yes"}, "batched is 'yes'"),
        ({"per_image_input": "jpeg"}, "per_image_input is 'jpeg'"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        ViewAdapter(**({"transform": pil_flip} | arguments))


def test_pil_has_no_five_channels() -> None:
    with pytest.raises(ArgumentError, match="have 5 channels; a PIL picture has 1 or 3"):
        ViewAdapter(pil_flip)(torch.zeros(2, 5, 4, 4))
