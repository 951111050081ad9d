"""A classifier on a trained encoder: what is learned and what stays, killed and resumed, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
import torch

import contrapose
from contrapose import cli
from contrapose.classifier import Classifier, load_classifier
from contrapose.commands.compare import compare
from contrapose.encoders import fingerprint_of
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"batch_size": 16, "learning_rate": 1e-2, "device": "cpu", "quiet": True}


def write(path: Path, count: int = 120, seed: int = 0) -> Path:
    """Rows that tell a class of three; a second one of two, which every third row has not."""
    random = np.random.default_rng(seed)
    kind, sick = random.integers(0, 3, count), random.integers(0, 2, count)
    columns = {
        "a": (kind + random.normal(0, 0.3, count)).round(4),
        "b": (2 * sick + random.normal(0, 0.5, count)).round(4),
        "c": random.normal(0, 1, count).round(4),
        "kind": np.array(["oak", "elm", "ash"])[kind],
        "sick": [None if row % 3 == 0 else ("yes" if value else "no") for row, value in enumerate(sick)],
    }
    polars.DataFrame(columns).write_csv(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data to learn from and to test on, and a pretrained run `base`."""
    folder = tmp_path_factory.mktemp("classifier")
    data = write(folder / "train.csv")
    write(folder / "test.csv", seed=1)
    ignored = ("kind", "sick")
    contrapose.train("simclr", data=data, ignore_columns=ignored, epochs=1, out=str(folder / "base"), **QUICK)
    return folder


@pytest.fixture
def train(folder: Path, tmp_path: Path) -> Callable[..., Path]:
    def run(name: str = "run", **options: Any) -> Path:
        given = {"base": folder / "base", "data": folder / "train.csv", "label_column": "kind", "epochs": 3, **QUICK}
        return contrapose.train("classifier", out=str(tmp_path / name), **{**given, **options}).path

    return run


def weights(run: Path) -> str:
    return fingerprint_of(contrapose.load(run).encoder)


def test_a_frozen_encoder_stays_and_a_fine_tuned_one_moves(folder: Path, train: Callable[..., Path]) -> None:
    frozen = train("frozen", epochs=21)
    assert weights(frozen) == weights(frozen / "classifier") == weights(folder / "base")
    classifier = load_classifier(frozen)
    assert classifier.classes == ("ash", "elm", "oak")
    truths = polars.read_csv(folder / "test.csv")["kind"].to_numpy()
    answers, p = (ask(folder / "test.csv") for ask in (classifier.predict, classifier.predict_proba))
    assert (answers == truths).mean() > 0.8
    assert p.shape == (120, 3)
    assert np.allclose(p.sum(axis=1), 1)
    assert (np.array(classifier.classes)[p.argmax(axis=1)] == answers).all()
    tuned = train("tuned", fine_tune=True, epochs=1)
    assert weights(tuned) == weights(tuned / "classifier") != weights(folder / "base")
    assert train("new", base=None, ignore_columns=("sick",), epochs=1)


def test_few_labels_are_drawn_of_each_class_and_said(train: Callable[..., Path]) -> None:
    run = train(labels_per_class=5, seed=3)
    record = RunFolder(run).read_record()
    assert record["data"]["samples"] == 15
    assert any("5 labels of each of 3 classes drawn (seed 3): 15 of 120" in note for note in record["data"]["notes"])
    assert load_classifier(run).questions[0].counts == (5, 5, 5)


def test_a_killed_run_goes_on_bit_for_bit_to_the_same_artifact(folder: Path, train: Callable[..., Path]) -> None:
    options = {"label_column": "sick", "threshold": "f1", "checkpoint_steps": 5, "fine_tune": True}
    whole, half = train("whole", **options), train("half", **options)
    for path in list_checkpoints(half / "checkpoints"):
        if load_checkpoint(path)["step"] > 5:
            path.unlink()
    contrapose.resume(half, quiet=True)
    one, two = (load_newest(RunFolder(run).checkpoints)[0]["learner"] for run in (whole, half))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    for name in ("classifier.json", "classifier.safetensors", "encoder.safetensors"):
        assert (whole / "classifier" / name).read_bytes() == (half / "classifier" / name).read_bytes()
    found = load_classifier(whole).questions[0]
    assert (found.classes[found.positive], found.chosen["aim"]) == ("yes", "f1")
    assert found.temperature != 1.0
    held = int(found.chosen["held_out"])
    assert 14 <= held <= 18
    assert sum(found.counts) == 80 - held


