"""What there is to say of many graphs that can be steered: by number of leaders and class, and what could change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from contrapose.controllability.descriptor import COUNTS, DESCRIPTOR_NAMES
from contrapose.data import class_texts
from contrapose.words import counted, percent

if TYPE_CHECKING:
    from contrapose.data import Graphs

MOST_CLASSES = 8
"""Classes that are told apart; of more all graphs are one group."""
_TOGETHER = 256  # graphs whose edges are changed in one call


def steered(graphs: Graphs, rows: np.ndarray) -> list[dict[str, Any]]:
    """For each class (or all graphs), and each number of leaders: means over graphs of the share of the followers that
    can be steered, the trace of their Gramian, and the share of distinct distance vectors.

    Shapes:
        rows: `(N, 154)`.
    """
    place = {name: number for number, name in enumerate(DESCRIPTOR_NAMES)}
    nodes = rows[:, place["nodes"]]
    groups = _groups(graphs)
    found = []
    for count in COUNTS:
        lead = leaders_of(count, nodes)  # (N,)
        steered, distinct = (
            rows[:, place[f"mean {metric}, {count} lead"]] for metric in ("rank", "distinct distance vectors")
        )
        of_each = {
            "followers steered": steered / (nodes - lead),
            "distinct distances": distinct / nodes,
            "trace": rows[:, place[f"mean trace, {count} lead"]],
        }
        found += [
            {
                "group": name,
                "leaders": count,
                "by": "share" if "%" in count else "number",
                **{key: float(values[own].mean()) for key, values in of_each.items()},
            }
            for name, own in groups.items()
        ]
    return found


def leaders_of(count: str, nodes: np.ndarray) -> np.ndarray:
    """How many lead in each graph where `count` is said to: a number, or a share as "10 %"."""
    share = count.removesuffix(" %")
    return nodes * int(share) // 100 + 1 if share != count else np.full_like(nodes, int(count))


def _groups(graphs: Graphs) -> dict[str, np.ndarray]:
    texts = class_texts(graphs)
    if texts is None:
        return {"all": np.ones(len(graphs), dtype=bool)}
    names = np.array(["unlabelled" if text is None else text for text in texts])
    if not 1 < len(np.unique(names)) <= MOST_CLASSES:
        return {"all": np.ones(len(graphs), dtype=bool)}
    return {str(name): names == name for name in np.unique(names)}


def steered_lines(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """The share of followers that can be steered, a line a group and a column a number of leaders."""
    names = list(dict.fromkeys(row["group"] for row in groups))
    width = max(len("leaders"), *(len(name) for name in names))
    lines = ["Share of the followers that can be steered, on average:"]
    lines.append(f"  {'leaders':<{width}}  " + "  ".join(f"{count:>6}" for count in COUNTS))
    for name in names:
        shares = [row["followers steered"] for row in groups if row["group"] == name]
        lines.append(f"  {name:<{width}}  " + "  ".join(f"{percent(share):>6}" for share in shares))
    return lines


def changeable(graphs: Graphs, *, share: float, leaders: float, seed: int) -> dict[str, Any]:
    """How many of the edges that are asked to change can, over all graphs, and in how many graphs none can go."""
    import torch

    from contrapose.views.graphs.control import control_views

    generator = torch.Generator().manual_seed(seed)
    parts = [np.arange(first, min(first + _TOGETHER, len(graphs))) for first in range(0, len(graphs), _TOGETHER)]
    views = [control_views(graphs.batch(part), share, 1, leaders=leaders, generator=generator)[1] for part in parts]
    counts = torch.cat(views).numpy()  # (N, 3)
    asked, gone, come = counts.sum(axis=0)
    stuck = int(((counts[:, 0] > 0) & (counts[:, 1] == 0)).sum())
    return {
        "asked": int(asked),
        "deleted": int(gone),
        "added": int(come),
        "graphs that lose none": stuck,
        "sentence": f"Of the edges asked to change ({percent(share)} of each graph, {percent(leaders)} of the nodes "
        f"lead), {percent(gone / max(asked, 1))} can go and {percent(come / max(asked, 1))} can come; "
        f"{counted(stuck, 'graph')} can lose none of them.",
    }
