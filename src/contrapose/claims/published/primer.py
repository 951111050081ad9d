"""CLESS against classifiers: labels that nobody learned from, few labels, rare ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from contrapose.claims.claim import Arm, Claim, Prediction, Protocol
from contrapose.claims.docstrings import LABELS, LEARNED, SOURCE, docstrings
from contrapose.claims.measures import Subject
from contrapose.claims.registry import register
from contrapose.claims.results import Results, difference
from contrapose.data import Samples
from contrapose.encoders.texts.label_texts import label_text
from contrapose.encoders.texts.trained_matcher import TrainedMatcher
from contrapose.evaluation import (
    beside_zeros,
    cosine_scores,
    few_label_f1,
    in_any_order,
    likeliest,
    rarest_third,
    tail_score,
)
from contrapose.evaluation.few_label_f1 import SHOTS
from contrapose.learners import Classifier, LabelMatching
from contrapose.modalities import MODALITIES

ZERO_SHOT, FEW, OWN, TAIL = "zero-shot top-1", "few-shot macro-F1", "macro-F1", "macro-F1, rarest third"
NEGATED = "x and not x above 0.95"
LIKE = 0.95
BEGINNING = 12
"""Words, with the marks between them fewer tokens than are read."""
HELD_OUT = LABELS - LEARNED
RATES = (3e-3, 1e-2, 3e-2)
WHOLE: Mapping[str, Any] = {"count": 1, "crop_min": 1.0, "delete": 0.0}
DELETED: Mapping[str, Any] = {"count": 2, "crop_min": 1.0, "delete": 0.2}
_CAN_BE_NEGATED = re.compile(r"\b(is|are|was|were|will|can|should|must|may|does|do|has|have)\b")


def zero_shot(subject: Subject) -> dict[str, float]:
    """`zero-shot top-1`: of docstrings of held-out packages, the share that is named right among these, a package at a
    time; by the matcher where the arm has one, else by the cosine with the label's text. 1 in 12 by chance. Where no
    held-out package is asked about, as while choosing, 0."""
    labels = [name for name in _names(subject.asked) if name not in set(_learned(subject))]
    rows = _of(subject.asked, labels)
    if len(rows) == 0:
        return {ZERO_SHOT: 0.0}
    asked = subject.asked.subset(rows)
    truths = _called(asked)
    answers = likeliest(_scores(subject, asked, labels), labels)
    return {ZERO_SHOT: float(np.mean([(answers[truths == name] == name).mean() for name in sorted(set(truths))]))}


def own_answers(subject: Subject) -> dict[str, float]:
    """`macro-F1` and that of the rarest third of the learned packages, by what the arm itself answers: its classifier,
    its matcher, or the cosine with the label's text."""
    labels = _learned(subject)
    asked = subject.asked.subset(_of(subject.asked, labels))
    truths = _called(asked)
    if isinstance(subject.learner, Classifier):
        with torch.no_grad():
            z = torch.as_tensor(subject.embeddings(asked))
            device = next(subject.learner.head.parameters()).device
            answers = np.asarray(labels)[subject.learner.head(z.to(device)).argmax(dim=1).cpu().numpy()]
    else:
        answers = likeliest(_scores(subject, asked, labels), labels)
    every = np.asarray(sorted(set(truths)))
    rarest = np.intersect1d(rarest_third(_called(subject.ground.labelled)), every)
    found = {OWN: tail_score(answers, truths, rarest=every).value}
    return {**found, TAIL: tail_score(answers, truths, rarest=rarest).value if len(rarest) else 0.0}


def few_shot(subject: Subject) -> dict[str, float]:
    """`few-shot macro-F1`: of a probe with four labelled docstrings of each learned package that has so many."""
    bank = subject.ground.labelled
    known = _called(bank)
    names, counts = np.unique(known, return_counts=True)
    enough = [name for name, count in zip(names.tolist(), counts.tolist(), strict=True) if count >= SHOTS]
    learned, asked = bank.subset(_of(bank, enough)), subject.asked.subset(_of(subject.asked, enough))
    train, test = (beside_zeros(subject.embeddings(some)) for some in (learned, asked))  # high rates leave dead units
    found = few_label_f1(train, _called(learned), test, _called(asked), draws=5)
    return {FEW: next(iter(found.values())).value}


def negation(subject: Subject) -> dict[str, float]:
    """`x and not x above 0.95`: of beginnings of docstrings, which every arm reads to their end, in which a verb can be
    negated by one word, the share whose embedding hardly changes when it is."""
    begun = (" ".join(text.split()[:BEGINNING]) for text in subject.asked.batch(np.arange(len(subject.asked))))
    texts = [text for text in begun if _CAN_BE_NEGATED.search(text)]
    if not texts:
        return {NEGATED: 0.0}
    plain, negated = (
        subject.embed(MODALITIES["text"].open(some))
        for some in (texts, [_CAN_BE_NEGATED.sub(r"\1 not", text, count=1) for text in texts])
    )
    lengths = np.linalg.norm(plain, axis=1) * np.linalg.norm(negated, axis=1)  # (N,)
    cosines = (plain * negated).sum(axis=1) / np.maximum(lengths, 1e-12)  # (N,)
    return {NEGATED: float((cosines > LIKE).mean())}


