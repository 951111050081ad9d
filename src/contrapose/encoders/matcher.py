"""Matchers: does a text go with the text of a label? A vector of each into a logit."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.capabilities import Tabled
from contrapose.errors import ArgumentError, RunError

MATCHERS = ("perceptron", "dot")
BLOCK = 4096
"""Texts that are asked at a time."""


def word_vectors(encoder: Tabled, tokens: Int64[Tensor, "*P L"]) -> Float[Tensor, "*P E"]:
    """e(l): the mean of the table's vectors of a label's words; zeros where a label has none.

    Shapes:
        tokens: `(..., L)` numbers of tokens, -1 where nothing is; returns `(..., E)`.
    """
    flat = tokens.flatten(0, -2)  # (N, L)
    real = (flat >= 0).to(encoder.table.dtype)  # (N, L)
    weights = real / real.sum(dim=1, keepdim=True).clamp(min=1)  # (N, L)
    # the vectors of all words, (N, L, E), would take several times as long to make, and to send a gradient through
    mean = functional.embedding_bag(flat.clamp(min=0), encoder.table, per_sample_weights=weights, mode="sum")  # (N, E)
    return mean.unflatten(0, tokens.shape[:-1])  # (..., E)


class Matcher(nn.Module):
    """Logits of texts with labels: sigma(logit) is the chance that they go together.

    Both vectors are scaled to length 1 first (times the root of their dimension, where a perceptron takes them), so
    that long texts and rare words are no louder than others.

    Shapes:
        forward: texts `(B, D)`, labels `(B, C, E)`, C of each text, to `(B, C)`.
        table_of: texts `(N, D)`, labels `(L, E)` to `(N, L)`, each with each.
    """

    def forward(self, texts: Float[Tensor, "B D"], labels: Float[Tensor, "B C E"]) -> Float[Tensor, "B C"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")

    @torch.no_grad()
    def table_of(self, texts: Float[Tensor, "N D"], labels: Float[Tensor, "L E"]) -> Float[Tensor, "N L"]:
        rows = [self(block, labels.expand(len(block), -1, -1)) for block in texts.split(max(1, BLOCK // len(labels)))]
        return torch.cat(rows)  # (N, L)


class PerceptronMatcher(Matcher):
    """M([f; e]) = w2 relu(W1 [f; e] + b1) + b2.

    Arguments:
        text, label: D and E.
        hidden: units between.
    """

    def __init__(self, text: int, label: int, *, hidden: int = 128) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(text + label, hidden), nn.Linear(hidden, 1)
        self.split = text

    def forward(self, texts: Float[Tensor, "B D"], labels: Float[Tensor, "B C E"]) -> Float[Tensor, "B C"]:
        of_text, of_label = self.first.weight[:, : self.split], self.first.weight[:, self.split :]  # (H, D), (H, E)
        # W1 [f; e] in two parts: that of a text is the same for all of its labels
        own = functional.linear(_scaled(texts), of_text, self.first.bias).unsqueeze(1)  # (B, 1, H)
        hidden = functional.relu(own + functional.linear(_scaled(labels), of_label))  # (B, C, H)
        return self.last(hidden).squeeze(-1)  # (B, C)


class DotMatcher(Matcher):
    """M(f, e) = cos(f, P e) / temperature + bias: cheap, and a table of cosines at use. P is left out where E = D.

    The bias is learned and begins at 0: it says how many of the labels that are asked go with a text.

    Arguments:
        text, label: D and E.
        temperature: what cosines are divided by; it stays as it is.
    """

    temperature: Tensor

    def __init__(self, text: int, label: int, *, temperature: float = 0.1) -> None:
        super().__init__()
        self.project = nn.Linear(label, text, bias=False) if label != text else nn.Identity()
        self.bias = nn.Parameter(torch.zeros(()))
        self.register_buffer("temperature", torch.tensor(temperature))

    def forward(self, texts: Float[Tensor, "B D"], labels: Float[Tensor, "B C E"]) -> Float[Tensor, "B C"]:
        one, others = functional.normalize(texts, dim=-1), functional.normalize(self.project(labels), dim=-1)
        return (one.unsqueeze(1) * others).sum(dim=-1) / self.temperature + self.bias  # (B, C)


def matcher(
    kind: Literal["perceptron", "dot"], text: int, label: int, *, hidden: int = 128, temperature: float = 0.1
) -> Matcher:
    """A matcher with first weights.

    Arguments:
        kind: "perceptron", as the survey has it, or "dot", its cheap variant.
        text, label: dimensions of the vectors, D and E.

    Errors:
        ArgumentError: another kind.
    """
    if kind not in MATCHERS:
        raise ArgumentError(f"matcher must be one of {', '.join(MATCHERS)}; got {kind!r}.")
    if kind == "dot":
        return DotMatcher(text, label, temperature=temperature)
    return PerceptronMatcher(text, label, hidden=hidden)


def matcher_from(tensors: Mapping[str, Tensor], text: int, label: int, *, where: str) -> Matcher:
    """The matcher that these tensors are of.

    Errors:
        RunError: they are of none, or of one for other vectors.
    """
    found: Matcher
    try:
        if "temperature" in tensors:
            found = DotMatcher(text, label)
        else:
            found = PerceptronMatcher(text, label, hidden=len(tensors["first.weight"]))
        found.load_state_dict(dict(tensors))
    except (KeyError, RuntimeError) as error:
        raise RunError(
            f"{where} holds no matcher for this encoder ({str(error).splitlines()[0]}). Train the run again, or name "
            "an encoder's folder in its place: labels are then compared by cosine."
        ) from error
    return found.eval()


def _scaled(x: Tensor) -> Tensor:
    """Rows of numbers of about 1."""
    return functional.normalize(x, dim=-1) * math.sqrt(x.shape[-1])
