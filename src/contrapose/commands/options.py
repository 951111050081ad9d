"""The options of each command as dataclasses, from which the command line makes its flags. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tyro.conf import Positional

from contrapose.commands.reading_options import HistoryReadingOptions, ReadingOptions


@dataclass(frozen=True, kw_only=True)
class TargetOptions(ReadingOptions):
    """What to measure by."""

    task: str | None = None
    """one-shot, ranking, zero-shot, bias, classification, robust, robustness-table, out-of-distribution, corruptions,
    scored-pairs, paraphrases, regression, dense, labelled-table, paired-search or renaming. Default: the one that fits
    data and run."""
    number_column: str | None = None
    """Column of a table, or array of an .npz, with the number to predict; of pairs, the score. Default: that of the
    run's own data, else one with a usual name."""
    pair_columns: tuple[str, ...] | None = None
    """The two columns of pairs. Default: those with usual names (sentence1 sentence2, text_a text_b, ...)."""
    bias_column: str | None = None
    """Column or array with what may go with the class and should not lead a classifier (a colour, a background): the
    accuracy where it speaks against the class, and of the worst group of class and bias, are told besides."""
    masks: str | None = None
    """Masks with the number of a class in every pixel: column of a table, array of an .npz, or folder of masks that are
    called as the pictures are. Default: a column with a usual name (mask, ...), or the folder of such a name where
    --data holds one beside that of the pictures (images/ and masks/)."""
    void: tuple[int, ...] | None = None
    """Numbers in masks that are no class. Default: 255."""
    label_texts: tuple[str, ...] | None = None
    """The texts of labels, by which classes are named zero-shot: --label-texts sports "science and technology".
    Default: what the classes are called, with --task zero-shot."""
    prompts: tuple[str, ...] | None = None
    """Sentences about a class, by which two towers name pictures: --prompts "a photo of a {}" "a drawing of a {}".
    Default: three of them."""
    head_weight: float | Literal["choose"] | None = None
    """What the weak heads of clip-rocket count beside the strong ones when pictures are named by sentences, from 0 to
    1; choose: what is best of 0.1 to 0.9 on a fifth of --data, which is then not reported on. Default: 0.5."""


