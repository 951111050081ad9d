"""Encoders: a view into an embedding; projection heads, the averaged teacher, and the folder on disk."""

from contrapose.encoders import mlp  # noqa: F401  (registers it)
from contrapose.encoders.architecture import Architecture, architecture_of
from contrapose.encoders.artifact import encoder_folder, load_encoder, save_encoder, untrained_like
from contrapose.encoders.backbone import ENCODERS, Backbone, ConvolutionalBackbone
from contrapose.encoders.capabilities import (
    CAPABILITIES,
    Enterable,
    Layered,
    Lexical,
    Patchwise,
    Slotted,
    Staged,
    Tabled,
    Tokenwise,
    TwoTowers,
    check_capable,
)
from contrapose.encoders.concatenated import concatenate
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.frozen import Frozen, frozen
from contrapose.encoders.graphs.graph_encoder import GraphEncoder, build_graphs
from contrapose.encoders.images.factory import build
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.initial import Start, fingerprint_of, starting_point
from contrapose.encoders.layers import Readings, read_layers
from contrapose.encoders.pairs import Towers, build_towers, joined_towers
from contrapose.encoders.projection import ProjectionHead
from contrapose.encoders.rows.row_encoder import RowEncoder, build_rows
from contrapose.encoders.teacher import Teacher

__all__ = [
    "CAPABILITIES",
    "ENCODERS",
    "Architecture",
    "Backbone",
    "ConvolutionalBackbone",
    "Encoder",
    "Enterable",
    "Frozen",
    "GraphEncoder",
    "ImageEncoder",
    "Layered",
    "Lexical",
    "Patchwise",
    "ProjectionHead",
    "Readings",
    "RowEncoder",
    "Slotted",
    "Staged",
    "Start",
    "Tabled",
    "Teacher",
    "Tokenwise",
    "Towers",
    "TwoTowers",
    "architecture_of",
    "build",
    "build_graphs",
    "build_rows",
    "build_towers",
    "check_capable",
    "concatenate",
    "encoder_folder",
    "fingerprint_of",
    "frozen",
    "joined_towers",
    "load_encoder",
    "read_layers",
    "save_encoder",
    "starting_point",
    "untrained_like",
]
