"""A trained network as an input of training: it is asked, and never changed."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.encoders.encoder import Encoder
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.initial import fingerprint_of, starting_point
from contrapose.encoders.layers import Readings, read_layers
from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.view import View
from contrapose.words import a_type, capital

NAME = "a network given in Python"


@dataclass(frozen=True, eq=False)
class Frozen:
    """A network in evaluation mode, whose weights take no gradient.

        z = base(view)

    It is deliberately no `nn.Module`: as the attribute of a learner it is neither among the learner's parameters, nor
    in its checkpoints or exported encoder, nor put into training mode. Gradients pass to the view, where it has one. It
    goes to the device of what it is given.

    Shapes:
        view: B samples, as the encoder beside it takes them; returns what the network does, `(B, D)` of an encoder.

    Arguments:
        network: what is asked; `frozen` makes a copy for it.
        source: what was given, in words.
        fingerprint: a hash of its weights as they were given.
    """

    network: nn.Module
    source: str
    fingerprint: str

    @property
    def modality(self) -> str | None:
        """The kind of data that it takes; None: a module of one's own, which says nothing of it."""
        return self.network.modality if isinstance(self.network, Encoder) else None

    @property
    def name(self) -> str:
        """The encoder's, or the module's class."""
        return self.network.name if isinstance(self.network, Encoder) else type(self.network).__name__

    @property
    def dimension(self) -> int:
        """D.

        Errors:
            ArgumentError: a module that has no `dimension`.
        """
        found = getattr(self.network, "dimension", None)
        if not isinstance(found, int):
            raise ArgumentError(f"{self.source} does not say how long its embeddings are: give it a dimension (int).")
        return found

    def __call__(self, view: View) -> Any:
        self._meet(view)
        return self.network(view)

    def _meet(self, view: View) -> None:
        """Go to where the view is."""
        first: Tensor | None = next(self.network.parameters(), None)
        device = getattr(view, "device", None)
        if first is not None and device is not None and first.device != device:
            self.network.to(device)

    def read(self, view: View, names: Sequence[str]) -> Readings:
        """What some of its layers give, of an encoder that has such (`read_layers`)."""
        self._meet(view)
        return read_layers(self.network, view, names)

    def beside(self, encoder: nn.Module) -> Frozen:
        """This network for the views of another encoder: of pictures at the other's size, of texts at the other's
        length, where its weights allow it.

        Errors:
            ArgumentError: it takes another kind of data, or reads the same kind in another way.
        """
        own = self.network
        if not isinstance(own, Encoder) or not isinstance(encoder, Encoder):
            return self
        self.check_kind(encoder.modality)
        if not isinstance(own, ImageEncoder) or not isinstance(encoder, ImageEncoder):
            if not self._reads_as(own, encoder):
                raise ArgumentError(
                    f"The frozen encoder {self.source} reads {own.modality} data in a way of its own (vocabulary, "
                    f"columns, scales). Begin with its weights too, so that both read alike: --init {self.source}"
                )
            return self
        if own.channels != encoder.channels:
            raise ArgumentError(
                f"The frozen encoder {self.source} takes pictures of {own.channels} channel(s), and these have "
                f"{encoder.channels}. Open the data with --channels {own.channels}."
            )
        if own.image_size == encoder.image_size:
            return self
        return replace(self, network=_still(starting_point(own, option="--base").encoder(encoder.image_size)))

    def check_kind(self, modality: str) -> None:
        """Pass a network for this kind of data.

        Errors:
            ArgumentError: it takes another.
        """
        if self.modality not in (None, modality):
            raise ArgumentError(
                f"--base {self.source} is an encoder of {self.modality} data, and these are {modality} data. "
                f"Give one that was trained on {modality} data."
            )

    def _reads_as(self, own: Encoder, encoder: Encoder) -> bool:
        """Whether both read data in one way; how much of a text they read is the other's to say.

        Errors:
            ArgumentError: this one has no places for so many tokens.
        """
        ours, theirs = ({**one.form, "max_length": None} for one in (own, encoder))
        if ours != theirs or own.files() != encoder.files():
            return False
        length, own_length = (one.form.get("max_length", 0) for one in (encoder, own))
        if length > own_length:
            ids = torch.zeros(1, length, dtype=torch.long)  # (1, T)
            try:
                self(Padded(ids, torch.ones_like(ids, dtype=torch.bool)))
            except (IndexError, RuntimeError, ArgumentError) as error:
                raise ArgumentError(
                    f"The frozen encoder {self.source} reads texts of {own_length} tokens, and these are of {length}. "
                    f"Take --max-length {own_length}."
                ) from error
        return True


def frozen(base: Any) -> Frozen:
    """What `--base` or `base=` names, as a copy that nobody else holds.

    Arguments:
        base: a run folder, an encoder's folder, `timm:NAME` or `hf:NAME` (with their published weights), a folder as
            transformers writes it, an `Encoder`, what holds one as `encoder` (an `Embedder`), or any module that takes
            what the run's encoder takes.

    Errors:
        ArgumentError: something else, or weights that cannot be fetched.
        RunError: no encoder there, or a damaged one.
        MissingExtraError: `timm:` or `hf:` without its library.
    """
    if isinstance(base, Frozen):
        return base
    held = getattr(base, "encoder", None)
    if isinstance(base, nn.Module) and not isinstance(base, Encoder) and not isinstance(held, Encoder):
        network = _still(copy.deepcopy(base))
        return Frozen(network, NAME, fingerprint_of(network))
    if not isinstance(base, str | os.PathLike | Encoder) and not isinstance(held, Encoder):
        raise ArgumentError(
            f"{capital(a_type(base))} is no frozen encoder: give a run folder, an encoder's folder, timm:NAME, "
            "hf:NAME, a module, or what contrapose.load returns."
        )
    start = starting_point(base, option="--base")
    network = start.encoder(start.image_size)
    return Frozen(_still(network), start.source, fingerprint_of(network))


def _still(network: nn.Module) -> nn.Module:
    return network.eval().requires_grad_(False)
