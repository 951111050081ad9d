"""`gin`: the graph isomorphism network, and `node_bag`, the same without edges."""

from __future__ import annotations

import math
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import choice, count, flag
from contrapose.encoders.graphs.backbone import GRAPH_ENCODERS, GraphBackbone
from contrapose.encoders.graphs.sums import Sums
from contrapose.graph_batch import GraphBatch
from contrapose.node_inputs import NodeInputs

READOUTS = ("sum", "mean")


class GraphIsomorphismNetwork(GraphBackbone):
    """Each node adds up what its neighbours hold, and a perceptron of two layers looks at the sum.

        u_v = (1 + e) W h_v + sum over neighbours w of W h_w
        h'_v = relu(bn(V relu(bn(u_v))))
        z = [sum over nodes of h^1, ..., sum over nodes of h^L]

    W is the first layer of the perceptron, put before the sum: the two commute, and of tags W is a table that is looked
    up. Unknown and hidden tags have a row of their own in it, which begins at 0.

    Shapes:
        view: B graphs; returns `(B, layers * width)`.

    Arguments:
        inputs: what nodes hold.
        layers, width: 3 of 32 as in GraphCL's experiments on TU data (https://arxiv.org/abs/2010.13902).
        readout: "sum", which tells sizes apart, or "mean", of each layer's nodes.
        learn_epsilon: whether e is learned, one a layer; else it is 0, which the paper found no worse.
        edges: whether neighbours are looked at; without, a set of nodes is encoded.

    Closed form: permuting nodes changes nothing; a node without edges sees itself alone.
    Paper: How powerful are graph neural networks?, https://arxiv.org/abs/1810.00826.
    """

    def __init__(
        self, inputs: NodeInputs, *, layers: int, width: int, readout: str, learn_epsilon: bool, edges: bool
    ) -> None:
        super().__init__()
        first = _table(inputs, width)
        self.first = nn.ModuleList([first, *(nn.Linear(width, width, bias=False) for _ in range(layers - 1))])
        self.second = nn.ModuleList(_perceptron(width) for _ in range(layers))
        self.epsilon = nn.Parameter(torch.zeros(layers)) if learn_epsilon else None
        self.dimension, self.readout, self.edges = layers * width, readout, edges

    def forward(self, view: GraphBatch) -> Float[Tensor, "B D"]:
        sums = Sums(view)
        h, layers = self._known(view.nodes), []
        for layer, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            u = first(h)  # (S, H)
            own = u if self.epsilon is None else (1 + self.epsilon[layer]) * u
            h = second(own + sums.neighbours(u) if self.edges else own)  # (S, H)
            layers.append(h)
        z = sums.graphs(torch.cat(layers, dim=1))  # (B, L·H)
        return z / view.node_counts[:, None] if self.readout == "mean" else z

    @property
    def _weight(self) -> Tensor:
        """`(K + 1, H)` of tags, `(H, F)` of features."""
        return cast("Tensor", self.first[0].weight)  # a parameter, or what stands in for it in torch.func

    def _known(self, nodes: Tensor) -> Tensor:
        """Tags as rows of the table, of which the last is for those that are unknown."""
        if nodes.is_floating_point():
            return nodes.to(self._weight.dtype)  # (S, F)
        last = len(self._weight) - 1
        return nodes.where(nodes >= 0, last)  # (S,)


def _table(inputs: NodeInputs, width: int) -> nn.Module:
    """The first layer: a linear map of features, or of tags as one number a value, which is a table."""
    if inputs.are_numbers:
        return nn.Linear(inputs.features, width, bias=False)
    table = nn.Embedding(len(inputs.values) + 1, width)
    bound = 1 / math.sqrt(len(inputs.values))  # as torch begins a linear map of as many numbers
    with torch.no_grad():
        table.weight.uniform_(-bound, bound)
        table.weight[-1] = 0
    return table


def _perceptron(width: int) -> nn.Module:
    """What comes behind the sum; not in place, for a sharded norm gives a view."""
    return nn.Sequential(
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Linear(width, width, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
    )


@GRAPH_ENCODERS.register("gin")
def gin(
    *, inputs: NodeInputs, layers: int = 3, width: int = 32, readout: str = "sum", learn_epsilon: bool = False
) -> GraphBackbone:
    """The graph isomorphism network; arguments as of `GraphIsomorphismNetwork`.

    Errors:
        ArgumentError: a size below 1, an unknown readout, `learn_epsilon` neither true nor false.
    """
    return GraphIsomorphismNetwork(
        inputs,
        layers=count(layers, "layers"),
        width=count(width, "width"),
        readout=choice(readout, "readout", READOUTS),
        learn_epsilon=flag(learn_epsilon, "learn_epsilon"),
        edges=True,
    )


@GRAPH_ENCODERS.register("node_bag")
def node_bag(*, inputs: NodeInputs, layers: int = 3, width: int = 32, readout: str = "sum") -> GraphBackbone:
    """The same network without edges, a deep set of nodes: what it tells apart needs no structure.

    Arguments and errors: as of `gin`. Paper: Deep sets, https://arxiv.org/abs/1703.06114.
    """
    return GraphIsomorphismNetwork(
        inputs,
        layers=count(layers, "layers"),
        width=count(width, "width"),
        readout=choice(readout, "readout", READOUTS),
        learn_epsilon=False,
        edges=False,
    )
