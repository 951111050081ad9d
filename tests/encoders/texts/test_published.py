"""Published text models as a start, as a frozen encoder and as they are: a real one, and tiny ones made here."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from text_cases import TEXTS

import contrapose
from contrapose.encoders import fingerprint_of, frozen, load_encoder, starting_point
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError, RunError
from tiny_bert import TINY, transformers, write_bert, write_tokenizer

SENTENCES = [text for text in TEXTS if text.strip()]


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return write_bert(tmp_path / "bert")


def theirs(folder: str, texts: list[str], max_length: int) -> np.ndarray:
    """Embeddings by transformers alone: the mean over real tokens, as every tutorial has it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    given = tokenizer(texts, padding=True, truncation=True, max_length=max_length, return_tensors="pt")
    with torch.no_grad():
        hidden = transformers.AutoModel.from_pretrained(folder).eval()(**given).last_hidden_state  # (B, T, D)
    real = given["attention_mask"][..., None]
    return ((hidden * real).sum(1) / real.sum(1)).numpy()


def test_a_real_sentence_model_embeds_as_transformers_has_it(minilm: str, tmp_path: Path) -> None:
    texts = [*SENTENCES, "A man is playing a guitar on a stage in front of many people. " * 6]
    loaded = contrapose.load(f"hf:{minilm}")
    np.testing.assert_allclose(loaded.embed(texts), theirs(minilm, texts, 64), atol=1e-5)
    short = starting_point(minilm, max_length=16)
    assert (short.name, short.modality) == (f"hf:{minilm}", "text")
    view = short.encoder().eval().prepare(texts)
    assert view.shape[1] == 16
    with torch.no_grad():
        z = short.encoder().eval()(view)
    np.testing.assert_allclose(z.numpy(), theirs(minilm, texts, 16), atol=1e-5)
    cosine = torch.nn.functional.cosine_similarity
    said = contrapose.load(f"hf:{minilm}").embed(["A man plays a guitar.", "Someone makes music.", "It rains."])
    one, alike, other = torch.from_numpy(said)
    assert cosine(one, alike, dim=0) > cosine(one, other, dim=0) + 0.2  # these are trained weights


@pytest.mark.parametrize("prefix", ["", "hf:"])
def test_a_run_begins_with_a_folder_of_transformers(bert: Path, prefix: str, tmp_path: Path) -> None:
    texts = [f"{one} {two} sat on the mat." for one in ("the cat", "dogs", "on") for two in ("cat", "dog", "mat")]
    trained = build_text(f"hf:{bert}", tokenizer_for(f"hf:{bert}", [], max_length=16), pretrained=True)
    run = contrapose.train(
        "simcse",
        data=texts,
        init=f"{prefix}{bert}",
        max_length=16,
        epochs=1,
        batch_size=4,
        out=str(tmp_path / "run"),
        quiet=True,
    )
    record = json.loads((run.path / "config.json").read_text())
    assert record["init"]["fingerprint"] == fingerprint_of(trained)
    assert record["config"]["encoder"] == f"hf:{bert}"
    bert.rename(tmp_path / "gone")  # the run has all that it needs
    z = run.load().embed(texts)
    assert z.shape == (9, 16)
    started = load_encoder(run.path / "initial")
    for name, weights in started.state_dict().items():
        assert torch.equal(weights, trained.state_dict()[name])
    assert fingerprint_of(load_encoder(run.path / "encoder")) != fingerprint_of(started)


def test_a_classifier_stands_on_a_folder_of_transformers(bert: Path, tmp_path: Path) -> None:
    data = {
        "text": ["the cat sat", "a cat on the mat", "dogs", "the dog sat"] * 4,
        "label": ["cat", "cat", "dog", "dog"] * 4,
    }
    run = contrapose.train("classifier", data=data, base=bert, max_length=16, out=str(tmp_path / "run"), quiet=True)
    published = starting_point(bert, max_length=16).encoder()
    assert fingerprint_of(load_encoder(run.path / "encoder")) == fingerprint_of(published)
    assert contrapose.load_classifier(run.path).predict(["cat", "dog"]).shape == (2,)


