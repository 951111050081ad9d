"""How an encoder of pictures becomes an ONNX file: it is a network of tensors as it is, normalisation included."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from contrapose.encoders.onnx_form import OnnxForm

INPUT = "pictures"
BATCHES = (2, 1, 3)  # the first is traced with
MODES = {1: "L", 3: "RGB"}  # Pillow's, by the number of channels

_READ = """\
import numpy as np, onnxruntime
from PIL import Image, ImageOps
pictures = [ImageOps.fit(Image.open(path).convert("{mode}"), ({side}, {side})) for path in ["photo.jpg"]]
pixels = np.stack([np.atleast_3d(picture) for picture in pictures]).transpose(0, 3, 1, 2)  # uint8
z = onnxruntime.InferenceSession("model.onnx").run(None, {{"pictures": pixels.astype(np.float32) / 255}})[0]
"""
_GIVEN = """\
import numpy as np, onnxruntime
pixels = np.zeros((1, {channels}, {side}, {side}), np.float32)  # your pictures, in [0, 1]
z = onnxruntime.InferenceSession("model.onnx").run(None, {{"pictures": pixels}})[0]
"""


def onnx_form(encoder: nn.Module, channels: int, side: int) -> OnnxForm:
    """What `to_onnx` needs to know of an encoder of pictures `(C, S, S)`."""
    use = _READ if channels in MODES else _GIVEN
    return OnnxForm(
        network=encoder,
        inputs={INPUT: {0: "batch"}},
        examples=[(_pictures(batch, channels, side),) for batch in BATCHES],
        takes=f"float32 (batch, {channels}, {side}, {side}) in [0, 1]",
        preparation="uint8 divided by 255; normalisation is inside",
        use=use.format(mode=MODES.get(channels), side=side, channels=channels),
    )


def _pictures(batch: int, channels: int, side: int) -> Tensor:
    """Random pictures, the same for the same batch."""
    return torch.rand((batch, channels, side, side), generator=torch.Generator().manual_seed(batch))  # (b, C, S, S)
