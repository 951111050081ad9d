"""What a backbone of texts is, and the list of those that are known by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.padded import Padded
from contrapose.registry import Registry

MakeT = TypeVar("MakeT", bound="Callable[..., TextBackbone]")


class TextBackbone(nn.Module):
    """Numbers of tokens to features. To add one, write a factory with keyword-only arguments, `vocabulary` and
    `max_length` first, and register it; the tests of every registered text encoder then run over it:

        @text_encoder("my_net", tokenizer="words")
        def my_net(*, vocabulary: int, max_length: int, width: int = 64) -> TextBackbone: ...

    Shapes:
        view: `Padded` numbers `(B, T)`, T at most `max_length`; padding changes nothing.
        returns: `(B, dimension)`.

    Attributes:
        dimension: length of one row of features.
        remembered: arguments found out while building, without which the same architecture could not be rebuilt on a
            machine that has nothing but the saved encoder. They must be JSON.
    """

    dimension: int

    def __init__(self) -> None:
        super().__init__()
        self.remembered: Mapping[str, Any] = {}

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")


class TabledBackbone(TextBackbone):
    """One that says where the vectors of its tokens stand (the capability `Tabled`), and can be entered behind them:
    `entered` reads what `embed` found, or anything in its place."""

    @property
    def table(self) -> Float[Tensor, "M E"]:
        raise NotImplementedError(f"{type(self).__name__} defines no table.")

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return functional.embedding(view.values, self.table)  # (B, T, E)

    def entered(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no entered.")


class TokenwiseBackbone(TextBackbone):
    """One that has a vector for each token: `tokens(view)` is `(B, T, dimension)`, `pool` makes a row of them."""

    def tokens(self, view: Padded) -> Float[Tensor, "B T D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no tokens.")

    def pool(self, tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no pool.")

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return self.pool(self.tokens(view), view)  # (B, D)


class LexicalBackbone(TokenwiseBackbone):
    """One that can be entered behind its table of tokens (the capability `Lexical`): `embed` looks up, and
    `tokens_of` reads what was found, or anything in its place.

    Attributes:
        slots: how many of the first tokens are the embedding, their mean; 0 where it is something else.
    """

    slots: int = 0

    @property
    def table(self) -> Float[Tensor, "M E"]:
        raise NotImplementedError(f"{type(self).__name__} defines no table.")

    def embed(self, view: Padded) -> Float[Tensor, "B T E"]:
        return functional.embedding(view.values, self.table)  # (B, T, E)

    def tokens_of(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B T D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no tokens_of.")

    def tokens(self, view: Padded) -> Float[Tensor, "B T D"]:
        return self.tokens_of(self.embed(view), view)  # (B, T, D)

    def entered(self, embedded: Float[Tensor, "B T E"], view: Padded) -> Float[Tensor, "B D"]:
        return self.pool(self.tokens_of(embedded, view), view)  # (B, D)


def mean_of_tokens(tokens: Float[Tensor, "B T D"], view: Padded) -> Float[Tensor, "B D"]:
    """The mean over the real tokens of each row."""
    real = view.mask.unsqueeze(-1).to(tokens.dtype)  # (B, T, 1)
    return (tokens * real).sum(dim=1) / real.sum(dim=1)  # (B, D)


@dataclass(frozen=True)
class TextFactory:
    """How a text encoder that is known by name is made.

    Arguments:
        make: `(*, vocabulary, max_length, **arguments) -> TextBackbone`.
        tokenizer: the kind of vocabulary that is learned for it unless another one is asked for: `"words"` or
            `"pieces"`.
    """

    make: Callable[..., TextBackbone]
    tokenizer: str


TEXT_ENCODERS: Registry[TextFactory] = Registry("text encoder")


def text_encoder(name: str, *, tokenizer: str = "pieces") -> Callable[[MakeT], MakeT]:
    """Decorator: register a factory of text backbones, which stays a function that can be called."""

    def add(make: MakeT) -> MakeT:
        TEXT_ENCODERS.register(name)(TextFactory(make, tokenizer))
        return make

    return add
