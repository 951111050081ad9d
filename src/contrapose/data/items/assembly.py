"""Actions that were found, numbered, filtered and put into `Histories`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contrapose.data.items.core import k_core
from contrapose.data.items.histories import Histories
from contrapose.data.items.numbering import NO_ITEM, coded, numbered
from contrapose.data.items.request import Found, ItemRequest
from contrapose.data.labels import Labels
from contrapose.data.ragged import Ragged
from contrapose.data.samples import NUMBER, Skipped
from contrapose.errors import DataError
from contrapose.words import counted

SHOWN = 3


def assemble(found: Found, request: ItemRequest) -> Histories:
    """The histories that were found, with labels and as many of them as were asked for.

    Errors:
        DataError: nobody is left who has more items than are held out; items that can be none.
    """
    codes, names = coded(found.items, found.where)  # (S,)
    users = found.users  # (S,)
    notes = list(found.notes)
    there = codes >= 0
    if not there.all():
        notes.append(f"{counted(int((~there).sum()), 'action')} without an item left out.")
    codes, users = codes[there], users[there]
    if request.core > 1:
        codes, users = _cored(codes, users, request.core, found, notes)
    items, item_names = numbered(codes, names, request.known)  # (S,)
    if request.known is not None:
        notes += _unknown(items, codes, names)
        users, items = users[items != NO_ITEM], items[items != NO_ITEM]
    counts = np.bincount(users, minlength=len(found.identifiers))  # (U,)
    kept = np.flatnonzero(counts > request.held)
    if not len(kept):
        raise DataError(_nobody(found, request, counts))
    rows = np.full(len(counts), -1)
    rows[kept] = np.arange(len(kept))
    order = np.argsort(users[stay := rows[users] >= 0], kind="stable")  # a user's own order stays
    labels = request.choose_labels(found.labels, len(counts), Histories.noun)
    chosen = None if labels is None else labels.select(kept)
    histories = Histories(
        Ragged(items[stay][order], np.concatenate([[0], np.cumsum(counts[kept])])),
        item_names,
        titles=_titles(item_names, found, request),
        hold_out=request.held,
        labels=None if chosen is None else chosen.numbers,
        targets={NUMBER: None if found.numbers is None else found.numbers[kept]},
        class_names=None if chosen is None else chosen.names,
        identifiers=[found.identifiers[user] for user in kept.tolist()],
        skipped=_skipped(found, request, counts),
        origin=found.origin,
        notes=notes,
    )
    return request.limited(histories)


def again(histories: Histories, request: ItemRequest) -> Histories:
    """Histories that were opened before, as they are asked for now."""
    names = histories.item_names
    same = request.known is None or request.known == names
    if same and request.core <= 1:
        stays = request.hold_out in (None, histories.hold_out)
        return request.again(histories if stays else _held(histories, request.held))
    whole = histories.store if histories.rows is None else histories.store.gather(histories.rows)
    known = np.asarray(["", *names], dtype=object)  # (M + 1,)
    labels = histories.labels
    found = Found(
        items=known[whole.values],
        users=np.repeat(np.arange(len(whole)), whole.lengths),
        identifiers=histories.identifiers,
        where=histories.origin,
        origin=histories.origin,
        notes=histories.notes,
        labels=None if labels is None else Labels(labels, histories.class_names),
        numbers=histories.targets.get(NUMBER),
        titles={} if histories.titles is None else dict(zip(names, histories.titles, strict=True)),  # type: ignore[arg-type]
    )
    held = histories.hold_out if request.hold_out is None else request.hold_out
    return assemble(found, replace(request, hold_out=held))


def _held(histories: Histories, last: int) -> Histories:
    """The same users, without those who have no more items than are held out."""
    ends = histories.store.lengths  # (N',)
    enough = (ends if histories.rows is None else ends[histories.rows]) > last  # (N,)
    if not enough.any():
        raise DataError(f"No user has more than the {last} items that are held out: hold out less (--hold-out).")
    return histories.subset(np.flatnonzero(enough)).holding_out(last)


def _cored(
    codes: np.ndarray, users: np.ndarray, core: int, found: Found, notes: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    kept, rounds = k_core(users, codes, core)
    if not kept.any():
        raise DataError(
            f"Nothing of {found.origin} is left of its {core}-core: no {core} users share {core} items. Take a smaller "
            "one (--core 2), or leave it out."
        )
    stay = [len(np.unique(which[mask])) for which in (users, codes) for mask in (kept, slice(None))]
    notes.append(
        f"{core}-core: {stay[0]:,} of {counted(stay[1], 'user')}, {stay[2]:,} of {counted(stay[3], 'item')} and "
        f"{int(kept.sum()):,} of {counted(len(kept), 'action')} stay ({counted(max(rounds, 1), 'round')})."
    )
    return codes[kept], users[kept]


def _unknown(items: np.ndarray, codes: np.ndarray, names: list[str]) -> list[str]:
    """That the encoder does not know some of the items, in a sentence."""
    lost = items == NO_ITEM  # (S,)
    if not lost.any():
        return []
    which = np.unique(codes[lost])
    shown = ", ".join(repr(names[code]) for code in which[:SHOWN]) + (", ..." if len(which) > SHOWN else "")
    return [
        f"{counted(len(which), 'item')} ({shown}) not known to the encoder: {counted(int(lost.sum()), 'action')} of "
        f"{len(items):,} left out."
    ]


def _skipped(found: Found, request: ItemRequest, counts: np.ndarray) -> list[Skipped]:
    held = request.held
    reasons = {
        user: f"{counted(int(counts[user]), 'item')}, and {held} are held out" if held else "no item"
        for user in np.flatnonzero(counts <= held).tolist()
        if counts[user] or request.core <= 1  # the k-core has told of the others
    }
    return [Skipped(f"user {found.identifiers[user]}", reason) for user, reason in reasons.items()]


def _nobody(found: Found, request: ItemRequest, counts: np.ndarray) -> str:
    if not counts.any():
        known = " that the encoder knows" if request.known is not None else ""
        return f"{found.origin} holds no item{known}: give other data, or say where the items are (--item-column)."
    return (
        f"No user of {found.origin} has more than {counts.max()} items, and the last {request.held} of each are "
        "held out: give longer histories, or hold out less (--hold-out)."
    )


def _titles(names: list[str], found: Found, request: ItemRequest) -> list[str | None] | None:
    if found.titles:
        return [found.titles.get(name) for name in names]
    return None if request.known_titles is None else list(request.known_titles)
