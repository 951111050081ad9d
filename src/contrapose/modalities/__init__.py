"""One descriptor a kind of data: how data, views and encoders fit together for it. No torch until one is used."""

from contrapose.modalities.frames import FRAMES
from contrapose.modalities.graph import GRAPH
from contrapose.modalities.image import IMAGE
from contrapose.modalities.items import ITEMS
from contrapose.modalities.known import MODALITIES, asked_kind, check_reading, modality_of, register
from contrapose.modalities.modality import Modality
from contrapose.modalities.pairs import PAIRS
from contrapose.modalities.rows import ROWS
from contrapose.modalities.text import TEXT

MODALITIES.register("image")(IMAGE)
MODALITIES.register("text")(TEXT)
MODALITIES.register("rows")(ROWS)
MODALITIES.register("items")(ITEMS)
MODALITIES.register("frames")(FRAMES)
MODALITIES.register("graph")(GRAPH)
MODALITIES.register("pairs")(PAIRS)

__all__ = ["MODALITIES", "Modality", "asked_kind", "check_reading", "modality_of", "register"]
