"""Pictures with words: each picture with its captions, from tables, folders, COCO files and tars."""

from contrapose.data.pairs.opening import open_pairs
from contrapose.data.pairs.pairs import Pairs, RawPairs
from contrapose.data.pairs.scene_captions import scene_captions

__all__ = ["Pairs", "RawPairs", "open_pairs", "scene_captions"]
