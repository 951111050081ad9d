"""What an encoder says of itself to become an ONNX file: a network of tensors, its inputs, and how to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

OUTPUT = "embeddings"


@dataclass(frozen=True)
class OnnxForm:
    """How an encoder is traced. A kind of data of your own returns one from `Encoder.onnx_form`.

    Shapes:
        embeddings, the output of the file: `(batch, dimension)` float32, not normalised.

    Arguments:
        network: takes the inputs, tensors, in their order, and returns `(B, D)`. Weights in float32, on the CPU.
        inputs: the inputs by name, in that order, each with the numbers and names of its axes of any length.
        examples: made-up inputs. The first are traced with; the others, of other sizes, are compared with torch, so
            that an axis that was frozen is found out. No axis of any length is 1 in the first: torch would take it
            for a constant.
        takes: what the inputs are, in words: type and shape.
        preparation: what samples have to become before they are inputs.
        use: lines of Python that run `model.onnx` and leave embeddings in `z`.
        metadata: what more the file is to say of itself.
        files: what has to lie beside the file, by name.
    """

    network: nn.Module
    inputs: Mapping[str, Mapping[int, str]]
    examples: Sequence[tuple[Tensor, ...]]
    takes: str
    preparation: str
    use: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
