"""Runs with a frozen encoder: it stays as it was, no checkpoint holds it, and a run goes on only with the same one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import contrapose
from contrapose import cli
from contrapose.commands.methods import print_methods
from contrapose.commands.run_learner import learner_of
from contrapose.data import Batch
from contrapose.embedder import Embedder
from contrapose.encoders import Encoder, Frozen, build, fingerprint_of, load_encoder, save_encoder
from contrapose.errors import ArgumentError, RunError
from contrapose.learners import Learner, Step
from contrapose.methods import METHODS, About, WithBase, register
from contrapose.pairing import by_views
from contrapose.report.facts.pairing import pairing_of
from contrapose.training.checkpoint import list_checkpoints, load_checkpoint, load_newest
from contrapose.training.run_folder import RunFolder

QUICK: dict[str, Any] = {"epochs": 2, "batch_size": 16, "encoder": "tiny_conv", "device": "cpu", "quiet": True}
SMALL: dict[str, Any] = {"channels": 3, "image_size": 16, "widths": [8, 8]}


class Mimic(Learner):
    """Learns the similarities that a frozen encoder finds among the samples of a batch."""

    def __init__(self, encoder: nn.Module, base: Frozen, temperature: float) -> None:
        super().__init__()
        self.encoder, self.base, self.temperature = encoder, base, temperature

    def forward(self, batch: Batch) -> Step:
        z = self.encoder(batch.views[0])  # (B, D)
        target = self.similarities(self.base(batch.views[1])).softmax(dim=1)  # (B, B)
        loss = -(target * self.similarities(z).log_softmax(dim=1)).sum(dim=1).mean()
        return Step(loss, z.detach(), by_views(1, len(z)))

    def similarities(self, z: Tensor) -> Tensor:
        unit = F.normalize(z.float(), dim=1)  # (B, D)
        own = torch.eye(len(z), dtype=torch.bool, device=z.device)
        return (unit @ unit.T / self.temperature).masked_fill(own, -1e4)  # (B, B)


@dataclass(frozen=True, kw_only=True)
class MimicMethod(WithBase):
    """Distils a frozen encoder."""

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?", purpose="small copies", paper="none"
    )
    temperature: float = 0.2
    """Sharpness."""

    def learner_beside(self, base: Frozen, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        return Mimic(encoder, base, self.temperature)


@pytest.fixture(autouse=True)
def method() -> Iterator[None]:
    register("mimic")(MimicMethod)
    yield
    del METHODS._entries["mimic"]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    save_encoder(build("small_conv", seed=5, **SMALL), tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def data(tmp_path: Path, pictures: np.ndarray) -> Path:
    np.save(tmp_path / "pictures.npy", pictures)
    return tmp_path / "pictures.npy"


def learned(run: Path) -> dict[str, Any]:
    return load_newest(RunFolder(run).checkpoints)[0]["learner"]


def killed_at_five(run: Path) -> Path:
    for path in list_checkpoints(run / "checkpoints"):
        if load_checkpoint(path)["step"] > 5:
            path.unlink()
    return run


def assert_same(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert one.keys() == two.keys()
    for name, value in one.items():
        assert torch.equal(value, two[name]), name


def test_it_is_asked_and_stays_as_it_is(base: Path, data: Path, tmp_path: Path) -> None:
    before = load_encoder(base)
    run = contrapose.train("mimic", data=data, base=base, out=str(tmp_path / "run"), **QUICK)
    kept = RunFolder(run.path).read_record()["base"]
    assert kept["fingerprint"] == fingerprint_of(before) == fingerprint_of(load_encoder(base))
    assert (kept["source"], kept["encoder"]) == (str(base), "small_conv")
    assert all(name.startswith("encoder.") for name in learned(run.path))
    assert run.load().encoder.name == "tiny_conv"
    other = contrapose.train(
        "mimic", data=data, base=build("small_conv", seed=6, **SMALL), out=str(tmp_path / "other"), **QUICK
    )
    assert fingerprint_of(other.load().encoder) != fingerprint_of(run.load().encoder)  # it is asked
    assert pairing_of(METHODS["mimic"](base=str(base)), run.load().encoder, labelled=False).batch == 4


def test_resumed_bit_for_bit_from_where_run_and_base_were_moved(
    base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {**QUICK, "data": data.name, "checkpoint_steps": 5}
    whole = contrapose.train("mimic", base="base", out="whole", **options)
    half = killed_at_five(contrapose.train("mimic", base="base", out="half", **options).path)
    (tmp_path / "elsewhere").mkdir()
    for name in ("base", "half", data.name):
        shutil.move(name, tmp_path / "elsewhere" / name)
    resumed = contrapose.resume(Path("elsewhere") / half.name, quiet=True)
    assert_same(learned(whole.path), learned(resumed.path))
    record = RunFolder(resumed.path).read_record()
    assert Path(record["config"]["base"]) == Path("elsewhere/base")  # it is remembered
    asked = learner_of(resumed.path).learner.base
    assert isinstance(asked, Frozen)
    assert asked.fingerprint == record["base"]["fingerprint"]

    shutil.move("elsewhere/base", "disk")
    with pytest.raises(RunError, match=r"weights of the frozen encoder .* no longer there \(tried.*--base"):
        contrapose.resume(resumed.path, epochs=3, quiet=True)
    cli.main(["train", "--resume", str(resumed.path), "--epochs", "3", "--base", "disk"])
    save_encoder(build("small_conv", seed=7, **SMALL), "disk")
    with pytest.raises(RunError, match="has changed since it began, so its steps cannot be repeated"):
        contrapose.resume(resumed.path, epochs=4, quiet=True)


def test_a_module_from_python_has_to_be_given_again(pictures: np.ndarray, tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(768), nn.Linear(768, 5)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    options = {**QUICK, "data": pictures.astype(np.float32) / 255, "checkpoint_steps": 5}
    run = contrapose.train("mimic", base=_Floats(module), out=str(tmp_path / "run"), **options)
    assert_same(module.state_dict(), before)
    assert module.training
    whole = learned(run.path)
    killed_at_five(run.path)
    with pytest.raises(ArgumentError, match=r"given in Python; resume it there: contrapose.resume\(run, base="):
        contrapose.resume(run.path, data=options["data"], quiet=True)
    with pytest.raises(RunError, match=r"frozen encoder .* has changed"):
        contrapose.resume(run.path, data=options["data"], base=nn.Flatten(), quiet=True)
    again = contrapose.resume(run.path, data=options["data"], base=_Floats(module), quiet=True)
    assert_same(learned(again.path), whole)


class _Floats(nn.Module):
    """Pictures as the module takes them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, view: Tensor) -> Tensor:
        return self.network(view.float())


