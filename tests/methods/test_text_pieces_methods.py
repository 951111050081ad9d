"""Methods that make up, cut or fill texts: options that reach their parts, slips in words, and what a run leaves."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import contrapose
from contrapose.encoders.texts import TextEncoder, build_text, train_tokenizer
from contrapose.errors import ArgumentError, DataError
from contrapose.learners import CorrectedCrops, ReplacedTokens, ResidualEnergy, SpanContrast
from contrapose.learners import CrossSequence as CrossSequenceLearner
from contrapose.methods import (
    METHODS,
    CandidateMargin,
    CropInfoNCE,
    CrossSequence,
    Method,
    ReplacedToken,
    ResidualEBM,
    SpanInfoNCE,
)
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.padded import Padded
from contrapose.views.texts import TextViews
from contrapose.views.texts.fills import Fills
from contrapose.views.texts.sequences import Sequences
from contrapose.views.texts.spans import SpanOptions, Spans

COLOURS = ("red", "blue", "green")
TEXTS = [f"{COLOURS[n % 3]} thing number {n} stands {('here', 'there')[n % 2]} by day and night" for n in range(24)]
NAMES = ("replaced-token", "span-infonce", "crop-infonce", "candidate-margin", "cross-sequence", "residual-ebm")
TOKENS = ("replaced-token", "crop-infonce", "cross-sequence", "residual-ebm")  # that need tokens in context
QUICK: dict[str, Any] = {"epochs": 1, "batch_size": 8, "quiet": True}


def assembled(config: Method, texts: list[str] | None = None) -> tuple[Any, Any]:
    return assemble(config, MODALITIES["text"].open(texts or TEXTS))


def test_replaced_token_hands_its_options_on() -> None:
    learner, _ = assembled(
        ReplacedToken(mask_share=0.3, generator_width=0.5, generator_blocks=1, discriminator_weight=7.0)
    )
    assert isinstance(learner, ReplacedTokens)
    narrow = learner.generator.narrow
    assert (learner.weight, narrow.width, len(narrow.blocks), learner.generator.language.share) == (7.0, 64, 1, 0.3)
    logits, nothing = torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.bool)
    told = learner.discriminator.objective(logits, nothing, ~nothing, torch.tensor(3.0))
    assert float(told) == pytest.approx(2 * 0.693147)  # six coins by three


def test_span_infonce_hands_its_options_on() -> None:
    config = SpanInfoNCE(positives=3, span_shortest=2, span_longest=5, place="adjacent", encoder="bag_of_words")
    learner, views = assembled(config)
    assert isinstance(learner, SpanContrast)
    assert learner.language is None
    assert isinstance(views, Spans)
    assert views.options == SpanOptions(2, 5, 3, "adjacent")
    assert len(views(TEXTS[:4])) == 1 + 3 + 1
    with_language, _ = assembled(SpanInfoNCE(language_weight=0.5))
    assert with_language.language is not None
    assert with_language.weight == 0.5


def test_crop_infonce_reads_the_whole_text_and_nine_tenths_of_it() -> None:
    learner, views = assembled(CropInfoNCE(contrast_weight=2.0, detection_weight=3.0, correction_weight=0.0))
    assert isinstance(learner, CorrectedCrops)
    assert (learner.weights.contrast, learner.weights.detection, learner.weights.correction) == (2.0, 3.0, 0.0)
    whole, crop = views(TEXTS[:6], generator=torch.Generator().manual_seed(0))
    assert whole.values.equal(learner.encoder.prepare(TEXTS[:6]).values)
    words = [view.groups.amax(dim=1) for view in (whole, crop)]
    assert torch.equal(words[1], (0.9 * words[0]).round().long())


def test_candidate_margin_hands_its_options_on() -> None:
    config = CandidateMargin(wrong=3, near=4, margin=0.2, encoder="bag_of_words")
    learner, views = assembled(config)
    assert isinstance(views, Fills)
    assert (views.wrong, views.near) == (3, 4)
    right, wrong = torch.zeros(2), torch.zeros(2, 3)
    assert float(learner.objective(right, wrong, wrong == 0, torch.tensor(2.0))) == pytest.approx(0.2)
    _, views = assembled(CandidateMargin(encoder="bag_of_words", max_length=4, wrong=1))  # of ten words
    *_, known = views(TEXTS, generator=torch.Generator().manual_seed(0))
    assert known.all()


def test_cross_sequence_makes_slots_the_embedding(tmp_path: Path) -> None:
    learner, views = assembled(CrossSequence(sequences=4, slots=2, mask_share=0.4, heads=2))
    assert isinstance(learner, CrossSequenceLearner)
    assert isinstance(views, Sequences)
    assert (views.count, learner.slots, learner.attention.heads, learner.language.share) == (4, 2, 2, 0.4)
    plain, _ = assembled(CrossSequence(slot_attention=False))
    assert plain.attention is None
    run = contrapose.train("cross-sequence", data=TEXTS, out=str(tmp_path / "run"), slots=2, **QUICK)
    encoder = run.load().encoder
    assert isinstance(encoder, TextEncoder)
    view = encoder.prepare(TEXTS[:2])
    assert view.values[:, :2].eq(encoder.tokenizer.before[0]).all()
    torch.testing.assert_close(encoder(view), encoder.tokens(view)[:, :2].mean(dim=1))  # type: ignore[operator]


def test_residual_ebm_leaves_its_energies_beside_the_encoder(tmp_path: Path) -> None:
    learner, _ = assembled(ResidualEBM(mask_share=0.5))
    assert isinstance(learner, ResidualEnergy)
    assert learner.share == 0.5
    run = contrapose.train("residual-ebm", data=TEXTS, out=str(tmp_path / "run"), **QUICK)
    head = load_file(Path(run.path) / "energy.safetensors")
    energies = torch.from_numpy(run.load().embed(TEXTS)) @ head["weight"].T + head["bias"]
    assert energies.shape == (24, 1)
    assert contrapose.objectives.rerank(energies.T, count=3).shape == (1, 3)


@pytest.mark.parametrize("name", ["span-infonce", "candidate-margin", "cross-sequence"])
def test_what_they_make_is_varied_by_the_options_of_views(name: str) -> None:
    usual = METHODS[name]()
    assert usual.views.are_copies
    _, whole = assembled(usual)
    _, less = assembled(dataclasses.replace(usual, views=dataclasses.replace(usual.views, delete=0.5)))
    lengths = [
        [int(view.mask.sum()) for view in make(TEXTS, generator=torch.Generator().manual_seed(0)) if is_padded(view)]
        for make in (whole, less)
    ]
    assert all(short < 0.8 * long for long, short in zip(*lengths, strict=True))


def is_padded(view: Any) -> bool:
    return isinstance(view, Padded)


@pytest.mark.parametrize("name", TOKENS)
def test_an_encoder_without_tokens_in_context_is_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=rf"^{name} needs an encoder with tokens in context; bag_of_words has none"):
        contrapose.train(name, data=TEXTS, out=str(tmp_path / "run"), encoder="bag_of_words", **QUICK)
    assert not (tmp_path / "run").exists()


def test_masked_language_beside_spans_needs_tokens_too() -> None:
    bag = build_text("bag_of_words", train_tokenizer(TEXTS, "words"), seed=0)
    with pytest.raises(ArgumentError, match="span-infonce with --language-weight needs an encoder with tokens in cont"):
        SpanInfoNCE(language_weight=1.0).new_learner(bag)


@pytest.mark.parametrize("name", NAMES)
def test_texts_that_are_all_the_same_are_told(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="texts are all the same: there is nothing to tell them from"):
        contrapose.train(name, data=9 * ["the same text"], out=str(tmp_path / "run"), **QUICK)
    assert not (tmp_path / "run").exists()


def test_texts_that_cannot_be_cut_or_filled_are_told() -> None:
    with pytest.raises(DataError, match="no text has two words between blanks, so that nothing can be cut"):
        assembled(SpanInfoNCE(), [f"word{number}" for number in range(9)])
    with pytest.raises(DataError, match="2 wrong words are asked for, and the texts have 1 that stand there twice"):
        assembled(CandidateMargin(), [f"once {'abcdefghi'[number]}{'stuvwxyzq'[number]}" for number in range(9)])


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("replaced-token", {"mask_share": 1.0}, "mask_share must be between 0 and 1"),
        ("replaced-token", {"generator_width": 0.0}, "generator_width must be above 0 and at most 1"),
        ("replaced-token", {"generator_blocks": 0}, "generator_blocks must be at least 1"),
        ("replaced-token", {"discriminator_weight": 0.0}, "discriminator_weight must be above 0"),
        ("replaced-token", {"views": TextViews(count=2)}, "views must be 1 of each text"),
        ("crop-infonce", {"views": TextViews(count=3)}, "views must be 2 of each text"),
        ("crop-infonce", {"temperature": 0.0}, "temperature must be above 0"),
        ("crop-infonce", {"contrast_weight": 0.0}, "contrast_weight must be above 0: without it, take replaced-token"),
        ("crop-infonce", {"detection_weight": -1.0}, "detection_weight must be 0 or more"),
        ("span-infonce", {"positives": 0}, "positives must be at least 1"),
        ("span-infonce", {"span_longest": 7}, "span_longest must be 8 or more"),
        ("span-infonce", {"place": "near"}, "place must be one of any, adjacent, overlapping, contained"),
        ("span-infonce", {"language_weight": -1.0}, "language_weight must be 0 or more"),
        ("candidate-margin", {"wrong": 0}, "wrong must be at least 1"),
        ("candidate-margin", {"near": 1}, "near must be at least 2, the wrong fills"),
        ("candidate-margin", {"margin": 0.0}, "margin must be above 0"),
        ("cross-sequence", {"sequences": 1}, "sequences must be at least 2"),
        ("cross-sequence", {"slots": 0}, "slots must be at least 1"),
        ("cross-sequence", {"slots": 2, "encoder": "hf:x"}, r"slots must be 1 with hf: encoders \(--slots 1\)"),
        ("cross-sequence", {"heads": 0}, "heads must be at least 1"),
        ("residual-ebm", {"mask_share": 0.0}, "mask_share must be between 0 and 1"),
    ],
)
def test_bad_options_are_refused_at_once(name: str, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        METHODS[name](**options)


@pytest.mark.parametrize("name", NAMES)
def test_ones_own_views_are_taken_as_they_come(name: str) -> None:
    config = METHODS[name](projection_dimension=8)
    learner, _ = assembled(config)
    _, views = assemble(config, MODALITIES["text"].open(TEXTS), views=lambda text: text.upper())
    made = views(TEXTS[:4])
    assert len(made) == config.views.total()
    assert all(isinstance(view, Padded) for view in made)
    batch = contrapose.data.Batch(views=made, indices=torch.arange(4))
    assert learner(batch).loss.isfinite()
