"""Embeddings into numbers with intervals. This room knows nothing of training, data sets or encoders."""

from contrapose.evaluation.accuracy_lost import AccuracyLost, accuracy_lost
from contrapose.evaluation.alignment import Cosines, alignment, cosines, tolerance, uniformity, uniformity_optimum
from contrapose.evaluation.area import area_under_curve
from contrapose.evaluation.balanced import balanced_accuracy, unequal_classes
from contrapose.evaluation.bias_groups import bias_groups
from contrapose.evaluation.bootstrap import bootstrap_interval, paired_difference
from contrapose.evaluation.calibration import Threshold, fitting_temperature, fitting_threshold
from contrapose.evaluation.cka import cka
from contrapose.evaluation.class_scores import accuracies, class_scores
from contrapose.evaluation.clones import clone_retrieval
from contrapose.evaluation.clustering import Agreement, Clustering, agreement, clustering
from contrapose.evaluation.cross_retrieval import cross_retrieval
from contrapose.evaluation.dense_probe import DenseProbe, dense_probe
from contrapose.evaluation.diagnose import Diagnosis, diagnose
from contrapose.evaluation.domain_calibration import DomainCalibration, fitting_domain
from contrapose.evaluation.few_label import FewLabel, few_label
from contrapose.evaluation.few_label_f1 import few_label_f1
from contrapose.evaluation.found_again import FoundAgain, found_again
from contrapose.evaluation.frechet import diversity, frechet_distance
from contrapose.evaluation.gain import Gain, gain_over
from contrapose.evaluation.hardness import Hardness, hardness, penalty_entropy, penalty_share, relative_penalty
from contrapose.evaluation.health import Health, effective_rank, spread
from contrapose.evaluation.knn import knn, knn_predict
from contrapose.evaluation.lidar import lidar
from contrapose.evaluation.linear_probe import FittedProbe, fit_linear_probe, linear_probe
from contrapose.evaluation.mean_iou import mean_iou
from contrapose.evaluation.metric import Metric
from contrapose.evaluation.modality_gap import ModalityGap, modality_gap
from contrapose.evaluation.nearer import nearer
from contrapose.evaluation.nested_svm import nested_svm
from contrapose.evaluation.one_pass import Neighbourhood, neighbourhood
from contrapose.evaluation.one_shot import one_shot
from contrapose.evaluation.order_score import order_score
from contrapose.evaluation.outliers import told_apart
from contrapose.evaluation.paired import metric_difference
from contrapose.evaluation.proportions import Interval, paired_proportions, wilson_interval
from contrapose.evaluation.prototypes import PrototypeUse
from contrapose.evaluation.recommendation import metrics_of_standing, recommendation, standing
from contrapose.evaluation.regression_scores import regression_scores
from contrapose.evaluation.relations import relations
from contrapose.evaluation.retrieval import Retrieval, retrieval
from contrapose.evaluation.ridge import Ridge, ridge
from contrapose.evaluation.roc import roc_auc
from contrapose.evaluation.separation import Separation, Spaces, separation
from contrapose.evaluation.similarity import beside_zeros
from contrapose.evaluation.similarity_scores import similarity_scores
from contrapose.evaluation.spectrum import Spectrum
from contrapose.evaluation.suppression import FactorProbes, factor_probes, suppressed
from contrapose.evaluation.table import results_table, results_text
from contrapose.evaluation.tail import rarest_third, tail_score
from contrapose.evaluation.translation import TranslationRates, translation_rates
from contrapose.evaluation.zero_shot import cosine_scores, in_any_order, likeliest

__all__ = [
    "AccuracyLost",
    "Agreement",
    "Clustering",
    "Cosines",
    "DenseProbe",
    "Diagnosis",
    "DomainCalibration",
    "FactorProbes",
    "FewLabel",
    "FittedProbe",
    "FoundAgain",
    "Gain",
    "Hardness",
    "Health",
    "Interval",
    "Metric",
    "ModalityGap",
    "Neighbourhood",
    "PrototypeUse",
    "Retrieval",
    "Ridge",
    "Separation",
    "Spaces",
    "Spectrum",
    "Threshold",
    "TranslationRates",
    "accuracies",
    "accuracy_lost",
    "agreement",
    "alignment",
    "area_under_curve",
    "balanced_accuracy",
    "beside_zeros",
    "bias_groups",
    "bootstrap_interval",
    "cka",
    "class_scores",
    "clone_retrieval",
    "clustering",
    "cosine_scores",
    "cosines",
    "cross_retrieval",
    "dense_probe",
    "diagnose",
    "diversity",
    "effective_rank",
    "factor_probes",
    "few_label",
    "few_label_f1",
    "fit_linear_probe",
    "fitting_domain",
    "fitting_temperature",
    "fitting_threshold",
    "found_again",
    "frechet_distance",
    "gain_over",
    "hardness",
    "in_any_order",
    "knn",
    "knn_predict",
    "lidar",
    "likeliest",
    "linear_probe",
    "mean_iou",
    "metric_difference",
    "metrics_of_standing",
    "modality_gap",
    "nearer",
    "neighbourhood",
    "nested_svm",
    "one_shot",
    "order_score",
    "paired_difference",
    "paired_proportions",
    "penalty_entropy",
    "penalty_share",
    "rarest_third",
    "recommendation",
    "regression_scores",
    "relations",
    "relative_penalty",
    "results_table",
    "results_text",
    "retrieval",
    "ridge",
    "roc_auc",
    "separation",
    "similarity_scores",
    "spread",
    "standing",
    "suppressed",
    "tail_score",
    "told_apart",
    "tolerance",
    "translation_rates",
    "unequal_classes",
    "uniformity",
    "uniformity_optimum",
    "wilson_interval",
]
