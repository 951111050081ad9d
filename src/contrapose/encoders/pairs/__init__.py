"""Two towers: a picture and its words in one space."""

from contrapose.encoders.pairs.clip_models import clip_model
from contrapose.encoders.pairs.factory import build_towers, joined_towers
from contrapose.encoders.pairs.towers import Towers

__all__ = ["Towers", "build_towers", "clip_model", "joined_towers"]
