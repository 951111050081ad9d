"""`contrapose apply` of a run on histories of items: what to show each user next, to a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from contrapose.commands.reading import Reading
from contrapose.commands.table_file import TABLES, file_to_write, table_bytes
from contrapose.commands.unwritten import write_or_rescue
from contrapose.data.items import Histories
from contrapose.embedder import Embedder, load
from contrapose.encoders.architecture import architecture_of
from contrapose.encoders.artifact import encoder_folder
from contrapose.encoders.classifier_folder import classifier_folder
from contrapose.encoders.items import ItemEncoder
from contrapose.errors import ArgumentError
from contrapose.optional import optional

COUNT = 10
"""Items a user: what fits on a page, and the middle of the usual HR@5, HR@10, HR@20 [design]."""
SCORES = 4_000_000
"""Scores that are held at a time: 16 MB in float32 [design]."""


def recommends(run: str | Path) -> bool:
    """Whether it is a run on histories of items that `run` names, and no classifier of them."""
    return classifier_folder(run) is None and architecture_of(encoder_folder(run)).modality == "items"


def recommend(
    run: str | Path,
    data: Any,
    *,
    out: str | Path,
    count: int = COUNT,
    mask_seen: bool = True,
    limit: int | None = None,
    device: str = "cpu",
    quiet: bool = False,
    **columns: Any,
) -> Histories:
    """Write the items with the highest scores for each user: a row for each, best first.

        score of an item = <embedding of the user's whole history, row of the item in the encoder's table>

    Arguments:
        run: run folder on items, or that of a stage in it, or encoder folder.
        data: what `--data` takes: the histories to go on from, of users known or new; items that the encoder does not
            know are left out.
        out: `.csv`, `.parquet` or `.jsonl`: user, rank (from 1), item, score, and title where items have titles.
        count: items a user; fewer where there are no more.
        mask_seen: leave out what a user took before. True: what somebody has is seldom what they need next.
        columns: user_column, item_column, time_column and titles, as of `open_items`.

    Returns the histories as read, with who was skipped: they have no rows.

    Errors:
        ArgumentError: a count below 1, an ending that is not one of these.
        RunError: no encoder in `run`.
        MissingExtraError: no extra `tables`.
    """
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ArgumentError(f"count is {count!r}: give how many items to write for each user, 1 or more (--count).")
    path = file_to_write(out, TABLES, data)
    embedder = load(run, device=device)
    encoder = cast("ItemEncoder", embedder.encoder)
    reading = Reading.of(run, labels="none", **columns)
    reading = Reading(reading.asked, {name: column for name, column in reading.usual.items() if name != "label_column"})
    histories = cast("Histories", reading.open(embedder, data, limit=limit, progress=not quiet))
    histories.notes = (*histories.notes, *_notes(encoder, mask_seen))
    table = recommendations_table(embedder, histories, count=count, mask_seen=mask_seen)
    write_or_rescue(path, table_bytes(table, path.suffix), result=histories)
    return histories


def recommendations_table(embedder: Embedder, histories: Histories, *, count: int, mask_seen: bool) -> Any:
    """A polars frame: user, rank, item, score, and title where there are titles."""
    polars = optional("polars", extra="tables")
    users, ranks, items, scores = (
        np.concatenate(part) for part in zip(*_best(embedder, histories, count, mask_seen), strict=True)
    )
    columns: dict[str, Any] = {
        "user": [histories.identifiers[user] for user in users.tolist()],
        "rank": ranks,
        "item": [histories.item_names[item - 1] for item in items.tolist()],
        "score": scores,
    }
    if histories.titles is not None:
        columns["title"] = [histories.titles[item - 1] for item in items.tolist()]
    return polars.DataFrame(columns)


def _best(
    embedder: Embedder, histories: Histories, count: int, mask_seen: bool
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Rows of users, ranks, numbers of items and scores, some users at a time."""
    table = cast("ItemEncoder", embedder.encoder).table.detach()[1:].float()  # (M, D): padding is no item
    z = embedder.embed(histories)  # (U, D)
    step = max(1, SCORES // len(table))
    for start in range(0, len(z), step):
        rows = np.arange(start, min(start + step, len(z)))
        scores = torch.from_numpy(z[rows]).to(table.device) @ table.T  # (b, M)
        if mask_seen:
            taken = histories.batch(rows)
            who = torch.from_numpy(np.repeat(np.arange(len(rows)), taken.lengths))
            scores[who, torch.from_numpy(taken.values - 1)] = -torch.inf
        best, items = (found.cpu() for found in scores.topk(min(count, scores.shape[1]), dim=1))  # (b, count) each
        there = best.isfinite()  # (b, count)
        users, ranks = there.nonzero(as_tuple=True)
        yield rows[users.numpy()], ranks.numpy() + 1, items[there].numpy() + 1, best[there].numpy()


def _notes(encoder: ItemEncoder, mask_seen: bool) -> list[str]:
    seen = "left out (--no-mask-seen keeps them)" if mask_seen else "kept (--mask-seen leaves them out)"
    found = [f"Items that a user took before are {seen}."]
    if encoder.held_out:
        found.append(
            f"The encoder has not learned from the last {encoder.held_out} items of its users: once it was measured, "
            "train with --hold-out 0 to put it to use."
        )
    return found
