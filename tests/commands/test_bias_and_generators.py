"""A classifier measured where the colour misleads it, and a generator that makes pictures and is measured itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import contrapose
from contrapose import cli
from contrapose.commands.analyse_translation import AnalyseTranslationOptions, analyse_translation
from contrapose.commands.evaluate import measure
from contrapose.data import Images
from contrapose.data.images.biased import hues
from contrapose.data.images.made.tint import tint
from contrapose.encoders.generator_folder import save_generator
from contrapose.encoders.images.translator import Translator
from contrapose.errors import ArgumentError, DataError, RunError
from contrapose.methods.oracle import Judges

BIASED, UNBIASED = "made:tint?count=160&part=learned", "made:tint?share=none&part=asked&seed=1"


@pytest.fixture(scope="module")
def erm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A classifier that has learned the colour, for it was the class."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("erm") / "run"
    options: dict[str, Any] = {"epochs": 4, "batch_size": 20, "encoder": "tiny_conv", "learning_rate": 5e-3}
    contrapose.train("cdvg", data=BIASED, out=str(out), translate=False, contrast_weight=0.0, quiet=True, **options)
    yield out
    torch.set_num_threads(threads)


def test_a_classifier_that_goes_by_the_colour_is_found_out(erm: Path) -> None:
    found = measure(erm, test_data=UNBIASED, floors=False, quiet=True, bias_column="colour")
    assert found.task == "bias"
    values = {name: metric.value for name, metric in found.arms["trained"].items()}
    assert values["accuracy, aligned"] > 0.9
    assert values["accuracy, conflicting"] < 0.6
    assert values["accuracy, conflicting"] < values["accuracy, unbiased"] < values["accuracy, aligned"]
    assert any("100.0 % have that of most" in note for note in found.notes)
    by_name = measure(erm, data=UNBIASED, floors=False, quiet=True, bias_column="colour")
    assert by_name.arms["trained"]["accuracy, conflicting"].value == values["accuracy, conflicting"]
    plain = measure(erm, test_data=UNBIASED, floors=False, quiet=True)
    assert (plain.task, "accuracy, conflicting" in plain.arms["trained"]) == ("classification", False)


def test_a_bias_that_is_not_there_is_told(erm: Path) -> None:
    with pytest.raises(DataError, match="nothing called 'hue' to measure the bias by"):
        measure(erm, test_data=UNBIASED, floors=False, quiet=True, bias_column="hue")


class Recolours(Translator):
    """The translator that is wanted, by formula: brightness as it is, in the hue of the class."""

    def translate(self, scaled: Tensor, classes: Tensor) -> Tensor:
        paint = torch.as_tensor(hues(len(self.classes)), dtype=scaled.dtype)[classes]  # (B, 3)
        bright = (scaled.amax(dim=1, keepdim=True) + 1) / 2  # (B, 1, H, W)
        return 2 * bright * paint[:, :, None, None] - 1


def recolours() -> Recolours:
    return Recolours(channels=3, image_size=16, classes=[str(number) for number in range(10)], width=4)


def test_the_rates_of_translators_that_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr("contrapose.methods.oracle.EPOCHS", 1)
    monkeypatch.setattr("contrapose.methods.oracle.LEAST_STEPS", 100)
    train, judges = Judges.trained, list[Judges]()

    def once(known: Images, bias: np.ndarray, *, seed: int) -> Judges:
        judges.extend([] if judges else [train(known, bias, seed=seed)])
        return judges[0]

    monkeypatch.setattr(Judges, "trained", once)
    save_generator(recolours(), tmp_path)
    options = AnalyseTranslationOptions(run=str(tmp_path), data=UNBIASED, bias_column="colour", device="cpu", limit=300)
    said: list[str] = []
    path = "contrapose.encoders.images.translator.Translator.translate"
    for translate, flip, keep in ((Recolours.translate, 1.0, 0.5), (lambda self, x, c: x, 0.0, 0.5)):
        monkeypatch.setattr(path, translate)
        record = analyse_translation(options, say=said.append)
        metrics = {name: metric["value"] for name, metric in record["metrics"].items()}
        assert metrics["flip rate"] == pytest.approx(flip, abs=0.1)
        assert metrics["keep rate"] > keep
        assert metrics["judge of the nuisance"] > 0.9
        assert record["enough"] == (flip == 1.0 and metrics["keep rate"] >= 0.8)
        assert json.loads((tmp_path / "translation.json").read_text())["sentence"] == record["sentence"] == said[-2]
    with pytest.raises(DataError, match="must have a class and a shade"):
        analyse_translation(
            AnalyseTranslationOptions(run=str(tmp_path), data=_without(tmp_path), bias_column="shade"), say=said.append
        )


def _without(folder: Path) -> str:
    path = folder / "plain.npz"
    np.savez(path, images=tint(40).pixels.transpose(0, 2, 3, 1), shade=np.full(40, -1))
    return str(path)


def test_a_generator_writes_a_folder_a_class_and_a_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_generator(recolours(), tmp_path / "stages" / "translate" / "generator")
    out, run = tmp_path / "made", str(tmp_path / "stages" / "translate")
    cli.main(["apply", run, "made:tint?count=12", "--out", str(out), "--classes", "3", "7", "--device", "cpu"])
    assert "Wrote translations of 12 pictures, a folder a class, to" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == ["3", "7", "sheet.png"]
    assert sorted(path.name for path in (out / "3").iterdir())[:2] == ["00.png", "01.png"]
    made = contrapose.data.open_data(out)
    assert len(made) in (24, 25)  # the sheet lies beside the classes
    expected = contrapose.load_generator(run).translate(tint(12), to="7")
    assert (np.asarray(Image.open(out / "7" / "05.png")) == expected[5].transpose(1, 2, 0)).all()


def test_slips_with_generators_are_told(tmp_path: Path, erm: Path) -> None:
    save_generator(recolours(), tmp_path / "generator")
    with pytest.raises(ArgumentError, match=r"into a folder, and predictions\.csv names a file"):
        contrapose.apply(tmp_path, tint(4), out="predictions.csv", quiet=True)
    with pytest.raises(ArgumentError, match="is there already"):
        contrapose.apply(tmp_path, tint(4), out=tmp_path, quiet=True)
    with pytest.raises(ArgumentError, match="knows no class '12'"):
        contrapose.apply(tmp_path, tint(4), out=tmp_path / "new", classes=["12"], quiet=True)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ArgumentError, match=r"classes \(--classes\) are what a generator translates to"):
        contrapose.apply(erm, tint(4), out=tmp_path / "p.csv", classes=["1"], quiet=True)
    for command in (["embed", str(tmp_path), "made:tint?count=4"], ["evaluate", str(tmp_path), "--data", UNBIASED]):
        with pytest.raises(SystemExit):
            cli.main(command)
    with pytest.raises(RunError, match="holds a generator, which makes pictures and embeds none"):
        contrapose.load(tmp_path)
