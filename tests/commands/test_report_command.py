"""`contrapose report`: a page from a run, whatever has become of its data, and one sentence where there can be none."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tyro

import contrapose
from contrapose.commands.evaluate import evaluate
from contrapose.commands.report import ReportOptions, collect, report
from contrapose.encoders import Encoder, build
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.errors import ArgumentError, DataError, MissingExtraError, RunError
from contrapose.methods import METHODS
from contrapose.modalities import MODALITIES
from contrapose.report import Absent
from contrapose.report.facts.pairing import pairing_of
from contrapose.report.page import Curves, Gallery, Map, PairingPicture, Results, Spectra, Views
from contrapose.training.run_folder import RunFolder
from kind_cases import WRITERS

OPTIONS = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8, "quiet": True, "device": "cpu"}
NASTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on 96 labelled pictures of three classes."""
    root = tmp_path_factory.mktemp("report")
    random = np.random.default_rng(0)
    base, noise = random.integers(0, 255, size=(3, 3, 16, 16)), random.integers(-40, 40, size=(96, 3, 16, 16))
    pictures = (np.repeat(base, 32, axis=0) + noise).clip(0, 255).astype(np.uint8)
    np.savez(root / "birds.npz", images=pictures, labels=np.repeat(np.arange(3), 32))
    np.save(root / "unlabelled.npy", pictures)
    contrapose.train("simclr", data=root / "birds.npz", epochs=1, out=str(root / "run"), **OPTIONS)  # type: ignore[arg-type]
    return root


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained / "run", tmp_path / "run")


def edit(file: Path, change: Any) -> None:
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


def test_the_page_of_a_labelled_run_is_whole(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda address: pytest.fail("nobody asked for a browser"))
    file = report(run)
    assert file == run / "report.html"
    assert capsys.readouterr().out.startswith(f"Wrote {file} (")
    html = file.read_text(encoding="utf-8")
    assert "simclr on birds.npz" in html
    assert html.count("Not shown.") == 1
    assert f"contrapose evaluate {run} --data LABELLED" in html
    assert report(run, out=run.parent / "again.html", quiet=True).read_bytes() == file.read_bytes()


def test_every_section_has_its_facts(run: Path) -> None:
    page = collect(RunFolder.open(run))
    facts = dict(page.head.facts)
    assert page.head.finished
    assert (facts["Epochs"], facts["Steps"], facts["Samples"]) == ("1 of 1", "6 of 6", "96")
    assert METHODS["simclr"].about.paper == facts["Paper"]
    assert isinstance(page.curves, Curves)
    assert {curve.name for curve in page.curves.curves} >= {"Loss", "Learning rate", "Gradient norm", "Spread"}
    assert isinstance(page.map, Map)
    assert len(page.map.points) == 18  # a fifth of each class
    assert page.map.every_class == ["class 0", "class 1", "class 2"]
    assert isinstance(page.gallery, Gallery)
    assert all(near.hit is not None for query in page.gallery.queries for near in query.neighbours)
    assert isinstance(page.views, Views)
    assert isinstance(page.pairing, PairingPicture)
    assert page.pairing.rows[0][1] == [".", "-", "-", "-", "+", "-", "-", "-"]
    assert isinstance(page.spectra, Spectra)
    assert ("epochs", "1") in page.setup.changed
    assert not {"views.hue", "seed"} & {name for name, _ in page.setup.changed}
    assert {"views.hue", "seed"} <= {name for name, _ in page.setup.options}
    assert {"config.json", "encoder/encoder.safetensors"} <= {name for name, _ in page.setup.files}


def test_without_labels_the_page_is_whole_too(run: Path, trained: Path) -> None:
    page = collect(RunFolder.open(run), data=trained / "unlabelled.npy")
    assert isinstance(page.map, Map)
    assert len(page.map.points) == 96
    assert not page.map.classes
    assert isinstance(page.gallery, Gallery)
    assert isinstance(page.gallery.confusions, Absent)
    assert all(near.hit is None for query in page.gallery.queries for near in query.neighbours)


def test_queries_come_from_the_test_data(run: Path, trained: Path, tmp_path: Path) -> None:
    with np.load(trained / "birds.npz") as arrays:
        np.savez(tmp_path / "test.npz", images=arrays["images"][::4], labels=arrays["labels"][::4])
    page = collect(RunFolder.open(run), test_data=tmp_path / "test.npz", limit=48)
    assert isinstance(page.map, Map)
    assert len(page.map.points) == 24
    assert isinstance(page.gallery, Gallery)
    assert "among 48 samples; queries from 24 others" in page.gallery.method


def test_data_that_are_gone_cost_their_sections_only(run: Path) -> None:
    edit(run / "config.json", lambda record: record["config"].update(data="/nowhere/birds"))
    edit(run / "config.json", lambda record: record["data"].pop("places"))  # where they lay, and from the run folder
    page = collect(RunFolder.open(run))
    for section in (page.map, page.gallery, page.views, page.spectra):
        assert isinstance(section, Absent)
        assert "cannot be opened" in section.why
        assert "--data" in section.why
    assert isinstance(page.curves, Curves)
    assert isinstance(page.pairing, PairingPicture)
    assert "cannot be opened" in report(run, quiet=True).read_text(encoding="utf-8")


def test_data_from_python_are_asked_for(run: Path) -> None:
    edit(run / "config.json", lambda record: record["config"].update(data="(given in Python)"))
    page = collect(RunFolder.open(run))
    assert isinstance(page.map, Absent)
    assert "handed over in Python" in page.map.why


