"""`contrapose export`: what is written loads as the run does, and nothing is written where it should not be."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tyro

import contrapose
from contrapose.commands.export import EXPORTERS, ExportOptions, export
from contrapose.errors import ArgumentError, ContraposeError, MissingExtraError, RunError


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run on a file of pictures."""
    root = tmp_path_factory.mktemp("export")
    pictures = np.random.default_rng(0).integers(0, 255, size=(64, 3, 16, 16), dtype=np.uint8)
    np.save(root / "pictures.npy", pictures)
    small = {"batch_size": 16, "projection_hidden": 16, "projection_dimension": 8}
    run = contrapose.train(
        "simclr", data=root / "pictures.npy", epochs=1, out=str(root / "original"), quiet=True, **small
    )
    return run.path


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    return shutil.copytree(original, tmp_path / "run")


@pytest.fixture
def pictures(original: Path) -> np.ndarray:
    return np.load(original.parent / "pictures.npy")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_loads_bit_for_bit(run: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    before = files(run)
    out = export(run, to="folder", out=tmp_path / "new" / "share", quiet=True)
    assert out == tmp_path / "new" / "share"
    assert {path.name for path in out.iterdir()} == {"encoder.safetensors", "encoder.json", "README.md"}
    assert files(run) == before
    shutil.rmtree(run)
    z = contrapose.load(out).embed(pictures)
    assert z.shape == (64, 256)
    assert contrapose.load(export(out, out=tmp_path / "again", quiet=True)).embed(pictures).tobytes() == z.tobytes()
    for name in ("encoder.safetensors", "encoder.json"):
        assert (out / name).read_bytes() == before[f"encoder/{name}"]


def test_embeddings_are_those_of_the_run(run: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    share = export(run, out=tmp_path / "share", quiet=True)
    assert contrapose.load(share).embed(pictures).tobytes() == contrapose.load(run).embed(pictures).tobytes()


def test_a_folder_as_the_hub_keeps_it_loads_too(run: Path, pictures: np.ndarray, tmp_path: Path) -> None:
    """Its cache holds links to files that are named by their digest."""
    share = export(run, out=tmp_path / "share", quiet=True)
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    share.rename(blobs)
    for number, path in enumerate(sorted(blobs.iterdir())):
        path.rename(blobs / f"{number:040d}")
        (snapshot / path.name).symlink_to(Path("../../blobs") / f"{number:040d}")
    z = contrapose.load(snapshot).embed(pictures)
    assert z.tobytes() == contrapose.load(run).embed(pictures).tobytes()


def test_onnx_answers_as_the_run_does(
    run: Path, pictures: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="the export extra is not installed")
    pytest.importorskip("onnxscript", reason="the export extra is not installed")
    out = export(run, to="onnx", out=tmp_path / "model.onnx")
    printed = capsys.readouterr().out
    assert "float32 (batch, 3, 16, 16) in [0, 1] to (batch, 256)" in printed
    assert float(re.search(r"difference from torch: (\S+)", printed).group(1)) < 1e-4
    assert [path.name for path in tmp_path.glob("*.onnx*")] == ["model.onnx"]
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    z = session.run(None, {"pictures": (pictures / 255).astype(np.float32)})[0]
    np.testing.assert_allclose(z, contrapose.load(run).embed(pictures), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ({"to": "onxx", "out": "m.onnx"}, ArgumentError, "Cannot export to 'onxx'. Did you mean 'onnx'?"),
        ({"to": "folder", "out": "full"}, ArgumentError, "full exists already"),
        ({"to": "onnx", "out": "old.onnx"}, ArgumentError, "old.onnx exists already"),
        ({"to": "onnx", "out": "empty"}, ArgumentError, "empty exists already"),
        ({"to": "onnx", "out": "model.onx"}, ArgumentError, "Give --out model.onnx"),
        ({"to": "onnx", "out": "nowhere/m.onnx"}, ArgumentError, "nowhere does not exist"),
        ({"to": "folder", "out": "share", "run": "missing"}, RunError, "missing does not exist"),
        ({"to": "folder", "out": "share", "run": "empty"}, RunError, "neither a run folder nor an encoder folder"),
        ({"to": "folder", "out": "share", "run": "bare"}, RunError, "train --resume .*bare"),
        ({"to": "onnx", "out": "m.onnx", "run": "bare"}, RunError, "before its first checkpoint"),
        ({"to": "folder", "out": "share", "run": "half"}, RunError, "encoder.safetensors is missing"),
        ({"to": "folder", "out": "share", "run": "torn"}, RunError, "damaged or truncated"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    words: dict[str, str],
    kind: type[ContraposeError],
    message: str,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if words["to"] == "onnx":
        pytest.importorskip("onnxruntime", reason="the export extra is not installed")
        pytest.importorskip("onnxscript", reason="the export extra is not installed")
    monkeypatch.chdir(tmp_path)
    for name in ("bare", "half", "torn"):
        shutil.copytree(run, name)
    shutil.rmtree("bare/encoder")
    Path("half/encoder/encoder.safetensors").unlink()
    weights = Path("torn/encoder/encoder.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    Path("empty").mkdir()
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    Path("old.onnx").write_text("mine")
    before = files(tmp_path)
    with pytest.raises(kind, match=message) as caught:
        export(**{"run": "run", **words})
    assert "\n" not in str(caught.value)
    assert files(tmp_path) == before
    assert not Path("share").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_an_empty_folder_is_filled(run: Path, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    assert (export(run, out=tmp_path / "share", quiet=True) / "README.md").is_file()


def test_an_interrupted_export_leaves_nothing(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("contrapose.commands.model_card.card_of", interrupt)
    with pytest.raises(KeyboardInterrupt):
        export(run, out=tmp_path / "share")
    assert {path.name for path in tmp_path.iterdir()} == {"run"}


def test_onnx_without_the_extra(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'contrapose\[export\]'"):
        export(run, to="onnx", out=tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_the_options_are_the_arguments() -> None:
    options = tyro.cli(ExportOptions, args=["runs/a", "--to", "onnx", "--out", "m.onnx"])
    assert (options.run, options.to, options.out) == ("runs/a", "onnx", "m.onnx")
    assert tyro.cli(ExportOptions, args=["runs/a", "--out", "x"]).to in EXPORTERS


def test_reading_the_options_loads_no_torch() -> None:
    code = "import sys, contrapose.commands.export\nassert not {'torch', 'numpy', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_a_run_that_goes_on_meanwhile_is_exported_as_it_stood(run: Path, tmp_path: Path) -> None:
    """Both files are of the same moment, and the card speaks of the weights that were copied."""
    description = run / "encoder" / "encoder.json"
    found = json.loads(description.read_text())
    description.write_text(json.dumps({**found, "extra": {"step": 1, "total_steps": 4}}))
    share = export(run, out=tmp_path / "share", quiet=True)
    assert json.loads((share / "encoder.json").read_text())["extra"]["step"] == 1
    assert "step 1 of 4" in (share / "README.md").read_text()
