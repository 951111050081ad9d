"""Text models of transformers: a tiny BERT and a tiny RoBERTa that the tests make, in folders of their own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from text_cases import TEXTS, tokenizer

from contrapose.encoders import load_encoder, save_encoder, untrained_like
from contrapose.encoders.capabilities import Lexical, Tokenwise
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

TINY = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder as a hub's repository: configuration, weights, tokenizer with [CLS] and [SEP]."""
    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "dog", "##s", "."]
    numbers = {word: number for number, word in enumerate(words)}
    own = tokenizers.Tokenizer(tokenizers.models.WordPiece(numbers, unk_token="[UNK]"))
    own.normalizer = tokenizers.normalizers.BertNormalizer()
    own.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    own.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    transformers.PreTrainedTokenizerFast(tokenizer_object=own, **special).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=len(words), max_position_embeddings=32, **TINY)
    transformers.BertModel(config).save_pretrained(folder)
    return str(folder)


def test_published_weights_and_tokenizer_do_what_transformers_does(bert: str) -> None:
    encoder = build_text(f"hf:{bert}", tokenizer_for(f"hf:{bert}", [], max_length=12), pretrained=True).eval()
    texts = ["The cats sat on the mat.", "dog", "zebra zebra", ""]
    view = encoder.prepare(texts)
    theirs = transformers.AutoTokenizer.from_pretrained(bert)(texts, padding=True, return_tensors="pt")
    assert torch.equal(view.values, theirs["input_ids"])
    assert torch.equal(view.mask.long(), theirs["attention_mask"])
    assert view.groups is not None
    assert view.groups[0].tolist() == [0, 1, 2, 2, 3, 4, 5, 6, 7, 0]  # [CLS] the cat ##s ... . [SEP]
    with torch.no_grad():
        hidden = transformers.AutoModel.from_pretrained(bert).eval()(**theirs).last_hidden_state
        real = theirs["attention_mask"][..., None]
        torch.testing.assert_close(encoder(view), (hidden * real).sum(1) / real.sum(1))
        assert isinstance(encoder, Tokenwise)
        torch.testing.assert_close(encoder.tokens(view), hidden)
        assert isinstance(encoder, Lexical)
        torch.testing.assert_close(encoder.tokens_of(encoder.embed(view), view), hidden)
        assert encoder.table.shape == (13, 16)
        first = build_text(f"hf:{bert}", encoder.tokenizer, pretrained=True, pooling="token").eval()
        torch.testing.assert_close(first(view), hidden[:, 0])


def test_it_is_rebuilt_without_folder_or_hub(bert: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = build_text(f"hf:{bert}", tokenizer_for(f"hf:{bert}", [], max_length=12), pretrained=True).eval()

    def fetched(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be fetched")

    for kind in (transformers.AutoConfig, transformers.AutoModel, transformers.AutoTokenizer):
        monkeypatch.setattr(kind, "from_pretrained", fetched)
    save_encoder(encoder, tmp_path)
    back = load_encoder(tmp_path)
    with torch.no_grad():
        assert torch.equal(back(back.prepare(TEXTS)), encoder(encoder.prepare(TEXTS)))
    assert back.form["mask"] == 4
    name = "backbone.model.embeddings.word_embeddings.weight"
    assert not torch.allclose(untrained_like(encoder, 3).state_dict()[name], encoder.state_dict()[name])
    del encoder.arguments["config"]
    with pytest.raises(ArgumentError, match="comes without its config"):
        untrained_like(encoder, 3)


def test_long_texts_keep_the_token_that_ends_them(bert: str) -> None:
    short = tokenizer_for(f"hf:{bert}", [], max_length=4)
    assert short.encode(["the cat sat on the mat", "dog"]).values.tolist() == [[2, 5, 6, 3], [2, 10, 3, 0]]
    assert short.decode(short.encode(["the cats"])) == ["the cat"]


def test_new_weights_can_have_a_vocabulary_of_ones_own(bert: str) -> None:
    own = tokenizer_for(f"hf:{bert}", TEXTS, kind="words", vocabulary=100, max_length=12)
    encoder = build_text(f"hf:{bert}", own, seed=0).eval()
    assert encoder.arguments["config"]["vocab_size"] == own.size
    with torch.no_grad():
        assert encoder(encoder.prepare(TEXTS)).isfinite().all()
    state = torch.get_rng_state()
    again = build_text(f"hf:{bert}", own, seed=0)
    assert torch.equal(torch.get_rng_state(), state)
    for one, other in zip(encoder.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ArgumentError, match=r"knows 13 tokens and its tokenizer has .* published with the weights"):
        build_text(f"hf:{bert}", own, pretrained=True)


def test_models_that_count_places_by_padding_are_padded_their_way(tmp_path: Path) -> None:
    config = transformers.RobertaConfig(vocab_size=200, max_position_embeddings=40, pad_token_id=1, **TINY)
    config.save_pretrained(tmp_path)
    encoder = build_text(f"hf:{tmp_path}", tokenizer("pieces", 12), seed=0).eval().double()
    with torch.no_grad():
        together = encoder(encoder.prepare(TEXTS))
        alone = torch.cat([encoder(encoder.prepare([text])) for text in TEXTS])
    torch.testing.assert_close(alone, together, rtol=1e-8, atol=1e-10)


def test_what_is_no_text_model_is_refused(bert: str, tmp_path: Path) -> None:
    transformers.ViTConfig(image_size=4, patch_size=2, **TINY).save_pretrained(tmp_path)
    with pytest.raises(ArgumentError, match="is not a text model: its input is 'pixel_values'"):
        build_text(f"hf:{tmp_path}", tokenizer())
    with pytest.raises(ArgumentError, match="cannot be made for texts of 24 tokens"):
        build_text(f"hf:{tmp_path / 'nowhere'}", tokenizer())
    with pytest.raises(ArgumentError, match=r"cannot be made for texts of 300 tokens: .* smaller max_length"):
        build_text(f"hf:{bert}", tokenizer("pieces", 300))
    with pytest.raises(ArgumentError, match="encoder with a decoder"):
        build_text("hf:t5", tokenizer(), config={"model_type": "t5", "d_model": 8, "num_layers": 1})
    with pytest.raises(ArgumentError, match=r"has no argument 'poling'\. Did you mean 'pooling'"):
        build_text(f"hf:{bert}", tokenizer(), poling="mean")
