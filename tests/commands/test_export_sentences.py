"""`contrapose export --to sentence-transformers`: what that library loads gives the embeddings of the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import contrapose
from contrapose.commands.export import export
from contrapose.encoders import build, save_encoder, starting_point
from contrapose.encoders.texts import TextBackbone, TextEncoder, build_text, tokenizer_for
from contrapose.encoders.texts import sentence_transformers as form
from contrapose.errors import ArgumentError, RunError
from tiny_bert import write_bert

TEXTS = [
    "The cat sat on the mat.",
    "A dog sat on the log, and the cat looked on.",
    "Cats and dogs, dogs and cats: who looked at whom?",
    "the [MASK] cat [CLS] sat [PAD] on [SEP] dogs",  # which are words like others
    "cat mat dog . " * 20,  # longer than is read
    "zebra 猫 ﬁne",
    "",
]


def made(name: str, folder: Path, **arguments: Any) -> TextEncoder:
    """A small encoder whose weights are not those of the beginning."""
    if name == "hf":
        bert = write_bert(folder / "bert", tie_word_embeddings=True)
        encoder: Any = starting_point(bert, max_length=16).encoder()
    else:
        encoder = build_text(name, tokenizer_for(name, TEXTS * 3, max_length=16), seed=1, **arguments)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weights in encoder.parameters():
            weights += 0.1 * torch.randn(weights.shape, generator=generator)
    return encoder.eval()


CASES = [
    ("transformer", {"dimension": 16, "blocks": 3, "heads": 2}),
    ("transformer", {"dimension": 16, "blocks": 1, "pooling": "token", "dropout": 0.0}),
    ("bag_of_words", {"dimension": 16, "hidden": 24}),
    ("hf", {}),
]


@pytest.fixture(params=range(len(CASES)), ids=["transformer", "first-token", "bag-of-words", "hf"])
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> TextEncoder:
    name, arguments = CASES[request.param]
    return made(name, tmp_path, **arguments)


def test_the_library_gives_the_same_embeddings(encoder: TextEncoder, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    save_encoder(encoder, tmp_path / "run")
    out = export(tmp_path / "run", to="sentence-transformers", out=tmp_path / "new" / "share", quiet=True)
    model = library.SentenceTransformer(str(out), device="cpu")
    with torch.no_grad():
        ours = encoder(encoder.prepare(TEXTS)).numpy()
    theirs = model.encode(TEXTS)
    assert np.ptp(ours, axis=0).max() > 0.1  # texts are told apart
    np.testing.assert_allclose(theirs, ours, atol=1e-5)
    assert model.max_seq_length == 16
    assert theirs.shape == (len(TEXTS), encoder.dimension)


def test_a_real_model_goes_there_and_back(minilm: str, tmp_path: Path) -> None:
    encoder = starting_point(minilm, max_length=24).encoder().eval()
    save_encoder(encoder, tmp_path / "run")
    out = export(tmp_path / "run", to="sentence-transformers", out=tmp_path / "share", quiet=True)
    again = starting_point(out, max_length=24).encoder().eval()
    with torch.no_grad():
        ours = encoder(encoder.prepare(TEXTS))
        torch.testing.assert_close(again(again.prepare(TEXTS)), ours, atol=1e-6, rtol=0)
    library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    np.testing.assert_allclose(library.SentenceTransformer(str(out), device="cpu").encode(TEXTS), ours, atol=1e-5)


def test_what_is_written_is_data_alone(
    encoder: TextEncoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save_encoder(encoder, tmp_path / "run")
    out = export(tmp_path / "run", to="sentence-transformers", out=tmp_path / "share")
    assert "gives the same embeddings" in capsys.readouterr().out
    modules = json.loads((out / "modules.json").read_text())
    kinds = [module["type"].removeprefix("sentence_transformers.models.") for module in modules]
    dense = ["Dense", "Dense"] if encoder.name == "bag_of_words" else []
    assert kinds == ["Transformer", "Pooling", *dense]
    assert [module["path"] for module in modules] == ["", *(f"{n + 1}_{kind}" for n, kind in enumerate(kinds[1:]))]
    settings = json.loads((out / "config.json").read_text())
    assert "auto_map" not in settings
    assert settings["model_type"] == {"t": "xlm-roberta-xl", "b": "openai-gpt", "h": "bert"}[encoder.name[0]]
    pooling = json.loads((out / "1_Pooling" / "config.json").read_text())
    first = getattr(encoder.backbone, "pooling", "mean") == "token"
    assert (pooling["pooling_mode_cls_token"], pooling["pooling_mode_mean_tokens"]) == (first, not first)
    assert pooling["word_embedding_dimension"] == 16
    assert json.loads((out / "sentence_bert_config.json").read_text())["max_seq_length"] == 16
    tokenizer = json.loads((out / "tokenizer_config.json").read_text())
    assert (tokenizer["pad_token"], tokenizer["split_special_tokens"]) == ("[PAD]", True)
    assert (out / "tokenizer.json").read_bytes() == encoder.tokenizer.to_json()
    activations = [
        json.loads((out / f"{n}_Dense" / "config.json").read_text())["activation_function"]
        for n in (2, 3)[: len(dense)]
    ]
    assert activations == ["torch.nn.modules.activation.ReLU", "torch.nn.modules.linear.Identity"][: len(dense)]
    assert {path.suffix for path in out.rglob("*") if path.is_file()} == {".json", ".safetensors", ".md"}
    card = (out / "README.md").read_text()
    assert 'SentenceTransformer("share")' in card
    assert str(tmp_path) not in card


def test_a_run_begins_with_what_was_exported(tmp_path: Path) -> None:
    texts = [f"{one} {two} sat on the mat." for one in ("the cat", "dogs", "on") for two in ("cat", "dog", "mat")]
    small = {"epochs": 1, "batch_size": 4, "quiet": True, "max_length": 16}
    run = contrapose.train("simcse", data=texts, out=str(tmp_path / "run"), **small)
    out = export(run.path, to="sentence-transformers", out=tmp_path / "share", quiet=True)
    assert "trained by `simcse`" in (out / "README.md").read_text()
    z = contrapose.load(f"hf:{out}").embed(texts)
    np.testing.assert_allclose(z, run.load().embed(texts), atol=1e-5)
    bag = contrapose.train("simcse", data=texts, encoder="bag_of_words", out=str(tmp_path / "bag"), **small)
    out = export(bag.path, to="sentence-transformers", out=tmp_path / "words", quiet=True)
    with pytest.raises(ArgumentError, match="made of Transformer, Pooling, Dense, Dense"):
        contrapose.load(f"hf:{out}")


class Length(TextBackbone):
    """One of a user's own: how long a text is."""

    dimension = 1

    def forward(self, view: Any) -> torch.Tensor:
        return view.mask.sum(dim=1, keepdim=True).float()  # (B, 1)


def test_what_cannot_be_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_encoder(build("small_conv", channels=3, image_size=16, seed=0), tmp_path / "pictures")
    bag = made("bag_of_words", tmp_path)
    save_encoder(bag, tmp_path / "bag")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RunError, match=r"embeds texts, and .*pictures holds an encoder of pictures"):
        export(tmp_path / "pictures", to="sentence-transformers", out=tmp_path / "out")
    with pytest.raises(ArgumentError, match="full exists already"):
        export(tmp_path / "bag", to="sentence-transformers", out=tmp_path / "full")
    with pytest.raises(RunError, match=r"computes what a Length does.*--to onnx"):
        form.sentence_transformers_files(TextEncoder(Length(), bag.tokenizer, name="length", arguments={}))
    dense = form._dense

    def mistaken(linear: torch.nn.Linear, activation: type[torch.nn.Module]) -> dict[str, Any]:
        return dense(linear, torch.nn.Tanh)

    monkeypatch.setattr(form, "_dense", mistaken)
    with pytest.raises(RunError, match="embed texts otherwise than encoder 'bag_of_words'"):
        export(tmp_path / "bag", to="sentence-transformers", out=tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before
