"""Graphs: nodes with tags or features, and edges between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.errors import ArgumentError
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.graphs.options import GraphViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Graphs, Samples
    from contrapose.data.problems import Problem
    from contrapose.encoders import Encoder, GraphEncoder, Start
    from contrapose.graph_batch import GraphBatch


@dataclass(frozen=True, kw_only=True)
class GraphOptions(Options):
    """What a method has on graphs."""

    views: GraphViews = field(default_factory=GraphViews)
    """How views are made."""
    encoder: str = "gin"
    """gin: three layers of 32 units, as GraphCL has on TU data (arXiv 2010.13902); node_bag: the same without edges."""
    node_input: Literal["auto", "tags", "features", "degree"] = "auto"
    """What is read of nodes. auto: tags where there are several, else features, else how many edges each node has."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("node_input", ("auto", "tags", "features", "degree"))


class _Graph(Modality):
    name, noun, plural = "graph", "graph", "graphs"
    options: ClassVar[type[Options]] = GraphOptions
    reading = ("node_input",)
    floor_name = "tag and degree counts"
    pipeline_tag, class_tag = "graph-ml", "graph-ml"
    example = "[(3, [(0, 1), (1, 2)])]"

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.graphs import open_graphs

        inputs = reading.pop("inputs", None)
        reading = check_reading(self, reading)
        reading.pop("progress", None)  # graphs are read at once
        return open_graphs(spec, inputs=inputs, **reading)

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, inputs=cast("GraphEncoder", encoder).inputs, **reading)

    def is_for(self, encoder: Encoder, samples: Samples) -> bool:
        return cast("GraphEncoder", encoder).inputs == cast("Graphs", samples).inputs

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        return self.open(spec, inputs=cast("Graphs", samples).inputs, **reading)

    def as_query(self, query: Any) -> Any:
        from contrapose.data.graphs.looks import is_graph_object

        return [query] if is_graph_object(query) else query

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        return {"inputs": cast("GraphEncoder", start.encoder()).inputs}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders import build_graphs

        graphs = cast("Graphs", samples)
        mean, scale = graphs.statistics()
        scales = {"mean": mean, "scale": scale, "seed": config.seed}
        return build_graphs(config.encoder, inputs=graphs.inputs, **scales, **config.encoder_arguments)

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views.graphs import GraphViewMaker

        return GraphViewMaker(options, cast("GraphEncoder", encoder).prepare)

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.view import join

        def make(raw: GraphBatch, *, generator: Any = None) -> tuple[Any, ...]:
            """Each view by a call for each graph, a `GraphBatch` of one to another."""
            drawn = (join([views(raw[row]) for row in range(len(raw))]) for _ in range(options.count))
            return tuple(encoder.prepare(view) for view in drawn)

        return make

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        """Rings of four to seven nodes."""
        import torch

        from contrapose.graph_batch import GraphBatch

        inputs = cast("GraphEncoder", encoder).inputs
        counts = 4 + (torch.arange(size) + seed) % 4  # (B,)
        ends = counts.cumsum(0)  # (B,)
        pointers, S = torch.cat([ends.new_zeros(1), ends]), int(ends[-1])
        draw = torch.Generator().manual_seed(seed)
        shape = (S, inputs.features) if inputs.are_numbers else (S,)
        tags = torch.randint(max(1, len(inputs.values)), shape, generator=draw)  # (S,)
        nodes = torch.randn(shape, generator=draw) if inputs.are_numbers else tags
        after = torch.arange(1, S + 1)  # (S,)
        after[ends - 1] = pointers[:-1]
        ring = torch.stack([torch.arange(S), after])  # (2, S)
        empty = GraphBatch(nodes, ring[:, :0], pointers, torch.zeros_like(pointers))
        return empty.with_edges(torch.cat([ring, ring.flip(0)], dim=1))

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        return cast("GraphEncoder", encoder).in_words(view)

    def drawing(self, samples: Samples, row: int) -> str | None:
        graphs = cast("Graphs", samples)
        return _drawn(graphs.batch([row]), graphs.excerpt(row))

    def view_drawings(self, view: Any, encoder: Encoder) -> list[str] | None:
        said = cast("GraphEncoder", encoder).in_words(view)
        return [_drawn(view[row], said[row]) for row in range(len(view))]

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.graphs.problems import graph_problems

        return graph_problems(cast("Graphs", samples))

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        from contrapose.data.graphs.problems import graph_facts

        return graph_facts(cast("Graphs", samples))

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """Numbers of nodes and edges, and how often each tag and each degree is there, standardised."""
        from contrapose.data.graphs.counts import GraphCounts

        return GraphCounts(cast("Graphs", known))

    def takes(self, encoder: Encoder) -> list[str]:
        inputs = cast("GraphEncoder", encoder).inputs
        known = ", ".join(inputs.values[:20]) + (", ..." if len(inputs.values) > 20 else "")
        return [
            f"Input: undirected graphs whose nodes have {inputs.in_words()}{f' ({known})' if known else ''}.",
            "Scales of features are inside."
            if inputs.are_numbers
            else "A tag that it does not know is taken as unknown.",
        ]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        ours, theirs = cast("GraphEncoder", encoder).inputs, cast("Graphs", samples).inputs
        if ours != theirs:
            raise ArgumentError(
                f"The weights to start from take graphs whose nodes have {ours.in_words()}, and these have "
                f"{theirs.in_words()}, or others ({samples.origin}): give the data by their name or as a list, not as "
                "Graphs."
            )


def _drawn(graph: GraphBatch, title: str) -> str:
    from contrapose.data.graphs.drawing import drawn

    tags = None if graph.nodes.is_floating_point() else graph.nodes.cpu().numpy()
    return drawn(graph.edges.cpu().numpy(), len(graph.nodes), tags, title)


GRAPH = _Graph()
