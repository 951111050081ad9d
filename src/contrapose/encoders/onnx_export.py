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

from contrapose.encoders.encoder import Encoder
from contrapose.encoders.onnx_form import OUTPUT, OnnxForm
from contrapose.errors import RunError
from contrapose.optional import optional
from contrapose.version import __version__

LARGEST_FILE = 2**31  # bytes: the protocol buffers that ONNX files are made of hold no more
TOLERANCE = 1e-4
"""Largest difference from torch, as a share of the largest number in an embedding. [design] float32 sums in another
order were measured to differ by about 1e-6 (small_conv, resnet18, vit_tiny, transformer), a hundredth of it."""
LOGGERS = ("torch.onnx", "onnxscript", "onnx_ir")


@dataclass(frozen=True)
class OnnxModel:
    """What `to_onnx` returns.

    Arguments:
        content: the file, weights included.
        form: what it takes, how to run it, and what has to lie beside it.
        difference: largest absolute difference between onnxruntime's embeddings and torch's.
        scale: largest absolute number in torch's embeddings, to judge `difference` by.
    """

    content: bytes
    form: OnnxForm
    difference: float
    scale: float


def require_onnx() -> None:
    """Import what the conversion needs, or say which extra brings it.

    Errors:
        MissingExtraError: without the `export` extra.
    """
    for module in ("onnx", "onnxscript", "onnxruntime"):
        optional(module, extra="export")


def to_onnx(encoder: Encoder) -> OnnxModel:
    """Convert an encoder as its `onnx_form` says, and compare it with torch on made-up samples.

    Shapes:
        inputs of the file: pictures, texts, rows: see `onnx_form` of their encoders.
        embeddings, its output: `(batch, dimension)` float32, not normalised; as the encoder gives them in evaluation
            mode and float32.

    Errors:
        MissingExtraError: without the `export` extra.
        RunError: an encoder of a kind that says nothing of ONNX, that torch cannot convert, that is larger than an
            ONNX file can be, or whose converted form answers differently.

    Format: https://onnx.ai/onnx/intro/concepts.html
    """
    require_onnx()
    # A copy: the caller's encoder keeps its device, its precision and its mode.
    encoder = copy.deepcopy(encoder).to("cpu", torch.float32).eval()
    form = encoder.onnx_form()
    size = sum(4 * tensor.numel() for tensor in encoder.state_dict().values())
    if size >= LARGEST_FILE:
        raise RunError(
            f"Encoder {encoder.name!r} has {size / 1e9:.1f} GB of weights and an ONNX file holds at most 2 GB. "
            "Export it with --to folder."
        )
    content = _convert(encoder, form)
    difference, scale = _compare(encoder.name, form, content)
    if not difference <= TOLERANCE * scale:  # written so that NaN is refused too
        raise RunError(
            f"The ONNX form of encoder {encoder.name!r} differs from torch by {difference:.2g} where the largest "
            f"number is {scale:.2g}, so it was not written. Update onnxscript and onnxruntime, or take --to folder."
        )
    return OnnxModel(content, form, difference, scale)


def _convert(encoder: Encoder, form: OnnxForm) -> bytes:
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                form.network.eval(),
                form.examples[0],
                dynamo=True,
                verbose=False,
                input_names=list(form.inputs),
                output_names=[OUTPUT],
                # Names, not `Dim`s: `len(x)` in a network is refused for a `Dim`, and torch then freezes the axis.
                dynamic_shapes=tuple(dict(axes) for axes in form.inputs.values()),
            )
    except RuntimeError as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise RunError(
            f"torch cannot convert encoder {encoder.name!r} to ONNX ({reason.strip()[:200]}). Take --to folder."
        ) from error
    assert program is not None  # torch returns None for the converter that is not used here
    facts = {"contrapose": __version__, "encoder": encoder.name, "modality": encoder.modality}
    facts |= {"input": form.takes, "preparation": form.preparation}
    program.model.metadata_props.update({**facts, **form.metadata})
    return program.model_proto.SerializeToString()


@torch.inference_mode()
def _compare(name: str, form: OnnxForm, content: bytes) -> tuple[float, float]:
    """Largest difference between onnxruntime and torch, and the largest number they were to agree on."""
    runtime: Any = optional("onnxruntime", extra="export")
    difference, scale = torch.zeros(()), torch.zeros(())
    try:
        session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
        for example in form.examples[1:]:
            given = {name: tensor.numpy() for name, tensor in zip(form.inputs, example, strict=True)}
            found = torch.from_numpy(session.run([OUTPUT], given)[0])  # (b, D)
            expected = form.network(*example)  # (b, D)
            difference = torch.maximum(difference, (found - expected).abs().max())  # ()
            scale = torch.maximum(scale, expected.abs().max())  # ()
    except Exception as error:  # onnxruntime's errors share no class but this
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise RunError(
            f"onnxruntime cannot run the ONNX form of encoder {name!r} ({reason[:200]}), so it was not "
            "written. Update onnxruntime, or take --to folder."
        ) from error
    return float(difference), float(scale)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's remarks on its own inside (torchvision is absent, a class of torch is renamed) to itself."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
