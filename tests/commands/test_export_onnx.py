"""`contrapose export --to onnx`: the lines that it prints, that the card has and the docs show, do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

import contrapose
from contrapose.commands.export import export
from contrapose.data.frames import open_frames
from contrapose.data.rows import open_rows
from contrapose.encoders import Encoder, build, build_rows, load_encoder, save_encoder
from contrapose.encoders.frames import build_frames
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.modalities.frame_forms import fitted_form

tokenizers = pytest.importorskip("tokenizers")
pytest.importorskip("onnxruntime", reason="the export extra is not installed")
pytest.importorskip("onnxscript", reason="the export extra is not installed")

DOCS = Path(__file__).parents[2] / "docs" / "onnx.md"
WORDS = ["some words", "other words", "many more words than these"]


def made(kind: str) -> tuple[Encoder, object]:
    """An encoder, and the data that the lines speak of, which lie in the working folder."""
    if kind == "image":
        Image.effect_noise((32, 32), 60).convert("RGB").save("photo.jpg")
        return build("mlp", channels=3, image_size=32, widths=[8], seed=0), ["photo.jpg"]
    if kind == "text":
        return build_text("bag_of_words", train_tokenizer(WORDS, "words", max_length=6), seed=0), WORDS[:2]
    if kind == "frames":
        np.save("sequences.npy", np.random.default_rng(0).normal(size=(3, 41, 20, 3)).astype(np.float32))
        frames = open_frames("sequences.npy", skeleton="none")
        return build_frames("conv1d", fitted_form(frames), seed=0, widths=[4, 8]), "sequences.npy"
    rows = [(39.5, "clerk", 1), (20.0, "smith", 0), (None, "clerk", 1), (61.25, None, 0)] * 3
    table = polars.DataFrame(rows, schema=["age", "job", "sold"], orient="row")
    table.write_csv("table.csv")
    columns, mean, scale = open_rows("table.csv").statistics()
    return build_rows("mlp", columns=columns, mean=mean, scale=scale, widths=[8], seed=0), "table.csv"


@pytest.mark.parametrize("kind", ["image", "text", "rows", "frames"])
def test_the_lines_do_what_they_say(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    encoder, data = made(kind)
    save_encoder(encoder, "encoder")
    expected = contrapose.load("encoder").embed(data)
    export("encoder", to="onnx", out="model.onnx")
    printed = capsys.readouterr().out
    assert re.search(
        r"Wrote model.onnx .*: (float|int)\d+ .* to \(batch, \d+\)\. Largest difference from torch", printed
    )
    (lines,) = re.findall(r"Run it with:\n\n((?:    .*\n)+)", printed)
    ran: dict[str, object] = {}
    exec("\n".join(line[4:] for line in lines.splitlines()), ran)
    np.testing.assert_allclose(ran["z"], expected, rtol=1e-4, atol=1e-4)
    export("encoder", to="folder", out="shared", quiet=True)
    card = Path("shared/README.md").read_text()
    block = re.search(r"## Without contrapose.*?```python\n(.*?)```", card, re.DOTALL).group(1)
    assert block in DOCS.read_text()
    assert [line[4:] for line in lines.splitlines() if line.strip()] == block.splitlines()


def test_the_vocabulary_is_named_where_it_lies_and_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    save_encoder(made("text")[0], "encoder")
    Path("out").mkdir()
    Path("out/tokenizer.json").write_text("mine")
    with pytest.raises(ArgumentError, match=r"out/tokenizer.json exists already.* folder of its own"):
        export("encoder", to="onnx", out="out/model.onnx")
    assert [path.name for path in Path("out").iterdir()] == ["tokenizer.json"]
    (vocabulary,) = load_encoder("encoder").onnx_form().files.values()
    Path("out/tokenizer.json").write_bytes(vocabulary)  # of an earlier export
    export("encoder", to="onnx", out="out/model.onnx")
    assert 'Tokenizer.from_file("out/tokenizer.json")' in capsys.readouterr().out
    assert sorted(path.name for path in Path("out").iterdir()) == ["model.onnx", "tokenizer.json"]
