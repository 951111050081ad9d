"""URLBERT as a method: its defaults, how options become searches and turns, runs of either kind, and slips in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import torch

import contrapose
from contrapose.data import PlainSource, derived_generator
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.encoders.texts.text_encoder import LexicalTextEncoder
from contrapose.errors import ArgumentError, DataError
from contrapose.learners import VirtualAdversarial
from contrapose.learners.perturbed import Search
from contrapose.methods import METHODS, UrlBert
from contrapose.methods.assemble import assemble
from contrapose.modalities import MODALITIES
from contrapose.training.run_folder import RunFolder
from contrapose.training.step import take_step
from contrapose.training.turns import optimizers_of
from contrapose.views.texts import TextViews

URLS = [
    f"{('shop', 'news', 'mail')[n % 3]}.example{n % 5}.com/{('cart', 'today')[n % 2]}/{n}?id={n}" for n in range(48)
]
QUICK: dict[str, Any] = {"batch_size": 16, "vocabulary": 200, "max_length": 24, "seed": 3}
QUIET: dict[str, Any] = {"epochs": 1, "log_steps": 1, "quiet": True}


def parts_of(**options: Any) -> tuple[VirtualAdversarial, Any]:
    learner, views = assemble(METHODS["urlbert"](**QUICK, **options), MODALITIES["text"].open(URLS))
    assert isinstance(learner, VirtualAdversarial)
    return learner, views


def test_by_default_both_views_are_the_whole_url_in_pieces_of_which_no_letter_is_unknown() -> None:
    config: Any = METHODS["urlbert"]()
    assert config.views == TextViews(crop_min=1.0, delete=0.0)
    assert config.tokenizer == "urls"
    learner, views = parts_of()
    first, second = views(URLS[:4], generator=torch.Generator().manual_seed(0))
    assert first.values.equal(second.values)
    unknown = views(['shop.com/~z|"<>{}'], generator=torch.Generator().manual_seed(0))[0]
    assert not (unknown.values == 1).any()  # [UNK]
    assert isinstance(learner.head(torch.ones(2, 128)), torch.Tensor)
    assert learner.head(torch.full((1, 128), 7.0)).eq(7.0).all()


def test_options_become_searches_and_weights() -> None:
    learner, _ = parts_of(radius=0.2, unit="row", norm="sign", mask_share=0.3, vat_weight=2.0, contrast_weight=3.0)
    power = Search(radius=0.2, unit="row", norm="sign")
    assert learner.vat_search == power
    assert learner.contrast_searches == (
        replace(power, step=0.1),
        Search(direction="random", radius=0.2, unit="row", norm="sign"),
    )
    assert (learner.language.share, learner.vat_weight, learner.contrast_weight) == (0.3, 2.0, 3.0)
    assert (learner.joint, learner.vat_mean) == (True, True)
    released, _ = parts_of(direction="released", joint=False, vat_reduction="sum", contrast_rate=5.0)
    assert released.vat_search == Search(direction="released", step=1e-3)
    assert released.contrast_searches == (
        Search(direction="released", rounds=2, step=0.1),
        Search(direction="released", rounds=2, step=1e-5),
    )
    assert [(turn.name, turn.learning_rate_factor) for turn in released.turns()] == [
        ("language", 1.0),
        ("contrast", 5.0),
    ]
    assert released.vat_mean is False


def test_the_temperature_reaches_the_contrast() -> None:
    losses = []
    for temperature in (0.1, 10.0):
        learner, views = parts_of(temperature=temperature)
        batch = PlainSource.shuffled(MODALITIES["text"].open(URLS), views, batch_size=16, seed=0).batch(
            0, 0, generator=derived_generator(0, 0)
        )
        losses.append(float(learner.eval()(batch).log["contrast_loss"]))
    assert losses[1] == pytest.approx(float(torch.tensor(31.0).log()), abs=0.1)  # near chance
    assert losses[0] != pytest.approx(losses[1], abs=0.1)


def test_in_two_turns_each_optimiser_moves_the_encoder_at_its_own_rate() -> None:
    class Work:
        def batch(self, part: int) -> Any:
            return source.batch(0, part, generator=derived_generator(0, 0))

        def gradient(self, batch: Any, *, parts: int, last: bool) -> Any:
            step = learner(batch)
            step.loss.backward()
            return step

        def clip(self, batch: Any) -> float:
            return 0.0

    config = METHODS["urlbert"](**QUICK, joint=False)
    learner, views = assemble(config, MODALITIES["text"].open(URLS))
    source = PlainSource.shuffled(MODALITIES["text"].open(URLS), views, batch_size=16, seed=0)
    optimizers = optimizers_of(config, learner)
    assert set(optimizers) == {"language", "contrast"}
    assert {group.get("learning_rate_factor", 1.0) for group in optimizers["contrast"].param_groups} == {10.0}
    before = {name: weight.clone() for name, weight in learner.named_parameters()}
    taken = take_step(learner, optimizers, Work(), seed=0)
    assert {"loss_language", "loss_contrast", "vat_cosine", "contrast_loss"} <= set(taken.steps[-1].log)
    moved = {name for name, weight in learner.named_parameters() if not weight.equal(before[name])}
    assert "encoder.backbone.embedding.weight" in moved
    assert any(name.startswith("language.head") for name in moved)


@pytest.mark.parametrize(
    ("options", "present", "absent"),
    [
        ({}, {"vat_loss", "contrast_loss", "vat_cosine", "language_loss"}, {"loss_contrast"}),
        ({"joint": False, "views": {"respell": 0.5}}, {"loss_language", "loss_contrast", "vat_loss"}, set()),
        ({"vat_weight": 0.0, "contrast_weight": 0.0}, {"language_loss", "chance"}, {"vat_loss", "contrast_loss"}),
    ],
)
def test_a_run_tells_of_its_terms(options: dict[str, Any], present: set[str], absent: set[str], tmp_path: Path) -> None:
    run = contrapose.train("urlbert", data=URLS, out=str(tmp_path / "run"), **QUICK, **QUIET, **options)
    rows = list(RunFolder(run.path).metrics())
    assert len(rows) == 3
    assert present <= set(rows[-1])
    assert not absent & set(rows[-1])
    assert run.load().embed(URLS[:2]).shape == (2, 128)


def test_a_model_of_transformers_learns_by_it_too(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertConfig(vocab_size=200, **shape).save_pretrained(tmp_path / "bert")
    name = f"hf:{tmp_path / 'bert'}"
    encoder = build_text(name, tokenizer_for(name, URLS, kind="urls", vocabulary=200, max_length=24), seed=0)
    assert isinstance(encoder, LexicalTextEncoder)
    learner = cast("VirtualAdversarial", UrlBert(encoder=name).new_learner(encoder))
    view = encoder.prepare(URLS[:8])
    step = learner.train()(contrapose.data.Batch(views=(view, view), indices=torch.arange(8)))
    step.loss.backward()
    assert float(step.log["vat_loss"]) > 0
    assert abs(float(step.log["vat_cosine"])) < 0.9


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"mask_share": 1.0}, "mask_share must be above 0 and below 1"),
        ({"vat_weight": -1.0}, "vat_weight must be 0 or more"),
        ({"radius": 0.0}, "radius must be above 0"),
        ({"temperature": 0.0}, "temperature must be above 0"),
        ({"direction": "worst"}, "direction must be one of power, released, random"),
        ({"unit": "word"}, "unit must be one of token, row"),
        ({"norm": "l1"}, "norm must be one of l2, sign, largest"),
        ({"vat_reduction": "none"}, "vat_reduction must be one of mean, sum"),
        ({"joint": False, "contrast_weight": 0.0}, "joint must be on without contrast, which is the second step"),
        (
            {"views": TextViews(count=3, crop_min=1.0, delete=0.0)},
            r"views must be 2 of each sample \(--views\.count 2\)",
        ),
    ],
)
def test_bad_options_are_refused_at_once(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        METHODS["urlbert"](**options)


def test_what_it_cannot_learn_from_or_with_is_said(tmp_path: Path) -> None:
    def refused(error: type[Exception], word: str, data: list[str] = URLS, **options: Any) -> None:
        with pytest.raises(error, match=word):
            contrapose.train("urlbert", data=data, out=str(tmp_path / "run"), **QUICK, **QUIET, **options)
        assert not (tmp_path / "run").exists()

    refused(ArgumentError, r"urlbert needs an encoder with tokens in context; bag_of_words", encoder="bag_of_words")
    refused(DataError, "texts are all the same", data=4 * ["example.com"])
    refused(DataError, "without items holds no texts", data=[], modality="text")
    with pytest.raises(ArgumentError, match=r"urlbert is for texts, for it guesses hidden tokens; these are pictures"):
        METHODS["urlbert"].on("image")
