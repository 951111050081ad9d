"""Recommendation: does the item that each user took last stand high among all items?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch

from contrapose.data import Samples, derived_generator
from contrapose.data.items import Histories
from contrapose.encoders import Tabled
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import metrics_of_standing, standing
from contrapose.tasks.given import Given
from contrapose.tasks.ranking_floors import AfterLast, AlikeItems, Popular, Scorer
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task
from contrapose.words import counted

DEPTHS = (5, 10, 20)
SCORES = 4_000_000
"""Scores that are held at a time: 16 MB in float32 [design]."""
POPULAR, AFTER_LAST = "popularity", "after the last"
"""The floors beside that of the kind of data, which is judged as well."""


class ByTable:
    """An arm with an encoder: an item scores by the inner product of its row in the table with the embedding.

    Arguments:
        embedder: the arm's.

    Errors:
        DataError: its encoder has no table of items.
    """

    def __init__(self, embedder: Any) -> None:
        if not isinstance(embedder.encoder, Tabled):
            raise DataError(
                f"Encoder {embedder.encoder.name!r} has no table of items, so there is nothing to rank by: take sasrec "
                "or item_bag, or measure by labels (--task labelled-table)."
            )
        self.embedder = embedder
        self.table = embedder.encoder.table.detach()[1:].float()  # (M, D): padding is no item

    def __call__(self, samples: Samples) -> np.ndarray:
        return np.asarray(self.embedder.embed(samples))

    def scores(self, z: np.ndarray) -> torch.Tensor:
        """`(B, M)` of embeddings `(B, D)`."""
        return torch.from_numpy(z).to(self.table.device) @ self.table.T


class _ByScorer:
    """A floor in the place of an encoder: what it "embeds" of a user are the row numbers, to score by."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def __call__(self, samples: Samples) -> np.ndarray:
        return np.zeros((len(samples), 1), np.float32)


