"""`ImageEncoder`: a backbone that carries its own normalisation. This is what a run exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.backbone import Backbone, ConvolutionalBackbone
from contrapose.encoders.encoder import Encoder
from contrapose.errors import ArgumentError
from contrapose.preparation import Preparation

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm


class ImageEncoder(Encoder):
    """Raw pictures to embeddings.

        z = backbone((x - mean) / std),   x as uint8 divided by 255, or as floats in [0, 1]

    Shapes:
        x: `(B, C, H, W)` uint8 or floating point.
        returns: `(B, dimension)`.

    Arguments:
        backbone: what turns normalised pictures into features.
        name, arguments: how `build` made it; written into `encoder.json`.
        channels: C.
        image_size: side in pixels that it was made for. Convolutional backbones take other sizes too.
        mean, std: statistics of each channel on the scale of [0, 1]; a number stands for all channels.
        preparation: how the pictures that it was trained on became pixels; `contrapose.load(...).embed` prepares others
            likewise.

    Attributes:
        mean, std: buffers of shape `(C,)`, saved with the weights.
        dimension: length of an embedding.

    Errors:
        ArgumentError: pictures of another number of channels, another number of axes, or of integers other
            than uint8; statistics that do not fit the channels or a `std` that is not positive.
    """

    fitted: ClassVar[tuple[str, ...]] = ("mean", "std")
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: Backbone,
        *,
        name: str,
        arguments: Mapping[str, Any],
        channels: int,
        image_size: int,
        mean: object = 0.5,
        std: object = 0.5,
        preparation: Preparation | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", _statistic(mean, "mean", channels))
        self.register_buffer("std", _statistic(std, "std", channels))
        if not bool((self.std > 0).all()):
            raise ArgumentError(
                f"std={self.std.tolist()} cannot be divided by. Give positive numbers, "
                "and 1 for a channel that is constant."
            )
        self.backbone = backbone
        self.name = name
        self.arguments = dict(arguments)
        self.channels = channels
        self.image_size = image_size
        self.preparation = preparation or Preparation()

    @property
    def form(self) -> dict[str, Any]:
        return {
            "modality": "image",
            "channels": self.channels,
            "image_size": self.image_size,
            "preparation": self.preparation.to_json(),
        }

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    @property
    def stage_dimensions(self) -> tuple[int, ...]:
        """Channels of each of `feature_maps`."""
        return self._convolutional().stage_dimensions

    def normalize(self, x: Tensor) -> Float[Tensor, "B C H W"]:
        """Raw pictures on the backbone's scale and in its precision."""
        if x.ndim != 4 or x.shape[1] != self.channels:
            raise ArgumentError(
                f"Encoder {self.name!r} takes batches of shape (B, {self.channels}, H, W) and was given "
                f"{tuple(x.shape)}. Put channels second and convert them to {self.channels} channel(s), "
                f"or build it with another `channels`."
            )
        if x.dtype == torch.uint8:
            x = x.to(self.mean.dtype) / 255
        elif x.is_floating_point():
            x = x.to(self.mean.dtype)
        else:
            raise ArgumentError(
                f"Encoder {self.name!r} takes uint8 (0 to 255) or floats (0 to 1) and was given {x.dtype}. "
                "Convert with .to(torch.uint8)."
            )
        return (x - self.mean[:, None, None]) / self.std[:, None, None]  # (B, C, H, W)

    def feature_maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """Maps at the ends of the stages of a convolutional backbone, finest first; `(B, C_k, H_k, W_k)`."""
        return self._convolutional().feature_maps(self.normalize(x))

    def pool(self, last_map: Tensor) -> Float[Tensor, "B D"]:
        """The last of `feature_maps`, pooled into the embedding that `forward` returns."""
        return self._convolutional().pool(last_map)  # (B, D)

    def forward(self, x: Tensor) -> Float[Tensor, "B D"]:
        return self.backbone(self.normalize(x))  # (B, D)

    def _convolutional(self) -> ConvolutionalBackbone:
        if isinstance(self.backbone, ConvolutionalBackbone):
            return self.backbone
        raise ArgumentError(
            f"Encoder {self.name!r} has no feature maps: take a convolutional one such as small_conv or resnet18."
        )

    def onnx_form(self) -> OnnxForm:
        from contrapose.encoders.images.onnx_form import onnx_form

        return onnx_form(self, self.channels, self.image_size)

    def extra_repr(self) -> str:
        return f"name={self.name!r}, channels={self.channels}, image_size={self.image_size}, dimension={self.dimension}"


def _statistic(value: object, what: str, channels: int) -> Tensor:
    """`value` as `(channels,)` float32."""
    try:
        statistic = torch.as_tensor(value, dtype=torch.float32, device="cpu").detach().clone()  # () or (C,)
    except (TypeError, ValueError, RuntimeError):
        raise ArgumentError(f"{what}={value!r} cannot be used: give {channels} numbers, one a channel.") from None
    if statistic.shape not in ((), (channels,)) or not bool(statistic.isfinite().all()):
        raise ArgumentError(
            f"{what}={statistic.tolist()} cannot be used with {channels} channel(s): "
            f"give one finite number, or {channels} of them."
        )
    return statistic.expand(channels).clone()  # (C,)
