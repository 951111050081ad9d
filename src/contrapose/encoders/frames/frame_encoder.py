"""`FrameEncoder`: sequences to embeddings, with all that brings frames into their form inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.concatenated import CONCATENATED, parts_of
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.frames import conv1d, gru  # noqa: F401  (registers them)
from contrapose.encoders.frames.backbone import FRAME_ENCODERS, FrameBackbone
from contrapose.encoders.frames.frame_form import FrameForm
from contrapose.encoders.frames.frame_inputs import Sequences, framed, sequences_of, standardised
from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.words import a_type

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm


class FrameEncoder(Encoder):
    """Raw sequences to embeddings.

        z = encoder(encoder.prepare(sequences)),   prepare(s) = standardised(framed(s))

    Shapes:
        raw: B sequences `(T_b, J, C)` or `(T_b, C)` of any lengths, as `Frames.batch` gives them or in a list.
        the view: `Padded` `(B, T, F)` float32, F = J·C, T = `frames`, or the longest of them where that is 0.
        returns: `(B, dimension)`. How a sequence is padded, and beside which others, changes nothing.

    Arguments:
        backbone: what turns standardised frames into features.
        frame_form: the shape of a frame, and how it is prepared.
        name, arguments: how `build_frames` made it; written into `encoder.json`.

    Errors:
        ArgumentError: frames of another shape, sequences without frames.
    """

    def __init__(
        self, backbone: FrameBackbone, frame_form: FrameForm, *, name: str, arguments: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.backbone, self.frame_form = backbone, frame_form
        self.name, self.arguments = name, dict(arguments)

    @property
    def form(self) -> dict[str, Any]:
        return {"modality": "frames", **self.frame_form.to_json()}

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    def prepare(self, raw: Any) -> Padded:
        """Whole sequences as the backbone takes them; `Padded` that were prepared already stay as they are."""
        return raw if isinstance(raw, Padded) else self.finished(self.framed(raw))

    def framed(self, raw: Any, first: Tensor | None = None, length: Tensor | None = None) -> Padded:
        """Windows of the sequences, centred and resampled, as coordinates `(B, T, F)`; views are made of these."""
        sequences: Sequences = sequences_of(raw, self.frame_form, self.name)
        return framed(sequences, self.frame_form, first, length)

    def finished(self, coordinates: Padded) -> Padded:
        """Coordinates as the backbone takes them: their stream, standardised, `(B, T, F)`."""
        return standardised(coordinates, self.frame_form)

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        if not isinstance(view, Padded) or view.values.ndim != 3 or view.shape[2] != self.frame_form.features:
            given = a_type(view) if not isinstance(view, Padded) else f"some of shape {tuple(view.shape)}"
            raise ArgumentError(
                f"Encoder {self.name!r} takes prepared sequences (Padded) of shape (B, T, {self.frame_form.features}) "
                f"and was given {given}: give encoder.prepare(sequences)."
            )
        x = view.values.to(next(self.backbone.parameters()).dtype)  # (B, T, F)
        return self.backbone(x, None if bool(view.mask.all()) else view.mask)  # (B, D)

    def onnx_form(self) -> OnnxForm:
        """From centred and resampled coordinates on."""
        from contrapose.encoders.frames.onnx_form import onnx_form

        return onnx_form(self.name, self.backbone, self.frame_form)

    def extra_repr(self) -> str:
        form = self.frame_form
        return f"name={self.name!r}, frame={form.step}, frames={form.frames}, dimension={self.dimension}"


def build_frames(name: str, frame_form: FrameForm, *, seed: int | None = None, **arguments: Any) -> FrameEncoder:
    """An encoder of sequences with new weights.

    Arguments:
        name: one of `FRAME_ENCODERS`.
        frame_form: as of `FrameEncoder`.
        seed: as of `build`.
        arguments: the encoder's own; see its factory. Unknown ones are refused.

    Errors:
        ArgumentError: an unknown name or argument, or a value that the encoder cannot use.
    """
    factory = frame_factory_of(name)
    arguments = arguments_of(name, factory, arguments, given=("features",))
    with seeded(seed):
        backbone = factory(features=frame_form.features, **arguments)
    return FrameEncoder(backbone, frame_form, name=name, arguments=arguments)


def frame_factory_of(name: str) -> Any:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: an unknown name.
    """
    return _concatenated if name == CONCATENATED else FRAME_ENCODERS[name]


def rebuild_frames(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> FrameEncoder:
    """The encoder that `form` describes, with new weights."""
    return build_frames(name, FrameForm.from_json(form), seed=seed, **arguments)


class _Concatenated(FrameBackbone):
    """Backbones side by side, for `concatenate`."""

    def __init__(self, parts: list[FrameBackbone], *, normalize: bool) -> None:
        super().__init__()
        self.parts, self.normalize = torch.nn.ModuleList(parts), normalize
        self.dimension = sum(part.dimension for part in parts)

    def forward(self, x: Tensor, mask: Tensor | None) -> Float[Tensor, "B D"]:
        found = [part(x, mask) for part in self.parts]  # (B, D_k) each
        return torch.cat([torch.nn.functional.normalize(z, dim=1) for z in found] if self.normalize else found, dim=1)


def _concatenated(*, features: int, parts: Any, normalize: bool = True) -> FrameBackbone:
    def make(name: str, **arguments: Any) -> FrameBackbone:
        found: FrameBackbone = frame_factory_of(name)(features=features, **arguments)
        return found

    made, _ = parts_of(parts, normalize, make)
    return _Concatenated(made, normalize=normalize)
