"""What weak and strong heads count where pictures are named by sentences: given, or chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, build_towers
from contrapose.encoders.texts import tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.evaluation.zero_shot import cosine_scores
from contrapose.tasks import TASKS, Given, Targets
from contrapose.tasks.head_weight import best_weight, weighed_scores

pytest.importorskip("tokenizers")
SCENES = "made:scenes?count=60"


def asked(weight: Any) -> Targets:
    return Targets(label_column="colour", prompts=("a {} thing",), head_weight=weight)


def told(half: int) -> Callable[[Any], np.ndarray]:
    """Embeddings of which one half of the numbers tells the colour of a picture, and the other half nothing."""

    def embed(samples: Any) -> np.ndarray:
        random = np.random.default_rng(len(samples))
        rows = random.normal(size=(len(samples), 12))
        if samples.modality == "text":
            numbers = [known.index(text.split()[1]) for text in samples.texts]
        else:
            numbers = samples.labels.tolist()
        rows[:, 6 * half : 6 * half + 6] = 10 * np.eye(6)[numbers]
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    known = list(colours())
    return embed


def colours() -> tuple[str, ...]:
    from contrapose.data.pairs import open_pairs

    names = open_pairs(SCENES, label_column="colour").class_names
    assert names is not None
    return names


def test_equal_heads_are_as_towers_embed_and_one_alone_is_that_one() -> None:
    random = np.random.default_rng(0)
    samples, classes = (random.normal(size=(count, 2, 6)) for count in (9, 4))
    samples, classes = (rows / np.linalg.norm(rows, axis=2, keepdims=True) for rows in (samples, classes))
    flat, others = samples.reshape(9, 12), classes.reshape(4, 12)
    assert weighed_scores(flat, others, 0.5) == pytest.approx(cosine_scores(flat, others))
    assert weighed_scores(flat, others, 1.0) == pytest.approx(samples[:, 0] @ classes[:, 0].T)
    assert weighed_scores(flat, others, 0.0) == pytest.approx(samples[:, 1] @ classes[:, 1].T)


def test_of_equals_the_nearest_to_a_half_is_taken() -> None:
    classes = np.tile(np.eye(2), 2)  # (2, 4)
    assert best_weight(classes, classes, np.arange(2)) == 0.5
    right, wrong = np.eye(2), 3 * np.eye(2)[::-1]  # lengths mean nothing
    assert best_weight(np.hstack([right, wrong]), classes, np.arange(2)) == 0.6
    assert best_weight(np.hstack([wrong, right]), classes, np.arange(2)) == 0.4


@pytest.mark.parametrize(("half", "better"), [(0, lambda weight: weight > 0.5), (1, lambda weight: weight < 0.5)])
def test_the_head_that_knows_is_chosen_on_pictures_that_are_not_reported_on(
    half: int, better: Callable[[float], bool], of_pairs: Encoder, given: Callable[..., Given]
) -> None:
    task = TASKS["prompts"]
    whole = task.prepare(given(of_pairs, SCENES, targets=asked(None)))
    measurement: Any = task.prepare(given(of_pairs, SCENES, targets=asked("choose")))
    assert len(measurement.known) + len(measurement.kept_out) == len(whole.known) == 60  # type: ignore[attr-defined]
    assert 10 <= len(measurement.kept_out) <= 14
    assert not set(measurement.known.identifiers) & set(measurement.kept_out.identifiers)
    seen: list[list[Any]] = []
    embed = told(half)
    found, z = measurement(lambda samples: (seen.append(list(samples.identifiers)), embed(samples))[1])
    assert len(z) == len(measurement.known) == len(measurement.labels)
    chosen = float(found["accuracy"].protocol.partition("weak heads ")[2].partition(",")[0])
    assert better(chosen)
    assert any("kept out" in note for note in measurement.notes)
    equal, _ = task.prepare(given(of_pairs, SCENES, targets=asked(None)))(embed)
    assert found["accuracy"].value >= equal["accuracy"].value


def test_a_given_weight_is_taken(of_pairs: Encoder, given: Callable[..., Given]) -> None:
    accuracies = {}
    for weight in (0.0, 0.2, 1.0):
        measurement: Any = TASKS["prompts"].prepare(given(of_pairs, SCENES, targets=asked(weight)))
        assert measurement.kept_out is None
        found, _ = measurement(told(0))
        accuracies[weight] = found["accuracy"].value
        assert f"weak heads {weight:g}, strong heads {1 - weight:g}" in found["accuracy"].protocol
    assert accuracies[0.0] < 0.5
    assert accuracies[1.0] == 1.0


def test_slips_are_named(of_pairs: Encoder, given: Callable[..., Given]) -> None:
    for wrong in (1.5, -0.1, "best", True):
        with pytest.raises(ArgumentError, match="it is what the weak heads count, from 0 to 1, or"):
            TASKS["prompts"].prepare(given(of_pairs, SCENES, targets=asked(wrong)))
    embedder: Any = Embedder(of_pairs)
    tokenizer = tokenizer_for("bag_of_words", ["a red thing"], max_length=12)
    one = build_towers("micro_conv", "bag_of_words", channels=3, image_size=16, tokenizer=tokenizer, width=6, seed=0)
    assert embedder.encoder.heads == 2
    with pytest.raises(ArgumentError, match="this encoder has one head a side: leave it out"):
        TASKS["prompts"].prepare(given(one.eval(), SCENES, targets=asked("choose")))
