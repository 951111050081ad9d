"""`ItemEncoder`: histories to embeddings, with the names of the items inside. This is what a run on items exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.encoders.by_length import by_length
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.in_chunks import by_rows
from contrapose.encoders.items.backbone import ItemBackbone
from contrapose.errors import ArgumentError, RunError
from contrapose.padded import Padded
from contrapose.words import a_type

ITEMS_FILE = "items.json"


class ItemEncoder(Encoder):
    """Histories to embeddings; items that are scored by `z @ encoder.table[1:].T` are those to recommend.

        z = encoder(encoder.prepare([[3, 1, 4], [1, 5]]))

    Shapes:
        prepare: B histories of numbers from 1 to M to `Padded` `(B, T)`, the last `max_length` of each, left-aligned.
        forward: returns `(B, dimension)`. How a history is padded, and beside which others, changes nothing.
        table: `(M + 1, dimension)`, a row an item; the first, of no item, is zero (the capability `Tabled`).

    Arguments:
        backbone: what turns numbers of items into features.
        name, arguments: how `build_items` made it; written into `encoder.json`.
        item_names: what the items 1 to M are called in the data.
        max_length: how many of the last items are read.
        titles: what people call them; None: nobody said.
        held_out: how many of the last items of each user it has not learned from.
        core: of which k-core its data were; 0: of all.

    Errors:
        ArgumentError: something else than histories, an empty one, items that it does not know.
    """

    def __init__(
        self,
        backbone: ItemBackbone,
        *,
        name: str,
        arguments: Mapping[str, Any],
        item_names: Sequence[str],
        max_length: int,
        titles: Sequence[str | None] | None = None,
        held_out: int = 0,
        core: int = 0,
    ) -> None:
        super().__init__()
        self.backbone, self.name, self.arguments = backbone, name, dict(arguments)
        self.item_names, self.max_length = tuple(item_names), max_length
        self.titles = None if titles is None else tuple(titles)
        self.held_out, self.core = held_out, core

    @property
    def items(self) -> int:
        """M."""
        return len(self.item_names)

    @property
    def form(self) -> dict[str, Any]:
        return {
            "modality": "items",
            "items": self.items,
            "max_length": self.max_length,
            "held_out": self.held_out,
            "core": self.core,
        }

    @property
    def dimension(self) -> int:
        return self.backbone.dimension

    @property
    def table(self) -> Float[Tensor, "M+1 D"]:
        return self.backbone.table

    def prepare(self, raw: Any) -> Padded:
        """Histories (`Ragged`, or lists of numbers) as numbers `(B, T)`; `Padded` that are such already stay."""
        if isinstance(raw, Padded):
            return raw
        values, pointers = _flat(raw, self.name)
        lengths = np.diff(pointers)  # (B,)
        if not len(lengths) or not lengths.all():
            raise ArgumentError("An empty history cannot be embedded: leave it out, or give at least one item.")
        read = np.minimum(lengths, self.max_length)  # (B,)
        places = np.arange(read.max())  # (T,)
        real = places < read[:, None]  # (B, T)
        held = np.zeros(real.shape, dtype=np.int64)
        held[real] = values[((pointers[1:] - read)[:, None] + places)[real]]  # row by row, from left to right
        return self._checked(Padded(torch.from_numpy(held), torch.from_numpy(real)))

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return self.backbone(self._checked(view))  # (B, D)

    def files(self) -> Mapping[str, bytes]:
        """The names and titles of the items."""
        titles = {} if self.titles is None else {"titles": list(self.titles)}
        return {ITEMS_FILE: json.dumps({"names": list(self.item_names), **titles}, ensure_ascii=False).encode()}

    def called(self, item: int) -> str:
        """What people call an item: its title, else its name."""
        title = None if self.titles is None else self.titles[item - 1]
        return title or self.item_names[item - 1]

    def _checked(self, view: Padded) -> Padded:
        if not isinstance(view, Padded):
            raise ArgumentError(
                f"Encoder {self.name!r} takes numbers of items (Padded) and was given {a_type(view)}: give "
                "encoder.prepare(histories)."
            )
        if view.device.type == "cpu" and view.values.numel() and int(view.values.max()) > self.items:
            raise ArgumentError(
                f"Item {int(view.values.max())} does not exist: encoder {self.name!r} knows the items 1 to "
                f"{self.items:,}. Open the histories for the encoder that is to take them (embedder.open)."
            )
        return view

    def onnx_form(self) -> Any:
        raise RunError(
            f"Encoder {self.name!r} of histories has no ONNX form: scores of items need its table and their names "
            "besides. Take --to folder, and contrapose apply for recommendations."
        )

    def extra_repr(self) -> str:
        return f"name={self.name!r}, items={self.items}, dimension={self.dimension}"


class StatefulItemEncoder(ItemEncoder):
    """An `ItemEncoder` that has an embedding after each item as well, of it and those before."""

    def forward(self, view: Padded) -> Float[Tensor, "B D"]:
        return by_length(self.backbone, self._checked(view))  # (B, D)

    @by_rows
    def states(self, view: Padded) -> Float[Tensor, "B T D"]:
        """Those of all steps; what stands at padding means nothing."""
        return self.backbone.states(self._checked(view))  # type: ignore[operator]  # (B, T, D)


def _flat(raw: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all histories, `(S,)`, and where each begins and ends, `(B + 1,)`."""
    if hasattr(raw, "pointers"):
        return raw.values, raw.pointers
    try:
        arrays = [np.asarray(one, dtype=np.int64).reshape(-1) for one in raw]
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(
            f"Encoder {name!r} takes histories of whole numbers, [[3, 1, 4], [1, 5]], and was given {a_type(raw)} with "
            "something else in it. Items by their names are for contrapose.data.items.open_items(..., known=...)."
        ) from None
    least = min((int(one.min()) for one in arrays if len(one)), default=1)
    if least < 1:
        raise ArgumentError(f"Item {least} does not exist: items are numbered from 1 on.")
    values = np.concatenate([np.zeros(0, np.int64), *arrays])  # (S,)
    return values, np.cumsum([0, *(len(one) for one in arrays)])
