"""Two views of each picture beside albumentations, kornia and lightly: the same operations with the same chances.

A crop of a random share, flip, jitter of brightness, contrast, saturation and hue, grey, blur: our recipe "natural"
says how strong, and every peer is built from its numbers. All are given the same uint8 pictures and give float32 views
in [0, 1]; those that take one picture at a time are given arrays or PIL pictures made beforehand, and their views are
put into one batch. kornia's crop does not smooth what it shrinks; all others' do. The mean and the spread of the pixels
are compared, for no two of them draw the same random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from peers.lightly_import import lightly
from peers.row import OURS, Arm, Call, Row, Settings, Target, times_faster

TOLERANCES = {"mean": 0.06, "spread": 0.12}
WIDTHS = 3.0  # standard deviations that kornia's blur, of one width for all, looks to each side


def pictures(settings: Settings) -> Any:
    """`(B, 3, S, S)` uint8: soft shapes with a little grain, as photographs are."""
    import torch
    from torch.nn import functional

    generator, side = torch.Generator().manual_seed(0), settings["side"]
    coarse = torch.rand(settings["batch"], 3, 8, 8, generator=generator)
    smooth = functional.interpolate(coarse, size=(side, side), mode="bicubic")  # (B, 3, S, S)
    grain = 0.03 * torch.randn(smooth.shape, generator=generator)
    return ((smooth + grain).clamp(0, 1) * 255).to(torch.uint8)


def numbers(settings: Settings) -> dict[str, float]:
    """What the recipe says for pictures of this side, with the blur that it leaves out under 64 pixels left out."""
    from contrapose.views import ImageViews

    side = settings["side"]
    options = ImageViews(recipe="natural").resolve(3, side)
    names = ("crop_scale_min", "crop_scale_max", "crop_ratio_min", "crop_ratio_max", "flip_probability", "hue")
    more = ("colour_probability", "brightness", "contrast", "saturation", "grey_probability", "blur_probability")
    sigmas = ("blur_sigma_min", "blur_sigma_max")
    return {name: options.number(name) for name in (*names, *more, *sigmas)}


def pixels(views: Sequence[Any]) -> tuple[float, float]:
    """Mean and mean square over all views."""
    import torch

    both = torch.stack([view.float() for view in views])  # (2, B, 3, S, S)
    assert both.shape[2] == 3
    assert 0 <= float(both.min()) <= float(both.max()) <= 1 + 1e-6
    return float(both.double().mean()), float(both.double().square().mean())


def warmed(call: Callable[[], Sequence[Any]], settings: Settings) -> Call:
    """After as many calls as it takes to compare what the pixels are; the first loads what is loaded once."""
    import random

    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)  # lightly draws from it
    torch.manual_seed(0)
    calls = -(-settings["compared"] // (2 * settings["batch"]))
    means, squares = zip(*(pixels(call()) for _ in range(calls)), strict=True)
    mean = sum(means) / calls
    answer = {"mean": mean, "spread": (sum(squares) / calls - mean**2) ** 0.5}

    def again() -> dict[str, Any]:
        call()
        return answer

    return again


def ours(settings: Settings) -> Call:
    import torch

    from contrapose.views import ViewGenerator
    from views import RECIPES  # benchmarks/views.py

    channels, options = RECIPES["natural"]
    make = ViewGenerator(options, channels=channels, image_size=settings["side"])
    raw, generator = pictures(settings), torch.Generator().manual_seed(0)
    return warmed(lambda: make(raw, generator=generator), settings)


def of_albumentations(settings: Settings) -> Call:
    import albumentations as A
    import cv2
    import numpy as np
    import torch

    cv2.setNumThreads(settings["threads"])
    n, side = numbers(settings), settings["side"]
    around = {name: (1 - n[name], 1 + n[name]) for name in ("brightness", "contrast", "saturation")}
    steps = [
        A.RandomResizedCrop(
            size=(side, side),
            scale=(n["crop_scale_min"], n["crop_scale_max"]),
            ratio=(n["crop_ratio_min"], n["crop_ratio_max"]),
            area_for_downscale="image",  # smooths what it shrinks
        ),
        A.HorizontalFlip(p=n["flip_probability"]),
        A.ColorJitter(**around, hue=(-n["hue"], n["hue"]), p=n["colour_probability"]),
        A.ToGray(p=n["grey_probability"]),
    ]
    if n["blur_probability"]:
        sigmas = (n["blur_sigma_min"], n["blur_sigma_max"])
        steps.append(A.GaussianBlur(blur_limit=0, sigma_limit=sigmas, p=n["blur_probability"]))
    transform = A.Compose(steps, seed=0)
    raw = list(pictures(settings).permute(0, 2, 3, 1).contiguous().numpy())  # B of (S, S, 3)

    def view() -> Any:
        batch = torch.from_numpy(np.stack([transform(image=one)["image"] for one in raw]))  # (B, S, S, 3)
        return batch.permute(0, 3, 1, 2).float().div_(255)  # (B, 3, S, S)

    return warmed(lambda: (view(), view()), settings)


def of_kornia(settings: Settings) -> Call:
    import kornia.augmentation as K
    import torch

    n, side = numbers(settings), settings["side"]
    steps = [
        K.RandomResizedCrop(
            (side, side),
            scale=(n["crop_scale_min"], n["crop_scale_max"]),
            ratio=(n["crop_ratio_min"], n["crop_ratio_max"]),
        ),
        K.RandomHorizontalFlip(p=n["flip_probability"]),
        K.ColorJitter(n["brightness"], n["contrast"], n["saturation"], n["hue"], p=n["colour_probability"]),
        K.RandomGrayscale(p=n["grey_probability"]),
    ]
    if n["blur_probability"]:
        width = 2 * round(WIDTHS * n["blur_sigma_max"]) + 1
        sigmas = (n["blur_sigma_min"], n["blur_sigma_max"])
        steps.append(K.RandomGaussianBlur((width, width), sigmas, p=n["blur_probability"]))
    transform, raw = torch.nn.Sequential(*steps), pictures(settings)

    @torch.no_grad()
    def both() -> Sequence[Any]:
        floats = raw.float().div_(255)  # (B, 3, S, S)
        return transform(floats).clamp_(0, 1), transform(floats).clamp_(0, 1)

    return warmed(both, settings)


def lightly_transform(settings: Settings) -> Any:
    """lightly's SimCLR view with the numbers of our recipe, without normalisation."""
    n = numbers(settings)
    assert n["crop_scale_max"] == 1
    return lightly("transforms.simclr_transform").SimCLRViewTransform(
        input_size=settings["side"],
        cj_prob=n["colour_probability"],
        cj_bright=n["brightness"],
        cj_contrast=n["contrast"],
        cj_sat=n["saturation"],
        cj_hue=n["hue"],
        min_scale=n["crop_scale_min"],
        random_gray_scale=n["grey_probability"],
        gaussian_blur=n["blur_probability"],
        sigmas=(n["blur_sigma_min"], n["blur_sigma_max"]),
        hf_prob=n["flip_probability"],
        normalize=None,
    )


