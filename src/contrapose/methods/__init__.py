"""The published methods: wiring, defaults, and what to expect. No torch is loaded until a learner is made."""

from contrapose.methods.advclip import AdvCLIP
from contrapose.methods.auc_cl import AUCCL
from contrapose.methods.bias_debias import BiasDebias
from contrapose.methods.cacr import CACR
from contrapose.methods.candidate_margin import CandidateMargin
from contrapose.methods.cdvg import CDvG
from contrapose.methods.cgcl import CGCL
from contrapose.methods.cl4srec import CL4SRec
from contrapose.methods.classifier import EncoderClassifier, as_classifier
from contrapose.methods.cless import CLESS
from contrapose.methods.clip import CLIP
from contrapose.methods.clip_rocket import CLIPRocket
from contrapose.methods.code_clones import CodeClones
from contrapose.methods.code_search import CodeSearch
from contrapose.methods.contrabert import ContraBERT
from contrapose.methods.cpgc import CPGC
from contrapose.methods.crop_infonce import CropInfoNCE
from contrapose.methods.cross_sequence import CrossSequence
from contrapose.methods.dat import DAT
from contrapose.methods.dcl import DCL
from contrapose.methods.debcse import DebCSE
from contrapose.methods.default import DEFAULT_METHOD
from contrapose.methods.dhel import DHEL
from contrapose.methods.dsva import DSVA
from contrapose.methods.groco import GroCo
from contrapose.methods.halp import HaLP
from contrapose.methods.hard_contrastive import HardContrastive
from contrapose.methods.hydra import Hydra
from contrapose.methods.imaginet import ImagiNet
from contrapose.methods.invertune import InverTune
from contrapose.methods.isd import ISD
from contrapose.methods.mae import MAE
from contrapose.methods.mcl import MCL
from contrapose.methods.mclrec import MCLRec
from contrapose.methods.method import METHODS, About, Method, check_one_job, name_of, one_job, register
from contrapose.methods.mmcl import MMCL
from contrapose.methods.mochi import MoCHi
from contrapose.methods.moco import MoCo
from contrapose.methods.multiview import MultiView
from contrapose.methods.nnclr import NNCLR
from contrapose.methods.on_run import OnRun
from contrapose.methods.patch_training import PatchTraining
from contrapose.methods.pixcontrast import PixContrast
from contrapose.methods.pixpro import PixPro
from contrapose.methods.replaced_token import ReplacedToken
from contrapose.methods.residual_ebm import ResidualEBM
from contrapose.methods.sasrec import SASRec
from contrapose.methods.selfcon import SelfCon
from contrapose.methods.sepclr import SepCLR
from contrapose.methods.simclr import SimCLR
from contrapose.methods.simcse import SimCSE
from contrapose.methods.span_infonce import SpanInfoNCE
from contrapose.methods.supcon import SupCon
from contrapose.methods.supcon_ce import SupConCE
from contrapose.methods.supervised import Supervised
from contrapose.methods.supremix import SupReMix
from contrapose.methods.swav import SwAV
from contrapose.methods.t2i_supcon import T2ISupCon
from contrapose.methods.urlbert import UrlBert
from contrapose.methods.verbs import VERBS, check_verb, methods_of
from contrapose.methods.with_base import WithBase

__all__ = [
    "AUCCL",
    "CACR",
    "CGCL",
    "CLESS",
    "CLIP",
    "CPGC",
    "DAT",
    "DCL",
    "DEFAULT_METHOD",
    "DHEL",
    "DSVA",
    "ISD",
    "MAE",
    "MCL",
    "METHODS",
    "MMCL",
    "NNCLR",
    "VERBS",
    "About",
    "AdvCLIP",
    "BiasDebias",
    "CDvG",
    "CL4SRec",
    "CLIPRocket",
    "CandidateMargin",
    "CodeClones",
    "CodeSearch",
    "ContraBERT",
    "CropInfoNCE",
    "CrossSequence",
    "DebCSE",
    "EncoderClassifier",
    "GroCo",
    "HaLP",
    "HardContrastive",
    "Hydra",
    "ImagiNet",
    "InverTune",
    "MCLRec",
    "Method",
    "MoCHi",
    "MoCo",
    "MultiView",
    "OnRun",
    "PatchTraining",
    "PixContrast",
    "PixPro",
    "ReplacedToken",
    "ResidualEBM",
    "SASRec",
    "SelfCon",
    "SepCLR",
    "SimCLR",
    "SimCSE",
    "SpanInfoNCE",
    "SupCon",
    "SupConCE",
    "SupReMix",
    "Supervised",
    "SwAV",
    "T2ISupCon",
    "UrlBert",
    "WithBase",
    "as_classifier",
    "check_one_job",
    "check_verb",
    "methods_of",
    "name_of",
    "one_job",
    "register",
]
