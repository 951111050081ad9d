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
from contrapose.encoders.perturbations.patch_networks import PatchDiscriminator, PatchGenerator

__all__ = [
    "FOLDER",
    "KINDS",
    "PatchDiscriminator",
    "PatchGenerator",
    "PerturbationGenerator",
    "SavedPerturbation",
    "Victim",
    "found_perturbation",
    "load_perturbation",
    "perturbation_folder",
    "save_perturbation",
]
