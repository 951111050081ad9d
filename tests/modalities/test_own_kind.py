"""A kind of data from outside of the package does what those of the house do, once its module is imported."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
from event_kind import EventEncoder, EventOptions, Events, histories, make_known

import contrapose
from contrapose.commands.evaluate import evaluate
from contrapose.commands.export import export
from contrapose.commands.report import report
from contrapose.commands.search import search
from contrapose.data import Batch
from contrapose.encoders import load_encoder, save_encoder
from contrapose.encoders.architecture import _FOREIGN
from contrapose.errors import ArgumentError, RunError
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES, register
from contrapose.report.cards import PictureCard, show
from contrapose.report.facts.views import views_of
from distributed_helper import run_ranks

QUICK = {"epochs": 2, "batch_size": 16, "projection_hidden": 8, "projection_dimension": 4, "quiet": True}


@pytest.fixture(scope="module", autouse=True)
def known() -> Iterator[None]:
    """Here alone: the common checks run over the kinds of the house."""
    make_known()
    yield
    MODALITIES._entries.pop("events")
    _FOREIGN.pop("events")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return contrapose.train(
        "simclr", data=histories(), out=str(tmp_path_factory.mktemp("events") / "run"), **QUICK
    ).path


def test_it_trains_with_options_of_its_own_and_is_kept(run: Path) -> None:
    record = json.loads((run / "config.json").read_text())
    assert record["modality"] == "events"
    assert record["config"]["views"] == {"count": 2, "drop": 0.3}
    assert json.loads((run / "encoder" / "encoder.json").read_text())["form"] == {"modality": "events", "events": 10}
    with pytest.raises(ArgumentError, match="Did you mean 'width'"):
        contrapose.train("simclr", data=histories(), widht=4, **QUICK)


@pytest.mark.parametrize("method", ["moco", "mmcl", "swav", "supcon"])
def test_other_methods_as_they_are(method: str, tmp_path: Path) -> None:
    options = {"moco": {"queue": 32}, "swav": {"prototypes": 4}}.get(method, {})
    outcome = contrapose.train(method, data=histories(), out=str(tmp_path / "run"), **QUICK, **options).outcome
    assert np.isfinite(outcome.loss)


def test_it_goes_on_bit_for_bit(tmp_path: Path) -> None:
    options = {**QUICK, "queue": 32, "schedule": "constant", "warmup_share": 0.0, "data": histories()}
    contrapose.train("moco", out=str(tmp_path / "part"), **options)
    again = contrapose.resume(tmp_path / "part", data=histories(), epochs=3, quiet=True)
    straight = contrapose.train("moco", out=str(tmp_path / "straight"), **{**options, "epochs": 3})
    one, two = (load_encoder(other.path / "encoder").state_dict() for other in (again, straight))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_it_is_measured_embedded_and_started_from(run: Path, tmp_path: Path) -> None:
    found = evaluate(run, data=histories(), test_data=histories(40, seed=1), quiet=True)
    assert list(found.arms)[:3] == ["trained", "untrained", "event counts"]
    assert found.arms["event counts"]["kNN"].value > 0.8
    assert "picture" not in found.text()
    encoder = contrapose.load(run)
    together = encoder.embed(histories())
    assert together.shape == (60, 8)
    np.testing.assert_allclose(encoder.embed(histories().subset([3]))[0], together[3], rtol=1e-5, atol=1e-6)
    with pytest.raises(ArgumentError, match="takes sequences, and was given pictures"):
        encoder.embed(contrapose.data.Images(np.zeros((2, 3, 8, 8), np.uint8)))
    more = contrapose.train("mmcl", data=histories(), init=str(run), out=str(tmp_path / "more"), **QUICK)
    assert (more.path / "initial" / "encoder.json").is_file()
    with pytest.raises(ArgumentError, match=r"are weights for .*, and these data are texts"):
        contrapose.train("simclr", data=["a b", "c d", "e f", "g h"], init=str(run), epochs=1, quiet=True)


def test_it_is_shown_shared_and_searched(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("altair")
    evaluate(run, data=histories(), quiet=True)
    page = report(run, data=histories(), out=str(tmp_path / "page.html"), quiet=True).read_text()
    assert "event 1 then event" in page
    assert "each without 30 % of the events" in page
    folder = export(run, to="folder", out=str(tmp_path / "shared"), quiet=True)
    card = (Path(folder) / "README.md").read_text()
    assert "An encoder of sequences" in card
    assert "Histories([[1, 2, 3]])" in card
    assert "Without contrapose" not in card
    with pytest.raises(RunError, match="of events data cannot become an ONNX file: EventEncoder has no onnx_form"):
        export(run, to="onnx", out=str(tmp_path / "model.onnx"), quiet=True)
    found = search(run, histories().subset([4]), data=histories(), k=3, quiet=True)
    assert "event" in (found[0][0].excerpt or "")


def gradients(processes: int) -> list[torch.Tensor]:
    """Of a step on 16 sequences, dealt to so many processes, as DistributedDataParallel averages them."""
    make_known()
    config = METHODS["simclr"].on("events")(projection_layers=0, batch_size=16)
    samples = histories(16)
    learner, make = assemble(config, samples)
    views = make(samples.batch(np.arange(16)), generator=torch.Generator().manual_seed(0))
    rank = dist.get_rank() if processes > 1 else 0
    own = torch.arange(16).chunk(processes)[rank]  # (B,)
    learner(Batch(views=tuple(view[own] for view in views), indices=own)).loss.backward()
    found = [weight.grad.clone() for weight in learner.encoder.parameters()]
    for gradient in found if processes > 1 else ():
        dist.all_reduce(gradient)
    return [gradient / processes for gradient in found]


def test_two_processes_are_one() -> None:
    for rank in run_ranks(gradients, 2):
        for ours, theirs in zip(gradients(1), rank, strict=True):
            assert ours.abs().max() > 1e-6
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)


def test_whoever_lacks_its_module_is_told_to_import_it(run: Path, tmp_path: Path) -> None:
    code = (
        "import sys, contrapose\nfrom contrapose.errors import ContraposeError\n"
        "for what in (contrapose.load, contrapose.resume):\n"
        "    try:\n        what(sys.argv[1])\n    except ContraposeError as error:\n        print(error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(run)], capture_output=True, text=True, check=True, timeout=120
    )
    loaded, resumed = ran.stdout.strip().splitlines()
    assert "data of the kind 'events', which nobody has registered here: import the module" in loaded
    assert "Unknown modality 'events'" in resumed
    assert "once the module that registers it is imported" in resumed


def test_a_descriptor_says_all_that_it_has_to() -> None:
    with pytest.raises(ArgumentError, match="'events' is registered already"):
        register(Events())

    class Nameless(contrapose.modalities.Modality):
        pass

    Nameless.__abstractmethods__ = frozenset()
    with pytest.raises(ArgumentError, match=r"Nameless describes .* does not say its name, noun, plural, options"):
        register(Nameless())


def test_a_damaged_description_is_one_sentence(tmp_path: Path, run: Path) -> None:
    shutil.copytree(run / "encoder", tmp_path / "encoder")
    file = tmp_path / "encoder" / "encoder.json"
    found = json.loads(file.read_text())
    file.write_text(json.dumps({**found, "form": {"modality": "events", "events": "many"}}))
    with pytest.raises(RunError, match="events='many' cannot be used"):
        contrapose.load(tmp_path / "encoder")
    save_encoder(EventEncoder(5, 4), tmp_path / "own")
    assert isinstance(load_encoder(tmp_path / "own"), EventEncoder)


def test_one_that_is_drawn_is_shown_as_a_picture(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><title>nine</title></svg>'
    monkeypatch.setattr(Events, "drawing", lambda self, samples, row: drawing)
    monkeypatch.setattr(Events, "view_drawings", lambda self, view, encoder: [drawing] * len(view))
    samples, encoder = histories(), load_encoder(run / "encoder")
    shown = show(samples)(3)
    assert isinstance(shown, PictureCard)
    kind, _, data = shown.source.partition(",")
    assert (kind, base64.b64decode(data).decode()) == ("data:image/svg+xml;base64", drawing)
    assert shown.alt == f"sequence {samples.identifiers[3]}"
    (row, *_) = views_of(samples, encoder, EventOptions().views).rows
    assert [row.original.hover(), *(view.hover() for view in row.views)] == [{"image": shown.source}] * 7
