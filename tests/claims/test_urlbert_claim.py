"""URLBERT's claim: its ground of URLs and domains, what is asked of them, and that arms differ in their terms alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from claim_cases import TINY

from contrapose.claims import urls
from contrapose.claims.ground import Ground
from contrapose.claims.measures import Subject, floor_of
from contrapose.claims.published.urlbert import CLAIM
from contrapose.data import Samples
from contrapose.errors import ArgumentError, DataError
from contrapose.views.texts import destination

SMALL = replace(TINY, images=80, labelled=100, validation=40, test=60)


@pytest.fixture(scope="module")
def ground(url_parts: str) -> Ground:
    return urls.urls_and_domains(url_parts, SMALL, 0)


def knowing(ground: Ground, knows: Callable[[str], float]) -> Subject:
    """One whose embedding of a text is what `knows` says of it, beside noise of the text."""

    def embed(samples: Samples) -> np.ndarray:
        texts: Any = samples
        return np.array([[knows(text), len(text) % 7, text.count("1")] for text in texts.texts], dtype=np.float64)

    return Subject(embed, ground, ground.test, 0, learner=torch.nn.Identity())  # type: ignore[arg-type]


def test_what_is_asked_is_of_other_sources_hosts_and_rows_than_what_must_not_be(ground: Ground) -> None:
    parts: Any = {"bank": ground.labelled, "validation": ground.validation, "test": ground.test}
    assert {name: len(part) for name, part in parts.items()} == {"bank": 100, "validation": 40, "test": 60}
    assert not set(parts["bank"].texts) & set(parts["validation"].texts)
    learned: Any = ground.pretraining["pretraining"]
    assert len(learned) == 80
    assert sum(text.endswith(".net") for text in learned.texts) == 20
    assert not set(learned.texts) & (set(parts["validation"].texts) | set(parts["test"].texts))
    for part in parts.values():
        assert set(part.labels.tolist()) == {0, 1}
    topics = ground.questions["test"]
    assert set(topics["train"][1]) == {*urls.TOPICS, urls.ADVERTISING}
    assert not set(topics["train"][0]) & set(topics["test"][0])


def test_who_knows_the_class_has_all_and_who_reads_the_spelling_loses_it(ground: Ground) -> None:
    test: Any = ground.test
    labels = {destination(text): label for text, label in zip(test.texts, test.labels, strict=True)}
    bank: Any = ground.labelled
    labels |= {destination(text): label for text, label in zip(bank.texts, bank.labels, strict=True)}
    wise = urls.fraud(knowing(ground, lambda text: labels[destination(text)]))
    assert min(wise[urls.CLEAN], wise[urls.RESPELLED]) > 0.95  # noise stands beside what it knows
    exact = dict(zip([*test.texts, *bank.texts], [*test.labels, *bank.labels], strict=True))
    fooled = urls.fraud(knowing(ground, lambda text: exact.get(text, 0.5)))
    assert fooled[urls.CLEAN] > 0.95
    assert fooled[urls.RESPELLED] < 0.8


def test_letters_in_a_row_are_measured_with_the_floor(ground: Ground) -> None:
    found = urls.fraud(floor_of(ground, ground.test, 0))
    assert found[urls.NGRAMS + urls.CLEAN] > 0.9  # classes have words of their own
    assert found[urls.NGRAMS + urls.CLEAN] >= found[urls.NGRAMS + urls.RESPELLED]
    assert 0.6 < found[urls.CLEAN] < found[urls.NGRAMS + urls.CLEAN]  # parts of a URL are words


def test_domains_are_asked_for_topic_and_advertising(ground: Ground) -> None:
    topics = ground.questions["test"]
    number = {
        name: sorted({*urls.TOPICS, urls.ADVERTISING}).index(one)
        for part in ("train", "test")
        for name, one in zip(*topics[part], strict=True)
    }
    wise = urls.subjects_of_domains(knowing(ground, lambda text: 10.0 ** number[text]))
    assert wise[urls.TOPIC] > 0.5
    assert set(wise) == {urls.TOPIC, urls.ADS}


def test_other_data_are_refused(url_parts: str, sentence_parts: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no URLs with classes: name the columns url_bare and malicious"):
        urls.urls_and_domains(sentence_parts, SMALL, 0)
    folder = Path(shutil.copytree(url_parts, tmp_path / "parts"))
    (folder / "domain_categories.csv").unlink()
    with pytest.raises(DataError, match="holds no table domain_categories"):
        urls.urls_and_domains(str(folder), SMALL, 0)
    with pytest.raises(ArgumentError, match="asks for 310 training"):
        urls.urls_and_domains(url_parts, replace(SMALL, labelled=270), 0)


def test_arms_differ_in_their_terms_alone() -> None:
    own = {arm.name: dict(arm.options) for arm in CLAIM.arms}
    assert own == {
        "guessing": {"vat_weight": 0.0, "contrast_weight": 0.0},
        "no perturbed guesses": {"vat_weight": 0.0},
        "urlbert": {},
        "respelled views": {"views": {"crop_min": 1.0, "delete": 0.0, "respell": 0.5}},
    }
    assert [one.statement for one in CLAIM.predictions if one.role == "claim"] == [
        "urlbert - guessing, accuracy, respelled",
        "guessing - untrained, accuracy",
    ]