def test_what_is_missing_or_of_another_kind_leaves_no_folder(
    base: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--data", str(data), "--out", str(tmp_path / "run"), "--epochs", "1"]
    for words, said in (
        (["train", "mimic"], "mimic needs a frozen encoder: --base RUN"),
        (["train", "mimic", "--base", str(tmp_path)], "There is no encoder in"),
        (["train", "simclr", "--base", str(base)], "--base"),
    ):
        with pytest.raises(SystemExit):
            cli.main([*words, *out])
        assert said in " ".join("".join(capsys.readouterr()).split())
    with pytest.raises(ArgumentError, match="Unknown option 'base' of simclr"):
        contrapose.train("simclr", data=data, base=base, out=str(tmp_path / "run"), **QUICK)
    (tmp_path / "texts.txt").write_text("some words\nand others\n" * 20)
    with pytest.raises(ArgumentError, match="is an encoder of image data, and these are text data"):
        contrapose.train("mimic", data=tmp_path / "texts.txt", base=base, out=str(tmp_path / "run"), quiet=True)
    assert not (tmp_path / "run").exists()
    print_methods()
    assert "small copies (needs a frozen encoder: --base)" in " ".join(capsys.readouterr().out.split())


def test_other_runs_are_no_business_of_it(base: Path, data: Path, tmp_path: Path) -> None:
    run = contrapose.train("simclr", data=data, out=str(tmp_path / "run"), **QUICK)
    assert "base" not in RunFolder(run.path).read_record()
    with pytest.raises(ArgumentError, match="simclr asks no frozen encoder; leave base out"):
        contrapose.resume(run.path, epochs=3, base=base, quiet=True)
    embedder = contrapose.load(run.path)
    assert isinstance(embedder, Embedder)
    distilled = contrapose.train("mimic", data=data, base=embedder, out=str(tmp_path / "second"), **QUICK)
    assert RunFolder(distilled.path).read_record()["base"]["fingerprint"] == fingerprint_of(embedder.encoder)
