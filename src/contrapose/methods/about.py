"""What there is to be said of a method in a line or two, and the questions that methods answer."""

from __future__ import annotations

from dataclasses import dataclass

from contrapose.errors import ArgumentError, did_you_mean

QUESTIONS = (
    "how hard should each negative push?",
    "where do many negatives come from?",
    "who is a positive, when labels do not say?",
    "what if there are no pairs at all?",
    "what do labels add?",
    "what do more than two views add?",
    "what if the data are unbalanced or biased?",
    "what do two sets share, and what has only one?",
    "what comes next?",
    "how fragile is an encoder, and is it poisoned?",
)
"""The questions that methods answer; `contrapose methods` groups them so, in this order."""


@dataclass(frozen=True)
class About:
    """One line each on a method, for `contrapose methods`.

    Arguments:
        question: which of `QUESTIONS` it answers.
        purpose: what it is for, in a sentence.
        paper: authors, venue and link.
        needs_targets: what it cannot train without: "label", classes; "number", a number to be predicted.
    """

    question: str
    purpose: str
    paper: str
    needs_targets: tuple[str, ...] = ()

    @property
    def needs_labels(self) -> bool:
        """Whether it learns from classes."""
        return "label" in self.needs_targets

    def __post_init__(self) -> None:
        if self.question not in QUESTIONS:
            raise ArgumentError(
                f"No method answers the question {self.question!r}.{did_you_mean(self.question, QUESTIONS)}"
            )