def _scores(subject: Subject, asked: Samples, labels: Sequence[str]) -> np.ndarray:
    """How well each docstring goes with each label, `(N, L)`."""
    z, learner = subject.embeddings(asked), subject.learner
    if isinstance(learner, LabelMatching):
        encoder: Any = learner.encoder
        matcher = TrainedMatcher(encoder, learner.matcher, learner.tokens, learner.drawn)
        return in_any_order(lambda some: matcher.scores(z, some), labels)
    opened = MODALITIES["text"].open
    return in_any_order(
        lambda some: cosine_scores(z, subject.embed(opened([label_text(label) for label in some]))), labels
    )


def _called(samples: Samples) -> np.ndarray:
    assert samples.labels is not None, "the ground is labelled"
    assert samples.class_names is not None
    return np.asarray(samples.class_names)[samples.labels]


def _names(samples: Samples) -> list[str]:
    return sorted(set(_called(samples).tolist()))


def _learned(subject: Subject) -> list[str]:
    """The labels that were learned from, in the order of their numbers."""
    return list(subject.ground.labelled.class_names or ())


def _of(samples: Samples, labels: Sequence[str]) -> np.ndarray:
    return np.flatnonzero(np.isin(_called(samples), labels))


def _beyond_chance(results: Results) -> np.ndarray:
    return results.of("cless", ZERO_SHOT) - 2 / HELD_OUT


def _predicted(one: str, other: str, name: str, note: str = "", **options: Any) -> Prediction:
    value: Callable[[Results], np.ndarray] = difference(one, other, name)
    return Prediction(f"{one} - {other}, {name}{note}", (one, other), value, **options)


def _arm(name: str, method: str, **options: Any) -> Arm:
    return Arm(name, method, options, grid={"learning_rate": RATES})


CLAIM = register(
    Claim(
        name="primer",
        title="Texts matched with the texts of labels, their own words standing for labels first, name labels that "
        "nobody learned from, and rare ones better than a classifier does.",
        paper="Rethmeier and Augenstein, a primer on contrastive pretraining in language processing, ACM Computing "
        "Surveys 2023, https://arxiv.org/abs/2102.12982; CLESS, https://arxiv.org/abs/2010.01061: pretrained on 60 MB "
        "of its own task, better in the long tail than RoBERTa of 160 GB",
        arms=(
            _arm("cross-entropy", "supervised", classes=LEARNED, views=WHOLE),
            _arm("supcon-ce", "supcon-ce", classes=LEARNED, views=WHOLE),
            _arm("label nce", "cless", learn_by="labels"),
            _arm("cless", "cless", learn_by="both"),
            _arm("words deleted", "simclr", views=DELETED),
        ),
        predictions=(
            _predicted("cless", "label nce", ZERO_SHOT, ", by 5 points", threshold=0.05),
            _predicted("cless", "word counts", ZERO_SHOT),
            Prediction("cless, zero-shot top-1 less twice that of chance", ("cless",), _beyond_chance),
            _predicted("cless", "cross-entropy", TAIL, ", by 3 points", threshold=0.03),
            _predicted("cless", "cross-entropy", FEW, role="secondary"),
            _predicted("supcon-ce", "cross-entropy", FEW, role="secondary"),
            _predicted("words deleted", "cless", NEGATED, role="secondary"),
        ),
        protocol=Protocol(
            options={"epochs": 10, "batch_size": 64, "encoder": "word_conv", "max_length": 32},
            images=3_200,
            labelled=3_200,
            validation=1_000,
            test=2_000,
        ),
        full=Protocol(
            options={"epochs": 10, "batch_size": 256, "encoder": "transformer", "max_length": 64},
            images=100_000,
            labelled=100_000,
            validation=5_000,
            test=20_000,
        ),
        ground=docstrings,
        measures=(zero_shot, own_answers, few_shot, negation),
        choose_by=OWN,
        modality="text",
        outside=("MiniLM", "static vectors"),
        source=SOURCE,
        remarks=(
            "Data: docstrings of the running Python's library, without the name of their package; a label is that name "
            "and the first line of the package's own docstring. They differ from one version of Python to the next.",
            "The survey reports no experiment; its statement is that labels as inputs need no augmentation and learn "
            "from little. Learning rates are chosen on learned labels: held-out ones are asked once.",
            "Zero-shot of arms without a matcher, and of floors, is the cosine of embedded text and embedded label.",
            "Words deleted stands for contrast of inputs with inputs: what it makes of one word that inverts a text.",
        ),
    )
)
