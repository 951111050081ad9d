"""DebCSE against SimCSE: pairs drawn by meaning over looks, where looks mislead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.measures import Subject, by_task
from contrapose.claims.pairs import sentences_beside_pairs
from contrapose.claims.quadruples import NEARER, paraphrase_nearer
from contrapose.claims.registry import register
from contrapose.claims.results import difference
from contrapose.views.texts.surface import surface_similarity

SPEARMAN = "Spearman"
MISLED = "order where looks mislead"
TEMPERATURES = (0.05, 0.1)
"""SimCSE's, and a smoother one."""
GAP = 0.2
"""Share of the range of scores by which two pairs must differ to be compared: a point of five."""
RANDOM: Mapping[str, Any] = {
    "positives": 1,
    "surface_negatives": 0,
    "weighting": "uniform",
    "false_negative": 1.0,
}
"""Twins, and one more text at random, of another meaning, for each."""


def where_looks_mislead(subject: Subject) -> dict[str, float]:
    """`order where looks mislead`: of two pairs of sentences of which one is scored higher by a point and the other has
    more surface similarity, how often the cosine is with the score. Looks alone have 0, no idea has a half."""
    question = subject.question
    rows = subject.embeddings(subject.asked).astype(np.float64)  # (2N, D)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    first, second = np.split(rows, 2)  # (N, D) each
    looks = surface_similarity(question["sentence1"], question["sentence2"])  # (N,)
    return {MISLED: with_the_score((first * second).sum(axis=1), np.asarray(question["score"], np.float64), looks)}


def with_the_score(cosine: np.ndarray, scores: np.ndarray, looks: np.ndarray) -> float:
    """Of all two pairs that looks and scores order differently, the share that the cosine orders as the scores do;
    ties count half, and a half where there are none. `(N,)` each."""
    least = GAP * (scores.max() - scores.min())
    higher = (scores[:, None] - scores >= max(least, 1e-9)) & (looks[:, None] < looks)  # (N, N)
    apart = (cosine[:, None] - cosine)[higher]  # (P,)
    return float(((apart > 0) + 0.5 * (apart == 0)).mean()) if len(apart) else 0.5


def _misled(one: str, other: str, **options: Any) -> Prediction:
    return Prediction(f"{one} - {other}, {MISLED}", (one, other), difference(one, other, MISLED), **options)


def _made(one: str, other: str, threshold: float) -> Prediction:
    return Prediction(
        f"{one} - {other}, {NEARER}, by {100 * threshold:.0f} points",
        (one, other),
        difference(one, other, NEARER),
        threshold=threshold,
        role="secondary",
    )


def _spearman(one: str, other: str, note: str = "", **options: Any) -> Prediction:
    return Prediction(f"{one} - {other}, Spearman{note}", (one, other), difference(one, other, SPEARMAN), **options)


CLAIM = register(
    Claim(
        name="debcse",
        title="Pairs drawn by meaning over looks make sentence vectors go less by words in common than dropout twins "
        "do, and it is the weights that do it, not the pools.",
        paper="Miao et al. (DebCSE), CIKM 2023, https://arxiv.org/abs/2309.07396: BERT-base on a million sentences, "
        "mean Spearman over seven sets of scored pairs 80.3 %, SimCSE 76.3 %",
        arms=(
            Arm("simcse", "simcse", grid={"temperature": TEMPERATURES}),
            Arm("random negative", "debcse", RANDOM, grid={"temperature": TEMPERATURES}),
            Arm("uniform pools", "debcse", {"weighting": "uniform"}, grid={"temperature": TEMPERATURES}),
            Arm("debcse", "debcse", grid={"temperature": TEMPERATURES}),
        ),
        predictions=(
            _misled("debcse", "simcse"),
            _misled("debcse", "uniform pools"),
            _spearman("debcse", "simcse", ", not a point worse", threshold=-0.01),
            _spearman("debcse", "uniform pools", role="secondary"),
            _made("debcse", "simcse", 0.10),
            _made("debcse", "uniform pools", 0.02),
            _misled("random negative", "simcse", role="secondary"),
            _spearman("simcse", "untrained", role="secondary"),
            _spearman("debcse", "word counts", role="secondary"),
        ),
        protocol=Protocol(
            options={"epochs": 8, "batch_size": 64, "encoder": "bag_of_words", "max_length": 32},
            images=4_000,
            labelled=4_000,
            validation=1_000,
            test=1_379,
        ),
        full=Protocol(
            options={"epochs": 4, "batch_size": 64, "encoder": "transformer", "max_length": 32},
            images=100_000,
            labelled=8_000,
            validation=1_000,
            test=1_379,
        ),
        ground=sentences_beside_pairs,
        measures=(by_task("scored-pairs"), where_looks_mislead, paraphrase_nearer),
        choose_by=SPEARMAN,
        modality="text",
        outside=("MiniLM", "static vectors"),
        source=None,
        remarks=(
            "Data: a folder with train and test tables of scored pairs (the STS benchmark), and beside them sentences "
            "to learn from, sentences.parquet, else those of the training pairs. Scores are only asked, those of "
            "training pairs to choose the temperature, those of test pairs to report.",
            "The authors' code was not found, nor their sampling equations read: pools and weights are reconstructed "
            "from the abstract. Their teacher is a network, SimCSE; meaning is here that of latent semantic analysis.",
            "Encoders start from nothing, where the paper's start from BERT. Of made anchors (`paraphrase nearer`), "
            "whose paraphrases have no word in common with them and whose contradictions have all but one, such an "
            "encoder puts every contradiction nearer before it is trained, as word counts do; so it is real pairs, "
            "where looks mislead, that decide, and the made ones stand beside them.",
            "What drawing costs is part of the training: debcse takes longer than simcse in equal epochs.",
        ),
    )
)
