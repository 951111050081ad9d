"""Perturbations as artifacts: what changes pictures so that an encoder goes astray, whose it is and what it is for."""

from contrapose.encoders.perturbations.folder import (
    FOLDER,
    KINDS,
    SavedPerturbation,
    Victim,
    found_perturbation,
    load_perturbation,
    perturbation_folder,
    save_perturbation,
)
from contrapose.encoders.perturbations.generator import PerturbationGenerator
from contrapose.encoders.perturbations.pair_networks import DeltaGenerator, WordGenerator
from contrapose.encoders.perturbations.patch_networks import PatchDiscriminator, PatchGenerator
from contrapose.encoders.perturbations.replaced_word import ReplacedWord

__all__ = [
    "FOLDER",
    "KINDS",
    "DeltaGenerator",
    "PatchDiscriminator",
    "PatchGenerator",
    "PerturbationGenerator",
    "ReplacedWord",
    "SavedPerturbation",
    "Victim",
    "WordGenerator",
    "found_perturbation",
    "load_perturbation",
    "perturbation_folder",
    "save_perturbation",
]
