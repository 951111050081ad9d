"""`GraphEncoder`: graphs to embeddings, with what is known of their nodes inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.concatenated import CONCATENATED, joined, parts_of
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.graphs import gin  # noqa: F401  (registers it)
from contrapose.encoders.graphs.backbone import GRAPH_ENCODERS, GraphBackbone
from contrapose.errors import ArgumentError
from contrapose.graph_batch import GraphBatch
from contrapose.node_inputs import NodeInputs


class GraphEncoder(Encoder):
    """Raw graphs to embeddings.

        z = backbone(x),   nodes of x: tags as they are, features (raw - mean) / scale

    Shapes:
        raw: B graphs, as `Graphs.batch` gives them; x, the view: the same, features float32.
        returns: `(B, dimension)`.

    Arguments:
        backbone: what turns graphs into features.
        name, arguments: how `build_graphs` made it; written into `encoder.json`.
        inputs: what nodes hold.
        mean, scale: of features, F numbers each, of the training data; a constant one has scale 1. Of tags nothing.

    Errors:
        ArgumentError: graphs whose nodes hold something else; scales that are not positive.
    """

    def __init__(
        self,
        backbone: GraphBackbone,
        *,
        name: str,
        arguments: Mapping[str, Any],
        inputs: NodeInputs,
        mean: Sequence[float] = (),
        scale: Sequence[float] = (),
    ) -> None:
        super().__init__()
        self.backbone, self.name, self.arguments, self.inputs = backbone, name, dict(arguments), inputs
        self.mean, self.scale = tuple(map(float, mean)), tuple(map(float, scale))
        if {len(self.mean), len(self.scale)} != {inputs.features} or not all(scale > 0 for scale in self.scale):
            raise ArgumentError(f"mean and scale need one number a feature, scale above 0; got {mean} and {scale}.")

    @property
    def form(self) -> dict[str, Any]:
        scales = {"mean": list(self.mean), "scale": list(self.scale)} if self.inputs.are_numbers else {}
        return {"modality": "graph", "nodes": self.inputs.to_json(), **scales}

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    def prepare(self, raw: GraphBatch) -> GraphBatch:
        """Graphs as the backbone takes them; features are standardised in float64, so that large ones keep digits."""
        shape = tuple(raw.nodes.shape[1:]) if isinstance(raw, GraphBatch) else None
        wanted = (self.inputs.features,) if self.inputs.are_numbers else ()
        if shape != wanted or raw.nodes.is_floating_point() != self.inputs.are_numbers:
            given = type(raw).__name__ if shape is None else f"nodes of {raw.nodes.dtype} {tuple(raw.nodes.shape)}"
            raise ArgumentError(
                f"Encoder {self.name!r} takes a GraphBatch whose nodes have {self.inputs.in_words()} and was given "
                f"{given}."
            )
        if self.inputs.are_numbers:
            mean, scale = (torch.tensor(one, dtype=torch.float64) for one in (self.mean, self.scale))  # (F,) each
            return raw.with_nodes(((raw.nodes.cpu().double() - mean) / scale).float())
        if raw.nodes.numel() and int(raw.nodes.max()) >= len(self.inputs.values):
            raise ArgumentError(
                f"Encoder {self.name!r} knows tags 0 to {len(self.inputs.values) - 1}, -1 for unknown ones, and was "
                f"given {int(raw.nodes.max())}: open the graphs with contrapose.load(...).open."
            )
        return raw

    def in_words(self, view: GraphBatch) -> list[str]:
        """Each prepared graph as people read it: its size and its tags."""
        return [_said(view[row], self.inputs) for row in range(len(view))]

    def forward(self, view: GraphBatch) -> Float[Tensor, "B D"]:
        return self.backbone(view)  # (B, D)

    def extra_repr(self) -> str:
        return f"name={self.name!r}, nodes have {self.inputs.in_words()}, dimension={self.dimension}"


class _Concatenated(GraphBackbone):
    """Backbones side by side."""

    def __init__(self, parts: Sequence[GraphBackbone], *, normalize: bool) -> None:
        super().__init__()
        self.parts, self.normalize = nn.ModuleList(parts), normalize
        self.dimension = sum(part.dimension for part in parts)

    def forward(self, view: GraphBatch) -> Float[Tensor, "B D"]:
        return joined(self.parts, view, normalize=self.normalize)  # (B, D)


def build_graphs(
    name: str,
    *,
    inputs: NodeInputs,
    mean: Sequence[float] = (),
    scale: Sequence[float] = (),
    seed: int | None = None,
    **arguments: Any,
) -> GraphEncoder:
    """An encoder of graphs with new weights.

    Arguments:
        name: one of `GRAPH_ENCODERS`.
        inputs, mean, scale: as of `GraphEncoder`.
        seed: as of `build`.
        arguments: the encoder's own; see its factory. Unknown ones are refused.

    Errors:
        ArgumentError: an unknown name or argument, or a value that the encoder cannot use.
    """
    factory = graph_factory_of(name)
    arguments = arguments_of(name, factory, arguments, given=("inputs",))
    with seeded(seed):
        backbone = factory(inputs=inputs, **arguments)
    return GraphEncoder(backbone, name=name, arguments=arguments, inputs=inputs, mean=mean, scale=scale)


def graph_factory_of(name: str) -> Any:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: an unknown name.
    """
    return _concatenated if name == CONCATENATED else GRAPH_ENCODERS[name]


def _concatenated(*, inputs: NodeInputs, parts: Any, normalize: bool = True) -> GraphBackbone:
    """Several of them side by side."""

    def make(name: str, **arguments: Any) -> GraphBackbone:
        made: GraphBackbone = graph_factory_of(name)(inputs=inputs, **arguments)
        return made

    return _Concatenated(parts_of(parts, normalize, make)[0], normalize=normalize)


def rebuild_graphs(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> GraphEncoder:
    """The encoder that `form` describes, with new weights."""
    inputs = NodeInputs.from_json(form["nodes"])
    scales = {"mean": form["mean"], "scale": form["scale"]} if inputs.are_numbers else {}
    return build_graphs(name, inputs=inputs, seed=seed, **scales, **arguments)


def _said(graph: GraphBatch, inputs: NodeInputs) -> str:
    size = f"{len(graph.nodes)} nodes, {graph.edges.shape[1] // 2} edges"
    if inputs.are_numbers:
        return size
    tags, counts = graph.nodes.unique(return_counts=True)
    often = sorted(zip(counts.tolist(), tags.tolist(), strict=True), key=lambda one: (-one[0], one[1]))
    return f"{size}; {', '.join(f'{inputs.shown(tag)} ({count})' for count, tag in often[:4])}"
