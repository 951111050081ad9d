"""What is said of few pictures before training, and what is advised after it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import contrapose
from contrapose.commands.data_check import data_check
from contrapose.commands.evaluation import Evaluation
from contrapose.commands.gain import advised
from contrapose.commands.run_classifier import heads_of
from contrapose.data import Images
from contrapose.evaluation import Gain
from contrapose.methods import METHODS
from contrapose.modalities.expected import expected_of_photographs, expected_of_texts


def test_few_photographs_are_told_of_beforehand() -> None:
    assert "541 of them and 50 epochs" in (expected_of_photographs(541) or "")
    assert "4,000 of CIFAR-10" in (expected_of_photographs(4000) or "")
    assert expected_of_photographs(50_000) is None


def test_few_texts_are_told_of_beforehand() -> None:
    assert "word counts 75.0 %" in (expected_of_texts(1000) or "")
    assert "5 points over word counts" in (expected_of_texts(6000) or "")
    assert expected_of_texts(50_000) is None


def test_only_weights_that_fit_the_kind_are_advised() -> None:
    nothing = Gain("nothing", "Nothing.")
    assert "(--init hf:NAME, or a long RUN on texts" in advised(nothing, samples=541, noun="text").text
    assert "(--init a long RUN on rows like these)" in advised(nothing, samples=541, noun="row").text
    towers = advised(nothing, samples=541, noun="picture", learned="pair").text
    assert "541 pairs teach little" in towers
    assert "(--init hf:NAME, or a long RUN on pairs like these)" in towers


def test_data_check_says_so_and_names_unequal_classes(pictures: np.ndarray) -> None:
    labels = np.repeat([0, 1], [88, 8])
    notes = " ".join(data_check(Images(pictures, labels), quiet=True).notes)
    assert "96 photographs are few" in notes
    assert "always answering the largest is right in 91.7 %" in notes
    grey = " ".join(data_check(Images(pictures[:, :1]), quiet=True).notes)
    assert "few" not in grey


def test_what_is_not_labelled_is_no_class_of_data_check(pictures: np.ndarray) -> None:
    labels = np.where(np.arange(96) % 2, -1, np.arange(96) // 32)
    report = data_check(Images(pictures, labels, class_names=("a", "b", "c")), quiet=True)
    assert report.classes == [("a", 16), ("b", 16), ("c", 16)]


def test_the_remedy_depends_on_how_many_pictures_there_were() -> None:
    nothing = Gain("nothing", "Nothing.")
    assert "541 pictures teach little from scratch" in advised(nothing, samples=541).text
    assert "--init" in advised(nothing, samples=541).text
    assert "Train longer" in advised(nothing, samples=50_000).text
    assert "Train longer" in advised(nothing, samples=None).text
    assert "More test pictures" in advised(Gain("unclear", "?"), samples=None).text
    assert advised(Gain("gained", "Yes."), samples=541).text == "Yes."
    leaked = advised(Gain("gained", "Yes."), samples=541, leaked=3)
    assert leaked.kind == "unclear"
    assert "also in --data" in leaked.text


@pytest.fixture
def found(tmp_path: Path, pictures: np.ndarray) -> Evaluation:
    options = {"epochs": 1, "batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True}
    np.savez(tmp_path / "data.npz", images=pictures, labels=np.repeat([0, 1, 2], 32))
    data = str(tmp_path / "data.npz")
    contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **options)
    return contrapose.evaluate(tmp_path / "run", data=data, k=5, quiet=True)


def test_an_evaluation_ends_with_its_verdict_and_keeps_it(
    found: Evaluation, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found.gain is not None
    assert found.text().endswith(found.gain.text)
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["gain"] == found.gain.to_dict()
    assert "the encoder was trained on these pictures too, without their labels" in found.notes
    found.print()
    assert capsys.readouterr().out.strip() == found.text().strip()
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    found.print()
    assert "\x1b[1;3" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("heads", "words"), [("frozen", "--fine-tune"), ("tuned", "another --base"), ("alone", "--base RUN")]
)
def test_a_classifier_is_advised_as_one(heads: str, words: str) -> None:
    for samples in (200, 50_000, None):
        text = advised(Gain("worse", "Worse."), samples=samples, noun="text", heads=heads).text
        assert words in text
        assert "more labels" in text
        assert "from scratch" not in text
        assert "--init" not in text


def test_what_heads_stand_on_is_seen_from_the_options() -> None:
    classifier = METHODS["classifier"].on("rows")
    assert heads_of(classifier(data="x.csv", base="run")) == "frozen"
    assert heads_of(classifier(data="x.csv", base="run", fine_tune=True)) == "tuned"
    assert heads_of(classifier(data="x.csv")) == "alone"
    assert heads_of(METHODS["simclr"].on("rows")(data="x.csv")) == heads_of(None) == ""
