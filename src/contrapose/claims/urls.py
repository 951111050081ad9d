"""A ground of URLs: which are fraud, as they are and spelled otherwise, and what domains are about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from contrapose.claims.ground import TEST, VALIDATION, Ground, check_enough
from contrapose.claims.measures import Subject
from contrapose.claims.parts import part_places
from contrapose.claims.protocol import Protocol
from contrapose.data import Samples
from contrapose.data.files.names import expanded
from contrapose.data.samples import evenly_spaced
from contrapose.data.tables.opening import table_of
from contrapose.errors import DataError
from contrapose.evaluation.linear_probe import fit_linear_probe
from contrapose.modalities import MODALITIES
from contrapose.views.texts import respell

KIND = "text"
CLEAN, RESPELLED, TOPIC, ADS = "accuracy", "accuracy, respelled", "accuracy, topic", "accuracy, ads"
NGRAMS = "letters: "
"""Stands before the names of what letters in a row know, measured with the floor."""
URLS, FRAUD, ORIGIN = ("url_bare", "url", "text"), ("malicious", "label"), "source"
LEFT_OUT = "malicious_2017"
"""Rows of this source are learned from, and not asked: they are spelled unlike the others, which gives them away."""
TOPICS = ("games", "shopping", "press", "sports", "bank")
ADVERTISING = "publicite"
PER_CLASS, DRAWS = 100, 5
"""Labels of each class that a probe sees, 200 of two classes; and how often they are drawn."""
SPELLING = 1
"""Seed of the other spellings of the test set."""
DOMAINS = 4
"""One in so many texts to learn from is a domain alone."""


def urls_and_domains(source: str, protocol: Protocol, seed: int) -> Ground:
    """URLs of the training part to learn from, a quarter of them domains, and URLs that are fraud or not to ask; the
    same for all seeds.

    Arguments:
        source: a folder with tables `train` and `test` (a URL, whether it is malicious, where it is from) and
            `domain_categories` (domain, category, split), as far as these are of the topics asked.

    Errors:
        ArgumentError: a protocol that asks for more than there is.
        DataError: no such tables.
    """
    (urls, labels, asked), (test_urls, test_labels, test_asked) = map(_table, part_places(source, MODALITIES[KIND]))
    known = np.random.default_rng(0).permutation(np.flatnonzero(asked))  # rows that may be asked, in one order
    chosen = np.flatnonzero(test_asked)
    check_enough(
        protocol, max(protocol.images, protocol.labelled) + protocol.validation, _texts(urls), _texts(test_urls)
    )
    check_enough(
        protocol, protocol.labelled + protocol.validation, _texts(urls, rows=known), _texts(test_urls, rows=chosen)
    )
    held, bank = known[: protocol.validation], known[protocol.validation :]
    rest = np.setdiff1d(np.arange(len(urls)), held)
    topics = _topics(source, train=protocol.labelled, test=protocol.test)
    some = [urls[row] for row in rest[evenly_spaced(len(rest), protocol.images)]]
    domains = topics["train"][0]
    few = evenly_spaced(len(domains), min(len(domains), len(some) // DOMAINS))
    some[: len(few)] = [domains[row] for row in few]
    chosen = chosen[evenly_spaced(len(chosen), protocol.test)]
    return Ground(
        {"pretraining": _texts(some)},
        labelled=_texts(urls, labels, bank[: protocol.labelled]),
        validation=_texts(urls, labels, held),
        test=_texts(test_urls, test_labels, chosen),
        questions={VALIDATION: topics, TEST: topics},
    )


def fraud(subject: Subject) -> dict[str, float]:
    """`accuracy` of a linear probe with 100 labels of each class, mean over five draws of them, and the same where the
    test set is spelled otherwise (`respell`). With the floor also `letters: ...`: what two to four letters in a row
    know, weighed by their rarity."""
    bank, asked = subject.ground.labelled, subject.asked
    answers = _probed(subject.embed, subject.embeddings, bank, asked)
    found = dict(zip((CLEAN, RESPELLED), answers, strict=True))
    if subject.learner is None and not subject.outside:
        features = _letters(subject.ground)
        found |= dict(zip((NGRAMS + CLEAN, NGRAMS + RESPELLED), _probed(features, features, bank, asked), strict=True))
    return found


def subjects_of_domains(subject: Subject) -> dict[str, float]:
    """`accuracy, topic` among five topics, and `accuracy, ads`, advertising or not, of domains alone; with as many
    labels."""
    topics = subject.question
    (names, categories), (asked_names, asked_categories) = topics["train"], topics["test"]
    rows = subject.embed(_texts(names)), subject.embed(_texts(asked_names))
    found = {}
    for name, classes in ((TOPIC, {one: one for one in TOPICS}), (ADS, {ADVERTISING: "ads"})):
        labels, wanted = (
            np.array([classes.get(one, "" if name == TOPIC else "other") for one in side])
            for side in (categories, asked_categories)
        )
        known, asked = labels != "", wanted != ""
        answers = _mean_accuracy(rows[0][known], labels[known], [(rows[1][asked], wanted[asked])])
        found[name] = answers[0]
    return found


def direction_found(subject: Subject) -> dict[str, float]:
    """`vat_cosine` of a batch: how near the perturbations are to the random ones that the search began with."""
    if subject.learner is None:
        return {}
    log = subject.learner(subject.batch(64)).log
    return {name: float(value) for name, value in log.items() if name == "vat_cosine"}


def _probed(embed: Any, known: Any, bank: Samples, asked: Samples) -> list[float]:
    texts: Any = asked
    other = _texts(respell(texts.texts, seed=SPELLING))
    clean, respelled = known(asked), embed(other)
    return _mean_accuracy(known(bank), bank.labels, [(clean, asked.labels), (respelled, asked.labels)])


def _mean_accuracy(rows: Any, labels: Any, questions: Sequence[tuple[Any, Any]]) -> list[float]:
    """Of each question, over draws of the labels that are learned from; the same draws for every arm and seed."""
    random, scores = np.random.default_rng(0), []
    for _ in range(DRAWS):
        drawn = np.concatenate([_some(random, np.flatnonzero(labels == one)) for one in np.unique(labels)])
        answer = _fitted(rows[drawn], labels[drawn])
        scores.append([float((answer(features) == wanted).mean()) for features, wanted in questions])
    return np.mean(scores, axis=0).tolist()


def _some(random: np.random.Generator, members: np.ndarray) -> np.ndarray:
    return random.permutation(members)[:PER_CLASS]


def _fitted(rows: Any, labels: np.ndarray) -> Callable[[Any], np.ndarray]:
    """A linear classifier whose strength was chosen within these rows."""
    if isinstance(rows, np.ndarray):
        return fit_linear_probe(rows, labels, generator=torch.Generator().manual_seed(0)).predict
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV

    chosen = GridSearchCV(LogisticRegression(max_iter=1000), {"C": [1.0, 10.0, 100.0, 1000.0]}, cv=3)
    return chosen.fit(rows, labels).predict


def _letters(ground: Ground) -> Callable[[Samples], Any]:
    """Counts of two to four letters in a row, sparse, weighed by their rarity in all that may be learned from."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    counts = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), max_features=50_000, sublinear_tf=True)
    parts: Any = (*ground.pretraining.values(), ground.labelled)
    counts.fit([text for part in parts for text in part.texts])

    def features(samples: Any) -> Any:
        return counts.transform(samples.texts)

    return features


