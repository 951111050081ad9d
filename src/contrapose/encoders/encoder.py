"""`Encoder`: raw samples to embeddings. This is what a run exports, whatever kind of data it learned from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.in_chunks import in_chunks
from contrapose.errors import RunError
from contrapose.view import View

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm


class Encoder(nn.Module):
    """A network that carries all that it needs to take raw samples: normalisation, vocabulary, scales.

        embedding = encoder(encoder.prepare(raw))

    Shapes:
        raw: B samples as `Samples.batch` gives them.
        view: B samples as `forward` takes them; view makers give these.
        returns: `(B, dimension)`.

    Attributes:
        name, arguments: how it was made; written into `encoder.json`.
        form: what it takes, as JSON: `{"modality": "image", "channels": 3, ...}`.
        dimension: length of an embedding.
        kind: of the artifact that it is saved as.
        fitted: buffers that hold what was found in the data (statistics, scales): an untrained copy keeps them.
    """

    name: str
    arguments: dict[str, Any]
    kind: ClassVar[str] = "encoder"
    fitted: ClassVar[tuple[str, ...]] = ()

    @property
    def form(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} must say what it takes: form -> {{'modality': ..., ...}}.")

    @property
    def dimension(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must say how long its embeddings are: dimension -> int.")

    @property
    def modality(self) -> str:
        """The kind of data that it takes."""
        return str(self.form["modality"])

    @property
    def device(self) -> torch.device:
        """Where its weights lie."""
        return next(self.parameters()).device

    def prepare(self, raw: Any) -> View:
        """Raw samples as `forward` takes them; as they are, unless a subclass says otherwise."""
        return raw

    def __call__(self, view: Any) -> Any:
        """`forward`, in chunks where a training step asks for it."""
        return in_chunks(super().__call__, view, modules=self)

    def forward(self, view: Any) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")

    def files(self) -> Mapping[str, bytes]:
        """What lies beside weights and description in its folder, by file name (a vocabulary); nothing by default."""
        return {}

    def onnx_form(self) -> OnnxForm:
        """How it becomes an ONNX file; an encoder of your own says so or has none.

        Errors:
            RunError: it has none.
        """
        raise RunError(
            f"Encoder {self.name!r} of {self.modality} data cannot become an ONNX file: {type(self).__name__} has no "
            "onnx_form. Take --to folder."
        )
