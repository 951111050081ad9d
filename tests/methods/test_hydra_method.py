"""`hydra` from its options to a run folder, and from there to the picture of the classes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from downhill import goes_downhill
from torch import nn

import contrapose
from contrapose.data import Batch, Images
from contrapose.encoders import build
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import relations
from contrapose.methods import Hydra, Supervised
from contrapose.methods.fit_to_data import fit_to_data
from contrapose.objectives import gated_contrast
from contrapose.report.facts.relations import relations_of
from contrapose.report.page import Absent, Relations
from contrapose.training.run_folder import RunFolder
from contrapose.views import ImageViews

SMALL: dict[str, Any] = {"projection_hidden": 16, "projection_dimension": 8, "gate_embedding": 6, "gate_hidden": 12}
QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "log_steps": 1, "quiet": True, **SMALL}


def labelled(pictures: np.ndarray) -> Images:
    return Images(pictures, np.repeat([0, 1, 2], 32), class_names=["cat", "dog", "fish"])


def test_it_trains_and_shows_which_classes_are_alike(pictures: np.ndarray, tmp_path: Path) -> None:
    run = contrapose.train("hydra", data=labelled(pictures), out=str(tmp_path / "run"), **QUICK)
    record = RunFolder(run.path).read_record()
    assert record["config"]["classes"] == 3  # as many as the data have, without being asked
    rows = list(RunFolder(run.path).metrics())
    assert all(0 < row["gate_openness"] < 1 for row in rows)
    assert all(row["loss"] > 0 for row in rows)
    gates = safetensors.torch.load((run.path / "class_gates.safetensors").read_bytes())["gates"]
    assert gates.shape == (3, 8)
    found = relations_of(run.path, record)
    assert isinstance(found, Relations)
    assert list(found.names) == ["cat", "dog", "fish"]
    np.testing.assert_allclose(np.asarray(found.values), relations(gates).numpy())
    assert "Mean over all 3 pairs of classes" in found.sentences[0]
    (run.path / "class_gates.safetensors").write_bytes(b"not a table")
    assert isinstance(relations_of(run.path, record), Absent)
    (run.path / "class_gates.safetensors").unlink()
    assert relations_of(run.path, record) is None


def test_its_report_draws_the_classes(pictures: np.ndarray, tmp_path: Path) -> None:
    from contrapose.commands.report import collect
    from contrapose.report import render
    from contrapose.report.charts import charts_of

    run = contrapose.train("hydra", data=labelled(pictures), out=str(tmp_path / "run"), **{**QUICK, "epochs": 1})
    page = collect(RunFolder.open(run.path))
    chart = charts_of(page)["relations-chart"]
    cells = chart["data"]["values"]
    assert {(cell["class"], cell["other"]) for cell in cells} == {
        (one, other) for one in ("cat", "dog", "fish") for other in ("cat", "dog", "fish") if one != other
    }
    html = render(page)
    assert html.index('id="research"') < html.index('id="relations"') < html.index('id="setup"')
    assert "Most alike: " in html


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("options", [{}, {"rescale": True, "average": "anchors", "gate_fusion": "product"}])
def test_a_batch_goes_downhill(precision: str, options: dict[str, Any]) -> None:
    encoder = build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8])
    learner = Hydra(classes=4, **SMALL, **options).new_learner(encoder).train()
    generator = torch.Generator().manual_seed(0)
    views = tuple(torch.rand(2, 16, 3, 8, 8, generator=generator))
    batch = Batch(views, torch.arange(16), torch.arange(16) % 4)
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-3)
    losses = []
    for _ in range(60):  # partners are drawn anew in each
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            taken = learner(batch)
            loss = taken.loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        learner.after_step([taken])
        losses.append(float(loss.detach()))
    assert goes_downhill(losses)


def test_options_reach_the_objective() -> None:
    encoder = build("small_conv", channels=3, image_size=8, seed=0, widths=[8, 8])
    options: dict[str, Any] = {"temperature": 0.3, "rescale": True, "average": "anchors"}
    learner: Any = Hydra(classes=5, pairs="identical", gate_fusion="product", **SMALL, **options).new_learner(encoder)
    assert (learner.gates.classes, learner.gates.fusion, learner.pairs) == (5, "product", "identical")
    assert learner.gates.embedding.weight.shape == (5, 6)
    assert isinstance(learner.head[-1], nn.LayerNorm)
    views = tuple(torch.rand(2, 6, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    labels = torch.tensor([0, 1, 2, 0, 1, 4])
    step = learner.train()(Batch(views, torch.arange(6), labels))
    z = step.embeddings.view(2, 6, 8)
    torch.testing.assert_close(
        step.loss.detach(), gated_contrast(z, learner.gates(labels, labels).detach(), step.pairing, **options)
    )
    assert learner.chance is not None
    equal = gated_contrast(torch.ones(2, 6, 8), torch.ones(6, 8), step.pairing, **options)
    assert learner.chance(step.pairing) == pytest.approx(float(equal), rel=1e-5)
    assert Hydra(gated=False, **SMALL).new_learner(encoder).gates is None  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [Hydra, Supervised])
def test_classes_are_counted_unless_they_are_given(kind: Any) -> None:
    fitted, notes = fit_to_data(kind(), samples=500, classes=["a", "b", "c"])
    assert fitted.classes == 3
    assert notes == ["classes is 3 instead of 10: the labels name 3 classes"]
    asked, notes = fit_to_data(kind(classes=7), samples=500, classes=["a", "b", "c"])
    assert (asked.classes, notes) == (7, [])
    assert fit_to_data(kind(), samples=500) == (kind(), [])


def test_without_labels_it_does_not_start(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="learns from labels"):
        contrapose.train("hydra", data=pictures, out=str(tmp_path / "run"), **QUICK)
    with pytest.raises(ArgumentError, match="--classes 3 or more"):
        contrapose.train("hydra", data=labelled(pictures), classes=2, out=str(tmp_path / "run"), **QUICK)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"classes": 1}, "classes must be at least 2"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"pairs": "any"}, "pairs must be one of"),
        ({"average": "sum"}, "average must be one of"),
        ({"gate_fusion": "sum"}, "gate_fusion must be one of"),
        ({"gate_hidden": 0}, "gate_hidden must be above 0"),
        ({"views": ImageViews(count=3)}, "--views.count 2"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        Hydra(**options)


def test_config_is_json(tmp_path: Path) -> None:
    from contrapose.training.config_file import to_dictionary

    assert json.loads(json.dumps(to_dictionary(Hydra())))["pairs"] == "arbitrary"
