"""The ONNX form of encoders of texts: numbers of tokens to embeddings, by a vocabulary beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from text_cases import TEXTS, tokenizer

from contrapose.encoders.onnx_export import OnnxModel, to_onnx
from contrapose.encoders.texts import TEXT_ENCODERS, TextEncoder, build_text, tokenizer_for
from contrapose.encoders.texts.onnx_form import VOCABULARY
from contrapose.errors import RunError

tokenizers = pytest.importorskip("tokenizers")
onnxruntime = pytest.importorskip("onnxruntime", reason="the export extra is not installed")
pytest.importorskip("onnxscript", reason="the export extra is not installed")

SMALL: dict[str, dict[str, Any]] = {"transformer": {"blocks": 1, "dimension": 16, "heads": 2}}
LONG = "the cat sat on the mat and the log, " * 20


def session_of(model: OnnxModel) -> Any:
    return onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])


def answers(model: OnnxModel, texts: list[str]) -> np.ndarray:
    """What somebody without contrapose gets."""
    own = tokenizers.Tokenizer.from_str(model.form.files[VOCABULARY].decode())
    found = own.encode_batch(texts)
    given = {"input_ids": [one.ids for one in found], "attention_mask": [one.attention_mask for one in found]}
    return session_of(model).run(None, {name: np.array(rows, np.int64) for name, rows in given.items()})[0]


def expected(encoder: TextEncoder, texts: list[str]) -> np.ndarray:
    with torch.inference_mode():
        return encoder.eval()(encoder.prepare(texts)).numpy()


@pytest.mark.parametrize("name", list(TEXT_ENCODERS))
def test_every_encoder_answers_as_torch_does_from_texts_on(name: str) -> None:
    encoder = build_text(name, tokenizer(max_length=12), seed=0, **SMALL.get(name, {})).train()
    model = to_onnx(encoder)
    assert encoder.training
    assert 0 <= model.difference < 1e-5 * model.scale
    for texts in (TEXTS, [LONG, "dog", ""], [LONG], [""], ["the"]):
        np.testing.assert_allclose(answers(model, texts), expected(encoder, texts), rtol=1e-4, atol=1e-5)
    told = session_of(model).get_modelmeta().custom_metadata_map
    assert (told["max_length"], told["pad"], told["modality"]) == ("12", "0", "text")
    assert VOCABULARY in told["preparation"]
    graph = pytest.importorskip("onnx").load_from_string(model.content).graph
    assert not {"Loop", "SequenceEmpty"} & {node.op_type for node in graph.node}  # over the texts of a batch


def test_the_shortest_texts_and_those_without_a_token() -> None:
    """Where nothing stands around every text, one without a word is the padding token alone."""
    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[PAD]": 0, "[UNK]": 1, "cat": 2}, unk_token="[UNK]"))
    backend.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    bare = type(tokenizer())(backend, max_length=2)
    encoder = build_text("transformer", bare, seed=0, **SMALL["transformer"])
    texts = ["cat cat", "", "cat"]
    np.testing.assert_allclose(answers(to_onnx(encoder), texts), expected(encoder, texts), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_text_model_of_transformers(tmp_path: Path) -> None:
    """One that counts its places from the padding on."""
    transformers = pytest.importorskip("transformers")
    tiny = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.RobertaConfig(max_position_embeddings=32, **tiny)
    own = tokenizer_for("transformer", TEXTS, max_length=12, vocabulary=200)
    own.pad = 1
    encoder = build_text("hf:tiny", own, seed=0, config=config.to_dict())
    np.testing.assert_allclose(answers(to_onnx(encoder), TEXTS), expected(encoder, TEXTS), rtol=1e-4, atol=1e-5)


def test_one_that_torch_cannot_convert_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_text("bag_of_words", tokenizer("words"), seed=0)

    def forward(view: Any) -> Any:
        z = view.values.float()  # (B, T)
        return -z if float(z.sum()) > 0 else z

    monkeypatch.setattr(type(encoder.backbone), "forward", lambda _, view: forward(view))
    with pytest.raises(RunError, match="cannot convert encoder 'bag_of_words' to ONNX") as caught:
        to_onnx(encoder)
    assert "\n" not in str(caught.value)
