"""ContraBERT: it is the contrast of renamed programs that keeps an encoder from going by names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.programs import library_by_module, renamed_programs, searched
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.data.texts import PYTHON_FUNCTIONS

AGAIN = "found again, {} renamed"
MRR = "MRR"
WITHOUT: Mapping[str, Any] = {"program_operators": ("rename_function", "dead_code", "reorder", "sampling")}
"""All operators but the one that renames variables."""


def _again(one: str, other: str, k: int = 8, **options: Any) -> Prediction:
    name = AGAIN.format(k)
    return Prediction(f"{one} - {other}, {name}", (one, other), difference(one, other, name), **options)


def _growth(results: Results) -> np.ndarray:
    """How much further apart they are with 8 variables renamed than with one."""
    many, few = (difference("full", "guessing alone", AGAIN.format(k))(results) for k in (8, 1))
    return many - few


def _measure(one: str, other: str, name: str, **options: Any) -> Prediction:
    return Prediction(f"{one} - {other}, {name}", (one, other), difference(one, other, name), **options)


CLAIM = register(
    Claim(
        name="contrabert",
        title="Contrast with mutated programs lets an encoder find a function again whose variables were renamed, "
        "where guessing hidden tokens alone loses it; and the more so the more were renamed.",
        paper="Liu et al. (ContraBERT), ICSE 2023, https://arxiv.org/abs/2301.09072: of programs first predicted "
        "rightly, with 8 variables renamed about 0.65 still are, by CodeBERT 0.43 and GraphCodeBERT 0.36 (read off a "
        "figure); search MRR 0.693 to 0.701",
        arms=(
            Arm("guessing alone", "contrabert", {"contrast": 0.0}),
            Arm("variables kept", "contrabert", WITHOUT),
            Arm("full", "contrabert"),
        ),
        predictions=(
            _again("full", "guessing alone", threshold=0.2),
            Prediction(
                "full - guessing alone grows from 1 to 8 variables renamed", ("full", "guessing alone"), _growth
            ),
            _measure("full", "guessing alone", MRR, threshold=-0.02),
            _measure("full", "guessing alone", "found unchanged", threshold=-0.01, role="secondary"),
            _again("full", "variables kept", role="secondary"),
            _again("full", "variables kept", 4, role="secondary"),
            _again("variables kept", "guessing alone", role="secondary"),
            _measure("full", "guessing alone", "found again, 8 borrowed", role="secondary"),
            _measure("full", "guessing alone", "found again, mean", role="secondary"),
            _again("full", "untrained", role="secondary"),
            _again("full", "word counts", role="secondary"),
            _measure("full", "untrained", MRR, role="secondary"),
        ),
        protocol=Protocol(
            options={"epochs": 3, "batch_size": 16, "queue": 512, "max_length": 96, "vocabulary": 2_000},
            images=1_280,
            labelled=1_280,
            validation=100,
            test=300,
            seeds=4,
        ),
        full=Protocol(
            options={"epochs": 20, "batch_size": 64, "queue": 8_192, "max_length": 256},
            images=100_000,
            labelled=10_000,
            validation=500,
            test=1_000,
        ),
        ground=library_by_module,
        measures=(renamed_programs, searched()),
        choose_by="found again, mean",
        modality="text",
        outside=("MiniLM", "static vectors"),
        source=PYTHON_FUNCTIONS,
        remarks=(
            "Functions of the running Python's library, of 5 to 60 lines, no two the same but for names; learned from, "
            "chosen on and reported on by different modules. Those asked have 4 variables or more; where there are "
            "fewer than are to be renamed, all are.",
            "Robustness is asked by retrieval, where the paper asks a classifier. Who is not found unchanged is left "
            "out, and `found unchanged` says how many are there.",
            "All arms take equally many steps; those with contrast see each function twice, the second time mutated, "
            "and their own slow copy, so that they read twice as many tokens.",
            "Encoders start from nothing, where the paper's start from CodeBERT. Nothing is tuned.",
            "Half of the names that training gives are those of other functions and half are v0, v1, ...; the copies "
            "asked have v0, v1, ..., and in `borrowed` names of other functions that are asked.",
        ),
    )
)
