"""The command line as a user types it: right words, wrong words, and what is left on disk."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from contrapose.cli import COMMANDS, main

QUICK = ["--epochs", "1", "--batch-size", "16", "--projection-hidden", "16", "--projection-dimension", "8"]


def run(*words: str) -> None:
    main(list(words))


def fails(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run a command that must fail with status 2 and a message on standard error, without a traceback."""
    with pytest.raises(SystemExit) as leaving:
        main(list(words))
    assert leaving.value.code == 2
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    return " ".join(re.sub(r"[╭╮╰╯│─]", " ", errors).split())


@pytest.fixture
def photos(tmp_path: Path, pictures: np.ndarray) -> Path:
    folder = tmp_path / "photos"
    for number, picture in enumerate(pictures):
        path = folder / f"class-{number // 32}" / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
    return folder


@pytest.fixture
def trained(tmp_path: Path, photos: Path) -> Path:
    out = tmp_path / "run"
    run("train", "simclr", "--data", str(photos), "--out", str(out), *QUICK)
    return out


def test_from_a_folder_of_photos_to_embeddings_and_numbers(
    trained: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {"config.json", "metrics.jsonl", "checkpoints", "encoder"} <= {p.name for p in trained.iterdir()}
    assert {p.name for p in (trained / "encoder").iterdir()} == {"encoder.json", "encoder.safetensors"}
    record = json.loads((trained / "config.json").read_text())
    assert record["method"] == "simclr"
    assert record["data"]["samples"] == 96
    run("evaluate", str(trained), "--data", str(photos), "--k", "5")
    printed = capsys.readouterr().out
    assert all(arm in printed for arm in ("trained", "untrained", "raw pixels", "kNN"))
    arms = json.loads((trained / "evaluation.json").read_text())["arms"]
    assert arms["raw pixels"]["kNN"]["value"] > 0.9  # the classes are told apart by eye
    assert 0 <= arms["trained"]["kNN"]["low"] <= arms["trained"]["kNN"]["high"] <= 1
    run("embed", str(trained), str(photos), "--out", str(tmp_path / "z.npz"), "--normalize")
    arrays = np.load(tmp_path / "z.npz")
    assert arrays["embeddings"].shape[0] == len(arrays["identifiers"]) == 96
    np.testing.assert_allclose(np.linalg.norm(arrays["embeddings"], axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".jsonl", ".npy"])
def test_every_table_format_holds_the_same_embeddings(ending: str, trained: Path, photos: Path, tmp_path: Path) -> None:
    run("embed", str(trained), str(photos), "--out", str(tmp_path / "z.npz"))
    run("embed", str(trained), str(photos), "--out", str(tmp_path / f"z{ending}"))
    expected, path = np.load(tmp_path / "z.npz"), tmp_path / f"z{ending}"
    if ending == ".npy":
        got = np.load(path)
    else:
        polars = pytest.importorskip("polars", reason="the tables extra is not installed")
        read = {".parquet": polars.read_parquet, ".csv": polars.read_csv, ".jsonl": polars.read_ndjson}[ending]
        table = read(path)
        assert table["identifier"].to_list() == expected["identifiers"].tolist()
        assert set(table["label"].to_list()) == {"class-0", "class-1", "class-2"}
        got = table.select(polars.selectors.starts_with("e")).to_numpy()
        got = np.stack(got[:, 0]) if got.shape[1] == 1 else got
    np.testing.assert_allclose(got.astype(np.float32), expected["embeddings"], rtol=1e-5, atol=1e-6)


def test_the_next_step_is_with_the_method_one_has_just_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contrapose.commands.evaluate.print_evaluation", lambda run: None)  # slow
    run("train", "simclr", "--data", "omniglot", "--limit", "64", "--out", str(tmp_path / "run"), *QUICK)
    assert "contrapose train simclr --data PICTURES" in capsys.readouterr().out


def test_resume_after_a_finished_run_and_for_more_epochs(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is finished" in fails(capsys, "train", "--resume", str(trained))
    run("train", "--resume", str(trained), "--epochs", "2")
    rows = [json.loads(line) for line in (trained / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 12


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian"], "Unknown command 'trian'. Did you mean 'train'?"),
        (["train", "mmlc"], "Unknown method 'mmlc'. Did you mean 'mmcl'?"),
        (["train", "mmcl", "--sigm", "2"], "Did you mean '--sigma'?"),
        (["train", "mmcl", "--sigma", "-2"], "contrapose: --sigma must be above 0, got -2.0"),
        (["train", "mmcl", "--sigma", "wide"], "--sigma"),
        (["train", "mmcl", "--epochs", "0"], "epochs must be above 0, got 0"),
        (["train", "mmcl", "--data", "nowhere/"], "nowhere"),
        (["train", "mmcl", "--data", "omniglot", "--encoder", "resnt18"], "Did you mean 'resnet18'?"),
        (
            ["train", "mmcl", "--data", "omniglot", "--views.count", "3", "--limit", "200"],
            "needs 2 views of each sample, got 3",
        ),
        (["train", "supcon", "--data", "omniglot", "--limit", "200"], "the data has none"),
        (
            ["train", "mmcl", "--data", "omniglot", "--limit", "100", "--batch-size", "200"],
            "100 samples do not fill one batch of 200",
        ),
        (
            ["train", "moco", "--data", "omniglot", "--limit", "200", "--queue", "512"],
            "contrapose: --queue is 512, but there are 200 samples",
        ),
        (
            ["train", "simclr", "--data", "omniglot", "--limit", "200", "--views.hue", "0.1"],
            "contrapose: --views.hue is 0.1, but colour needs 3 channels",
        ),
        (["train", "mmcl", "--data", "omniglot", "--device", "cuda"], "no CUDA device"),
        (["train", "--resume", "nowhere"], "nowhere is not a run folder"),
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate"], "evaluate needs RUN"),
        (
            ["embed", "nowhere", "photos", "--out", "x.parqet"],
            "unknown ending '.parqet'. Did you mean '.parquet'?",
        ),
        (["methods", "please"], "takes no arguments"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    import torch

    if "cuda" in words and torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    assert message in fails(capsys, *words)


def test_debug_shows_the_traceback() -> None:
    from contrapose.errors import ArgumentError

    with pytest.raises(ArgumentError):
        main(["trian", "--debug"])


def test_a_run_without_labels_says_what_to_give(
    tmp_path: Path, pictures: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "plain.npy", pictures)
    run("train", "simclr", "--data", str(tmp_path / "plain.npy"), "--out", str(tmp_path / "run"), *QUICK)
    assert "has no labels" in fails(capsys, "evaluate", str(tmp_path / "run"))


def test_a_diagnosis_on_request(trained: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("evaluate", str(trained), "--data", str(photos), "--k", "5", "--diagnosis")
    assert "diagnosis of 18 embeddings of 256 dimensions" in capsys.readouterr().out
    values = json.loads((trained / "evaluation.json").read_text())["diagnosis"]["values"]
    assert values["spread"] > 0


def test_a_black_picture_does_not_stop_the_evaluation(
    trained: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (16, 16)).save(photos / "class-0" / "black.png")
    run("evaluate", str(trained), "--data", str(photos), "--k", "5")
    assert "raw pixels" in capsys.readouterr().out


def test_methods_lists_every_method(capsys: pytest.CaptureFixture[str]) -> None:
    from contrapose.methods import METHODS

    run("methods")
    printed = capsys.readouterr().out
    assert all(name in printed for name in METHODS)


HELP = [f"{command} --help" for command in COMMANDS]


@pytest.mark.parametrize(
    "typed",
    [
        "--help",
        "methods",
        "train mmcl --help",
        "data check --help",
        "analyse --help",
        "analyse temperature --help",
        "analyse sharpness --help",
        "analyse perturbation --help",
        "completion bash",
        *HELP,
    ],
)
def test_help_does_not_load_torch(typed: str) -> None:
    words = typed.split()
    code = (
        "import sys\nfrom contrapose.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as leaving:\n    assert leaving.code in (None, 0)\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\nassert 'numpy' not in sys.modules, 'numpy was loaded'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def test_import_budgets() -> None:
    """`import contrapose` is at most 0.1 s on top of torch, and `--help` 0.5 s in all, of the processor's time, which
    other work on the machine does not lengthen (one of a few: it is noisy all the same)."""
    code = "import time, torch\nstart = time.process_time()\nimport contrapose\nprint(time.process_time() - start)"
    beyond_torch = (
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)
        for _ in range(3)
    )
    assert any(seconds < 0.1 for seconds in beyond_torch)  # until one is
    assert any(_processor_seconds([sys.executable, "-m", "contrapose", "--help"]) < 0.5 for _ in range(5))


def _processor_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
