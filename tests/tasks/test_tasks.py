"""Common checks of every registered task, and which of them is taken for what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contrapose.claims.quadruples import quadruples
from contrapose.columns import Column
from contrapose.data import Images, open_graphs
from contrapose.data.samples import MASK
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, build_rows
from contrapose.encoders.classifier_folder import TrainedHeads
from contrapose.encoders.heads import Heads, Question
from contrapose.errors import ArgumentError, DataError
from contrapose.tasks import TASKS, Attacks, Given, OfClassifier, Review, Targets, Task, task_for

WORDS = ("red", "green", "blue", "small", "large", "old", "new", "dog", "cat", "bird", "house", "tree")

OF_CLASSIFIERS = ("bias", "corruptions", "classification", "robust", "out-of-distribution")
EXAMPLES = {
    "one-shot": ("of_pictures", lambda request: "omniglot"),
    "ranking": ("of_items", lambda request: taken()),
    "zero-shot": ("of_texts", lambda request: named_texts(request.getfixturevalue("pairs"))),
    "prompts": ("of_pairs", lambda request: "made:scenes?count=40"),
    "pair-retrieval": ("of_pairs", lambda request: "made:scenes?count=40"),
    "classification": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
    "corruptions": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
    "robust": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
    "out-of-distribution": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
    "robustness-table": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
    "bias": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
    "scored-pairs": ("of_texts", lambda request: request.getfixturevalue("pairs")),
    "paraphrases": ("of_texts", lambda request: quadruples(30)),
    "regression": ("of_rows", lambda request: request.getfixturevalue("rows")),
    "dense": ("of_pictures", lambda request: masked(request.getfixturevalue("pictures"))),
    "paired-search": ("of_texts", lambda request: documented()),
    "renaming": ("of_texts", lambda request: functions()),
    "nested-svm": (
        "of_graphs",
        lambda request: open_graphs(request.getfixturevalue("graphs"), labels=20 * [0] + 20 * [1]),
    ),
    "labelled-table": ("of_pictures", lambda request: labelled(request.getfixturevalue("pictures"))),
}

BY_NAME = ("corruptions", "robustness-table")
"""What nobody means who does not say so."""


def functions() -> list[str]:
    """Twelve functions of two variables, told apart by their names."""
    return [f"def {word}(a):\n    b = a\n    return b\n" for word in WORDS]


def taken() -> list[list[int]]:
    """30 users, each of whom goes on by ones from somewhere among 12 items."""
    return [[1 + (start + step) % 12 for step in range(4 + start % 3)] for start in range(30)]


def documented() -> dict[str, list[str]]:
    """The same with a word on each."""
    return {"docstring": list(WORDS), "code": functions()}


def labelled(pictures: np.ndarray) -> dict[str, Any]:
    return {"images": pictures, "labels": np.repeat([0, 1, 2], 32), "colours": np.tile([0, 1, 2], 32)}


def masked(pictures: np.ndarray) -> Images:
    """Each pixel of a class by the class of its picture, a column of it by none."""
    masks = np.repeat([0, 1, 2], 32)[:, None, None] * np.ones((1, 16, 16), dtype=np.int64)
    masks[:, :, :4], masks[:, :, 4] = 3, 255
    return Images(pictures).with_target(MASK, masks)


def named_texts(pairs: dict[str, Any]) -> dict[str, Any]:
    return {"text": pairs["sentence1"], "topic": ["dog", "house", "tree", "old bird"] * 10}


@pytest.fixture(params=list(TASKS))
def example(request: pytest.FixtureRequest, given: Callable[..., Given]) -> tuple[Task, Given, Encoder]:
    encoder, data = EXAMPLES[request.param]
    encoder, data = request.getfixturevalue(encoder), data(request)
    asked = {
        "regression": {"number_column": "age"},
        "bias": {"bias_column": "colours"},
        "prompts": {"label_column": "colour", "prompts": ("a {} thing", "{}")},
        "zero-shot": {"label_column": "topic", "label_texts": ("tree", "dog", "house", "old bird")},
    }
    targets = Targets(**asked.get(request.param, {}))
    options: dict[str, Any] = {"classifier": classifier(encoder)} if request.param in OF_CLASSIFIERS else {}
    options |= {"review": Review(steps=2)} if request.param == "robustness-table" else {}
    options |= {"attacks": Attacks(steps=1, restarts=1)} if request.param == "robust" else {}
    options |= {"outliers": 255 - request.getfixturevalue("pictures")} if request.param == "out-of-distribution" else {}
    return TASKS[request.param], given(encoder, data, targets=targets, **options), encoder


def classifier(encoder: Encoder) -> OfClassifier:
    """Heads of zeros, whatever the embeddings."""
    questions = (Question("label", ("0", "1", "2"), (5, 4, 3)),)

    def fit(embed: Callable[[Any], np.ndarray]) -> TrainedHeads:
        return TrainedHeads(Heads(16 * 16 * 3, [3]), questions)

    return OfClassifier(TrainedHeads(Heads(encoder.dimension, [3]), questions), None, fit)


def test_every_task_says_what_it_is_and_has_an_example() -> None:
    assert set(EXAMPLES) == set(TASKS)
    for name, task in TASKS.items():
        assert task.name == name
        assert task.artifacts in (("encoder",), ("classifier",))
        assert len(task.needs.split()) > 4
        assert not task.needs.endswith("."), "the object of a sentence"


def test_a_task_is_found_by_its_data_and_by_its_name(example: tuple[Task, Given, Encoder]) -> None:
    task, given, _ = example
    assert (task_for(given) is task) == (task.name not in BY_NAME)
    assert task_for(given, task.name) is task


def test_every_task_measures_arms_alike_beside_its_floors(example: tuple[Task, Given, Encoder]) -> None:
    task, given, encoder = example
    measurement = task.prepare(given)
    embed = measurement.embed_with(Embedder(encoder))
    metrics, rows = measurement(embed)
    again, _ = measurement(embed)
    floor, _ = measurement(measurement.floor(given))
    assert metrics == again
    assert metrics.keys() == floor.keys()
    assert rows.shape[1] == encoder.dimension
    for name, metric in {**metrics, **floor}.items():
        assert metric.name == name
        assert metric.low <= metric.value <= metric.high
        assert metric.protocol
    pairable = [name for name, metric in metrics.items() if metric.items is not None or metric.draws is not None]
    assert pairable, "contrapose compare has something to pair"
    assert all(metrics[name].sign for name in pairable)
    assert measurement.setting.difference(task.prepare(given).setting) is None
    assert measurement.data
    assert all(not note.endswith(".") for note in measurement.notes)
    for metrics_of_floor in measurement.floors().values():
        assert metrics_of_floor.keys() <= metrics.keys()


def test_a_wrong_task_is_refused_by_what_it_needs_and_what_there_is(
    given: Callable[..., Given], of_texts: Encoder, of_pictures: Encoder, pairs: dict[str, Any], pictures: np.ndarray
) -> None:
    texts = given(of_texts, {"text": pairs["sentence1"]})
    for name in TASKS:
        told = f"The task {name} needs .*; a dict has the columns text"
        if TASKS[name].modalities is not None and "text" not in TASKS[name].modalities:
            told = f"The task {name} is for encoders of .*, and this is one of texts"
        with pytest.raises(DataError, match=told):
            task_for(texts, name)
    with pytest.raises(DataError, match=r"pair-retrieval is for encoders of pairs, and this is one of pictures"):
        task_for(given(of_pictures, labelled(pictures)), "pair-retrieval")
    with pytest.raises(DataError, match=r"regression needs a number .*; a dict has the columns images, labels"):
        task_for(given(of_pictures, labelled(pictures)), "regression")
    with pytest.raises(DataError, match=r"labelled-table needs classes.*; an ndarray has neither labels nor numbers"):
        task_for(given(of_pictures, pictures), "labelled-table")
    with pytest.raises(ArgumentError, match="Did you mean 'regression'"):
        task_for(texts, "regresion")


def test_data_for_no_task_say_what_each_needs(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    with pytest.raises(DataError, match="has no labels, no numbers to predict and no scored pairs") as error:
        task_for(given(of_texts, {"text": pairs["sentence1"]}))
    for flag in ("--label-column", "--number-column", "--pair-columns"):
        assert flag in str(error.value)
    assert "omniglot" not in str(error.value), "no question about texts"


def test_what_was_asked_for_in_vain_is_said(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    vain = Targets(label_column="year", pair_columns=("sentence1", "sentence2"))
    found = given(of_texts, pairs, targets=vain)
    assert (
        task_for(found).unused(found) == "--pair-columns plays no part in the task labelled-table, which was measured"
    )
    found = given(of_texts, pairs, targets=Targets(label_column="year", number_column="score", labels="none"))
    assert TASKS["one-shot"].unused(found) == (
        "--label-column and --number-column play no part in the task one-shot, which was measured"
    )
    assert TASKS["scored-pairs"].unused(given(of_texts, pairs, targets=Targets(number_column="score"))) is None
    assert TASKS["scored-pairs"].unused(given(of_texts, pairs, targets=Targets(labels="auto"))) is None


def test_labels_and_numbers_are_settled_by_what_the_run_was_trained_for(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    data = {"text": pairs["sentence1"], "label": ["a", "b"] * 20, "age": pairs["score"]}
    assert task_for(given(of_texts, data)).name == "labelled-table"
    assert task_for(given(of_texts, data, own_number="age", trained_for="number")).name == "regression"
    assert task_for(given(of_texts, data, own_number="age", trained_for="label")).name == "labelled-table"
    assert task_for(given(of_texts, data, own_number="other", trained_for="label")).name == "labelled-table"
    assert task_for(given(of_texts, data, targets=Targets(number_column="age"))).name == "regression"
    assert task_for(given(of_texts, data, targets=Targets(labels="none"))).name == "regression"
    asked = Targets(number_column="age", label_column="label")
    assert task_for(given(of_texts, data, targets=asked, trained_for="number")).name == "regression"
    with pytest.raises(ArgumentError, match="--task labelled-table or --task regression"):
        task_for(given(of_texts, data, targets=asked))
    with pytest.raises(ArgumentError, match="--labels none leaves nothing to measure by"):
        task_for(given(of_texts, {"text": data["text"], "label": data["label"]}, targets=Targets(labels="none")))


def test_a_number_alone_is_a_target(given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]) -> None:
    found = given(of_texts, {"text": pairs["sentence1"], "length": pairs["score"]})
    assert task_for(found).name == "regression"
    assert task_for(found).prepare(found).data.endswith("numbers from 'length'")


def test_columns_that_an_encoder_of_rows_learned_from_are_no_target(
    given: Callable[..., Given], of_rows: Encoder, rows: dict[str, np.ndarray]
) -> None:
    plain = {name: rows[name] for name in "abc"}
    with pytest.raises(DataError, match="no numbers to predict"):
        task_for(given(of_rows, plain))
    assert task_for(given(of_rows, {**plain, "y": rows["age"]})).name == "regression"
    columns = [Column(name) for name in ("a", "y")]
    learned_from = build_rows("mlp", columns=columns, mean=[0.0, 40.0], scale=[1.0, 10.0], seed=0)
    assert given(learned_from, {**plain, "y": rows["age"]}).usual_column is None


def test_asking_for_classes_goes_before_pairs(
    given: Callable[..., Given], of_texts: Encoder, pairs: dict[str, Any]
) -> None:
    asked = given(of_texts, pairs, targets=Targets(label_column="year"))
    assert task_for(asked).name == "labelled-table"
