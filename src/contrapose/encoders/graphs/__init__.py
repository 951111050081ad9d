"""Encoders of graphs: what nodes hold, and a network that passes it along edges."""

from contrapose.encoders.graphs.backbone import GRAPH_ENCODERS
from contrapose.encoders.graphs.graph_encoder import GraphEncoder, build_graphs

__all__ = ["GRAPH_ENCODERS", "GraphEncoder", "build_graphs"]
