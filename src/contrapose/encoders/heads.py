"""Heads: linear layers that name classes from embeddings, one for each question, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from contrapose.errors import ArgumentError

LEAST_SCALE = 1e-3
"""Dimensions that vary less than so much of the most varied one tell nothing, and are left as small as they are."""


@dataclass(frozen=True)
class Question:
    """What a head is asked, and how its numbers become an answer.

    Arguments:
        name: what the classes are of, e.g. the column that they were learned from.
        classes: their names, in the order of the head's outputs.
        counts: labelled samples of each class that it learned from.
        temperature: what its outputs are divided by before they become probabilities; 1: as they were trained.
        threshold: of two classes, the least probability at which the answer is `positive`; None: the likelier class.
        positive: the number of that class.
        shift: of two classes, what is added to the output of `positive` once it is divided by the temperature: how a
            few labelled samples of another domain set it right. 0: nothing.
        chosen: how temperature and threshold were chosen, as words and numbers.

    Errors:
        ArgumentError: fewer than two classes, two of one name, or a threshold for more than two.
    """

    name: str
    classes: tuple[str, ...]
    counts: tuple[int, ...]
    temperature: float = 1.0
    threshold: float | None = None
    positive: int = 1
    chosen: Mapping[str, str | int | float] = field(default_factory=dict)
    shift: float = 0.0

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ArgumentError(f"{self.name} needs two classes or more of different names, got {list(self.classes)}.")
        if len(self.counts) != len(self.classes) or not self.temperature > 0:
            raise ArgumentError(f"{self.name} needs a count for each of its classes, and a temperature above 0.")
        if self.threshold is not None and (len(self.classes) != 2 or not 0 <= self.positive < 2):
            raise ArgumentError(f"A threshold is for two classes, and {self.name} has {len(self.classes)}.")
        if self.shift and len(self.classes) != 2:
            raise ArgumentError(f"A shift is for two classes, and {self.name} has {len(self.classes)}.")

    def probabilities(self, logits: Tensor) -> Tensor:
        """`(B, P)` outputs of the head as probabilities that add up to 1, in float64."""
        return self.warm(logits).softmax(dim=1)  # (B, P)

    def warm(self, logits: Tensor) -> Tensor:
        """`(B, P)` outputs of the head, divided by the temperature and shifted, in float64."""
        warm = logits.double() / self.temperature  # (B, P)
        if self.shift:
            warm[:, self.positive] += self.shift
        return warm

    def scores(self, logits: Tensor) -> Tensor:
        """Of two classes the log-odds of `positive`, `(B,)` float64: what their order is by, where probabilities are
        too near to 1 to differ."""
        warm = self.warm(logits)  # (B, 2)
        return warm[:, self.positive] - warm[:, 1 - self.positive]

    def answers(self, probabilities: Tensor) -> Tensor:
        """The number of the class that `(B, P)` probabilities name, `(B,)`."""
        if self.threshold is None:
            return probabilities.argmax(dim=1)  # (B,)
        likely = probabilities[:, self.positive] >= self.threshold  # (B,)
        return torch.where(likely, self.positive, 1 - self.positive)


class Heads(nn.Module):
    """A linear layer for each of some questions, on standardised embeddings.

        logits_t = W_t (z - mean) / scale + b_t

    They begin at zero, where every class is as likely as another: for a frozen encoder the loss has one minimum, so
    there is nothing that random first weights could be good for.

    Shapes:
        z: `(..., D)`; gives `(..., P)` for each question.

    Arguments:
        dimension: D.
        sizes: P, the number of classes, of each question.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, dimension: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.register_buffer("mean", torch.zeros(dimension))
        self.register_buffer("scale", torch.ones(dimension))
        self.weights = nn.ParameterList([torch.zeros(size, dimension) for size in sizes])
        self.biases = nn.ParameterList([torch.zeros(size) for size in sizes])

    def standardise(self, z: Tensor) -> None:
        """Take mean and scale from `(N, D)` embeddings."""
        spread, mean = torch.std_mean(z.double(), dim=0, correction=0)  # (D,), (D,)
        least = max(LEAST_SCALE * float(spread.max()), 1e-12)
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(spread > least, spread, torch.ones_like(spread)))

    def forward(self, z: Tensor) -> list[Tensor]:
        standard = (z.to(self.mean.dtype) - self.mean) / self.scale  # (..., D)
        return [
            nn.functional.linear(standard, weight, bias) for weight, bias in zip(self.weights, self.biases, strict=True)
        ]
