"""Heads and their folder: what they answer, there and back again, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from contrapose.encoders import build, load_encoder
from contrapose.encoders.classifier_folder import classifier_folder, load_heads, save_classifier
from contrapose.encoders.heads import Heads, Question
from contrapose.errors import ArgumentError, RunError

CELLS = Question("cell", ("basophil", "Ödem"), (3, 4), temperature=2.0, threshold=0.3, positive=0, chosen={"aim": "f1"})
PLANTS = Question("plant", ("a", "b", "c"), (1, 2, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    encoder = build("small_conv", channels=1, image_size=16, seed=0, widths=[4, 8])
    heads = Heads(encoder.dimension, [2, 3])
    heads.standardise(torch.randn(50, encoder.dimension, generator=torch.Generator().manual_seed(1)))
    torch.manual_seed(0)
    for weight in heads.parameters():
        torch.nn.init.normal_(weight)
    save_classifier(encoder, heads, [CELLS, PLANTS], tmp_path / "run" / "classifier", extra={"step": 3})
    return tmp_path / "run" / "classifier"


def test_it_comes_back_as_it_was_and_is_an_encoders_folder_too(folder: Path) -> None:
    found = load_heads(folder)
    assert found.questions == (CELLS, PLANTS)
    assert json.loads((folder / "classifier.json").read_text())["kind"] == "classifier"
    assert classifier_folder(folder) == classifier_folder(folder.parent) == folder
    assert classifier_folder(folder.parent.parent) is None
    z = torch.randn(5, load_encoder(folder).dimension)
    assert [logits.shape for logits in found.logits(z)] == [(5, 2), (5, 3)]
    assert not any(path.suffix in (".pkl", ".pt", ".py") for path in folder.iterdir())


def test_answers_are_by_temperature_and_threshold() -> None:
    logits = torch.tensor([[2.0, 4.0], [-2.0, 4.0]])
    p = CELLS.probabilities(logits)
    assert torch.allclose(p, (logits.double() / 2).softmax(dim=1))
    assert float(p[0, 0]) == pytest.approx(1 / (1 + torch.e)) == pytest.approx(0.2689, abs=1e-4)
    assert CELLS.answers(p).tolist() == [1, 1]
    assert CELLS.answers(torch.tensor([[0.3, 0.7], [0.29, 0.71]])).tolist() == [0, 1]
    assert PLANTS.answers(torch.tensor([[0.2, 0.5, 0.3]])).tolist() == [1]


def test_dimensions_that_never_vary_stay_small() -> None:
    heads = Heads(2, [2])
    heads.standardise(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert heads.mean.tolist() == [2.0, 5.0]
    assert heads.scale.tolist() == [1.0, 1.0]


def test_questions_that_make_no_sense() -> None:
    for classes, counts in ((("a",), (1,)), (("a", "a"), (1, 1)), (("a", "b"), (1,))):
        with pytest.raises(ArgumentError):
            Question("x", classes, counts)
    with pytest.raises(ArgumentError, match="A threshold is for two classes"):
        Question("x", ("a", "b", "c"), (1, 1, 1), threshold=0.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "Update contrapose"),
        ({"questions": [{"name": "x"}]}, "is damaged"),
        ({"dimension": 3}, "does not belong to its classifier.json"),
    ],
)
def test_damage_is_named(folder: Path, change: dict[str, object], said: str) -> None:
    file = folder / "classifier.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(RunError, match=said):
        load_heads(folder)
    (folder / "classifier.safetensors").write_bytes(b"nothing")
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2, "dimension": 8, "questions": []}))
    with pytest.raises(RunError, match="damaged or truncated"):
        load_heads(folder)
