"""An encoder made of encoders: the embeddings of several, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.architecture import describe
from contrapose.encoders.arguments import flag
from contrapose.encoders.backbone import Backbone
from contrapose.encoders.encoder import Encoder
from contrapose.errors import ArgumentError

CONCATENATED = "concatenated"
"""What `encoder.json` calls such an encoder; its arguments say what the parts are."""


class ConcatenatedBackbone(Backbone):
    """Backbones side by side, for pictures and rows.

        features = [u(b_1(x)), u(b_2(x)), ...],   u(z) = z / |z| with `normalize`, else z

    Shapes:
        x: as each of them takes it; returns `(B, D_1 + D_2 + ...)`.

    Arguments:
        parts: the backbones, in order.
        described: `{"encoder": name, "arguments": {...}}` of each, as JSON.
        normalize: bring each part to length 1, so that all count alike.
    """

    def __init__(self, parts: Sequence[Backbone], described: Sequence[Mapping[str, Any]], *, normalize: bool) -> None:
        super().__init__()
        self.parts, self.normalize = nn.ModuleList(parts), normalize
        self.dimension = sum(part.dimension for part in parts)
        self.chosen_by_size = {
            "parts": [
                {**one, "arguments": {**one["arguments"], **part.chosen_by_size}}
                for one, part in zip(described, parts, strict=True)
            ]
        }

    def forward(self, x: Tensor) -> Float[Tensor, "B D"]:
        return joined(self.parts, x, normalize=self.normalize)  # (B, D)


def joined(parts: nn.ModuleList, view: Any, *, normalize: bool) -> Float[Tensor, "B D"]:
    """What several backbones make of a view, one behind the other."""
    features = [part(view) for part in parts]  # (B, D_k) each
    return torch.cat([functional.normalize(z, dim=1) for z in features] if normalize else features, dim=1)  # (B, D)


def parts_of(parts: Any, normalize: Any, make: Callable[..., Any]) -> tuple[list[Any], list[dict[str, Any]]]:
    """The backbones that `encoder.json` lists, with new weights, and the list in plain form.

    Arguments:
        make: `(name, **arguments) -> backbone`, of the kind of data.

    Errors:
        ArgumentError: no list of names with arguments, or `normalize` that is neither true nor false.
    """
    flag(normalize, "normalize")
    usable = isinstance(parts, list | tuple) and all(
        isinstance(one, Mapping) and isinstance(one.get("encoder"), str) and isinstance(one.get("arguments"), Mapping)
        for one in parts
    )
    if not usable or not parts:
        raise ArgumentError(
            f"parts={parts!r} cannot be used: give a list of {{'encoder': name, 'arguments': {{...}}}}, or make the "
            "encoder of trained ones with contrapose.encoders.concatenate."
        )
    plain = [
        # of weights that once were fetched, only the form is wanted: the saved ones take their place
        {"encoder": one["encoder"], "arguments": {**one["arguments"], **_offline(one["arguments"])}}
        for one in parts
    ]
    return [make(one["encoder"], **one["arguments"]) for one in plain], plain


def _offline(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"pretrained": False} if "pretrained" in arguments else {}


def concatenate(encoders: Sequence[Encoder], *, normalize: bool = True) -> Encoder:
    """One encoder of several that read alike: what reads encoders reads it, it is one artifact, and it exports as one.

        embedding = [z_1, z_2, ...];   with `normalize` each z_k at length 1

    With `normalize` the cosine of two samples is the mean of the parts' cosines; without, parts weigh by their lengths,
    as where raw outputs are put side by side and the whole is normalised once.

    Shapes:
        the result gives `(B, D_1 + D_2 + ...)`, in the order given.

    Arguments:
        encoders: of one kind of data, which take the same view and carry the same normalisation or vocabulary; their
            weights are copied.
        normalize: whether each part counts alike.

    Errors:
        ArgumentError: no encoder, encoders that take different samples, or of a kind of data from outside.

    Closed form: an encoder beside itself has its own cosines.
    """
    if not encoders:
        raise ArgumentError("No encoders to put side by side: give one at least.")
    first: Any = encoders[0]
    architecture = describe(first, {})
    for number, other in enumerate(encoders[1:], 2):
        _check_alike(first, other, number)
    described = [{"encoder": encoder.name, "arguments": encoder.arguments} for encoder in encoders]
    whole = replace(architecture, encoder=CONCATENATED, arguments={"parts": described, "normalize": normalize})
    whole.check_name()
    if not all(isinstance(getattr(encoder, "backbone", None), nn.Module) for encoder in encoders):
        raise ArgumentError(
            f"Encoders of {first.modality} data have no backbone that can stand beside others: embed with each, and "
            "put the rows side by side with numpy.concatenate."
        )
    made: Any = whole.build(0, first.files())
    for part, encoder in zip(made.backbone.parts, encoders, strict=True):
        trained: Any = encoder
        part.load_state_dict(trained.backbone.state_dict())
    for name in made.fitted:
        made.get_buffer(name).copy_(first.get_buffer(name))
    return made.to(first.device).eval()


def _check_alike(first: Encoder, other: Encoder, number: int) -> None:
    """Pass an encoder that reads what the first one reads, as it does."""
    same = first.form == other.form and dict(first.files()) == dict(other.files())
    if same:
        same = all(torch.equal(first.get_buffer(name).cpu(), other.get_buffer(name).cpu()) for name in first.fitted)
    if not same:
        raise ArgumentError(
            f"Encoder {number} reads samples in another way than the first (size, channels, normalisation, "
            "vocabulary, columns): one batch cannot be given to both. Train them on the same data."
        )
