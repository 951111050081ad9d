"""Files, arrays, tables and hub data sets into batches."""

from __future__ import annotations

from contrapose.data.batch import Batch
from contrapose.data.folds import stratified_folds
from contrapose.data.graphs import Graphs, open_graphs
from contrapose.data.images.biased import BiasedImages, colour_biased
from contrapose.data.images.images import Images
from contrapose.data.images.omniglot import OneShotRuns, omniglot, omniglot_one_shot
from contrapose.data.images.opening import open_data
from contrapose.data.images.poisoned import POISONED, Poisoned, triggered
from contrapose.data.images.seeds import in_form_of, patch_shuffled
from contrapose.data.imbalance import Unbalanced, few_frequent, long_tailed
from contrapose.data.kinds import kind_of
from contrapose.data.labelled import class_texts, only_labelled
from contrapose.data.pairs.poisoned import PoisonedPairs, poison
from contrapose.data.partners import PartnerTable, WithPartners
from contrapose.data.randomness import derived_generator, derived_seed
from contrapose.data.rows import Rows
from contrapose.data.sampler import EpochSampler, Sampler
from contrapose.data.samples import Samples, Skipped
from contrapose.data.source import Beside, PlainSource, Source
from contrapose.data.splits import Split, split

__all__ = [
    "POISONED",
    "Batch",
    "Beside",
    "BiasedImages",
    "EpochSampler",
    "Graphs",
    "Images",
    "OneShotRuns",
    "PartnerTable",
    "PlainSource",
    "Poisoned",
    "PoisonedPairs",
    "Rows",
    "Sampler",
    "Samples",
    "Skipped",
    "Source",
    "Split",
    "Unbalanced",
    "WithPartners",
    "class_texts",
    "colour_biased",
    "derived_generator",
    "derived_seed",
    "few_frequent",
    "in_form_of",
    "kind_of",
    "long_tailed",
    "omniglot",
    "omniglot_one_shot",
    "only_labelled",
    "open_data",
    "open_graphs",
    "patch_shuffled",
    "poison",
    "split",
    "stratified_folds",
    "triggered",
]
