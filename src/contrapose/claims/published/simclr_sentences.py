"""SimCLR on sentences: twins that differ in dropout alone, against views from which words were deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.measures import by_task
from contrapose.claims.pairs import scored_sentences
from contrapose.claims.registry import register
from contrapose.claims.results import difference

SPEARMAN = "Spearman"
TEMPERATURES = (0.05, 0.1, 0.2)
"""SimCSE's temperature, and two smoother ones."""
WHOLE: Mapping[str, Any] = {"crop_min": 1.0, "delete": 0.0}
DELETED: Mapping[str, Any] = {"crop_min": 1.0, "delete": 0.1}

CLAIM = register(
    Claim(
        name="simclr-sentences",
        title="Sentences that are told apart by dropout alone teach more about meaning than ones with words deleted, "
        "and than no training.",
        paper="Gao et al. (SimCSE), EMNLP 2021, https://arxiv.org/abs/2104.08821: BERT on a million sentences of "
        "Wikipedia, Spearman on the development part of the STS benchmark 82.5 % with dropout alone, 75.9 % with a "
        "tenth of the words deleted",
        arms=(
            Arm("twins", "simclr", {"views": WHOLE}, grid={"temperature": TEMPERATURES}),
            Arm("words deleted", "simclr", {"views": DELETED}, grid={"temperature": TEMPERATURES}),
        ),
        predictions=(
            Prediction(
                "twins - words deleted, Spearman",
                ("twins", "words deleted"),
                difference("twins", "words deleted", SPEARMAN),
            ),
            Prediction(
                "twins - untrained, Spearman", ("twins", "untrained"), difference("twins", "untrained", SPEARMAN)
            ),
            Prediction(
                "words deleted - untrained, Spearman",
                ("words deleted", "untrained"),
                difference("words deleted", "untrained", SPEARMAN),
                role="secondary",
            ),
            Prediction(
                "twins - word counts, Spearman",
                ("twins", "word counts"),
                difference("twins", "word counts", SPEARMAN),
                role="secondary",
            ),
            Prediction(
                "words deleted - word counts, Spearman",
                ("words deleted", "word counts"),
                difference("words deleted", "word counts", SPEARMAN),
                role="secondary",
            ),
        ),
        protocol=Protocol(
            options={"epochs": 8, "batch_size": 64, "encoder": "bag_of_words", "max_length": 32},
            images=4_000,
            labelled=4_000,
            validation=1_000,
            test=1_379,
        ),
        full=Protocol(
            options={"epochs": 40, "batch_size": 256, "encoder": "transformer", "max_length": 32},
            images=8_000,
            labelled=8_000,
            validation=1_000,
            test=1_379,
        ),
        ground=scored_sentences,
        measures=(by_task("scored-pairs"),),
        choose_by=SPEARMAN,
        modality="text",
        outside=("MiniLM", "static vectors"),
        source=None,
        remarks=(
            "Measured on the STS benchmark: 4,000 sentences of its training pairs are learned from; scores are only "
            "asked, those of 1,000 other training pairs to choose the temperature, those of test pairs to report.",
            "Encoders start from nothing, where the paper's start from BERT: a bag of words, whose dropout of 0.1 acts "
            "on the mean of its words. Both arms have it; a tenth of the words is deleted, as in the paper's table.",
            "Word counts are TF-IDF, fitted to the sentences that were learned from.",
        ),
    )
)
