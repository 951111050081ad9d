"""`Histories`: of each user the items that they took, in the order of time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from contrapose.data.ragged import Ragged
from contrapose.data.samples import LABEL, NEXT, Samples
from contrapose.errors import ArgumentError
from contrapose.words import counted

SHOWN = 8
"""Last items of an excerpt."""


class Histories(Samples):
    """Users, each with the numbers of the items that they took, oldest first.

    The last items of each user may be held out, for what was learned from the others to be asked for them: they stay in
    the store, and in no batch.

    Shapes:
        store: N' sequences of int64 numbers from 1 to M; 0 is no item. None is empty, or nothing but held out.
        batch(indices): `Ragged`, B sequences without what is held out.

    Arguments:
        item_names: what items 1 to M are called; None: by their numbers, as many as the largest.
        titles: what people call these items, a text or None for each.
        hold_out: how many of the last items of each user are held out.
        labels: one class number a user, -1 for one without.
        described: targets, class_names, identifiers (the users), skipped, origin, notes, fingerprint and rows; see
            `Samples`.

    Errors:
        ArgumentError: no histories, numbers below 1 or above M, or a user with no more items than are held out.
    """

    modality: ClassVar[str] = "items"
    noun: ClassVar[str] = "user"

    def __init__(
        self,
        store: Ragged,
        item_names: Sequence[str] | None = None,
        *,
        titles: Sequence[str | None] | None = None,
        hold_out: int = 0,
        labels: np.ndarray | None = None,
        **described: Any,
    ) -> None:
        _check_store(store, item_names, hold_out)
        largest = int(store.values.max())
        self.store = store
        self.item_names = tuple(map(str, range(1, largest + 1))) if item_names is None else tuple(item_names)
        if titles is not None and len(titles) != len(self.item_names):
            raise ArgumentError(
                f"{counted(len(self.item_names), 'item')} came with {counted(len(titles), 'title')}: give one for each."
            )
        self.titles = None if titles is None else tuple(titles)
        self.hold_out = hold_out
        self._starts, self._ends = store.pointers[:-1], store.pointers[1:] - hold_out  # (N',)
        super().__init__(len(store), **{**described, "targets": {**(described.get("targets") or {}), LABEL: labels}})

    @property
    def items(self) -> int:
        """M, how many items there are."""
        return len(self.item_names)

    def batch(self, indices: Tensor | ArrayLike) -> Ragged:
        """The histories of these users, in this order."""
        rows = self.stored_rows(indices)  # (B,)
        return _pieces(self.store.values, self._starts[rows], self._ends[rows])

    @property
    def lengths(self) -> np.ndarray:
        """How many items there are in each, `(N,)` int64."""
        rows = slice(None) if self.rows is None else self.rows
        return self._ends[rows] - self._starts[rows]

    def holding_out(self, last: int) -> Self:
        """The same users with so many of their last items held out.

        Errors:
            ArgumentError: a user who has no more than that.
        """
        return self._again(self._starts, self.store.pointers[1:] - last, last)

    def last_read(self) -> np.ndarray:
        """The number of the last item of each that is not held out, `(N,)` int64."""
        return self.store.values[(self._ends if self.rows is None else self._ends[self.rows]) - 1]

    def prefixes(self) -> Prefixes:
        """All beginnings of what is not held out, each with the item that came next: `targets["next"]`.

        A user with n items gives n - 1 samples: 1 item, 2 items, ... They are places in the store, not copies.

        Errors:
            ArgumentError: no user has two items.
        """
        return Prefixes(self)

    def digest(self) -> str:
        """A hash of all items by their names, of who took them, and of what is held out."""
        store = self.store
        digest = hashlib.sha256(f"{len(store)} histories, {self.hold_out} held out".encode())
        digest.update("\0".join(self.item_names).encode("utf-8", "surrogatepass"))
        for numbers in (store.values, self._starts, self._ends):
            digest.update(np.ascontiguousarray(numbers, dtype=np.int64).tobytes())
        return digest.hexdigest()

    def contents(self) -> Iterator[bytes]:
        """The names of each user's items, whatever numbers they have here, those that are held out too: the same user
        is found again among histories of which others are held out."""
        yield from self._named(self.store if self.rows is None else self.store.gather(self.rows))

    def _named(self, histories: Ragged) -> Iterator[bytes]:
        names = np.asarray(["", *self.item_names], dtype=object)  # (M + 1,)
        for history in histories:
            yield "\0".join(names[history]).encode("utf-8", "surrogatepass")

    def called(self, item: int) -> str:
        """What people call an item: its title, else its name."""
        title = None if self.titles is None else self.titles[item - 1]
        return title or self.item_names[item - 1]

    def excerpt(self, row: int) -> str:
        """The last items, by their titles where they have some."""
        (history,) = self.batch([row])
        shown = " > ".join(self.called(item) for item in history[-SHOWN:].tolist())
        return f"... > {shown}" if len(history) > SHOWN else shown

    def words(self, row: int) -> frozenset[str]:
        """The items, by their names."""
        (history,) = self.batch([row])
        return frozenset(self.item_names[item - 1] for item in history.tolist())

    def in_words(self) -> str:
        """How many items each has, of how many."""
        return f"{counted(round(float(np.median(self.lengths))), 'item')} (median) of {self.items:,}"

    def facts(self) -> dict[str, Any]:
        """How many items there are, how many each user has, and how many more are held out."""
        return {"items": self.items, "median_items": float(np.median(self.lengths)), "hold_out": self.hold_out}

    def _again(self, starts: np.ndarray, ends: np.ndarray, hold_out: int) -> Self:
        """The same store, other pieces of it."""
        rows = slice(None) if self.rows is None else self.rows
        if (ends[rows] <= starts[rows]).any():
            raise ArgumentError(f"{hold_out} last items cannot be held out: a user has no more than that.")
        changed = self.subset(np.arange(len(self)))
        changed._starts, changed._ends, changed.hold_out = starts, ends, hold_out
        changed._fingerprint = changed._former_fingerprint = None
        return changed


class Prefixes(Histories):
    """The beginnings of histories, a sample for each place, as `Histories.prefixes` makes them.

    Shapes:
        batch(indices): `Ragged`; targets["next"]: `(N,)` int64, the item behind each.
        users: `(N,)` int64, the row of the histories that each is of.
    """

    noun: ClassVar[str] = "place"

    def __init__(self, histories: Histories) -> None:
        counts = histories.lengths - 1  # (U,)
        if not counts.sum():
            raise ArgumentError(
                "No user has two items that are not held out, so nothing comes next: give longer histories, or hold "
                "out less with hold_out (--hold-out)."
            )
        rows = np.arange(len(histories.store)) if histories.rows is None else histories.rows  # (U,)
        self.__dict__.update({**histories.__dict__, "rows": None})
        self.users = np.repeat(np.arange(len(rows)), counts)  # (N,)
        before = np.repeat(np.cumsum(counts) - counts, counts)  # (N,), samples of earlier users
        self._starts = np.repeat(histories._starts[rows], counts)  # (N,)
        self._ends = self._starts + 1 + np.arange(len(self.users)) - before  # (N,), 1, 2, ... items of each user
        self._stored = len(self.users)
        self._fingerprint = self._former_fingerprint = None
        known = {name: values[self.users] for name, values in histories.targets.items()}
        self.targets = {**known, NEXT: histories.store.values[self._ends]}
        names = histories.identifiers
        self.identifiers = [names[user] for user in self.users.tolist()]

    def subset(self, indices: Tensor | ArrayLike) -> Self:
        chosen = super().subset(indices)
        chosen.users = self.users[self._checked(indices)]
        return chosen

    def contents(self) -> Iterator[bytes]:
        """The names of the items of each beginning."""
        yield from self._named(self.batch(np.arange(len(self))))

    def facts(self) -> dict[str, Any]:
        """As of whole histories, and of how many users the places are."""
        return {**super().facts(), "users": len(np.unique(self.users))}

    def holding_out(self, last: int) -> Self:
        raise ArgumentError("Beginnings of histories are all that is not held out: ask the histories themselves.")


def _pieces(values: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Ragged:
    """`values[start:end]` of each, below each other."""
    pointers = np.concatenate([[0], np.cumsum(ends - starts)])  # (B + 1,)
    steps = np.arange(pointers[-1]) + np.repeat(starts - pointers[:-1], ends - starts)  # (S,)
    return Ragged(values[steps], pointers)


def _check_store(store: Ragged, item_names: Sequence[str] | None, hold_out: int) -> None:
    if not isinstance(store, Ragged) or not len(store) or not len(store.values) or store.values.dtype.kind not in "iu":
        raise ArgumentError("Histories hold one or more of whole numbers, as Ragged: open_items(...) makes them.")
    if isinstance(hold_out, bool) or not isinstance(hold_out, int) or hold_out < 0:
        raise ArgumentError(f"hold_out is {hold_out!r}: give how many last items to hold out, 0 or more.")
    least, largest = int(store.values.min()), int(store.values.max())
    known = largest if item_names is None else len(item_names)
    if least < 1 or largest > known:
        wrong = least if least < 1 else largest
        raise ArgumentError(f"Item {wrong} does not exist: items are 1 to {known:,}, and 0 is none.")
    short = int((store.lengths <= hold_out).sum())
    if short:
        raise ArgumentError(
            f"{counted(short, 'history has', 'histories have')} no more than the {counted(hold_out, 'item')} to be "
            "held out: leave them out, or hold out less (hold_out)."
        )
