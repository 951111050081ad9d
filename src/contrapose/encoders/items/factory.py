"""`build_items`: an encoder of items from its name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from contrapose.encoders.arguments import count
from contrapose.encoders.concatenated import CONCATENATED, parts_of
from contrapose.encoders.factory import arguments_of, seeded
from contrapose.encoders.items import item_bag, sasrec  # noqa: F401  (registers them)
from contrapose.encoders.items.backbone import ITEM_ENCODERS, ItemBackbone
from contrapose.encoders.items.concatenated import ConcatenatedItemBackbone
from contrapose.encoders.items.item_encoder import ITEMS_FILE, ItemEncoder, StatefulItemEncoder
from contrapose.errors import ArgumentError

MAX_LENGTH = 50
"""Items of a history that are read: 50 in SASRec for sparse data (https://arxiv.org/abs/1808.09781), and in MCLRec."""


def build_items(
    name: str,
    item_names: Sequence[str],
    *,
    max_length: int = MAX_LENGTH,
    titles: Sequence[str | None] | None = None,
    held_out: int = 0,
    core: int = 0,
    seed: int | None = None,
    **arguments: Any,
) -> ItemEncoder:
    """An encoder of items with new weights.

    Arguments:
        name: one of `ITEM_ENCODERS`: `"sasrec"`, `"item_bag"`.
        item_names, titles, max_length, held_out, core: as of `ItemEncoder`.
        seed: first weights that are the same every time, drawn without touching the global random state; `None`: they
            are drawn from it.
        arguments: the encoder's own; see its factory. Unknown ones are refused.

    Errors:
        ArgumentError: an unknown name or argument, no items, or a value that the encoder cannot use.
    """
    factory = item_factory_of(name)
    arguments = arguments_of(name, factory, arguments, given=("items", "max_length"))
    length = count(max_length, "max_length")
    with seeded(seed):
        backbone = factory(items=count(len(item_names), "items"), max_length=length, **arguments)
    kind = StatefulItemEncoder if hasattr(backbone, "states") else ItemEncoder
    return kind(
        backbone,
        name=name,
        arguments=arguments,
        item_names=item_names,
        max_length=length,
        titles=titles,
        held_out=count(held_out, "held_out", least=0),
        core=count(core, "core", least=0),
    )


def item_factory_of(name: str) -> Callable[..., ItemBackbone]:
    """What makes the backbone called `name`.

    Errors:
        ArgumentError: an unknown name.
    """
    return _concatenated if name == CONCATENATED else ITEM_ENCODERS[name]


def _concatenated(*, items: int, max_length: int, parts: Any, normalize: bool = True) -> ItemBackbone:
    """Several of them side by side, which know the same items."""

    def make(name: str, **arguments: Any) -> ItemBackbone:
        return item_factory_of(name)(items=items, max_length=max_length, **arguments)

    made, _ = parts_of(parts, normalize, make)
    return ConcatenatedItemBackbone(made, normalize=normalize)


def rebuild_items(
    name: str, arguments: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, bytes], seed: int
) -> ItemEncoder:
    """The encoder that `form` and its list of items describe, with new weights.

    Errors:
        ArgumentError: a description that nothing can be built of.
    """
    try:
        listed = json.loads(files[ITEMS_FILE])
        names, titles = listed["names"], listed.get("titles")
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ArgumentError(f"The items, {ITEMS_FILE}, are missing or damaged: export the encoder again.") from None
    if len(names) != form["items"]:
        raise ArgumentError(
            f"{ITEMS_FILE} has {len(names)} items and the encoder {form['items']}: they do not belong together. Export "
            "the encoder again."
        )
    return build_items(
        name,
        names,
        titles=titles,
        max_length=form["max_length"],
        held_out=form.get("held_out", 0),
        core=form.get("core", 0),
        seed=seed,
        **arguments,
    )
