"""Texts of alike length in a pass: the same embeddings and gradients, the cheapest cuts, little padding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from text_cases import TEXTS, tokenizer

from contrapose.embedder import Embedder
from contrapose.encoders import by_length as module
from contrapose.encoders.by_length import PASS, by_length, cuts
from contrapose.encoders.texts import TextEncoder, build_text
from contrapose.padded import Padded

LONG = [" ".join(TEXTS[:4])[: 7 * number] for number in range(1, 20)]


@pytest.fixture
def encoder() -> TextEncoder:
    return build_text("transformer", tokenizer(max_length=48), seed=0, dimension=16, heads=2).eval().double()


def cost(lengths: np.ndarray, ends: list[int]) -> int:
    """What these passes cost, counted text by text."""
    of_each = [min(end for end in ends if end >= length) for length in lengths]
    return sum(of_each) + PASS * len(set(of_each))


@pytest.mark.parametrize("seed", range(6))
def test_no_other_cuts_cost_less(seed: int) -> None:
    random = np.random.default_rng(seed)
    lengths = random.choice([3, 9, 20, 41, 64, 300], size=random.integers(1, 60))
    known = sorted(set(lengths.tolist()))
    found = cuts(lengths)
    assert found == sorted(set(found))
    assert found[-1] == known[-1]
    others = ([*some, known[-1]] for count in range(len(known)) for some in itertools.combinations(known[:-1], count))
    assert cost(lengths, found) == min(cost(lengths, ends) for ends in others)


def test_cuts_in_closed_form() -> None:
    assert cuts(np.array([7, 7, 7])) == [7]
    assert cuts(np.array([3, 3 + PASS])) == [3 + PASS]
    assert cuts(np.array([3, 4 + PASS])) == [3, 4 + PASS]


@pytest.mark.parametrize("cheap", [True, False])
def test_embeddings_and_gradients_are_those_of_one_pass(
    encoder: TextEncoder, cheap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if cheap:  # each length by itself
        monkeypatch.setattr(module, "PASS", 0)
    view = encoder.prepare([*LONG, *TEXTS]).lengthened(48)
    passes: list[Padded] = []

    def network(part: Padded) -> torch.Tensor:
        passes.append(part)
        return encoder.backbone(part)

    z = by_length(network, view)
    assert len(passes) == len(view.lengths.unique()) if cheap else 1 < len(passes) < 6
    assert sum(len(part) for part in passes) == len(view)
    assert all(part.lengths.max() == part.shape[1] for part in passes)
    expected = encoder.backbone(view)
    torch.testing.assert_close(z, expected)
    torch.testing.assert_close(encoder(view), expected)
    weights = torch.randn(z.shape, dtype=z.dtype, generator=torch.Generator().manual_seed(0))
    ours, theirs = (torch.autograd.grad((one * weights).sum(), list(encoder.parameters())) for one in (z, expected))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_one_length_is_one_pass_bit_for_bit(encoder: TextEncoder) -> None:
    view = encoder.prepare(["the cat sat"] * 3)
    assert torch.equal(by_length(encoder.backbone, view), encoder.backbone(view))


def test_transformed_calls_are_one_pass(encoder: TextEncoder) -> None:
    view = encoder.prepare([*LONG, *TEXTS])
    weights = dict(encoder.named_parameters())

    def loss(weights: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.func.functional_call(encoder, weights, (view,)).square().sum()

    found = torch.func.grad(loss)(weights)
    loss(weights).backward()
    for name, weight in weights.items():
        torch.testing.assert_close(found[name], weight.grad)


@pytest.mark.parametrize("size", [3, 512])
def test_embed_keeps_the_order_and_computes_little_padding(encoder: TextEncoder, size: int) -> None:
    texts = [text for text in [*LONG, *TEXTS] * 6 if text.strip()]
    computed = []
    encoder.backbone.register_forward_pre_hook(lambda _, given: computed.append(given[0].values.numel()))
    with torch.no_grad():
        alone = torch.cat([encoder.backbone(encoder.prepare([text])) for text in texts]).float().numpy()
        real = int(encoder.prepare(texts).mask.sum())
    computed.clear()
    np.testing.assert_allclose(Embedder(encoder).embed(texts, batch_size=size), alone, atol=1e-6)
    assert real <= sum(computed) < 1.25 * real < encoder.prepare(texts).values.numel()


def test_embed_holds_some_batches_at_a_time(encoder: TextEncoder) -> None:
    texts = [f"the {word} mat" for word in ["cat", "dog", "log"]] * 40
    told: list[str] = []
    whole = encoder.tokenizer.encode
    encoder.prepare = lambda raw: (told.append("prepared"), whole(raw))[1]
    encoder.backbone.register_forward_pre_hook(lambda _, given: told.append("embedded"))
    z = Embedder(encoder).embed(texts, batch_size=2)
    turns = [(what, len(list(run))) for what, run in itertools.groupby(told)]
    assert turns == [("prepared", 16), ("embedded", 16)] * 3 + [("prepared", 12), ("embedded", 12)]
    np.testing.assert_allclose(z[:3], z[117:], atol=1e-6)