def test_a_half_finished_run_says_how_to_continue(run: Path) -> None:
    edit(run / "encoder" / "encoder.json", lambda found: found["extra"].update(step=3))
    head = collect(RunFolder.open(run)).head
    assert not head.finished
    assert head.status == f"half-finished: step 3 of 6; continue with: contrapose train --resume {run}"
    assert dict(head.facts)["Epochs"] == "0.5 of 1"


def test_a_collapsed_encoder_still_has_its_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.embedder.Embedder.embed", lambda self, images: np.zeros((len(images), 4)))
    page = collect(RunFolder.open(run))
    for section in (page.map, page.gallery, page.spectra):
        assert isinstance(section, Absent)
        assert "zeros" in section.why
    assert isinstance(page.views, Views)


def test_what_was_measured_stands_on_the_page(run: Path) -> None:
    contrapose.evaluate(run, diagnosis=True, quiet=True)
    results = collect(RunFolder.open(run)).results
    assert isinstance(results, Results)
    assert [arm for arm, _ in results.rows][:3] == ["trained", "untrained", "raw pixels"]
    assert "kNN" in results.columns
    assert "[" in results.rows[0][1][0]
    assert {"spread", "effective rank"} <= {name for name, _, _ in results.diagnosis}
    assert any("evaluated on nothing but this" in limit for limit in results.limits)
    assert "What these numbers do not show" in report(run, quiet=True).read_text(encoding="utf-8")
    (run / "evaluation.json").write_text("{")
    damaged = collect(RunFolder.open(run)).results
    assert isinstance(damaged, Absent)
    assert "damaged" in damaged.why


def test_verdicts_and_nasty_names_are_shown_as_text(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 6, "verdict": f"collapsed {NASTY}"}) + "\n")
    edit(run / "config.json", lambda record: record["data"].update(origin=NASTY))
    html = report(run, quiet=True).read_text(encoding="utf-8")
    assert NASTY not in html
    assert "collapsed &lt;script&gt;" in html


def test_what_cannot_be_reported_is_one_sentence(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match="is not a run folder"):
        report(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        report(run, data=tmp_path / "nowhere")
    with pytest.raises(ArgumentError, match=r"Take report\.html"):
        report(run, out=tmp_path / "report.pdf")
    with pytest.raises(ArgumentError, match="does not exist"):
        report(run, out=tmp_path / "nowhere" / "report.html")
    shutil.rmtree(run / "encoder")
    with pytest.raises(RunError, match="no encoder yet"):
        report(run)
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    with pytest.raises(MissingExtraError, match=r"contrapose\[report\]"):
        report(run)


def test_the_browser_is_opened_when_asked(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("webbrowser.open", shown.append)
    file = report(run, show=True, quiet=True)
    assert shown == [file.as_uri()]


def test_the_options_are_read_from_words() -> None:
    options = tyro.cli(ReportOptions, args=["runs/x", "--open", "--limit", "9", "--test-data", "t"])
    assert (options.run, options.open, options.limit, options.test_data) == ("runs/x", True, 9, "t")


@pytest.mark.parametrize("method", list(METHODS))
def test_every_method_draws_its_pairing(method: str, tmp_path: Path) -> None:
    kind_of_data = MODALITIES[METHODS[method].modality]
    encoder: Encoder = build("small_conv", channels=1, image_size=16, mean=(0.0,), std=(1.0,), seed=0)
    if kind_of_data.name not in ("image", "text"):
        samples = kind_of_data.open(str(WRITERS[kind_of_data.name](tmp_path)))
        encoder = kind_of_data.encoder(METHODS[method](), samples)
    if METHODS[method].modality == "text":
        words = train_tokenizer(["some words", "of a text"], "words")
        kind = {"encoder": "transformer", "pooling": "token"} if METHODS[method].needs else {"encoder": "bag_of_words"}
        encoder = build_text(kind.pop("encoder"), words, seed=0, **kind)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    if METHODS[method].pairing_note:  # it pairs parts of samples, and says so in words
        with pytest.raises(ArgumentError, match=re.escape(METHODS[method].pairing_note)):
            pairing_of(METHODS[method](), encoder, labelled=True)
        return
    found = pairing_of(METHODS[method](), encoder, labelled=True)
    assert found.sentences[-1]
    paired = METHODS[method].about.question != "what if there are no pairs at all?"
    assert any("+" in marks for _, marks in found.rows) == paired
    assert paired or "Positives (+): none in this batch." in found.sentences
    assert all((value == before[name]).all() for name, value in encoder.state_dict().items())


def test_a_page_shows_what_was_evaluated_and_judges_nothing_else(run: Path, trained: Path, tmp_path: Path) -> None:
    with np.load(trained / "birds.npz") as arrays:
        np.savez(tmp_path / "test.npz", images=arrays["images"][::4], labels=arrays["labels"][::4])
        np.savez(tmp_path / "other.npz", images=arrays["images"][1::2], labels=arrays["labels"][1::2])
    evaluate(run, data=trained / "birds.npz", test_data=tmp_path / "test.npz", quiet=True)
    page = collect(RunFolder.open(run))
    assert isinstance(page.map, Map)
    assert len(page.map.points) == 24  # the test pictures of the table
    assert isinstance(page.results, Results)
    assert page.head.gain is not None
    other = collect(RunFolder.open(run), data=tmp_path / "other.npz")
    assert isinstance(other.results, Absent)
    assert "is of other pictures" in other.results.why
    assert "other.npz" in other.results.why.partition("contrapose evaluate")[2]
    assert other.head.gain is None
