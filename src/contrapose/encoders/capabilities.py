"""What some encoders can do besides embedding: a learner asks for a capability, never for a kind of data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from torch import Tensor

from contrapose.encoders.layers import Layer
from contrapose.errors import ArgumentError
from contrapose.padded import Padded


@runtime_checkable
class Staged(Protocol):
    """Its layers end in stages, each of which gives a map: for early exits and dense objectives."""

    @property
    def stage_dimensions(self) -> tuple[int, ...]: ...

    def feature_maps(self, view: Any) -> tuple[Tensor, ...]:
        """Maps at the ends of the stages, finest first; `(B, C_k, H_k, W_k)`."""
        ...

    def pool(self, last_map: Tensor) -> Tensor:
        """The last map as the embedding that `forward` returns, `(B, D)`."""
        ...


@runtime_checkable
class Layered(Protocol):
    """What its layers give can be read on the way to an embedding: `read_layers(encoder, view, names)`."""

    name: str

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Where each is read, by name, in the order of the network."""
        ...

    def __call__(self, view: Any) -> Tensor: ...


@runtime_checkable
class Patchwise(Protocol):
    """Its pictures are cut into patches, of which it can see some and not the others.

    n = grid^2 patches of patch_size x patch_size pixels, numbered row by row; P = C patch_size^2 values each.
    """

    @property
    def patch_size(self) -> int: ...

    @property
    def grid(self) -> int: ...

    @property
    def first_tokens(self) -> int:
        """Tokens before those of patches: 1 with a class token, otherwise 0."""
        ...

    def patches_of(self, view: Any) -> Tensor:
        """`(B, n, P)`, standardised as the network sees them."""
        ...

    def picture_of(self, patches: Tensor) -> Tensor:
        """`(B, C, H, W)` on the scale of [0, 1], of `(B, n, P)`: what `patches_of` did, undone."""
        ...

    def visible(self, view: Any, kept: Tensor) -> Tensor:
        """`(B, T, D)`, before pooling: T = first_tokens + K, of the patches `(B, K)` that are named; the others are not
        looked at."""
        ...

    def pool(self, tokens: Tensor) -> Tensor:
        """The embedding, `(B, D)`; of all patches it is what `forward` returns."""
        ...


@runtime_checkable
class Tokenwise(Protocol):
    """It has a vector for each step of a sequence."""

    def tokens(self, view: Padded) -> Tensor:
        """`(B, T, D)`, before pooling."""
        ...


@runtime_checkable
class Tabled(Protocol):
    """Its tokens stand in a table first, whatever is made of them then: words can be embedded by themselves."""

    @property
    def table(self) -> Tensor:
        """`(M, E)`, the vector of each token there is; a parameter."""
        ...


@runtime_checkable
class Enterable(Tabled, Protocol):
    """Behind its table of tokens it can be entered, with vectors that no token has.

    forward(view) = entered(embed(view), view)
    """

    def embed(self, view: Padded) -> Tensor:
        """The rows of the table, `(B, T, E)`."""
        ...

    def entered(self, embedded: Tensor, view: Padded) -> Tensor:
        """The embedding, `(B, D)`, of vectors in the place of the table's; the mask is the view's."""
        ...


@runtime_checkable
class Lexical(Protocol):
    """Its tokens are read in context, and stand in a table first: behind the table it can be entered, with vectors that
    no token has; and what it makes of a token can be compared with all that the table holds.

        tokens(view) = tokens_of(embed(view), view)
    """

    @property
    def special(self) -> tuple[int, ...]:
        """Numbers of the tokens that no word is: padding, the unknown, [CLS], [MASK] and their like."""
        ...

    @property
    def table(self) -> Tensor:
        """`(M, E)`, the vector of each token there is; a parameter."""
        ...

    def embed(self, view: Padded) -> Tensor:
        """The rows of the table, `(B, T, E)`: nothing of places or of dropout is in them yet."""
        ...

    def tokens_of(self, embedded: Tensor, view: Padded) -> Tensor:
        """`(B, T, D)`, before pooling, of vectors in the place of the table's; the mask is the view's."""
        ...

    def tokens(self, view: Padded) -> Tensor:
        """`(B, T, D)`, before pooling."""
        ...

    def pool(self, tokens: Tensor, view: Padded) -> Tensor:
        """The embedding that `forward` returns, `(B, D)`."""
        ...


@runtime_checkable
class Slotted(Lexical, Protocol):
    """Its embedding is that of the first tokens, which no word is and which stand before every text."""

    @property
    def slots(self) -> int:
        """How many; 0 where the embedding is made otherwise."""
        ...


@runtime_checkable
class TwoTowers(Protocol):
    """It takes samples of two sides and brings both into one space, by one head or two."""

    heads: int
    log_scales: Tensor

    @property
    def side_dimensions(self) -> tuple[int, int]:
        """Dimensions of what each tower ends in, before any head."""
        ...

    def features(self, view: Any, *, dropout: bool = True) -> tuple[Tensor, Tensor]:
        """What the towers make of both sides, `(B, F)` and `(B, G)`; with or without dropout in the second."""
        ...

    def projected(self, features: tuple[Tensor, Tensor], head: int) -> tuple[Tensor, Tensor]:
        """Both sides in the common space, `(B, D)` each, by the head of this number."""
        ...

    def clamp_scales(self) -> None:
        """Bring the learned scales back into their bounds."""
        ...


CAPABILITIES: dict[str, tuple[type, str]] = {
    "stages": (Staged, "small_conv, which is of pictures"),
    "layers": (Layered, "vit_micro, which is of pictures"),
    "patches": (Patchwise, "vit_micro, which is of pictures"),
    "tokens": (Tokenwise, "transformer, which is of texts"),
    "a table of tokens": (Tabled, "bag_of_words, which is of texts"),
    "a way in behind its table of tokens": (Enterable, "bag_of_words, which is of texts"),
    "tokens in context": (Lexical, "transformer, which is of texts"),
    "two towers": (TwoTowers, "tiny_conv on pairs (--modality pairs)"),
}
"""What an encoder may have, by the word for it, and one that has it."""


def check_capable(encoder: Any, capability: str, *, asker: str) -> None:
    """Pass an encoder that can do what is asked of it.

    Arguments:
        capability: a word of `CAPABILITIES`.
        asker: the method, or the learner, for people.

    Errors:
        ArgumentError: it cannot; the text says which encoder can.
    """
    protocol, who = CAPABILITIES[capability]
    if not isinstance(encoder, protocol):
        raise ArgumentError(
            f"{asker} needs an encoder with {capability}; {encoder.name} has none. Take --encoder {who}."
        )
