"""A process that shares the anchors with others looks at its own rows of the matrix, and at nobody else's."""

from __future__ import annotations

import inspect

import pytest
import torch
from objective_cases import NAMES, loss_of, pairing_of, some_embeddings
from torch import Tensor

from contrapose.objectives import OBJECTIVES
from contrapose.pairing import GroupPairing, Tile

# Objectives that compare the rows of all views with each other. A saddle is that of the whole batch.
AMONG_THEMSELVES = [name for name in NAMES if OBJECTIVES[name].takes in ("views", "labels") and name != "auc_saddle"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The anchors of whom a tile was asked."""
    seen: set[int] = set()
    tile = GroupPairing.tile

    def recorded(self: GroupPairing, rows: Tensor, columns: slice) -> Tile:
        seen.update(rows.tolist())
        return tile(self, rows, columns)

    monkeypatch.setattr(GroupPairing, "tile", recorded)
    return seen


@pytest.mark.parametrize("name", AMONG_THEMSELVES)
def test_no_tile_is_asked_of_another_process_s_anchors(name: str, asked: set[int]) -> None:
    function, rows = OBJECTIVES[name].function, torch.tensor([1, 4])
    loss_of(name, some_embeddings(8), rows=rows)
    if "pairing" in inspect.signature(function).parameters:
        labels = {"labels": None} if OBJECTIVES[name].takes == "labels" else {}
        function(some_embeddings(8), **labels, pairing=pairing_of(name, 8), rows=rows)  # as learners say it
    assert asked <= {1, 4, 9, 12}