def of_lightly(settings: Settings) -> Call:
    import torch
    from PIL import Image

    transform = lightly_transform(settings)
    raw = [Image.fromarray(one) for one in pictures(settings).permute(0, 2, 3, 1).contiguous().numpy()]
    return warmed(lambda: [torch.stack([transform(one) for one in raw]) for _ in range(2)], settings)


def rates(record: Mapping[str, Any]) -> dict[str, float]:
    """Views a second of each arm."""
    views = 2 * record["settings"]["batch"]
    return {
        f"views a second, {name}": views / arm["seconds"] for name, arm in record["arms"].items() if "seconds" in arm
    }


def row(side: int, batch: int, targets: tuple[Target, ...]) -> Row:
    arms = {
        OURS: Arm(ours),
        "albumentations": Arm(of_albumentations),
        "kornia": Arm(of_kornia),
        "lightly": Arm(of_lightly),
    }
    settings = {"side": side, "batch": batch, "compared": 1024, "dtype": "uint8 to float32"}
    name, figure = f"views_{side}", f"two views of each picture of {side} x {side}, batch of {batch}"
    kornia = Target("times as fast as kornia", times_faster("kornia"), at_least=4)
    quick = {"side": min(side, 64), "batch": 16}
    targets = (*targets, kornia)
    return Row(name, figure, arms, settings, quick, targets, 24.0, memory=False, tolerances=TOLERANCES, derive=rates)


ROWS = (
    row(32, 256, ()),
    row(96, 128, (Target("times as fast as albumentations", times_faster("albumentations"), at_least=2),)),
    row(224, 64, (Target("times as fast as albumentations", times_faster("albumentations"), at_least=1),)),
)