def _table(place: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """URLs, whether each is malicious, and whether it may be asked."""
    table = table_of(place)
    found = [next((name for name in names if table and name in table.kinds), None) for names in (URLS, FRAUD)]
    if table is None or None in found:
        raise DataError(f"{place} has no URLs with classes: name the columns url_bare and malicious.")
    url, label = (str(name) for name in found)
    urls, labels = [str(text) for text in table.read(url)], np.array([int(one) for one in table.read(label)])
    origin = table.read(ORIGIN) if ORIGIN in table.kinds else [""] * len(urls)
    return urls, labels, np.array([one != LEFT_OUT for one in origin])


def _topics(source: str, **most: int) -> dict[str, tuple[list[str], list[str]]]:
    """Domains and their categories by split, of the topics that are asked and of advertising, at most so many each."""
    place = next(iter(sorted(expanded(source).glob("domain_categories.*"))), None)
    table = None if place is None else table_of(place)
    if table is None or not {"domain", "category", "split"} <= set(table.kinds):
        raise DataError(f"{source} holds no table domain_categories with the columns domain, category and split.")
    rows = list(zip(*(table.read(name) for name in ("split", "domain", "category")), strict=True))
    found = {}
    for part, count in most.items():
        own = [row for row in rows if row[0] == part and row[2] in (*TOPICS, ADVERTISING)]
        own = [own[place] for place in evenly_spaced(len(own), min(len(own), count))]
        found[part] = ([domain for _, domain, _ in own], [category for _, _, category in own])
    return found


def _texts(texts: Sequence[str], labels: Any = None, rows: np.ndarray | None = None) -> Samples:
    """Texts, of these rows, with their labels; also of a URL that is blank."""
    from contrapose.data.texts import Texts

    chosen = range(len(texts)) if rows is None else rows
    return Texts([texts[row] for row in chosen], None if labels is None else labels[chosen])
