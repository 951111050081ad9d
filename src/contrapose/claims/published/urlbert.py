"""URLBERT: what perturbations and contrast add to guessing, where URLs are spelled as they were and otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.claims.urls import (
    CLEAN,
    NGRAMS,
    RESPELLED,
    TOPIC,
    direction_found,
    fraud,
    subjects_of_domains,
    urls_and_domains,
)

GUESSING: Mapping[str, Any] = {"vat_weight": 0.0, "contrast_weight": 0.0}
FLOOR = "word counts"


def _lost(results: Results, arm: str) -> np.ndarray:
    """What other spellings cost."""
    return results.of(arm, CLEAN) - results.of(arm, RESPELLED)


def _over_letters(name: str) -> Any:
    return lambda results: results.of("urlbert", name) - results.of(FLOOR, NGRAMS + name)


def _more(one: str, other: str, name: str, **options: Any) -> Prediction:
    return Prediction(f"{one} - {other}, {name}", (one, other), difference(one, other, name), **options)


CLAIM = register(
    Claim(
        name="urlbert",
        title="An encoder of URLs that bears perturbations and tells URLs apart knows fraud better than one that only "
        "guesses hidden pieces, above all where URLs are spelled otherwise.",
        paper="Li et al. (URLBERT), 2024, https://arxiv.org/abs/2402.11495: BERT-base; best accuracy in the released "
        "notebook: phishing 95.5 %, page topic 71.9 %, ads 99.7 %",
        arms=(
            Arm("guessing", "urlbert", GUESSING),
            Arm("no perturbed guesses", "urlbert", {"vat_weight": 0.0}),
            Arm("urlbert", "urlbert"),
            Arm("respelled views", "urlbert", {"views": {"crop_min": 1.0, "delete": 0.0, "respell": 0.5}}),
        ),
        predictions=(
            _more("urlbert", "guessing", RESPELLED),
            _more("guessing", "untrained", CLEAN, threshold=0.03),
            _more("urlbert", "guessing", CLEAN, role="secondary"),
            Prediction(
                "other spellings cost guessing more than urlbert",
                ("guessing", "urlbert"),
                lambda results: _lost(results, "guessing") - _lost(results, "urlbert"),
                role="secondary",
            ),
            _more("urlbert", "no perturbed guesses", RESPELLED, role="secondary"),
            _more("respelled views", "urlbert", RESPELLED, role="secondary"),
            _more("urlbert", "guessing", TOPIC, role="secondary"),
            Prediction(
                f"urlbert - two to four letters, {CLEAN}", ("urlbert", FLOOR), _over_letters(CLEAN), role="secondary"
            ),
            Prediction(
                f"urlbert - two to four letters, {RESPELLED}",
                ("urlbert", FLOOR),
                _over_letters(RESPELLED),
                role="secondary",
            ),
            Prediction(
                "perturbations are found, not random: 0.5 less their cosine with the beginning",
                ("urlbert",),
                lambda results: 0.5 - results.of("urlbert", "vat_cosine"),
                role="mechanism",
                percent=False,
            ),
        ),
        protocol=Protocol(
            options={"epochs": 4, "batch_size": 32, "max_length": 32, "vocabulary": 1_000},
            images=2_000,
            labelled=1_000,
            validation=500,
            test=2_000,
            seeds=3,
        ),
        full=Protocol(
            options={"epochs": 20, "batch_size": 64, "max_length": 64, "vocabulary": 5_000},
            images=60_000,
            labelled=10_000,
            validation=2_000,
            test=8_000,
            seeds=3,
        ),
        ground=urls_and_domains,
        measures=(fraud, subjects_of_domains, direction_found),
        choose_by=CLEAN,
        modality="text",
        outside=("MiniLM", "static vectors"),
        source=None,
        remarks=(
            "Data: a folder of tables train and test (url_bare, malicious, source) and domain_categories (domain, "
            "category, split). URLs have no scheme and no `www.`, which would give the class away. Fraud is PhishTank "
            "2020 against ISCX-URL2016; rows of malicious_2017 are learned from and not asked. Training and test part "
            "share no host.",
            "A linear probe with 100 labels a class on a frozen encoder of two layers from new weights, where the "
            "paper fine-tunes twelve. A quarter of what is learned from are domains alone.",
            "Other spellings: those of `contrapose.views.texts.respell`, each way by chance a half; the released code "
            "has none.",
            "Arms take equal steps; the terms left out cost time, and guessing takes about a seventh of it.",
        ),
    )
)
