"""What objectives of maps begin with: two crops of each picture, compared cell by cell."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.dense.matching import cell_matches
from contrapose.objectives.engine.inputs import REDUCTIONS, check_choice, check_embeddings, prepare_rows

Maps = Float[Tensor, "2 B D H W"]


def compared(
    queries: Maps, keys: Maps, boxes: Float[Tensor, "2 B 4"], *, threshold: float, reduction: str
) -> tuple[Tensor, Tensor]:
    """Cosines of the cells of each crop with the keys of the other crop, and which of these pairs show the same place.

    Shapes:
        returns cosines and matches, both `(2, B, M, M)`, M = H·W: from crop 1 to the keys of crop 2, and from 2 to 1.

    Errors:
        ArgumentError: maps that are not of two crops, or of unequal size; bad boxes, threshold or reduction; NaN.
    """
    check_choice(reduction, REDUCTIONS, "reduction")
    for maps, name in ((queries, "queries"), (keys, "keys")):
        check_embeddings(maps, name, "2 B D H W")
    if queries.shape != keys.shape or len(queries) != 2:
        raise ArgumentError(
            f"Cells are compared between two crops whose maps are of one size, (2, B, D, H, W); got queries of "
            f"{tuple(queries.shape)} and keys of {tuple(keys.shape)}."
        )
    if boxes.shape != (2, queries.shape[1], 4):
        raise ArgumentError(
            f"Boxes of two crops of {queries.shape[1]} pictures are of shape (2, {queries.shape[1]}, 4), left, top, "
            f"right and bottom edge; got {tuple(boxes.shape)}."
        )
    matches = cell_matches(boxes[0], boxes[1], (queries.shape[3], queries.shape[4]), threshold=threshold)  # (B, M, M)
    with torch.autocast(queries.device.type, enabled=False):
        q, k = (prepare_rows(maps.flatten(3).transpose(2, 3), True) for maps in (queries, keys))  # (2, B, M, D)
        cosines = q @ k.flip(0).transpose(2, 3)  # (2, B, M, M)
    return cosines, torch.stack([matches, matches.transpose(1, 2)])