class Ranking(Measurement):
    """The item that each user took last, among all items.

    Arguments:
        asked: whole histories; users of one item are left out.
        known: those that floors may learn from; None: the same users.
        held_out: how many of the last items of its own users the encoder has not learned from.
        last: which item is asked for: 1 the last one (test), 2 the last but one, with nothing behind it read
            (validation). Floors know what comes before the last two.
        mask_seen: leave out what the user took before.
        seed: of the bootstrap.

    Errors:
        DataError: no user has an item before the one that is asked for, or nobody has any to learn from.
    """

    noun = "user"
    named = False

    def __init__(
        self,
        asked: Histories,
        known: Histories | None = None,
        *,
        held_out: int = 2,
        last: int = 1,
        mask_seen: bool = False,
        seed: int = 0,
    ) -> None:
        self.asked, self.wanted = _asked(asked, last)
        self.known = _known(asked if known is None else known)
        self.mask_seen, self.seed, self.held_out, self.last = mask_seen, seed, held_out, last
        self.left_out = len(asked) - len(self.asked)
        self.shared = 0 if known is None else len(set(map(str, asked.identifiers)) & set(map(str, known.identifiers)))
        which = "last item" if last == 1 else f"item {last} from the end"
        self.data = f"{asked.origin}, the {which} of {counted(len(self.asked), 'user')} among all {asked.items:,} items"
        names = [asked.item_names[item - 1] for item in self.wanted.tolist()]
        options = {"seed": seed, "mask_seen": int(mask_seen), "last": last}
        self.setting = Setting("ranking of all items", options, Identity.of(self.asked, names))

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        z = embed(self.asked)  # (U, D)
        if isinstance(embed, _ByScorer):
            return self._metrics(torch.from_numpy(np.array(embed.scorer(some))) for some, _ in self._blocks()), z
        return self._metrics(cast("ByTable", embed).scores(z[rows]) for _, rows in self._blocks()), z

    def embed_with(self, embedder: Any) -> Embed:
        return ByTable(embedder)

    def floor(self, given: Given) -> Embed:
        """What goes with the items of the history, by the counts of who took what."""
        return _ByScorer(AlikeItems(cast("Histories", self.known)))

    def floors(self) -> dict[str, Metrics]:
        known = cast("Histories", self.known)
        return {
            POPULAR: self(_ByScorer(Popular(known)))[0],
            AFTER_LAST: self(_ByScorer(AfterLast(known)))[0],
        }

    @property
    def notes(self) -> tuple[str, ...]:
        items = cast("Histories", self.known).items
        chance = sum(1 / np.log2(rank + 1) for rank in range(1, min(10, items) + 1)) / items
        found = [
            f"items that a user took before are {'left out' if self.mask_seen else 'kept'} (--mask-seen leaves them "
            f"out); by chance HR@10 is {min(1, 10 / items):.2g} and NDCG@10 {chance:.2g}",
            f"what needs no encoder has learned from all but the last two items of {len(self.known):,} users",
        ]
        if self.held_out < self.last:
            found.append(
                "the encoder learned from the last items of its own users, too (--hold-out 0): on these its numbers "
                "say nothing of what they take next. Train with --hold-out 2 to measure"
            )
        if self.shared:
            found.append(
                f"{self.shared:,} of the users asked are in --data too, where floors, and perhaps the encoder, learned "
                "from them: if their last items stand there, these numbers say nothing. Give other users with "
                "--test-data, or --data alone, whose last two items are held out"
            )
        if self.left_out:
            found.append(f"{counted(self.left_out, 'user')} without an item before it left out")
        return tuple(found)

    def _blocks(self) -> Iterator[tuple[Any, np.ndarray]]:
        """Some users at a time: their histories, and their rows."""
        rows = max(1, SCORES // self.asked.items)
        for start in range(0, len(self.asked), rows):
            some = np.arange(start, min(start + rows, len(self.asked)))
            yield self.asked.batch(some), some

    def _metrics(self, scores: Iterator[torch.Tensor]) -> Metrics:
        # Filled, not collected: small pieces that outlive a block of scores would hold its memory.
        above, tied = torch.empty(2, len(self.asked), dtype=torch.int64)  # (U,), (U,)
        for block, (histories, rows) in zip(scores, self._blocks(), strict=True):
            wanted = torch.from_numpy(self.wanted[rows] - 1).to(block.device)  # (b,)
            hidden = self._seen(histories, wanted, block) if self.mask_seen else None
            above[rows], tied[rows] = standing(block, wanted, hidden)  # (b,), (b,)
        found = metrics_of_standing(
            above,
            tied,
            items=self.asked.items,
            ks=DEPTHS,
            seen="left out" if self.mask_seen else "kept",
            generator=derived_generator(self.seed, INTERVALS),
        )
        # as they are quoted, 0.0386 and not 3.9 %
        return {name: replace(metric, percent=False, better="higher") for name, metric in found.items()}

    def _seen(self, histories: Any, wanted: torch.Tensor, block: torch.Tensor) -> torch.Tensor:
        """What each user took before; what is asked for can always be found."""
        hidden = torch.zeros(block.shape, dtype=torch.bool)  # (b, M)
        users = np.repeat(np.arange(len(histories)), histories.lengths)
        hidden[torch.from_numpy(users), torch.from_numpy(histories.values - 1)] = True
        hidden = hidden.to(block.device)
        return hidden.scatter(1, wanted[:, None], False)


def _asked(histories: Histories, last: int) -> tuple[Histories, np.ndarray]:
    """The users who have an item before the one that is asked for, without what comes from it on; and it, `(U,)`."""
    whole = histories.holding_out(0)
    enough = np.flatnonzero(whole.lengths > last)
    if len(enough) < 2:
        raise DataError(
            f"{histories.origin} has {counted(len(enough), 'user')} with more than {counted(last, 'item')}, so there "
            "is nothing to ask: give histories of 3 items or more."
        )
    some = whole.subset(enough)
    return some.holding_out(last), some.holding_out(last - 1).last_read()


def _known(histories: Histories) -> Histories:
    """All but the last two items of everybody."""
    whole = histories.holding_out(0)
    enough = np.flatnonzero(whole.lengths > 2)
    if not len(enough):
        raise DataError(
            f"No user of {histories.origin} has three items, and two are held out, so nothing can be learned: give "
            "longer histories."
        )
    return whole.subset(enough).holding_out(2)


class _Ranking(Task):
    name = "ranking"
    needs = "histories of items, of which the last one of each user is asked for (a table of user, item and time)"
    modalities = ("items",)

    def fits(self, given: Given) -> bool:
        asked = given.targets.label or given.targets.number or given.classifier is not None
        return not asked and self.possible(given)

    def possible(self, given: Given) -> bool:
        return self.takes(given)

    def prepare(self, given: Given) -> Measurement:
        encoder: Any = given.encoder
        core = {"core": encoder.core} if getattr(encoder, "core", 0) else {}

        def opened(spec: Any) -> Histories:
            samples = given.open(spec, limit=given.limit, **({} if isinstance(spec, Samples) else core))
            if not isinstance(samples, Histories):
                raise ArgumentError("Items are ranked by histories of items: open them as such.")
            return samples

        data = opened(given.data)
        return Ranking(
            data if given.test_data is None else opened(given.test_data),
            None if given.test_data is None else data,
            held_out=getattr(encoder, "held_out", 2),
            mask_seen=given.mask_seen,
            seed=given.seed,
        )


RANKING = _Ranking()
