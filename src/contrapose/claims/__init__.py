"""Each method's headline claim as a paired experiment: arms, ground, predictions, verdict. Loaded on first use."""

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports

if TYPE_CHECKING:
    from contrapose.claims.claim import Arm, Claim, Prediction
    from contrapose.claims.experiment import Experiment, Outcome
    from contrapose.claims.ground import Ground, cifar10, ground_on
    from contrapose.claims.measures import Subject, by_task, few_labels, nearest_neighbours, probe
    from contrapose.claims.protocol import Protocol
    from contrapose.claims.registry import CLAIMS, find_claim, load_published, register
    from contrapose.claims.results import Results, difference, level, seed_interval
    from contrapose.claims.verdicts import Finding, findings_of, judge, verdict

__all__ = [
    "CLAIMS",
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
    "by_task",
    "cifar10",
    "difference",
    "few_labels",
    "find_claim",
    "findings_of",
    "ground_on",
    "judge",
    "level",
    "load_published",
    "nearest_neighbours",
    "probe",
    "register",
    "seed_interval",
    "verdict",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Arm": "contrapose.claims.claim",
        "CLAIMS": "contrapose.claims.registry",
        "Claim": "contrapose.claims.claim",
        "Experiment": "contrapose.claims.experiment",
        "Finding": "contrapose.claims.verdicts",
        "Ground": "contrapose.claims.ground",
        "Outcome": "contrapose.claims.experiment",
        "Prediction": "contrapose.claims.claim",
        "Protocol": "contrapose.claims.protocol",
        "Results": "contrapose.claims.results",
        "Subject": "contrapose.claims.measures",
        "by_task": "contrapose.claims.measures",
        "cifar10": "contrapose.claims.ground",
        "difference": "contrapose.claims.results",
        "few_labels": "contrapose.claims.measures",
        "find_claim": "contrapose.claims.registry",
        "findings_of": "contrapose.claims.verdicts",
        "ground_on": "contrapose.claims.ground",
        "judge": "contrapose.claims.verdicts",
        "level": "contrapose.claims.results",
        "load_published": "contrapose.claims.registry",
        "nearest_neighbours": "contrapose.claims.measures",
        "probe": "contrapose.claims.measures",
        "register": "contrapose.claims.registry",
        "seed_interval": "contrapose.claims.results",
        "verdict": "contrapose.claims.verdicts",
    },
)
