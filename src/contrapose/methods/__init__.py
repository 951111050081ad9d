"""The published methods: wiring, defaults, and what to expect. No torch is loaded until a learner is made."""

from contrapose.methods.method import METHODS, About, Method, name_of, register
from contrapose.methods.mmcl import MMCL
from contrapose.methods.moco import MoCo
from contrapose.methods.selfcon import SelfCon
from contrapose.methods.simclr import SimCLR
from contrapose.methods.supcon import SupCon
from contrapose.methods.supervised import Supervised

__all__ = [
    "METHODS",
    "MMCL",
    "About",
    "Method",
    "MoCo",
    "SelfCon",
    "SimCLR",
    "SupCon",
    "Supervised",
    "name_of",
    "register",
]
