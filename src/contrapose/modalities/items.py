"""Histories of items: what users took, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.errors import ArgumentError
from contrapose.modalities.known import check_reading
from contrapose.modalities.modality import Modality
from contrapose.options import Options
from contrapose.views.items.options import ItemViews

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Samples
    from contrapose.data.items import Histories
    from contrapose.data.problems import Problem
    from contrapose.encoders import Encoder, Start
    from contrapose.encoders.items import ItemEncoder

_PYTHON = ("known", "known_titles")


@dataclass(frozen=True, kw_only=True)
class ItemOptions(Options):
    """What a method has on histories of items."""

    views: ItemViews = field(default_factory=ItemViews)
    """How views are made."""
    encoder: str = "sasrec"
    """sasrec (a transformer that reads forward, two blocks of 64) or item_bag (the mean of the items, without their
    order)."""
    max_length: int = 50
    """Last items of a history that are read. 50: SASRec (arXiv 1808.09781) and MCLRec for sparse data."""
    user_column: str | None = None
    """Column of a table with the user of each action. Default: one with a usual name (user_id, reviewerID, ...)."""
    item_column: str | None = None
    """Column of a table with the item of each action, or with the list of a user's items. Default: one with a usual
    name (item_id, asin, items, ...)."""
    time_column: str | None = None
    """Column of a table with the time of each action, by which a user's actions are sorted. Default: one with a usual
    name (timestamp, date, ...), else the order of the rows."""
    titles: str | None = None
    """A table with the columns item and title, for people to read. Default: a column title beside the actions."""
    core: int = 0
    """Leave out users and items with fewer actions than so many, until there are none. 5 by convention; 0: nobody."""
    hold_out: int = 2
    """Last items of each user that are not learned from, so that evaluate can ask for them: the last but one to choose
    by, the last one to test. 0: learn from all, for a model that is put to use."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("max_length", self.max_length >= 1, "1 or more")
        for name in ("core", "hold_out"):
            self._check(name, getattr(self, name) >= 0, "0 or more")


class _Items(Modality):
    name, noun, plural = "items", "user", "users"
    options: ClassVar[type[Options]] = ItemOptions
    reading = ("user_column", "item_column", "time_column", "titles", "core", "hold_out")
    asks_itself = True
    floor_name = "item counts"
    applied = ("Recommend", "recommendations.csv")
    example = "[[3, 1, 4], [1, 5]]"

    def open(self, spec: Any, **reading: Any) -> Samples:
        from contrapose.data.items import open_items

        reading = check_reading(self, reading, python=_PYTHON)
        reading.pop("progress", None)  # columns are read at once
        if reading.get("core", 0) is None:
            reading.pop("core")
        return open_items(spec, **reading)

    def open_for(self, encoder: Encoder, spec: Any, **reading: Any) -> Samples:
        items = cast("ItemEncoder", encoder)
        return self.open(spec, known=items.item_names, known_titles=items.titles, **reading)

    def is_for(self, encoder: Encoder, samples: Samples) -> bool:
        return cast("ItemEncoder", encoder).item_names == cast("Histories", samples).item_names

    def open_like(self, samples: Samples, spec: Any, **reading: Any) -> Samples:
        known = cast("Histories", samples)
        return self.open(spec, known=known.item_names, known_titles=known.titles, **reading)

    def as_query(self, query: Any) -> Any:
        """Names of items that were typed, with commas or blanks between them, are one history."""
        from contrapose.data.kinds import names_data

        if not isinstance(query, str) or names_data(query):
            return query
        return [[name for name in query.replace(",", " ").split() if name]]

    def start_options(self, config: Any, start: Start) -> dict[str, Any]:
        items = cast("ItemEncoder", start.encoder())
        return {"known": items.item_names, "known_titles": items.titles}

    def encoder(self, config: Any, samples: Samples) -> Encoder:
        from contrapose.encoders.items import build_items

        known = cast("Histories", samples)
        return build_items(
            config.encoder,
            known.item_names,
            max_length=config.max_length,
            titles=known.titles,
            held_out=known.hold_out,
            core=config.core,
            seed=config.seed,
            **config.encoder_arguments,
        )

    def views(self, options: Any, samples: Samples, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        from contrapose.views.items import ItemViewMaker

        return ItemViewMaker(options, cast("ItemEncoder", encoder).prepare)

    def own_views(self, views: Any, options: Any, encoder: Encoder) -> Callable[..., tuple[Any, ...]]:
        def make(raw: Any, *, generator: Any = None) -> tuple[Any, ...]:
            """Each view by a call for each history, numbers `(T,)` to numbers."""
            return tuple(encoder.prepare([views(one) for one in raw]) for _ in range(options.count))

        return make

    def made_up(self, encoder: Encoder, size: int, seed: int) -> Any:
        items = cast("ItemEncoder", encoder).items
        return encoder.prepare([[1 + (row + step + seed) % items for step in range(3)] for row in range(size)])

    def shown_views(self, view: Any, encoder: Encoder) -> list[str]:
        items = cast("ItemEncoder", encoder)
        rows = (values[mask].tolist() for values, mask in zip(view.values, view.mask, strict=True))
        return [" > ".join(items.called(item) if item else "(hidden)" for item in row) for row in rows]

    def problems(self, samples: Samples) -> Iterable[Problem]:
        from contrapose.data.items.problems import item_problems

        return item_problems(cast("Histories", samples))

    def described(self, samples: Samples, encoder: Encoder | None) -> list[str]:
        from contrapose.data.items.problems import item_facts

        return item_facts(cast("Histories", samples))

    def unused(self, config: Any, encoder: Encoder) -> list[str]:
        read = cast("ItemEncoder", encoder).max_length
        if config.max_length in (ItemOptions.max_length, read):
            return []
        return [f"--max-length {config.max_length} plays no part: the weights bring their places along, {read} items."]

    def read_by(self, encoder: Encoder, samples: Samples) -> list[str]:
        read, lengths = cast("ItemEncoder", encoder).max_length, cast("Histories", samples).lengths
        longer = int((lengths > read).sum())
        some = f"{longer:,} of {len(lengths):,} {samples.noun}s"
        return [f"Of {some} the last {read} items are read."] if longer else []

    def floor(self, known: Samples) -> Callable[[Samples], np.ndarray]:
        """TF-IDF of the items that each user took, as of the words of a text."""
        from contrapose.data.texts.word_counts import WordCounts

        def as_words(samples: Samples) -> list[str]:
            histories = cast("Histories", samples)
            return [" ".join(map(str, one.tolist())) for one in histories.batch(range(len(histories)))]

        counts = WordCounts(as_words(known))
        return lambda samples: counts(as_words(samples))

    def takes(self, encoder: Encoder) -> list[str]:
        items = cast("ItemEncoder", encoder)
        return [
            f"Input: histories of items, oldest first, of which the last {items.max_length} are read.",
            f"Items: {items.items:,}, by the names in `items.json`; others are left out. What fits a history scores "
            "high by the inner product of its embedding with the table of items.",
        ]

    def settle(self, encoder: Encoder, samples: Samples) -> None:
        items, histories = cast("ItemEncoder", encoder), cast("Histories", samples)
        if items.item_names != histories.item_names:
            raise ArgumentError(
                f"The weights to start from know {items.items:,} items, and these histories are numbered by "
                f"{histories.items:,} others: give the data as a table or lists, not as Histories."
            )
        items.held_out = min(items.held_out, histories.hold_out)


ITEMS = _Items()
