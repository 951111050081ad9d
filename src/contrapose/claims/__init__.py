"""Each method's headline claim as a paired experiment: arms, ground, predictions, verdict."""

from contrapose.claims.claim import FLOORS, Arm, Claim, Prediction, Protocol
from contrapose.claims.experiment import Experiment, Outcome
from contrapose.claims.ground import Ground, cifar10
from contrapose.claims.measures import Subject, few_labels, nearest_neighbours, probe
from contrapose.claims.registry import CLAIMS, find_claim, load_published, register
from contrapose.claims.results import Results, difference, level, seed_interval
from contrapose.claims.verdict import Finding, findings_of, judge, verdict

__all__ = [
    "CLAIMS",
    "FLOORS",
    "Arm",
    "Claim",
    "Experiment",
    "Finding",
    "Ground",
    "Outcome",
    "Prediction",
    "Protocol",
    "Results",
    "Subject",
    "cifar10",
    "difference",
    "few_labels",
    "find_claim",
    "findings_of",
    "judge",
    "level",
    "load_published",
    "nearest_neighbours",
    "probe",
    "register",
    "seed_interval",
    "verdict",
]
