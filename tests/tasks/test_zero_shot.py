"""Zero-shot as a task: which label a text is named, by whom, in whatever order labels come, and slips in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from contrapose.embedder import Embedder
from contrapose.encoders import Encoder
from contrapose.encoders.matcher import matcher
from contrapose.encoders.texts import TextEncoder
from contrapose.encoders.texts.label_texts import label_tokens
from contrapose.encoders.texts.trained_matcher import TrainedMatcher
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import TASKS, Given, Targets
from contrapose.zero_shot_labels import ZeroShot

LABELS = ("dog", "house", "tree", "old bird")
TEXTS = {
    "text": [f"{word} {other}" for word in ("dog", "house", "tree", "bird") for other in ("red", "blue", "green")] * 2
}
TEXTS["topic"] = [label for label in LABELS for _ in range(3)] * 2


def matcher_of(encoder: Encoder, learned: tuple[str, ...] = ("cat", "tree")) -> TrainedMatcher:
    assert isinstance(encoder, TextEncoder)
    torch.manual_seed(0)
    made = matcher("perceptron", encoder.dimension, encoder.dimension, hidden=6).eval()
    drawn = torch.zeros(encoder.tokenizer.size, dtype=torch.long)
    drawn[encoder.tokenizer.backend.token_to_id("house")] = 3
    return TrainedMatcher(encoder, made, label_tokens(encoder.tokenizer, learned), drawn)


def measured(given: Callable[..., Given], encoder: Encoder, data: Any = TEXTS, **options: Any) -> Any:
    targets = Targets(label_column="topic", label_texts=options.pop("label_texts", None))
    return TASKS["zero-shot"].prepare(given(encoder, data, targets=targets, **options))


def test_texts_are_named_by_the_nearest_label(given: Callable[..., Given], of_texts: Encoder) -> None:
    found = measured(given, of_texts)
    metrics, z = found(Embedder(of_texts).embed)
    assert set(metrics) == {"accuracy", "accuracy, balanced", "macro-F1", "macro-F1, rarest third"}
    answers = ZeroShot(of_texts).scores(TEXTS["text"], LABELS).argmax(axis=1)
    right = np.asarray(LABELS)[answers] == np.asarray(TEXTS["topic"])
    assert metrics["accuracy"].value == pytest.approx(right.mean())
    assert "by the cosine with the label's text" in metrics["accuracy"].protocol
    assert z.shape == (24, of_texts.dimension)
    words, _ = found(given(of_texts, TEXTS).modality.floor(found.known))
    assert words["accuracy"].value == 1.0  # word counts find the word itself


def test_the_first_arm_answers_by_its_matcher(given: Callable[..., Given], of_texts: Encoder) -> None:
    own = matcher_of(of_texts)
    found = measured(given, of_texts, matcher=own)
    embedder = Embedder(of_texts)
    first, z = found(embedder.embed)
    scores = own.scores(z, sorted(LABELS))
    right = np.asarray(sorted(LABELS))[scores.argmax(axis=1)] == np.asarray(TEXTS["topic"])
    assert first["accuracy"].value == pytest.approx(right.mean())
    assert "by the run's matcher" in first["accuracy"].protocol
    other, _ = found(Embedder(of_texts).embed)
    assert "by the cosine" in other["accuracy"].protocol
    notes = " ".join(found.notes)
    assert "words of 1 of 4 labels were pseudo-labels in training" in notes
    assert "1 of 4 labels were learned from as labels of texts (tree): of these the answers are not zero-shot" in notes


@pytest.mark.parametrize("matched", [False, True])
def test_the_order_of_labels_plays_no_part(given: Callable[..., Given], of_texts: Encoder, matched: bool) -> None:
    found = ZeroShot(of_texts, matcher_of(of_texts) if matched else None)
    scores = found.scores(TEXTS["text"], LABELS)
    for order in ([3, 1, 0, 2], [2, 3, 1, 0]):
        turned = found.scores(TEXTS["text"], [LABELS[place] for place in order])
        assert np.array_equal(turned, scores[:, order])
    options = {"matcher": found.matcher} if matched else {}
    embed = Embedder(of_texts).embed
    one, _ = measured(given, of_texts, label_texts=LABELS, **options)(embed)
    other, _ = measured(given, of_texts, label_texts=LABELS[::-1], **options)(embed)
    assert one == other


def test_labels_stand_for_numbered_classes_in_their_order(given: Callable[..., Given], of_texts: Encoder) -> None:
    numbered = {**TEXTS, "topic": [LABELS.index(label) for label in TEXTS["topic"]]}
    found = measured(given, of_texts, numbered, label_texts=LABELS)
    assert found.labels.tolist() == TEXTS["topic"]
    assert any(note.startswith("the texts of labels stand for the classes in order: 0 = dog") for note in found.notes)
    more = measured(given, of_texts, label_texts=("Old_Bird", "cat", "dog", "house", "tree"))  # by name, one besides
    assert set(more.labels.tolist()) == {"Old_Bird", "dog", "house", "tree"}
    assert more.asked == ("Old_Bird", "cat", "dog", "house", "tree")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"label_texts": ("dog", "dog")}, "The label 'dog' of --label-texts is there twice"),
        ({"label_texts": ("dog", "")}, "which has no word"),
        ({"label_texts": ("one", "two")}, "has 4 classes .* and --label-texts gives 2 texts"),
        ({"data": {**TEXTS, "topic": [1, 2] * 12}}, "numbers say nothing of what a text is about"),
        ({"test_data": TEXTS}, "Nothing is learned from labels here"),
        ({"data": {**TEXTS, "topic": ["dog"] * 24}}, "names 1 label"),
    ],
)
def test_slips_are_told(given: Callable[..., Given], of_texts: Encoder, options: dict[str, Any], word: str) -> None:
    with pytest.raises((ArgumentError, DataError), match=word):
        measured(given, of_texts, **options)