@dataclass(frozen=True, kw_only=True)
class ResumeOptions:
    """Continue a run as if it had never stopped, one of several stages in the stage where it stood."""

    resume: str
    """The run folder. On any number of processes that can deal the samples of a step equally (torchrun)."""
    epochs: int | None = None
    """A new total number of epochs; the schedule is stretched to it."""
    data: str | None = None
    """Where the run's data lie now, when they were moved. Default: where they were, or as seen from the run."""
    base: str | None = None
    """Where the frozen encoder of the run lies now, for a method that asks one. Default: likewise."""


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(TargetOptions, HistoryReadingOptions):
    """Measure a run's encoder beside an untrained one and what needs no encoder (raw pixels, word counts, the columns
    themselves), by the task that fits: one-shot runs, kNN and a linear probe, regression, scored pairs."""

    run: Positional[str]
    """The run folder, or that of a stage in it (RUN/stages/NAME)."""
    data: str | None = None
    """Data to measure on, with labels, numbers or scores. Default: the run's own."""
    test_data: str | None = None
    """Data to test on. Default: a fifth of --data, drawn class by class."""
    limit: int | None = None
    """Use at most so many samples of each."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: as the encoder keeps it."""
    k: int = 20
    """Neighbours of kNN. 20: DINO's usual setting."""
    full: bool = False
    """Also probes with 1, 5 and 10 labels a class, retrieval and clustering: minutes on thousands of samples."""
    seed: int = 0
    """Of the split, the untrained weights and the bootstrap."""
    diagnosis: bool = False
    """Also print geometry and spectrum of the embeddings, and any sign of collapse."""
    robust: bool = False
    """Of a classifier of pictures: how many of its answers are right after attacks (PGD in L2 and L-infinity). Of any
    other encoder of pictures and of two towers: a table under corruptions at five strengths, one patch and one delta
    for all pictures beside noise as large, and whether the towers look poisoned (robustness-table)."""
    eps_l2: float = 0.5
    """Radius of the L2 attacks, white being 1. 0.5: usual for 32 x 32 pictures."""
    eps_linf: float = 8 / 255
    """Radius of the L-infinity attacks, and of the delta. 8/255: usual for 32 x 32 pictures."""
    attack_steps: int | None = None
    """Steps of each attack. Default: 20 on a classifier; 150 in which patch and delta are found."""
    restarts: int = 3
    """Starts of each attack: the picture itself, then random ones."""
    patch_area: float = 0.03
    """With --robust: share of a picture that the patch takes. 0.03: AdvCLIP's."""
    perturbation: tuple[str, ...] = ()
    """With --robust: runs of `attack` whose patches, deltas or generators are measured besides, made against this
    encoder or others."""
    repair: str | None = None
    """With --robust, of two towers: the run of `repair invertune` that looked into them; the table says what it
    found."""
    ood: str | None = None
    """Data of another kind of thing: does the classifier know that it does not know them? (AUC)"""
    mask_seen: bool = False
    """Of items: leave what a user took before out of the ranking. Default: rank all items, as the papers do."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""


@dataclass(frozen=True, kw_only=True)
class CompareOptions(TargetOptions):
    """Set runs side by side: differences to a baseline with paired 95 % intervals, and what their options differ in."""

    runs: Positional[tuple[str, ...]]
    """Two run folders or more; of one run also its stages (RUN/stages/NAME) beside it."""
    baseline: str | None = None
    """The run that the others are compared with. Default: the first."""
    data: str | None = None
    """Labelled data to measure all runs on now. Default: what `contrapose evaluate` kept of each."""
    test_data: str | None = None
    """Labelled data to test on. Default: a fifth of --data, drawn class by class."""
    limit: int | None = None
    """Use at most so many samples of each. This and the options below go with --data."""
    k: int = 20
    """Neighbours of kNN. 20: DINO's usual setting."""
    full: bool = False
    """Also probes with 1, 5 and 10 labels a class, retrieval and clustering."""
    seed: int = 0
    """Of the split and the bootstrap."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""
    out: str | None = None
    """Also write everything as JSON to this file."""


@dataclass(frozen=True, kw_only=True)
class ApplyOptions(HistoryReadingOptions):
    """Say what a run knows of data, and write it to a file. Of a run on items: ten items for each user that fit what
    they took, best first (user, rank, item, score, title). Of a classifier: a row a sample, identifier, class, and the
    probability of each class. With --label-texts no classifier is needed: texts are named by what labels are called.
    With --towards pictures are changed until they are of a class, and written into a folder. Of
    a generator (RUN/stages/translate of cdvg): pictures are translated to each class, into folders. Of a run of
    t2i-supcon: pictures are drawn for captions, into a folder. Of a run of attack: its perturbation is put on pictures,
    into a folder; of cpgc its word into texts, too (--out texts.csv)."""

    run: Positional[str]
    """The run folder, that of a stage in it (RUN/stages/NAME), a classifier's or a generator's folder; with
    --label-texts any run on texts."""
    data: Positional[str | None] = None
    """What to classify, or whom to recommend to: a folder, file or name, as in train. Of t2i-supcon a file of captions,
    a line each; or none, with --texts."""
    out: str | None = None
    """Where to: .csv, .parquet or .jsonl; with --towards, or of a generator, a new folder. Default: predictions.csv,
    recommendations.csv, ascents, translations, or drawn."""
    texts: tuple[str, ...] | None = None
    """Of t2i-supcon: captions to draw pictures for (--texts "a red three" "a green one")."""
    pictures: int = 4
    """Of t2i-supcon: pictures of each caption."""
    seed: int = 0
    """Of t2i-supcon: what pictures of one caption are drawn from; another one, others."""
    count: int = 10
    """Of a run on items: items for each user."""
    mask_seen: bool = True
    """Of a run on items: leave out what a user took before."""
    titles: str | None = None
    """Of a run on items: a table with the columns item and title. Default: the titles that training knew."""
    classes: tuple[str, ...] | None = None
    """Of a generator: the classes to translate to. Default: all."""
    towards: tuple[str, ...] | None = None
    """Classes towards which pictures are moved, in turn: from seeds (made:fields), pictures of a class; with --radius,
    counterfactuals. For classifiers that bear attacks (train dat)."""
    ascent_steps: int = 32
    """Steps towards a class. 32: DAT's for CIFAR; 15 for ImageNet."""
    ascent_step: float = 0.2
    """Length of such a step, white being 1. 0.2: DAT's for CIFAR; 8 for ImageNet."""
    radius: float | None = None
    """How far a picture may be moved, in L2. Default: as far as the steps lead."""
    label_texts: tuple[str, ...] | None = None
    """The texts of labels (--label-texts sports "science and technology"): the likeliest is written, and a score of
    each; none of them has to be known from training."""
    image_column: str | None = None
    """Column of a table, or array of an .npz, with the pictures or their paths. Default: that of the run's own data,
    else one with a usual name (image, path, file, ...)."""
    text_column: str | None = None
    """Column of a table with the texts. Default: likewise (text, sentence, review, ...)."""
    limit: int | None = None
    """Classify at most so many samples."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: as the encoder keeps it."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, mps."""


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions(ReadingOptions):
    """Set the scores of a classifier of two classes right for another domain, by a handful of labelled samples of it:
    writes a new classifier, which ranks samples as before and draws the line elsewhere."""

    run: Positional[str]
    """The run folder, or a classifier folder. It stays as it is."""
    data: Positional[str]
    """A few labelled samples of the domain, of both classes; others than it is tested on."""
    out: str
    """The folder of the new classifier, for apply and evaluate."""
    limit: int | None = None
    """Use at most so many samples."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: as the encoder keeps it."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, mps."""


@dataclass(frozen=True, kw_only=True)
class EmbedOptions(ReadingOptions, HistoryReadingOptions):
    """Embed data with a run's encoder and write one row a sample."""

    run: Positional[str]
    """The run folder, that of a stage in it (RUN/stages/NAME), or an encoder folder."""
    data: Positional[str]
    """What to embed: a folder, file or name, as in train."""
    out: str = "embeddings.parquet"
    """Where to: .parquet, .csv, .jsonl, .npz or .npy; without an ending, a folder of parquet parts, which goes on where
    it was killed."""
    normalize: bool = False
    """Divide each embedding by its length."""
    shards: int | None = None
    """Parts of the folder --out. Default: one for every 50,000 samples."""
    processes: int = 1
    """Processes that embed parts side by side; those of torchrun share them, too."""
    limit: int | None = None
    """Embed at most so many samples."""
    white: float | None = None
    """The value that is white in pictures deeper than 8 bits, e.g. 4095 for 12. Default: as the encoder keeps it."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, mps."""
