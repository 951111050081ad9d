"""`imaginet` from its options to a run folder: two ways of labelling, early exits, views that are not resized."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from downhill import goes_downhill

import contrapose
from contrapose.data import Batch, Images
from contrapose.encoders import build, load_encoder
from contrapose.errors import ArgumentError, DataError
from contrapose.learners import MultiExit, OriginAndFamily
from contrapose.methods import METHODS
from contrapose.methods.fit_to_data import fit_to_data
from contrapose.objectives import multi_label_self_con, sup_con
from contrapose.training.run_folder import RunFolder

SMALL: dict[str, Any] = {"projection_hidden": 16, "projection_dimension": 8}
QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 24, "log_steps": 1, "quiet": True, "encoder": "tiny_conv", **SMALL}
METHOD: Any = METHODS["imaginet"]


def learner_of(**options: Any) -> Any:
    encoder = build("no_down_conv", channels=3, image_size=8, seed=0, widths=[4, 8, 8, 8])
    return METHOD(**SMALL, **options).new_learner(encoder).train()


def a_batch(labels: torch.Tensor, family: torch.Tensor | None = None) -> Batch:
    pictures = torch.rand(len(labels), 3, 8, 8, generator=torch.Generator().manual_seed(0))
    pictures[labels > 0, :, ::2] *= 0.5  # a trace to be found
    targets = {"label": labels} | ({} if family is None else {"family": family.double()})
    return Batch((pictures,), torch.arange(len(labels)), targets=targets)


def test_it_trains_from_families_with_real_ones_among_them(pictures: np.ndarray, tmp_path: Path) -> None:
    images = Images(pictures, np.arange(96) % 3, class_names=("diffusion", "gan", "real"))
    run = contrapose.train("imaginet", data=images, out=str(tmp_path / "run"), **QUICK)
    record = RunFolder(run.path).read_record()["config"]
    assert (record["real"], record["views"]["recipe"], record["views"]["count"]) == ("2", "forensic", 1)
    for row in RunFolder(run.path).metrics():
        assert row["loss"] == pytest.approx(row["origin_term"] + row["family_term"], rel=1e-4)
        assert math.isfinite(row["family_term"])
        assert row["family_term"] > 0
        assert 0 < row["synthetic_share"] < 1
    encoder: Any = load_encoder(run.path / "encoder")
    assert encoder.arguments["strides"] == [1, 2, 2, 1]
    assert encoder.feature_maps(torch.zeros(1, 3, 16, 16))[0].shape[-1] == 16  # every pixel is looked at first


def test_it_trains_from_two_columns_of_an_archive(pictures: np.ndarray, tmp_path: Path) -> None:
    made = np.array(["none", "gan", "diffusion"])[np.arange(96) % 3]
    origin = np.where(made == "none", "real", "synthetic")
    np.savez(tmp_path / "data.npz", images=pictures.transpose(0, 2, 3, 1), label=origin, generator=made)
    options = {"data": str(tmp_path / "data.npz"), "family_column": "generator", **QUICK, "seed": 3}
    run = contrapose.train("imaginet", out=str(tmp_path / "two"), **options)
    rows = list(RunFolder(run.path).metrics())
    assert RunFolder(run.path).read_record()["config"]["real"] == "0"
    assert all(row["family_term"] > 0 for row in rows)
    images = Images(pictures, np.array([2, 1, 0])[np.arange(96) % 3], class_names=("diffusion", "gan", "real"))
    same = contrapose.train("imaginet", data=images, out=str(tmp_path / "one"), **QUICK, seed=3)
    assert [row["loss"] for row in RunFolder(same.path).metrics()] == pytest.approx([row["loss"] for row in rows])
    resumed = contrapose.resume(run.path, epochs=2, quiet=True)
    assert resumed.outcome.steps == 8
    with pytest.raises(ArgumentError, match="generatr"):
        contrapose.train("imaginet", out=str(tmp_path / "slip"), **{**options, "family_column": "generatr"})


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_batch_goes_downhill(precision: str) -> None:
    learner, batch = learner_of(), a_batch(torch.arange(16) % 3)
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-2)
    losses = []
    for _ in range(20):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            step = learner(batch)
        optimizer.zero_grad()
        step.loss.backward()
        optimizer.step()
        losses.append(float(step.loss.detach()))
    assert goes_downhill(losses)


def test_options_reach_the_objective() -> None:
    labels, how = torch.tensor([1, 0, 2, 0, 1, 2]), {"temperature": 0.3, "base_temperature": 0.1}
    weights = {"origin_weight": 2.0, "family_weight": 0.5}
    learner = learner_of(**how, **weights, exits=(0, 1), anchors="sub-networks", real="1").eval()
    batch = a_batch(labels)
    z = learner._exits(batch.views[0])
    assert z.shape == (3, 6, 8)
    expected = multi_label_self_con(z, (labels != 1).long(), labels, sub_networks_only=True, **how, **weights)
    torch.testing.assert_close(learner(batch).loss, expected)
    families = torch.tensor([-1, 3, 3, 4, -1, 4])
    expected = multi_label_self_con(z, (labels != 1).long(), families, sub_networks_only=True, **how, **weights)
    torch.testing.assert_close(learner(a_batch(labels, families)).loss, expected)
    assert not any(isinstance(module, torch.nn.BatchNorm1d) for module in learner.heads.modules())


def test_without_the_second_term_it_is_selfcon_by_origin() -> None:
    learner, batch = learner_of(family_weight=0.0, real="0").eval(), a_batch(torch.arange(12) % 3)
    plain = MultiExit(
        learner.encoder,
        lambda size: torch.nn.Identity(),
        lambda z, pairing, rows: sup_con(z, pairing=pairing, temperature=0.07, base_temperature=0.07, rows=rows),
        exits=(1,),
        use_labels=True,
    )
    plain.heads = learner.heads
    same = plain.eval()(Batch(batch.views, batch.indices, labels=(batch.targets["label"] > 0).long()))
    torch.testing.assert_close(learner(batch).loss, same.loss)


def test_chunks_give_the_gradient_of_the_whole_and_move_statistics_once() -> None:
    batch, gradients, kept = a_batch(torch.arange(10) % 3), [], []
    for chunk in (None, 4):
        learner = learner_of(chunk=chunk).double()
        for layer in learner.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.eval()
        learner(batch).loss.backward()
        gradients.append({name: weight.grad for name, weight in learner.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, rtol=1e-6, atol=1e-12, msg=name)
    for backward in (False, True):
        learner = learner_of(chunk=4)
        loss = learner(batch).loss
        if backward:
            loss.backward()
        kept.append({name: value.clone() for name, value in learner.named_buffers()})
    assert all(torch.equal(kept[0][name], kept[1][name]) for name in kept[0])
    counted = [int(value) for name, value in kept[1].items() if name.endswith("num_batches_tracked")]
    assert counted == 4 * [3]


def test_from_made_pictures_to_a_detector_that_is_set_right_elsewhere(tmp_path: Path) -> None:
    """Encoder, head, calibration and the table of corruptions, each by the artifact of the one before."""
    made, run, head = "made:fingerprints?count=72", tmp_path / "run", tmp_path / "head"
    contrapose.train("imaginet", data=made, out=str(run), **QUICK)
    contrapose.train(
        "classifier", data=made, base=str(run), label_columns=("origin", "family"), out=str(head), epochs=1, quiet=True
    )
    base, kept = (load_encoder(path / "encoder").state_dict() for path in (run, head))
    assert all(torch.equal(base[name], kept[name]) for name in base)  # running statistics, too, stay as they were
    calibrated = tmp_path / "calibrated"
    contrapose.calibrate(head, f"{made}&seed=1", out=calibrated, quiet=True)
    origin, family = contrapose.load_classifier(calibrated).questions
    assert (origin.name, origin.classes, len(family.classes)) == ("origin", ("real", "synthetic"), 5)
    found = contrapose.evaluate(calibrated, data=f"{made}&seed=2", task="corruptions", quiet=True).arms["trained"]
    assert {"AUC of origin; JPEG 50", "accuracy of origin, balanced; blur of 1 px"} <= found.keys()
    assert "accuracy of family, balanced; resized by 0.5" in found
    assert "AUC of family" not in found


def test_the_real_class_is_the_one_called_so_the_first_of_two_or_the_one_that_is_named() -> None:
    def number(real: str | None, names: list[str]) -> Any:
        return fit_to_data(METHOD(real=real), samples=500, classes=names)[0].real  # type: ignore[attr-defined]

    assert number(None, ["gan", "Real", "sd"]) == "1"
    assert number(None, ["0", "1"]) == "0"
    assert number("camera", ["camera", "gan", "sd"]) == "0"
    with pytest.raises(ArgumentError, match=r"none of the 3 classes is called real \(a, b, c\).*--real NAME"):
        number(None, ["a", "b", "c"])
    with pytest.raises(ArgumentError, match="Did you mean 'camera'"):
        number("camara", ["camera", "gan", "sd"])


def test_residual_networks_keep_the_resolution_too() -> None:
    assert METHOD(encoder="resnet50").encoder_arguments == {"no_down": True}
    assert METHOD(encoder="vit_micro").encoder_arguments == {}
    encoder: Any = build("resnet18", channels=3, image_size=16, seed=0, no_down=True)
    assert [maps.shape[-1] for maps in encoder.feature_maps(torch.zeros(1, 3, 16, 16))] == [16, 8, 4, 2]
    with pytest.raises(ArgumentError, match="two stems"):
        build("resnet18", channels=3, image_size=16, small_stem=True, no_down=True)


def test_data_of_one_origin_or_of_no_labels_do_not_start(pictures: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="learns from labels"):
        contrapose.train("imaginet", data=pictures, out=str(tmp_path / "run"), **QUICK)
    learner = learner_of(real="1")
    assert isinstance(learner, OriginAndFamily)
    with pytest.raises(ArgumentError, match=r"No sample is synthetic: .*--real"):
        learner.see_targets({"label": np.ones(5)})
    with pytest.raises(ArgumentError, match="No sample is real"):
        learner.see_targets({"label": np.zeros(5)})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"family_weight": -1.0}, "family_weight must be 0 or more"),
        ({"exits": ()}, "one or more stages"),
        ({"chunk": 1}, "chunk must be at least 2"),
        ({"anchors": "one"}, "anchors"),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        METHOD(**options)
