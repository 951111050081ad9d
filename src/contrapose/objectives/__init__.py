"""Embeddings and a pairing into a loss: pure functions, in tiles where the loss is one row reduction.

>>> import torch
>>> from contrapose.objectives import nt_xent
>>> z = torch.ones(2, 4, 8)  # two views of four samples that the encoder cannot tell apart
>>> round(float(nt_xent(z)), 4)  # chance: log(2·4 - 1)
1.9459
"""

from contrapose.objectives.info_nce import info_nce
from contrapose.objectives.max_margin import mmcl
from contrapose.objectives.nt_xent import nt_xent
from contrapose.objectives.registry import OBJECTIVES, ObjectiveEntry
from contrapose.objectives.supervised import self_con, sup_con
from contrapose.objectives.tiles import Terms, row_reduce

__all__ = [
    "OBJECTIVES",
    "ObjectiveEntry",
    "Terms",
    "info_nce",
    "mmcl",
    "nt_xent",
    "row_reduce",
    "self_con",
    "sup_con",
]
