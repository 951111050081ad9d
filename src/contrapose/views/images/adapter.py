"""`ViewAdapter`: a user's own augmentation (torchvision, kornia, albumentations, any callable) as a view
generator."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from contrapose.errors import ArgumentError
from contrapose.views.images.batch import as_bytes, as_floats, check_pictures
from contrapose.words import a_type

PerImageInput = Literal["auto", "pil", "tensor", "array"]

# Interpolation may overshoot [0, 1] a little and is clipped; a normalised picture goes far beyond.
_OVERSHOOT = 0.25


class ViewAdapter:
    """`count` views of a batch by somebody else's transform, with the interface of `ViewGenerator`.

    Transforms of other libraries take their random numbers from the global generators of torch, numpy and
    Python. Those are seeded from `generator` for the duration of a call and put back afterwards; a transform
    with a `set_random_seed` method (albumentations 2) is seeded through it. The views are thus a function of
    the generator's state.

    Shapes:
        images: `(B, C, H, W)` uint8, or floats in [0, 1]; returns `count` times `(B, C', H', W')` float32 in
            [0, 1], on the device of the images.

    Arguments:
        transform: makes one view. Called `transform(batch)`, `transform(image)` or, for arrays,
            `transform(image=array)`, where the
            result may also be a mapping that holds "image".
        count: how many views. 2: SimCLR (arXiv 2002.05709).
        batched: whether it takes a float batch `(B, C, H, W)` and draws numbers for each sample by itself.
            "auto": any
            `nn.Module` (kornia's are) that is not of torchvision, whose modules draw once for the whole
            batch.
        per_image_input: what it takes when it is not batched: "pil" a picture (mode L or RGB), "tensor" a
            float `(C, H, W)`,
            "array" a uint8 `(H, W, C)`. "auto": array for albumentations, else pil.

    Errors:
        ArgumentError: an argument that is none of these; a result that is not a finite picture in [0, 1] of
            one common shape.
    """

    def __init__(
        self,
        transform: Callable[..., Any],
        count: int = 2,
        *,
        batched: bool | Literal["auto"] = "auto",
        per_image_input: PerImageInput = "auto",
    ) -> None:
        if not callable(transform):
            raise ArgumentError(f"transform is {transform!r}; it must be a callable that makes one view of a picture.")
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ArgumentError(f"count is {count!r}; it must be a whole number, at least 1.")
        if batched not in (True, False, "auto"):
            raise ArgumentError(f"batched is {batched!r}; it must be True, False or 'auto'.")
        if per_image_input not in ("auto", "pil", "tensor", "array"):
            raise ArgumentError(
                f"per_image_input is {per_image_input!r}; it must be 'auto', 'pil', 'tensor' or 'array'."
            )
        if per_image_input == "auto":
            per_image_input = "array" if _comes_from(transform, "albumentations") else "pil"
        self.transform = transform
        self.count = count
        self.batched = _takes_batches(transform) if batched == "auto" else batched
        self.per_image_input = per_image_input

    @property
    def name(self) -> str:
        """What the transform is called in messages."""
        return getattr(self.transform, "__qualname__", type(self.transform).__qualname__)

    def __repr__(self) -> str:
        how = "batched" if self.batched else self.per_image_input
        return f"ViewAdapter({self.name}, count={self.count}, {how})"

    @torch.no_grad()
    def __call__(self, images: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, ...]:
        """Views of the batch; the same state of `generator` gives the same views."""
        check_pictures(images)
        seeds_on = "cpu" if generator is None else generator.device
        seed = int(torch.randint(2**31, (), generator=generator, device=seeds_on))
        if hasattr(self.transform, "set_random_seed"):
            self.transform.set_random_seed(seed)
        with _global_randomness(seed, images.device):
            return tuple(self._view(images) for _ in range(self.count))

    def _view(self, images: Tensor) -> Tensor:
        if not self.batched:
            results = [self._as_picture(result) for result in map(self.transform_one, images)]
            shapes = sorted({tuple(result.shape) for result in results})
            if len(shapes) > 1:
                raise ArgumentError(
                    f"{self.name} returned pictures of different shapes: {shapes[0]} and {shapes[1]}. "
                    "End it with a crop or resize to one size."
                )
            return torch.stack(results).to(images.device)  # (B, C', H', W')
        # a clone: the transform may work in place, and the pictures are read again for the next view
        result = self.transform(as_floats(images).clone())
        if not isinstance(result, Tensor):
            raise self._complaint(
                a_type(result),
                "a tensor (B, C, H, W); set batched=False if it takes one picture",
            )
        if result.ndim != 4 or len(result) != len(images):
            wanted = f"({len(images)}, C, H, W); set batched=False if it takes one picture"
            raise self._complaint(f"a tensor of shape {tuple(result.shape)}", wanted)
        return self._in_range(result).to(images.device)

    def transform_one(self, image: Tensor) -> Any:
        """The transform's own result for one picture `(C, H, W)`, which is handed over as `per_image_input`
        says."""
        if self.per_image_input == "tensor":
            return self.transform(as_floats(image).clone())
        pixels = as_bytes(image).permute(1, 2, 0).contiguous().cpu().numpy()  # (H, W, C)
        if self.per_image_input == "array":
            result = self.transform(image=pixels)
            return result["image"] if isinstance(result, Mapping) and "image" in result else result
        if pixels.shape[2] not in (1, 3):
            raise ArgumentError(
                f"The pictures have {pixels.shape[2]} channels; a PIL picture has 1 or 3. "
                f"Use per_image_input='tensor' for {self.name}."
            )
        return self.transform(Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))

    def _as_picture(self, result: Any) -> Tensor:
        """One result as float `(C, H, W)`; arrays and PIL pictures have their channels last."""
        if isinstance(result, Image.Image):
            result = np.array(result)
        if isinstance(result, np.ndarray):
            if result.ndim == 2:
                result = result[:, :, None]
            result = torch.from_numpy(np.ascontiguousarray(result)).movedim(-1, 0)  # (C, H, W)
        if not isinstance(result, Tensor):
            hint = "; count says how many views are made, it shall make one" if isinstance(result, list | tuple) else ""
            raise self._complaint(a_type(result), f"a tensor, an array or a PIL picture{hint}")
        if result.ndim != 3:
            raise self._complaint(f"a picture of shape {tuple(result.shape)}", "three dimensions")
        return self._in_range(result)

    def _in_range(self, result: Tensor) -> Tensor:
        if result.dtype != torch.uint8 and not result.is_floating_point():
            raise self._complaint(f"values of dtype {result.dtype}", "uint8, or floats in [0, 1]")
        pictures = as_floats(result)
        if pictures.numel() == 0 or not bool(pictures.isfinite().all()):
            what = "an empty picture" if pictures.numel() == 0 else "values that are not finite (NaN or infinity)"
            raise self._complaint(what, "finite numbers in [0, 1]")
        low, high = (float(value) for value in pictures.aminmax())
        if low < -_OVERSHOOT or high > 1 + _OVERSHOOT:
            raise self._complaint(
                f"values from {low:g} to {high:g}",
                "values in [0, 1]; leave out a final Normalize, the encoder carries its own",
            )
        return pictures.clamp(0, 1)

    def _complaint(self, given: str, expected: str) -> ArgumentError:
        return ArgumentError(f"{self.name} returned {given}; expected {expected}.")


def _comes_from(thing: object, package: str) -> bool:
    return any(base.__module__.split(".")[0] == package for base in type(thing).__mro__)


def _takes_batches(transform: object) -> bool:
    """An `nn.Module` without a torchvision part takes a batch and is trusted to treat every sample by
    itself."""
    return isinstance(transform, nn.Module) and not any(
        _comes_from(part, "torchvision") for part in transform.modules()
    )


@contextlib.contextmanager
def _global_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators that a foreign transform may use, and put their states back afterwards."""
    python_state, numpy_state = random.getstate(), np.random.get_state()
    on_cuda = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_cuda else []):
        try:
            torch.default_generator.manual_seed(seed)
            if on_cuda:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            np.random.seed(seed)
            random.seed(seed)
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
