"""Embeddings into numbers with intervals. This room knows nothing of training, data sets or encoders."""

from contrapose.evaluation.bootstrap import Interval, bootstrap_interval, paired_difference
from contrapose.evaluation.health import Health, effective_rank, spread
from contrapose.evaluation.knn import knn, knn_predict
from contrapose.evaluation.linear_probe import FittedProbe, fit_linear_probe, linear_probe
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.one_shot import one_shot
from contrapose.evaluation.table import results_table, results_text

__all__ = [
    "FittedProbe",
    "Health",
    "Interval",
    "Metric",
    "bootstrap_interval",
    "effective_rank",
    "fit_linear_probe",
    "knn",
    "knn_predict",
    "linear_probe",
    "one_shot",
    "paired_difference",
    "results_table",
    "results_text",
    "spread",
]
