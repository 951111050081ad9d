"""Paraphrases beside contradictions: which columns they are, what looks alone make of them, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import contrapose
from contrapose.claims.quadruples import quadruples
from contrapose.commands.evaluate import measure
from contrapose.data.tables.triples import CalledColumns, TripleColumns, triple_columns
from contrapose.encoders import Encoder
from contrapose.errors import DataError
from contrapose.tasks import Given, task_for
from contrapose.tasks.paraphrases import PARAPHRASES
from contrapose.views.texts.surface import surface_similarity

# three that mean the same, in more and more other words; two contradictions, and one that looks like nothing
PAIRS: dict[str, list[Any]] = {
    "sentence1": ["a dog runs fast", "a cat sleeps", "it rains a lot", "a dog runs fast", "a cat sleeps", "red", "x"],
    "sentence2": [
        "some dog moves fast",
        "felines rest",
        "much water falls",
        "a dog sits fast",
        "a cat runs",
        "no",
        "y",
    ],
    "entailment": [*3 * ["ENTAILMENT"], *3 * ["CONTRADICTION"], "NEUTRAL"],
    "score": [4.5, 4.2, 4.0, 2.0, 2.1, 1.0, 3.0],
}


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["anchor", "paraphrase", "contradiction"], TripleColumns("anchor", "paraphrase", "contradiction")),
        (["Query", "positive", "hard_negative"], TripleColumns("Query", "positive", "hard_negative")),
        ([*quadruples(2)], TripleColumns("anchor", "paraphrase", "contradiction", "random")),
        (["premise", "hypothesis", "gold_label"], CalledColumns("premise", "hypothesis", "gold_label")),
        (["sentence1", "sentence2", "entailment"], CalledColumns("sentence1", "sentence2", "entailment")),
        (["anchor", "positive"], None),
        (["sentence1", "sentence2"], None),
        (["sentence1", "entailment"], None),
    ],
)
def test_columns_by_their_usual_names(names: list[str], columns: Any) -> None:
    assert triple_columns(dict.fromkeys(names, "text")) == columns


def test_of_triples_it_is_the_share_that_is_nearer(given: Callable[..., Given], of_texts: Encoder) -> None:
    table = {name: [*texts, " "] for name, texts in quadruples(40).items()}
    asked = given(of_texts, table)
    assert task_for(asked) is PARAPHRASES
    measurement = PARAPHRASES.prepare(asked)
    assert "1 row without a side left out" in measurement.notes
    random = np.random.default_rng(0)
    rows = random.normal(size=(160, 5))
    metrics, _ = measurement(lambda samples: rows)
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).reshape(4, 40, 5)
    cosines = (unit[:1] * unit[1:]).sum(2)  # (3, 40), of the paraphrase, the contradiction, the random one
    assert metrics["paraphrase nearer"].value == pytest.approx((cosines[0] > cosines[1]).mean())
    assert metrics["paraphrase nearer than random"].value == pytest.approx((cosines[0] > cosines[2]).mean())
    counts = measurement(asked.modality.floor(measurement.known))[0]
    assert counts["paraphrase nearer"].value == 0.0
    assert counts["paraphrase nearer"].high > 0.0


def test_of_called_pairs_only_those_count_where_looks_mislead(given: Callable[..., Given], of_texts: Encoder) -> None:
    asked = given(of_texts, PAIRS)
    assert task_for(asked).name == "scored-pairs", "which they are too"
    measurement = task_for(asked, "paraphrases").prepare(asked)
    assert measurement.known.texts == [
        *("a dog runs fast", "a cat sleeps", "it rains a lot", "some dog moves fast", "felines rest"),
        *("much water falls", "a dog runs fast", "a cat sleeps", "red", "a dog sits fast", "a cat runs", "no"),
    ]
    assert "1 pairs that are called neither left out" in measurement.notes
    same, opposite = np.array([0.9, 0.1, 0.5]), np.array([0.3, 0.5, 0.7])

    looks = [
        surface_similarity(PAIRS["sentence1"][part], PAIRS["sentence2"][part]) for part in (slice(0, 3), slice(3, 6))
    ]
    misled = looks[0][:, None] < looks[1]
    right = (same[:, None] > opposite) + 0.5 * (same[:, None] == opposite)
    expected = np.mean([right[row][misled[row]].mean() for row in range(3)])
    found = measurement(lambda samples: rows_of_cosines(np.concatenate([same, opposite])))[0]["paraphrase nearer"]
    assert found.value == pytest.approx(expected)
    assert found.items is not None
    assert len(found.items) == 3

    assert measurement(lambda samples: rows_of_cosines(np.concatenate(looks)))[0]["paraphrase nearer"].value == 0.0


def rows_of_cosines(cosines: np.ndarray) -> np.ndarray:
    """Embeddings of both sides of three pairs and of three more that have these cosines."""
    first, second = np.tile([1.0, 0.0], (6, 1)), np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    return np.concatenate([first[:3], second[:3], first[3:], second[3:]])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"entailment": ["ENTAILMENT"] * 7}, "calls 7 pairs the same and 0 contradictions"),
        ({"sentence2": PAIRS["sentence1"][:3] + PAIRS["sentence2"][3:]}, "looks mislead nobody there"),
    ],
)
def test_pairs_that_tell_nothing_are_refused(
    change: dict[str, Any], said: str, given: Callable[..., Given], of_texts: Encoder
) -> None:
    with pytest.raises(DataError, match=said):
        PARAPHRASES.prepare(given(of_texts, PAIRS | change))
    with pytest.raises(DataError, match="has no row with all of anchor, positive, negative"):
        PARAPHRASES.prepare(given(of_texts, {"anchor": ["a"], "positive": [" "], "negative": ["c"]}))


def test_the_command_asks_made_sentences(tmp_path: Path) -> None:
    options: dict[str, Any] = {"epochs": 1, "batch_size": 16, "encoder": "bag_of_words", "quiet": True}
    run = contrapose.train("simcse", data=quadruples(60)["anchor"], out=str(tmp_path / "run"), **options)
    contrapose.evaluate(run.path, data=quadruples(60), quiet=True)
    record = json.loads((run.path / "evaluation.json").read_text())
    assert record["task"] == "paraphrases"
    assert record["arms"]["word counts"]["paraphrase nearer"]["value"] == 0.0


def test_real_paraphrases(
    shared_data: Callable[[str], Path], saved: Callable[[Encoder], Path], of_texts: Encoder
) -> None:
    found = measure(saved(of_texts), data=shared_data("sts/sick.parquet"), task="paraphrases", limit=300, quiet=True)
    assert found.arms["word counts"]["paraphrase nearer"].high < 0.5, "where looks mislead, counts go by looks"
