"""What methods of histories share: they learn what comes next, from every beginning of a history."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from contrapose.methods.method import Method

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.encoders.items import ItemEncoder
    from contrapose.pairing import Pairing

SAME_USER = ("kept", "left-out")
_OF_ENCODER = ("dimension", "blocks", "heads", "hidden", "dropout")


@dataclass(frozen=True, kw_only=True)
class HistoryMethod(Method):
    """A method for items that learns what comes next: inherit this in place of `Method`. Options of the projection head
    have no part in it: histories and items are compared as the encoder has them."""

    modality: ClassVar[str] = "items"
    kinds: ClassVar[tuple[str, ...]] = ("items",)
    kinds_note: ClassVar[str] = "for it learns which item comes next in a history"

    batch_size: int = 256
    """Beginnings of histories per process and step. 256: the authors'."""
    learning_rate: float = 1e-3
    """Learning rate. 0.001: the authors'."""
    weight_decay: float = 0.0
    """Decay of the weights. 0: the authors', whose optimiser is Adam."""
    schedule: Literal["cosine", "one_cycle", "constant"] = "constant"
    """constant: the authors'."""
    warmup_share: float = 0.0
    """Share of all steps spent warming up. 0: the authors'."""
    dimension: int = 64
    """D, of items and histories. 64: the authors'."""
    blocks: int = 2
    """Blocks of attention. 2: the authors'."""
    heads: int = 2
    """Heads of a block, which divide the dimension. 2: the authors'."""
    hidden: int = 256
    """Units of a block's perceptron. 256: the authors'."""
    dropout: float = 0.5
    """Chance of a number to become 0 while training. 0.5: the authors' for Amazon and Yelp; 0.1 for ML-1M."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("dimension", "blocks", "heads", "hidden"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        self._check("dropout", 0 <= self.dropout < 1, "in [0, 1)")

    @property
    def encoder_arguments(self) -> dict[str, Any]:
        """What differs from the encoder's own defaults, so that one without blocks and heads is not asked for them."""
        usual = {option.name: option.default for option in fields(HistoryMethod)}
        return {name: getattr(self, name) for name in _OF_ENCODER if getattr(self, name) != usual[name]}

    @property
    def shown_targets(self) -> tuple[str, ...]:
        from contrapose.data.samples import NEXT

        return (*super().shown_targets, NEXT)

    def read(self, open: Callable[..., Samples]) -> Samples:
        """The beginnings of the histories, each with what came next.

        Errors:
            DataError: no history has two items.
        """
        from contrapose.data.items import Histories, Prefixes
        from contrapose.errors import ArgumentError, DataError

        samples = cast("Histories", open())
        if isinstance(samples, Prefixes):
            return samples
        try:
            return samples.prefixes()
        except ArgumentError as error:
            raise DataError(f"{samples.origin}: {error}") from None

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.views.items import HistoryAndViews

        prepare = cast("ItemEncoder", encoder).prepare
        return HistoryAndViews(prepare, views if self.varied else None)

    def check_own_views(self, views: MakeViews) -> MakeViews:
        from contrapose.errors import ArgumentError

        raise ArgumentError(
            "Views of your own cannot be had here: each history stands beside them as it is. Set views= (--views...)."
        )

    def remarks(self) -> list[str]:
        unused = [name for name in self.differences() if name.startswith("projection_")]
        return [f"{', '.join(unused)} play no part: nothing is projected"] if unused else []

    def next_objective(self) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
        """(embeddings of histories, items, what follows) -> loss."""
        from contrapose.objectives import next_item

        return next_item

    def items_of(self, encoder: Encoder) -> int:
        """M, the items that an encoder has in its table."""
        return len(cast("ItemEncoder", encoder).table) - 1


@dataclass(frozen=True, kw_only=True)
class ContrastedHistories(HistoryMethod):
    """A `HistoryMethod` with contrast between two changed views of each history."""

    view_note: ClassVar[str] = "two that are changed, beside the history as it is"

    temperature: float = 1.0
    """Sharpness of the contrast of views, of inner products. 1: the authors'."""
    same_user: Literal["kept", "left-out"] = "kept"
    """Whether other beginnings of one user's history are negatives of each other. kept: the authors', who do not look;
    left-out: they are no candidates."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("temperature", self.temperature > 0, "above 0")
        self._check_choice("same_user", SAME_USER)
        self._check_views(2, 2)

    @property
    def shown_targets(self) -> tuple[str, ...]:
        from contrapose.learners.items.next_item import USER

        return (*super().shown_targets, *([USER] if self.same_user == "left-out" else []))

    def read(self, open: Callable[..., Samples]) -> Samples:
        from contrapose.data.items import Prefixes
        from contrapose.learners.items.next_item import USER

        samples = cast("Prefixes", super().read(open))
        return samples.with_target(USER, samples.users) if self.same_user == "left-out" else samples

    def views_seen(self) -> int:
        return 3

    def contrast(self, temperature: float) -> Callable[[Tensor, Pairing, Tensor | None], Tensor]:
        """NT-Xent of inner products, the mean over all rows of both views."""
        from contrapose.objectives import nt_xent

        def objective(h: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return nt_xent(h, pairing, temperature=temperature, normalize=False, rows=rows)

        return objective
