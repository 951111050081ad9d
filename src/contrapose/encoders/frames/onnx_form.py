"""How an encoder of sequences becomes an ONNX file: from frames of the working length on."""

from __future__ import annotations

import json
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.frames.backbone import FrameBackbone
from contrapose.encoders.frames.frame_form import FrameForm
from contrapose.encoders.frames.frame_inputs import standardised
from contrapose.encoders.onnx_form import OnnxForm
from contrapose.errors import RunError
from contrapose.padded import Padded

INPUT = "frames"
BATCHES = (2, 1, 5)  # the first is traced with

_USE = """\
import numpy as np, onnxruntime
def resampled(sequence, frames={frames}):  # (T, ...) to (frames, ...), as in training
    place = (np.arange(frames) + 0.5) * len(sequence) / frames - 0.5
    flat = np.asarray(sequence, np.float32).reshape(len(sequence), -1)
    return np.stack([np.interp(place, np.arange(len(flat)), one) for one in flat.T], axis=1)
sequences = np.load("sequences.npy")  # or a list of arrays of any lengths, {features} numbers a frame
x = np.stack([resampled(sequence) for sequence in sequences]).astype(np.float32)
z = onnxruntime.InferenceSession("model.onnx").run(None, {{"frames": x}})[0]
"""


class _FromFrames(nn.Module):
    """The encoder above frames as they are in the data, resampled.

    Shapes:
        x: `(B, T, F)`; returns `(B, D)`.
    """

    def __init__(self, backbone: FrameBackbone, form: FrameForm) -> None:
        super().__init__()
        self.backbone, self.form = backbone, form

    def forward(self, x: Float[Tensor, "B T F"]) -> Float[Tensor, "B D"]:
        form = self.form
        if form.centre is not None:
            joints = x.unflatten(2, form.step)  # (B, T, J, C)
            origin = joints[:, :1].mean(dim=2) if form.centre < 0 else joints[:, :1, form.centre]  # (B, 1, C)
            x = (joints - origin[:, :, None]).flatten(2)  # (B, T, F)
        view = standardised(Padded(x, torch.ones_like(x[..., 0], dtype=torch.bool)), form)
        return self.backbone(view.values, None)  # (B, D)


def onnx_form(name: str, backbone: FrameBackbone, form: FrameForm) -> OnnxForm:
    """What `to_onnx` needs to know of an encoder of sequences.

    Errors:
        RunError: one without a working length, or of recurrent layers.
    """
    if not form.frames:
        raise RunError(
            "An encoder that reads sequences at their own length (--frames 0) cannot become an ONNX file: take --to "
            "folder, or train with a working length."
        )
    if any(isinstance(module, nn.GRU) for module in backbone.modules()):
        raise RunError(
            f"Encoder {name!r} has recurrent layers, which torch does not convert to ONNX with batches of any "
            "size: take --to folder, or train with --encoder conv1d."
        )
    return OnnxForm(
        network=_FromFrames(backbone, form),
        inputs={INPUT: {0: "batch"}},
        examples=[(_examples(form, batch),) for batch in BATCHES],
        takes=f"float32 (batch, {form.frames}, {form.features})",
        preparation=f"each sequence at {form.frames} frames by linear interpolation (half-frame centres, held at both "
        f"ends), a frame as {form.features} numbers{', joint by joint' if form.joints else ''}; the rest is inside",
        use=_USE.format(frames=form.frames, features=form.features),
        metadata={"form": json.dumps(form.to_json())},
    )


def _examples(form: FrameForm, batch: int) -> Any:
    """Made-up frames of about the scale of the data, `(b, T, F)`."""
    draw = torch.Generator().manual_seed(batch)
    x = torch.randn(batch, form.frames, form.features, generator=draw)  # (b, T, F)
    return x * torch.tensor(form.scale or (1.0,)) + torch.tensor(form.mean or (0.0,))
