"""What an encoder's layers give on the way to an embedding: read in one pass, which they do not change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.attention import Attention, Block
from contrapose.encoders.in_chunks import chunks_of
from contrapose.errors import ArgumentError, did_you_mean


@dataclass(frozen=True, eq=False)
class Layer:
    """Where in a network something is read.

    Arguments:
        module: whose output it is.
        read: what is made of that output; the output stays what it is.
    """

    module: nn.Module
    read: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Readings:
    """What one pass gave.

    Shapes:
        embedding: `(B, D)`, bit for bit that of a pass in which nothing is read.
        layers: by name, what was asked for.
    """

    embedding: Tensor
    layers: Mapping[str, Tensor]


def read_layers(encoder: Any, view: Any, names: Sequence[str]) -> Readings:
    """An embedding, and what some layers gave on the way to it; gradients pass through all of it.

    Of a vision transformer "blocks.1" is what its second block gives, `(B, T, D)`; "blocks.1.query", "blocks.1.key" and
    "blocks.1.value" what its attention is made of, heads side by side, `(B, T, D)`; "blocks.1.attention" how much each
    token looks at each other one, `(B, h, T, T)`, rows of sum 1. Of a convolutional network "stages.1" is the map at
    the end of its second stage, `(B, C, H, W)`. `encoder.layers` are all names, in the order of the network.

    Nothing stays behind in the encoder, even where its pass fails.

    Arguments:
        encoder: one with layers (the capability `Layered`), in whatever mode it is.
        names: what is wanted; numbers of blocks and stages begin with 0.

    Errors:
        ArgumentError: a name that the encoder does not have.

    Closed form: "blocks.L.attention" times "blocks.L.value", head by head, is what that block's attention mixes.
    """
    known = encoder.layers
    for name in names:
        if name not in known:
            first, *_, last = known
            raise ArgumentError(
                f"{encoder.name} has no layer {name!r}: they go from {first} to {last}.{did_you_mean(name, known)}"
            )
    with _listening({name: known[name] for name in names}) as found, chunks_of(None):  # layers of the whole batch
        embedding = encoder(view)  # (B, D)
    return Readings(embedding, {name: found[name] for name in names})


@contextmanager
def _listening(layers: Mapping[str, Layer]) -> Iterator[dict[str, Tensor]]:
    """Within it, what these layers gave last, by name."""
    found: dict[str, Tensor] = {}

    def note(name: str, read: Callable[[Tensor], Tensor]) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, given: Any, output: Tensor) -> None:
            found[name] = read(output)

        return hook

    hooks = [layer.module.register_forward_hook(note(name, layer.read)) for name, layer in layers.items()]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def layers_of(block: Block, number: int) -> Iterator[tuple[str, Layer]]:
    """The layers of a block of a transformer, by name, in their order."""
    attention, name = block.attention, f"blocks.{number}"
    for place, facet in enumerate(("query", "key", "value")):
        yield f"{name}.{facet}", Layer(attention.project_in, _facet(place))
    yield f"{name}.attention", Layer(attention.project_in, lambda projected: _map(attention, projected))
    yield name, Layer(block, lambda output: output)


def _facet(place: int) -> Callable[[Tensor], Tensor]:
    return lambda projected: projected.chunk(3, dim=-1)[place]  # (B, T, 3D) -> (B, T, D)


def _map(attention: Attention, projected: Float[Tensor, "B T D3"]) -> Float[Tensor, "B h T T"]:
    q, k, _ = attention.heads_of(projected)  # (B, h, T, D/h) each
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)  # (B, h, T, T)
