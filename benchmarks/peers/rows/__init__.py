"""All rows of the table, in its order, by name."""

from __future__ import annotations

from peers.row import Row
from peers.rows import graphs, items, large_batch, losses, max_margin, neighbours, pairs, pictures, pretraining, probe

ROWS: dict[str, Row] = {
    row.name: row
    for room in (losses, large_batch, max_margin, pictures, pretraining, neighbours, probe, graphs, items, pairs)
    for row in room.ROWS
}