def test_several_columns_are_several_questions(
    folder: Path, train: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(label_column=None, label_columns=("kind", "sick"), epochs=21)
    classifier = load_classifier(run)
    assert [(one.name, sum(one.counts)) for one in classifier.questions] == [("kind", 120), ("sick", 80)]
    truths = polars.read_csv(folder / "test.csv")["sick"]
    known = truths.is_not_null().to_numpy()
    answers = classifier.predict(folder / "test.csv", question="sick")
    assert (answers == truths.to_numpy())[known].mean() > 0.8
    with pytest.raises(ArgumentError, match="it tells kind, sick"):
        classifier.predict(folder / "test.csv", question="size")
    found = contrapose.evaluate(run, test_data=folder / "test.csv", quiet=True)
    assert found.task == "classification"
    assert set(found.arms) == {"trained", "untrained", "standardised columns", "majority class"}
    assert found.arms["trained"]["accuracy of sick, balanced"].count == int(known.sum())
    assert found.gain is not None
    cli.main(["apply", str(run), str(folder / "test.csv"), "--out", str(tmp_path / "p.csv")])
    assert "Wrote the classes of 120 rows" in capsys.readouterr().out
    table = polars.read_csv(tmp_path / "p.csv")
    names = ["kind", "kind_p_ash", "kind_p_elm", "kind_p_oak", "sick", "sick_p_no", "sick_p_yes"]
    assert table.columns == ["identifier", *names]
    assert table["sick"].to_list() == answers.tolist()


def test_it_is_measured_on_what_it_did_not_learn_from_and_handed_on(
    folder: Path, train: Callable[..., Path], tmp_path: Path
) -> None:
    run = train(labels_per_class=8, epochs=21)
    rest = contrapose.evaluate(run, quiet=True)
    assert rest.arms["trained"]["accuracy"].count == 120 - 24
    assert any("24 of 120 labelled rows were learned from, and are left out" in note for note in rest.notes)
    assert rest.arms["trained"]["macro-F1"].value > rest.arms["majority class"]["macro-F1"].value
    other = train("other", labels_per_class=4, epochs=21)
    contrapose.evaluate(run, test_data=folder / "test.csv", quiet=True)
    contrapose.evaluate(other, test_data=folder / "test.csv", quiet=True)
    compared = compare([run, other], quiet=True).text()
    assert "macro-F1" in compared
    shared = contrapose.export(run, to="folder", out=tmp_path / "share", quiet=True)
    card = (shared / "README.md").read_text()
    assert "tabular-classification" in card
    assert "ash (8), elm (8), oak (8)" in card
    assert str(tmp_path) not in card
    again = load_classifier(shared)
    assert isinstance(again, Classifier)
    assert (again.predict(folder / "test.csv") == load_classifier(run).predict(folder / "test.csv")).all()
    assert json.loads((run / "evaluation.json").read_text())["task"] == "classification"


def test_bad_input_is_told_in_a_sentence(folder: Path, train: Callable[..., Path], tmp_path: Path) -> None:
    table = polars.read_csv(folder / "train.csv")
    table.with_columns(kind=polars.lit("oak")).write_csv(tmp_path / "one.csv")
    table.drop("kind", "sick").write_csv(tmp_path / "none.csv")
    polars.read_csv(folder / "test.csv").with_columns(kind=polars.lit("fir")).write_csv(tmp_path / "strange.csv")
    (tmp_path / "texts.txt").write_text("some words\nand others\n" * 20)
    (tmp_path / "empty").mkdir()
    for options, error, said in (
        ({"data": tmp_path / "one.csv"}, DataError, r"holds one class only of kind \(oak\)"),
        ({"data": tmp_path / "none.csv", "label_column": None}, DataError, "learns from labels and the data has none"),
        ({"label_column": "knd"}, ArgumentError, "Did you mean 'kind'"),
        ({"label_column": None, "label_columns": ("kind", "sik")}, ArgumentError, "Did you mean 'sick'"),
        ({"label_column": "c"}, DataError, r"(?s)"),
        ({"data": tmp_path / "texts.txt", "label_column": None}, ArgumentError, "--base .* are weights for rows"),
        ({"base": tmp_path / "empty"}, RunError, "There is no encoder in"),
        ({"base": tmp_path / "nowhere"}, RunError, "holds no encoder"),
        ({"threshold": "f1"}, ArgumentError, "A threshold is for two classes, and kind has more"),
        ({"label_column": "sick", "threshold": "f1", "positive": "maybe"}, ArgumentError, "no class of sick: no, yes"),
        ({"init": folder, "epochs": 1}, ArgumentError, "base and init"),
    ):
        with pytest.raises(error, match=said):
            train("refused", **options)
        assert not (tmp_path / "refused").exists()
    with pytest.raises(RunError, match=r"holds no classifier, only an encoder\. Train one on it"):
        load_classifier(folder / "base")
    run = train()
    with pytest.raises(DataError, match="knows none of the classes of kind in the test data: fir"):
        contrapose.evaluate(run, test_data=tmp_path / "strange.csv", quiet=True)
    with pytest.raises(DataError, match="learned from all labelled rows"):
        contrapose.evaluate(run, quiet=True)
    mixed = polars.read_csv(folder / "test.csv")
    mixed[5, "kind"] = "fir"
    mixed.write_csv(tmp_path / "mixed.csv")
    found = contrapose.evaluate(run, test_data=tmp_path / "mixed.csv", quiet=True)
    assert any("1 test class of kind the classifier has not learned" in note for note in found.notes)
