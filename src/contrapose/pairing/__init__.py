"""Who is a positive, who is a negative, with which weight.

>>> import torch
>>> from contrapose.pairing import by_views
>>> by_views(2, 128)
256 anchors × 256 candidates: 1 positive and 254 negative per anchor
"""

from contrapose.pairing.groups import GroupPairing, by_groups, by_labels, by_towers, by_views
from contrapose.pairing.pairing import NOBODY, Pairing, Plain, Tile, WithQueue
from contrapose.pairing.pairs import PairList, by_pairs
from contrapose.pairing.partners import PartnerPairing, by_partners
from contrapose.pairing.tags import TagPairing, by_tags
from contrapose.pairing.targets import TargetPairing, by_targets
from contrapose.pairing.within import BeyondGroups, WithinGroups, beyond_groups, within_groups

__all__ = [
    "NOBODY",
    "BeyondGroups",
    "GroupPairing",
    "PairList",
    "Pairing",
    "PartnerPairing",
    "Plain",
    "TagPairing",
    "TargetPairing",
    "Tile",
    "WithQueue",
    "WithinGroups",
    "beyond_groups",
    "by_groups",
    "by_labels",
    "by_pairs",
    "by_partners",
    "by_tags",
    "by_targets",
    "by_towers",
    "by_views",
    "within_groups",
]