def test_a_run_says_whose_weights_it_begins_with(
    bert: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    options = {"data": ["the cat sat", "a dog", "the mat"] * 3, "max_length": 16, "epochs": 1, "batch_size": 4}
    contrapose.train("simcse", encoder=f"hf:{bert}", out=str(tmp_path / "new"), **options)
    said = " ".join(capsys.readouterr().err.split())
    assert f"weights: new ones; --init hf:{bert} begins with those published" in said
    contrapose.train("simcse", init=f"hf:{bert}", out=str(tmp_path / "begun"), **options)
    assert "new ones" not in capsys.readouterr().err


def test_a_frozen_one_reads_as_much_of_a_text_as_the_encoder_beside_it(bert: Path) -> None:
    kept = frozen(starting_point(bert, max_length=8).encoder())
    for given in (bert, str(bert), f"hf:{bert}", starting_point(bert, max_length=20).encoder()):
        base = frozen(starting_point(given, max_length=20).encoder() if isinstance(given, str | Path) else given)
        beside = starting_point(bert, max_length=12).encoder()
        with torch.no_grad():
            view = beside.prepare(["the cat sat on the mat. the dogs sat on the cats.", "dog"])
            torch.testing.assert_close(base.beside(beside)(view), beside.eval()(view))
    assert kept.beside(beside).fingerprint == kept.fingerprint
    beside.tokenizer = tokenizer_for(f"hf:{bert}", [], max_length=40)
    with pytest.raises(ArgumentError, match=r"reads texts of 8 tokens, and these are of 40\. Take --max-length 8"):
        kept.beside(beside)
    other = build_text("bag_of_words", tokenizer_for("bag_of_words", TEXTS))
    with pytest.raises(ArgumentError, match=r"in a way of its own .*--init"):
        kept.beside(other)


def test_a_folder_of_sentence_transformers_says_how_it_pools(bert: Path) -> None:
    kinds = ["Transformer", "Pooling", "Normalize"]
    modules = [
        {"path": f"{n}_{kind}" if n else "", "type": f"sentence_transformers.models.{kind}"}
        for n, kind in enumerate(kinds)
    ]
    (bert / "modules.json").write_text(json.dumps(modules))
    (bert / "1_Pooling").mkdir()
    pooling = bert / "1_Pooling" / "config.json"
    for settings, ours in (
        ({"pooling_mode": "cls"}, "token"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "token"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({}, "mean"),
    ):
        pooling.write_text(json.dumps(settings))
        assert starting_point(bert, max_length=16).encoder().backbone.pooling == ours
    for wrong in ({"pooling_mode": ["cls", "mean"]}, {"pooling_mode_max_tokens": True}):
        pooling.write_text(json.dumps(wrong))
        with pytest.raises(ArgumentError, match=r"pools its tokens by (cls and mean|max), and encoders here by"):
            starting_point(bert, max_length=16).encoder()
    modules[2]["type"] = "sentence_transformers.models.Dense"
    (bert / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ArgumentError, match=r"is made of Transformer, Pooling, Dense \(modules.json\)"):
        starting_point(bert, max_length=16).encoder()


def test_what_is_no_model_of_texts_is_refused_in_a_sentence(bert: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ArgumentError, match=r"hf:.*empty is no model that transformers knows"):
        starting_point(f"hf:{empty}")
    with pytest.raises(RunError, match=r"no encoder in .*empty"):
        starting_point(empty)
    (bert / "config.json").rename(tmp_path / "config.json")
    for given in (bert, f"hf:{bert}"):
        with pytest.raises(ArgumentError, match=r"holds weights \(model.safetensors\) and no config.json"):
            starting_point(given)
    (tmp_path / "config.json").rename(bert / "config.json")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bert / name).unlink()
    with pytest.raises(ArgumentError, match="no tokenizer"):
        starting_point(bert, max_length=16).encoder()
    write_tokenizer(bert)
    assert starting_point(bert, max_length=16).encoder().dimension == 16
    settings = json.loads((bert / "config.json").read_text())
    (bert / "config.json").write_text(json.dumps({**settings, "num_hidden_layers": 3}))
    with pytest.raises(ArgumentError, match=r"not those of a BertModel.*: 16 tensors are missing"):
        starting_point(bert, max_length=16).encoder()
    transformers.ViTConfig(image_size=4, patch_size=2, **TINY).save_pretrained(empty)
    assert starting_point(empty).modality == "image"
