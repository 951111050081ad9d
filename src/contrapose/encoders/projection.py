"""`ProjectionHead`: the perceptron between the encoder and the loss, thrown away after training."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.arguments import count, flag
from contrapose.errors import ArgumentError


class ProjectionHead(nn.Module):
    """Features to the space in which the objective compares them.

        layers = 2:  z = W2 relu(bn(W1 h));    layers = 1:  z = W h + b;    layers = 0:  z = h

    Hidden linear maps have a bias only without batch normalisation, which would take it away again. The last
    one has a bias unless `last_norm` follows it.

    Shapes:
        h: `(N, input_dimension)`; returns `(N, output_dimension)`. Embeddings are not normalised here:
            objectives do that.

    Arguments:
        hidden_dimension: units of the hidden layers. SimCLR: the encoder's own dimension.
        output_dimension: 128 in SimCLR and MoCo. Not used with `layers=0`.
        layers: linear maps. Default 2, as SimCLR (https://arxiv.org/abs/2002.05709, section 4.2) and MoCo v2
            have.
        last_norm: end with batch normalisation that scales and does not shift, as SimCLR's own code and
            max-margin contrastive learning (https://arxiv.org/abs/2112.11450) do. Off by default, as in the
            SimCLR paper.
        norm: batch normalisation in the hidden layers; MoCo v2 (https://arxiv.org/abs/2003.04297) has none.

    Errors:
        ArgumentError: an argument out of range; features of another dimension; one row in training with
            normalisation.
    """

    def __init__(
        self,
        input_dimension: int,
        *,
        hidden_dimension: int,
        output_dimension: int,
        layers: int = 2,
        last_norm: bool = False,
        norm: bool = True,
    ) -> None:
        super().__init__()
        layers = count(layers, "layers", least=0)
        norm, last_norm = flag(norm, "norm"), flag(last_norm, "last_norm")
        self.input_dimension = count(input_dimension, "input_dimension")
        self.output_dimension = count(output_dimension, "output_dimension") if layers else self.input_dimension
        width = self.input_dimension
        modules: list[nn.Module] = []
        for _ in range(layers - 1):
            hidden = count(hidden_dimension, "hidden_dimension")
            modules.append(nn.Linear(width, hidden, bias=not norm))
            modules += [nn.BatchNorm1d(hidden)] if norm else []
            modules.append(nn.ReLU(inplace=True))
            width = hidden
        if layers:
            modules.append(nn.Linear(width, self.output_dimension, bias=not last_norm))
        if layers and last_norm:
            modules.append(_without_shift(self.output_dimension))
        self.layers = nn.Sequential(*modules)
        self._normalizes = any(isinstance(module, nn.BatchNorm1d) for module in modules)

    def forward(self, h: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        if h.ndim != 2 or h.shape[1] != self.input_dimension:
            raise ArgumentError(
                f"This projection head takes rows of features, (N, {self.input_dimension}), and was given "
                f"{tuple(h.shape)}. Flatten views into rows first, or build it for this dimension."
            )
        if self.training and self._normalizes and len(h) == 1:
            raise ArgumentError(
                "Batch normalisation has no statistics with one row: train on at least 2 rows, call .eval(), "
                "or build the head with norm=False and last_norm=False."
            )
        return self.layers(h)  # (N, output_dimension)


def _without_shift(dimension: int) -> nn.BatchNorm1d:
    """Without a shift rather than with one that stays zero: optimisers, averages and files never see it."""
    norm = nn.BatchNorm1d(dimension)
    norm.register_parameter("bias", None)
    return norm
