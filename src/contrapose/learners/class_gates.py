"""The gate of a pair of classes: which dimensions of the embedding the two are compared in."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from contrapose.errors import ArgumentError

FUSIONS = ("mean", "product")


class ClassGates(nn.Module):
    """A table of classes and a perceptron that turn two classes into a gate in (0, 1) for each dimension.

        "mean":     g(a, b) = sigmoid( MLP( (e_a + e_b) / 2 ) )
        "product":  g(a, b) = sigmoid( MLP(e_a) ) · sigmoid( MLP(e_b) )
        MLP = relu, bn, linear, relu, bn, linear

    Both are the same for (b, a). In training the normalisation is by the pairs of the batch, of which there may be few;
    `table` reads the gates in evaluation mode, by running statistics, so that a class's gate does not depend on others.

    Shapes:
        forward: two `(N,)` of class numbers -> `(N, dimension)`.

    Arguments:
        classes: C.
        dimension: D, of the projections that are gated.
        embedding: length of a class's row in the table. 512: the authors'.
        hidden: units of the perceptron. 1024: the authors'.
        fusion: how two classes become one gate. "mean": the authors' current code.
        norm: batch normalisation in the perceptron, as theirs has.

    Errors:
        ArgumentError: a size below 1 (fewer than two classes), another fusion, a class of C or more.

    Wu et al. 2024, https://arxiv.org/abs/2410.18200
    """

    def __init__(
        self,
        classes: int,
        dimension: int,
        *,
        embedding: int = 512,
        hidden: int = 1024,
        fusion: Literal["mean", "product"] = "mean",
        norm: bool = True,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("classes", classes, 2),
            ("dimension", dimension, 1),
            ("embedding", embedding, 1),
            ("hidden", hidden, 1),
        ):
            if value < least:
                raise ArgumentError(f"{name} must be at least {least}, got {value}.")
        if fusion not in FUSIONS:
            raise ArgumentError(f"fusion must be one of {', '.join(FUSIONS)}; got {fusion!r}.")
        self.classes, self.fusion = classes, fusion
        self.embedding = nn.Embedding(classes, embedding)
        self.layers = nn.Sequential(
            nn.ReLU(),
            nn.BatchNorm1d(embedding) if norm else nn.Identity(),
            nn.Linear(embedding, hidden),
            nn.ReLU(),
            nn.BatchNorm1d(hidden) if norm else nn.Identity(),
            nn.Linear(hidden, dimension),
        )

    def forward(self, first: Int[Tensor, " N"], second: Int[Tensor, " N"]) -> Float[Tensor, "N D"]:
        largest = int(torch.maximum(first, second).max())
        if largest >= self.classes:
            raise ArgumentError(
                f"The data has a label {largest} and there are gates for {self.classes} classes; "
                f"take --classes {largest + 1} or more."
            )
        a, b = self.embedding(first), self.embedding(second)  # (N, E) each
        if self.fusion == "mean":
            return self._gate((a + b) / 2)  # (N, D)
        return self._gate(a) * self._gate(b)  # (N, D)

    @torch.no_grad()
    def table(self) -> Float[Tensor, "C D"]:
        """The gate of each class with itself, in evaluation mode."""
        training, _ = self.training, self.eval()
        every = torch.arange(self.classes, device=self.embedding.weight.device)  # (C,)
        found: Tensor = self(every, every)  # (C, D)
        self.train(training)
        return found

    def _gate(self, mixed: Tensor) -> Tensor:
        return torch.sigmoid(self.layers(mixed))  # (N, E) -> (N, D)
