"""An encoder as one ONNX file, checked against torch before anybody gets it."""

from __future__ import annotations

import contextlib
import copy
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.errors import RunError
from contrapose.optional import optional
from contrapose.version import __version__

INPUT, OUTPUT = "pictures", "embeddings"
LARGEST_FILE = 2**31  # bytes: the protocol buffers that ONNX files are made of hold no more
TOLERANCE = 1e-4
"""Largest difference from torch, as a share of the largest number in an embedding. [design] float32 sums in another
order were measured to differ by about 1e-6 (small_conv, resnet18, vit_tiny), a hundredth of it."""
CHECKED_BATCHES = (1, 3)  # neither is the size it is traced with: a batch axis that was frozen is found out


@dataclass(frozen=True)
class OnnxModel:
    """What `to_onnx` returns.

    Arguments:
        content: the file, weights included.
        difference: largest absolute difference between onnxruntime's embeddings and torch's.
        scale: largest absolute number in torch's embeddings, to judge `difference` by.
    """

    content: bytes
    difference: float
    scale: float


def require_onnx() -> None:
    """Import what the conversion needs, or say which extra brings it.

    Errors:
        MissingExtraError: without the `export` extra.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        optional(module, extra="export")


def to_onnx(encoder: ImageEncoder) -> OnnxModel:
    """Convert an encoder, normalisation included, and compare it with torch on random pictures.

    Equation: embeddings = backbone((pictures - mean) / std), as `ImageEncoder` in evaluation mode and float32.

    Shapes:
        pictures, the input of the file: `(batch, C, S, S)` float32 in [0, 1] (uint8 divided by 255), where S is the
            encoder's image size and `batch` any number.
        embeddings, its output: `(batch, dimension)` float32, not normalised.

    Errors:
        MissingExtraError: without the `export` extra.
        RunError: an encoder that torch cannot convert, that is larger than an ONNX file can be, or whose
            converted form answers differently.

    Format: https://onnx.ai/onnx/intro/concepts.html
    """
    require_onnx()
    # A copy: the caller's encoder keeps its device, its precision and its mode.
    encoder = copy.deepcopy(encoder).to("cpu", torch.float32).eval()
    size = sum(4 * tensor.numel() for tensor in encoder.state_dict().values())
    if size >= LARGEST_FILE:
        raise RunError(
            f"Encoder {encoder.name!r} has {size / 1e9:.1f} GB of weights and an ONNX file holds at most 2 GB. "
            "Export it with --to folder."
        )
    content = _convert(encoder)
    difference, scale = _compare(encoder, content)
    if not difference <= TOLERANCE * scale:  # written so that NaN is refused too
        raise RunError(
            f"The ONNX form of encoder {encoder.name!r} differs from torch by {difference:.2g} where the largest "
            f"number is {scale:.2g}, so it was not written. Update onnxscript and onnxruntime, or take --to folder."
        )
    return OnnxModel(content, difference, scale)


def _convert(encoder: ImageEncoder) -> bytes:
    pictures = _pictures(encoder, 2)  # (2, C, S, S): of one picture, torch would take the batch axis for a constant
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                encoder,
                (pictures,),
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                # A name, not a `Dim`: `len(x)` in a network is refused for a `Dim`, and torch then freezes the axis.
                dynamic_shapes=({0: "batch"},),
            )
    except RuntimeError as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise RunError(
            f"torch cannot convert encoder {encoder.name!r} to ONNX ({reason.strip()[:200]}). Take --to folder."
        ) from error
    assert program is not None  # torch returns None for the converter that is not used here
    program.model.metadata_props.update(
        {
            "contrapose": __version__,
            "encoder": encoder.name,
            "input": "float32 in [0, 1]: uint8 divided by 255; normalisation is inside",
        }
    )
    return program.model_proto.SerializeToString()


@torch.inference_mode()
def _compare(encoder: ImageEncoder, content: bytes) -> tuple[float, float]:
    """Largest difference between onnxruntime and torch, and the largest number they were to agree on."""
    runtime: Any = optional("onnxruntime", extra="export")
    difference, scale = torch.zeros(()), torch.zeros(())
    try:
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        for batch in CHECKED_BATCHES:
            pictures = _pictures(encoder, batch)  # (b, C, S, S)
            found = torch.from_numpy(session.run([OUTPUT], {INPUT: pictures.numpy()})[0])  # (b, D)
            expected = encoder(pictures)  # (b, D)
            difference = torch.maximum(difference, (found - expected).abs().max())  # ()
            scale = torch.maximum(scale, expected.abs().max())  # ()
    except Exception as error:  # onnxruntime's errors share no class but this
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise RunError(
            f"onnxruntime cannot run the ONNX form of encoder {encoder.name!r} ({reason[:200]}), so it was not "
            "written. Update onnxruntime, or take --to folder."
        ) from error
    return float(difference), float(scale)


def _pictures(encoder: ImageEncoder, batch: int) -> Tensor:
    """Random pictures, the same for the same batch."""
    shape = (batch, encoder.channels, encoder.image_size, encoder.image_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(batch))  # (b, C, S, S)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's remarks on its own inside (torchvision is absent, a class of torch is renamed) to itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
