"""Every registered text encoder, and what each has of its own."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from text_cases import TEXTS, tokenizer
from torch import Tensor

from contrapose.encoders import load_encoder, save_encoder, untrained_like
from contrapose.encoders.capabilities import Lexical, Tokenwise
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.texts import TEXT_ENCODERS, TextEncoder, build_text, tokenizer_for, train_tokenizer
from contrapose.errors import ArgumentError, RunError
from contrapose.padded import Padded
from contrapose.view import join

NAMES = list(TEXT_ENCODERS)


@functools.cache
def _made(name: str, seed: int) -> TextEncoder:
    return build_text(name, tokenizer(TEXT_ENCODERS[name].tokenizer), seed=seed)


def make(name: str, *, seed: int = 0) -> TextEncoder:
    return copy.deepcopy(_made(name, seed)).eval()


def weights(encoder: TextEncoder) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in encoder.parameters()])


@pytest.mark.parametrize("name", NAMES)
def test_texts_in_rows_out_in_their_order(name: str) -> None:
    encoder = make(name)
    with torch.no_grad():
        z = encoder(encoder.prepare(TEXTS))
        assert tuple(z.shape) == (len(TEXTS), encoder.dimension)
        assert z.isfinite().all()
        turned = encoder(encoder.prepare(TEXTS[::-1]))
    torch.testing.assert_close(turned.flip(0), z, rtol=1e-5, atol=1e-6)
    assert isinstance(encoder, Encoder)


@pytest.mark.parametrize("name", NAMES)
def test_padding_changes_nothing(name: str) -> None:
    encoder = make(name).double()
    with torch.no_grad():
        texts = encoder.prepare(TEXTS)
        together = encoder(texts)
        alone = torch.cat([encoder(encoder.prepare([text])) for text in TEXTS])
        torch.testing.assert_close(alone, together, rtol=1e-10, atol=1e-12)
        garbage = texts.values.masked_fill(~texts.mask, 7)  # what stands at padding is not looked at
        torch.testing.assert_close(encoder(Padded(garbage, texts.mask)), together, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(encoder(texts.lengthened(24)), together, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_comes_from_padding(name: str) -> None:
    encoder = make(name)
    texts = encoder.prepare(["cat", "the cat sat on the mat"])
    encoder(texts).square().sum().backward()
    table = encoder.get_parameter("backbone.embedding.weight")
    assert table.grad is not None
    assert table.grad[0].abs().sum() == 0
    used = texts.values[texts.mask].unique()
    assert (table.grad[used].abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights_and_leaves_the_global_state(name: str) -> None:
    state = torch.get_rng_state()
    one, other, third = (build_text(name, make(name).tokenizer, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(weights(one), weights(other))
    assert not torch.equal(weights(one), weights(third))


@pytest.mark.parametrize("name", NAMES)
def test_dropout_makes_twins_in_training_only(name: str) -> None:
    encoder = make(name)
    texts = encoder.prepare(TEXTS[:4])
    assert torch.equal(encoder(texts), encoder(texts))
    encoder.train()
    assert not torch.allclose(encoder(texts), encoder(texts))
    still = build_text(name, encoder.tokenizer, seed=0, dropout=0).train()
    assert torch.equal(still(texts), still(texts))


@pytest.mark.parametrize("name", NAMES)
def test_an_untrained_one_keeps_the_vocabulary(name: str) -> None:
    trained = make(name).double().train()
    floor = untrained_like(trained, 5)
    assert isinstance(floor, TextEncoder)
    assert floor.tokenizer.fingerprint == trained.tokenizer.fingerprint
    assert not floor.training
    assert next(floor.parameters()).dtype == torch.float64
    assert torch.equal(weights(floor).float(), weights(build_text(name, trained.tokenizer, seed=5)))


@pytest.mark.parametrize("name", NAMES)
def test_an_encoder_comes_back_from_its_folder(name: str, tmp_path: Path) -> None:
    encoder = build_text(name, tokenizer(TEXT_ENCODERS[name].tokenizer, 12), seed=2, dimension=16).eval()
    assert encoder.form == {
        "modality": "text",
        "max_length": 12,
        "vocabulary": encoder.tokenizer.size,
        "pad": 0,
        "mask": 3,
    }
    save_encoder(encoder, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"encoder.json", "encoder.safetensors", "tokenizer.json"}
    back = load_encoder(tmp_path)
    assert isinstance(back, TextEncoder)
    with torch.no_grad():
        assert torch.equal(back(back.prepare(TEXTS)), encoder(encoder.prepare(TEXTS)))
    assert back.form == encoder.form
    assert back.tokenizer.fingerprint == encoder.tokenizer.fingerprint
    (tmp_path / "tokenizer.json").write_bytes(make(name).tokenizer.to_json().replace(b'"cat"', b'"cut"'))
    load_encoder(tmp_path)  # another vocabulary of that size cannot be told
    smaller = train_tokenizer(["cat cat dog dog"], "words")
    (tmp_path / "tokenizer.json").write_bytes(smaller.to_json())
    with pytest.raises(RunError, match=r"tokenizer\.json has 6 tokens and the encoder .* do not belong together"):
        load_encoder(tmp_path)
    (tmp_path / "tokenizer.json").write_bytes(b"{")
    with pytest.raises(RunError, match=r"tokenizer\.json is damaged"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_learns_in_any_precision(name: str, dtype: torch.dtype) -> None:
    encoder = build_text(name, make(name).tokenizer, seed=0, dimension=32, dropout=0).to(dtype)
    texts = encoder.prepare(TEXTS[:6])
    target = torch.eye(6, 32, dtype=dtype)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=0.01)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = (encoder(texts) - target).float().square().sum()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_embedded_is_refused(name: str) -> None:
    encoder = make(name)
    with pytest.raises(ArgumentError, match=r"takes numbers of tokens .* given a list: give encoder\.prepare"):
        encoder(TEXTS)  # type: ignore[arg-type]
    texts = encoder.prepare(["cat"])
    with pytest.raises(ArgumentError, match=r"Token 999 does not exist: .* tokens 0 to"):
        encoder(Padded(texts.values + 999 - texts.values.max(), texts.mask))
    assert encoder.prepare(texts) is texts
    with pytest.raises(ArgumentError, match=rf"Encoder '{name}' has no argument 'dimensoin'. Did you mean 'dimension'"):
        build_text(name, encoder.tokenizer, dimensoin=3)
    with pytest.raises(ArgumentError, match="dropout=1 cannot be used"):
        build_text(name, encoder.tokenizer, dropout=1)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"Unknown text encoder 'transfomer'\. Did you mean 'transformer'"):
        build_text("transfomer", tokenizer())


def test_each_is_given_the_vocabulary_that_it_does_best_with() -> None:
    for name, kind in (("bag_of_words", "WordLevel"), ("transformer", "WordPiece")):
        assert type(tokenizer_for(name, TEXTS, vocabulary=100).backend.model).__name__ == kind
    assert type(tokenizer_for("transformer", TEXTS, kind="words").backend.model).__name__ == "WordLevel"
    assert tokenizer_for("bag_of_words", TEXTS, max_length=9).max_length == 9


def test_only_the_transformer_has_a_vector_for_each_token() -> None:
    bag, transformer = make("bag_of_words"), make("transformer")
    assert not isinstance(bag, Tokenwise)
    assert isinstance(transformer, Tokenwise)
    texts = transformer.prepare(TEXTS[:3])
    tokens = transformer.tokens(texts)
    assert tuple(tokens.shape) == (3, texts.shape[1], 128)
    mean = [row[real].mean(dim=0) for row, real in zip(tokens, texts.mask, strict=True)]
    torch.testing.assert_close(transformer(texts), torch.stack(mean))
    assert isinstance(transformer, Lexical)
    torch.testing.assert_close(transformer.tokens_of(transformer.embed(texts), texts), tokens)
    assert torch.equal(transformer.embed(texts)[0, 1], transformer.table[texts.values[0, 1]])
    assert transformer.special == (0, 1, 2, 3)
    first = build_text("transformer", transformer.tokenizer, seed=0, pooling="token").eval()
    torch.testing.assert_close(first(texts), first.tokens(texts)[:, 0])  # type: ignore[attr-defined]


def test_a_bag_is_the_mean_of_its_words() -> None:
    encoder = make("bag_of_words")
    texts = encoder.prepare(TEXTS)
    table, layers = encoder.get_submodule("backbone.embedding"), encoder.get_submodule("backbone.layers")
    mean = [table(row[real]).mean(dim=0) for row, real in zip(texts.values, texts.mask, strict=True)]
    torch.testing.assert_close(encoder(texts), layers(torch.stack(mean)))


def test_a_bag_forgets_the_order_of_words_and_a_transformer_does_not() -> None:
    for name, same in (("bag_of_words", True), ("transformer", False)):
        encoder = make(name)
        one, other = encoder(encoder.prepare(["the cat sat on the mat", "mat the on sat the cat"]))
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6) == same


def test_as_many_parameters_as_the_formulas_say() -> None:
    def size(encoder: Any) -> int:
        return sum(parameter.numel() for parameter in encoder.parameters())

    words, pieces = tokenizer("words"), tokenizer("pieces")
    assert size(build_text("bag_of_words", words, dimension=6, hidden=10)) == words.size * 6 + 7 * 10 + 11 * 6
    made = build_text("transformer", pieces, dimension=8, heads=2, blocks=3)
    assert size(made) == pieces.size * 8 + 24 * 8 + 3 * (12 * 64 + 13 * 8) + 16


def test_a_transformer_has_places_for_so_many_tokens() -> None:
    encoder = build_text("transformer", tokenizer("pieces", 8), seed=0)
    with pytest.raises(ArgumentError, match="built for texts of 8 tokens and was given 9"):
        encoder(encoder.prepare(["cat"]).lengthened(9))
    with pytest.raises(ArgumentError, match="5 heads do not divide 128 dimensions"):
        build_text("transformer", tokenizer(), heads=5)
    with pytest.raises(ArgumentError, match="pooling='max' cannot be used: choose one of mean, token"):
        build_text("transformer", tokenizer(), pooling="max")


def test_joined_views_are_embedded_as_each_alone() -> None:
    encoder = make("transformer").double()
    one, other = encoder.prepare(TEXTS[:3]), encoder.prepare(TEXTS[3:6])
    with torch.no_grad():
        torch.testing.assert_close(encoder(join([one, other])), torch.cat([encoder(one), encoder(other)]))
