"""Guessing alike nearby and contrast of perturbed passes: terms of the loss, whom they teach, turns, two processes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.distributed import rank, world_size
from contrapose.encoders.texts import build_text, train_tokenizer
from contrapose.errors import ArgumentError
from contrapose.learners import VirtualAdversarial, perturbed
from contrapose.learners.perturbed import Search, noise_for
from contrapose.objectives import OBJECTIVES, nt_xent
from contrapose.padded import Padded
from contrapose.robustness import Perturbation
from distributed_helper import run_ranks

pytest.importorskip("tokenizers")

URLS = [
    "example.com/news/today?id=7",
    "a.org",
    "login.bank.example.net/secure/update.php?user=1&session=2",
    "shop.example.com/cart",
    "example.com/news/weather/today",
    "b.org/x",
    "mail.example.org/inbox?page=2",
    "example.net",
]
SEARCHES = (Search(), Search(direction="random"))


def learner_of(*, dropout: float = 0.0, scale: float = 4.0, **options: Any) -> VirtualAdversarial:
    """In float64; weights larger than new ones, so that answers depend on what is asked."""
    torch.manual_seed(0)
    pieces = train_tokenizer(URLS, "urls", vocabulary=160, max_length=24)
    encoder = build_text("transformer", pieces, seed=0, dimension=8, blocks=1, heads=2, dropout=dropout)
    learner = VirtualAdversarial(
        encoder,
        nn.Identity(),
        lambda z, pairing, rows: nt_xent(z, pairing, temperature=0.1, rows=rows),
        **{
            "contrast_chance": OBJECTIVES["nt_xent"].chance,
            "generator": torch.Generator().manual_seed(3),
            "mask_share": 0.3,
            "vat_search": Search(radius=0.5),
            **options,
        },
    ).double()
    with torch.no_grad():
        for weight in learner.parameters():
            weight.mul_(scale if weight.ndim > 1 else 1.0)
    return learner


def batch_of(learner: VirtualAdversarial, urls: list[str] = URLS, **options: Any) -> Batch:
    view = learner.encoder.prepare(urls)
    return Batch(views=(view, view), indices=torch.arange(len(urls)), **options)


def number(value: Tensor | float) -> float:
    return float(value.detach()) if isinstance(value, Tensor) else value


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    learner = learner_of(vat_weight=3.0, contrast_weight=0.5)
    step = learner(batch_of(learner))
    log = {name: number(value) for name, value in step.log.items()}
    expected = log["language_loss"] + 3 * log["vat_loss"] + 0.5 * log["contrast_loss"]
    assert float(step.loss.detach()) == pytest.approx(expected)
    assert log["vat_loss"] > 0
    plain = learner_of(vat_weight=0.0, contrast_weight=0.0)
    alone = plain(batch_of(plain))
    assert alone.loss.detach().item() == pytest.approx(log["language_loss"])
    assert alone.embeddings.shape == (len(URLS), 8)
    assert set(alone.log) == {"language_loss", "guessed_right"}


@pytest.mark.parametrize("mean", [True, False])
def test_what_perturbations_cost_is_that_of_a_loop(mean: bool) -> None:
    learner = learner_of(vat_weight=1.0, contrast_weight=0.0, vat_mean=mean)
    step = learner(batch_of(learner))
    draws = learner.draws()
    language, encoder = learner.language, learner.encoder
    hidden, _ = language.masked(encoder.prepare(URLS), draws)
    noise = noise_for(hidden, 8, draws)
    moved, found = perturbed.perturbed(language, hidden, learner.vat_search, noise)
    embedded = encoder.embed(hidden)
    lengths = embedded.norm(dim=-1)[hidden.mask]
    assert torch.allclose((moved - embedded).norm(dim=-1)[hidden.mask], 0.5 * lengths.mean())
    assert torch.equal((moved - embedded)[~hidden.mask], torch.zeros_like(embedded[~hidden.mask]))
    clean, near = (language.logits(encoder.tokens_of(x, hidden)).softmax(dim=-1) for x in (embedded, moved))
    total, count = 0.0, 0
    for b in range(len(URLS)):
        for t in range(hidden.shape[1]):
            if hidden.mask[b, t]:
                p, q = clean[b, t], near[b, t]
                total += ((p * (p / q).log()).sum() + (q * (q / p).log()).sum()).item()
                count += 1
    assert number(step.log["vat_loss"]) == pytest.approx(total / count if mean else total)
    assert number(step.log["vat_cosine"]) == pytest.approx(float(found.cosine))


def test_the_released_search_is_random_and_the_default_one_is_not() -> None:
    learner = learner_of(scale=1.0)
    cosines = {}
    for direction in ("power", "released", "random"):
        learner.vat_search = Search(direction=direction)
        cosines[direction] = number(learner(batch_of(learner)).log["vat_cosine"])
    assert cosines["random"] == pytest.approx(1.0)
    assert cosines["released"] > 0.99
    assert abs(cosines["power"]) < 0.8


def test_guesses_change_more_in_the_direction_that_was_found() -> None:
    def vat(direction: str) -> float:
        learner = learner_of(vat_search=Search(direction=direction, radius=0.05))
        found = []
        for step in range(8):
            learner.steps.fill_(step)
            found.append(number(learner(batch_of(learner)).log["vat_loss"]))
        return sum(found)

    assert vat("power") > 1.5 * vat("random")


def test_an_encoder_whose_guesses_do_not_depend_on_its_input_costs_nothing() -> None:
    learner = learner_of()
    with torch.no_grad():
        learner.language.head.linear.weight.zero_()
        learner.encoder.backbone.norm.weight.zero_()
    batch = batch_of(learner)
    step = learner(batch)
    step.loss.backward()
    assert number(step.log["vat_loss"]) == 0.0
    assert all(weight.grad is None or weight.grad.isfinite().all() for weight in learner.parameters())
    assert learner.chance is not None
    loss = math.log(learner.language.size) + math.log(2 * len(URLS) - 1)  # all guesses and all samples alike
    assert float(step.loss.detach()) == pytest.approx(loss) == pytest.approx(learner.chance(step.pairing))


def test_a_search_without_a_finite_gradient_leaves_the_term_out(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = learner_of(contrast_weight=0.0)
    plain = number(learner(batch_of(learner)).log["language_loss"])
    zero = torch.zeros((), dtype=torch.float64)

    def nothing(rise: Any, embedded: Tensor, **options: Any) -> Perturbation:
        return Perturbation(torch.zeros_like(embedded), zero, torch.tensor(False))

    monkeypatch.setattr(perturbed, "perturbation", nothing)
    learner.encoder.backbone.dropout = nn.Dropout(0.5)  # so that the divergence is not 0 anyway
    torch.manual_seed(0)
    step = learner.train()(batch_of(learner))
    assert number(step.log["vat_loss"]) == 0.0
    assert float(step.loss.detach()) == number(step.log["language_loss"])
    assert number(step.log["language_loss"]) != plain  # dropout is on


def test_contrast_teaches_the_table_nothing_and_the_encoder_something() -> None:
    learner = learner_of(joint=False)
    learner(batch_of(learner, turn="contrast")).loss.backward()
    assert learner.encoder.table.grad is None
    assert learner.encoder.backbone.blocks[0].attention.project_out.weight.grad.abs().sum() > 0
    learner.zero_grad()
    learner(batch_of(learner, turn="language")).loss.backward()
    assert learner.encoder.table.grad.abs().sum() > 0


def test_two_turns_have_a_loss_and_an_optimiser_each() -> None:
    learner = learner_of(joint=False, contrast_rate=7.0)
    first, second = learner.turns()
    assert (first.name, second.name, first.learning_rate_factor, second.learning_rate_factor) == (
        "language",
        "contrast",
        1.0,
        7.0,
    )
    shared = set(map(id, first.parameters)) & set(map(id, second.parameters))
    assert shared == set(map(id, learner.encoder.parameters()))
    batch = batch_of(learner)
    language, contrast, looked = (learner(replace(batch, turn=turn)) for turn in ("language", "contrast", "all"))
    assert set(language.log) == {"language_loss", "guessed_right", "vat_loss", "vat_cosine"}
    assert looked.loss.equal(contrast.loss)
    heavier = learner_of(joint=False, contrast_rate=7.0, contrast_weight=3.0)
    torch.testing.assert_close(heavier(replace(batch, turn="contrast")).loss, 3 * contrast.loss)
    assert learner.chance is not None
    assert learner.chance(contrast.pairing) == pytest.approx(math.log(2 * len(URLS) - 1))
    with pytest.raises(ArgumentError, match="In two turns the second is contrast"):
        learner_of(joint=False, contrast_weight=0.0)


def test_what_stands_at_padding_and_the_mode_of_the_encoder_do_not_matter() -> None:
    learner = learner_of(dropout=0.3)
    batch = batch_of(learner)
    view = batch.views[0]
    other = Padded(torch.where(view.mask, view.values, 9), view.mask, view.groups)
    for mode in (True, False):
        learner.train(mode)
        losses = []
        for one in (view, other):
            torch.manual_seed(0)
            losses.append(learner(Batch(views=(one, one), indices=batch.indices)).loss)
        assert torch.allclose(*losses)
        assert all(part.training == mode for part in learner.modules())


def test_it_is_computed_in_full_precision_within_autocast() -> None:
    learner = learner_of().float()
    batch = batch_of(learner)
    plain = learner(batch)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        within = learner(batch)
    assert within.loss.equal(plain.loss)
    assert float(plain.loss.detach()) == pytest.approx(float(learner_of()(batch).loss.detach()), rel=1e-3)


def test_transforms_see_the_same_gradient() -> None:
    learner = learner_of(contrast_searches=SEARCHES)
    batch = batch_of(learner)
    learner(batch).loss.backward()
    weights = {name: weight.detach() for name, weight in learner.named_parameters()}

    def loss(weights: dict[str, Tensor]) -> Tensor:
        found: Tensor = torch.func.functional_call(learner, weights, (batch,)).loss
        return found

    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        found = torch.func.grad(loss)(weights)
    for name, weight in learner.named_parameters():
        assert weight.grad is not None, name
        assert torch.allclose(found[name], weight.grad, atol=1e-7), name


def test_every_step_and_every_batch_of_one_draws_anew() -> None:
    learner = learner_of()
    batch = batch_of(learner)
    first = learner(batch).loss
    assert learner(batch).loss.equal(first)
    assert not learner(replace(batch, part=1)).loss.equal(first)
    learner.after_step([])
    assert not learner(batch).loss.equal(first)


def test_two_views_are_needed() -> None:
    learner = learner_of()
    view = learner.encoder.prepare(URLS)
    with pytest.raises(ArgumentError, match=r"needs two views of each sample, got 1: --views\.count 2"):
        learner(Batch(views=(view,), indices=torch.arange(len(URLS))))


def gradients() -> dict[str, Tensor]:
    """Of one step, averaged over processes, of which the second has other lengths; of each mean and each search."""
    found: dict[str, Tensor] = {}
    half = len(URLS) // world_size()
    own = URLS[rank() * half : (rank() + 1) * half]
    released = Search(direction="released", rounds=2, step=0.1)
    for case, options in {
        "mean": {},
        "sum": {"vat_mean": False, "vat_weight": 0.1},
        "released": {"vat_search": Search(direction="released"), "contrast_searches": (released, released)},
    }.items():
        learner = learner_of(scale=2.0, **options)
        learner(batch_of(learner, own)).loss.backward()
        for name, weight in learner.named_parameters():
            assert weight.grad is not None
            found[f"{case} {name}"] = average(weight.grad)
    return found


def average(tensor: Tensor) -> Tensor:
    if world_size() > 1:
        dist.all_reduce(tensor)
        tensor /= world_size()
    return tensor


def test_two_processes_are_one() -> None:
    alone = gradients()
    for found in run_ranks(gradients):
        assert found.keys() == alone.keys()
        for name, value in alone.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-8, msg=name)
