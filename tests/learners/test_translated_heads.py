"""Learning from translations: labels stay, the translator stays, and the two terms in closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data import Batch
from contrapose.encoders.images.translator import Translator
from contrapose.errors import ArgumentError
from contrapose.learners import TranslatedHeads
from contrapose.objectives import nt_xent
from contrapose.pairing import Pairing, by_views

K, TAU = 4, 0.1


class Flat(nn.Module):
    """Pixels in a row, through a linear map."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.map = nn.Linear(3 * 8 * 8, 6)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.map(x.to(self.map.weight.dtype).flatten(1))
        return found


def contrast(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
    return nt_xent(z, pairing, temperature=TAU, rows=rows)


def learner(**options: Any) -> TranslatedHeads:
    usual: dict[str, Any] = {"dimension": 6, "classes": K, "generator": torch.Generator().manual_seed(5)}
    torch.manual_seed(1)
    made = TranslatedHeads(Flat(), nn.Linear(6, 4), contrast, **{**usual, **options})
    made.see_targets({"label": torch.arange(K)})
    with torch.no_grad():
        for weight in made.heads.parameters():
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(2)))
    return made


def batch(size: int = 8) -> Batch:
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(256, (size, 3, 8, 8), generator=generator, dtype=torch.uint8)
    return Batch((x,), torch.arange(size), torch.arange(size) % K)


def identity(raw: Tensor, classes: Tensor) -> Tensor:
    return raw.float() / 255


def test_projections_that_are_all_alike_and_the_perfect_case() -> None:
    alike = torch.ones(2, 5, 8)
    assert float(contrast(alike, by_views(2, 5), None)) == pytest.approx(math.log(2 * 5 - 1), rel=1e-6)
    perfect = torch.eye(5, 8).expand(2, 5, 8)
    expected = math.log(1 + (2 * 5 - 2) * math.exp(-1 / TAU))
    assert float(contrast(perfect, by_views(2, 5), None)) == pytest.approx(expected, rel=1e-3)
    one = torch.randn(2, 1, 8, requires_grad=True)
    lonely = contrast(one, by_views(2, 1), None)
    lonely.backward()
    assert float(lonely.detach()) == 0
    assert one.grad is not None
    assert float(one.grad.abs().max()) < 1e-5  # 0 but for rounding, over the temperature


def test_with_the_identity_it_is_erm_beside_instance_discrimination() -> None:
    own, given = learner(), batch()
    own.translated_by(identity)
    step = own(given)
    x = given.views[0].float() / 255
    h = own.encoder(x)
    erm = functional.cross_entropy(own.heads(h)[0], given.targets["label"])
    torch.testing.assert_close(step.log["class_loss"], erm.detach())
    z = own.projection(h)
    positives = contrast(torch.stack([z, z]), by_views(2, 8), None)
    torch.testing.assert_close(step.loss, erm + positives)
    own.contrast_weight = 0.0
    torch.testing.assert_close(own(given).loss, erm)


def test_translations_keep_the_label_of_their_picture() -> None:
    own, given = learner(contrast_weight=0.0), batch()
    asked: list[Tensor] = []

    def painted(raw: Tensor, classes: Tensor) -> Tensor:
        asked.append(classes)
        return (classes.float() / K).view(-1, 1, 1, 1).expand(*raw.shape)

    own.translated_by(painted)
    step = own(given)
    labels = given.targets["label"]
    assert len(asked) == 2
    assert not torch.equal(asked[0], asked[1])
    assert not torch.equal(asked[0], labels)
    views = [given.views[0].float() / 255, *(painted(given.views[0], c) for c in asked[:2])]
    terms = [functional.cross_entropy(own.heads(own.encoder(view))[0], labels) for view in views]
    torch.testing.assert_close(step.loss, torch.stack(terms).mean())


def test_the_translator_is_asked_and_stays() -> None:
    translator = Translator(channels=3, image_size=8, classes=tuple("abcd"), width=4, blocks=1)
    before = {name: value.clone() for name, value in translator.state_dict().items()}
    own = learner()
    own.translated_by(translator)
    assert not any("layers" in name for name in own.state_dict())
    optimizer = torch.optim.SGD(own.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        own(batch()).loss.backward()
        optimizer.step()
    assert not translator.training
    assert all(weight.grad is None for weight in translator.parameters())
    assert all(torch.equal(value, before[name]) for name, value in translator.state_dict().items())


def test_both_targets_are_uniform_and_independent_of_each_other() -> None:
    own = learner()
    indices = torch.arange(10_000)
    c, d = own.wanted(Batch((torch.zeros(10_000, 1),), indices, indices % K))
    table = torch.bincount(K * c + d, minlength=K * K).double()
    expected = 10_000 / (K * K)
    assert float(((table - expected) ** 2 / expected).sum()) < 37.7  # 15 degrees, 99.9 %
    own.after_step([])
    assert not torch.equal(own.wanted(Batch((torch.zeros(10_000, 1),), indices, indices % K))[0], c)


def test_weights_are_of_the_cross_entropy_alone() -> None:
    own, given = learner(), batch()
    plain = own(given)
    own.sample_weights = torch.full((8,), 2.0)
    twice = own(given)
    torch.testing.assert_close(twice.log["class_loss"], 2 * plain.log["class_loss"])
    torch.testing.assert_close(twice.log["contrast_loss"], plain.log["contrast_loss"])
    own.sample_weights = None
    own.difficulty = torch.tensor([0.0] * 4 + [1e6] * 4)  # easy ones of the biased classifier count for nothing
    hard = own(given)
    half = Batch((given.views[0][4:],), torch.arange(4, 8), given.targets["label"][4:])
    own.difficulty = None
    torch.testing.assert_close(hard.log["class_loss"], own(half).log["class_loss"] / 2, rtol=1e-3, atol=1e-4)


def test_views_are_varied_after_translation_and_alike_when_repeated() -> None:
    own, seen = learner(), list[Tensor]()
    own.translated_by(lambda raw, classes: torch.full(raw.shape, 0.5))

    def vary(x: Tensor, *, generator: torch.Generator) -> tuple[Tensor]:
        seen.append(x)
        return (x.float() * torch.rand(1, generator=generator),)

    own.vary = vary
    first, again = own.views(batch()), own.views(batch())
    assert float(seen[1].unique()) == 0.5
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[1], first[2])  # each with numbers of its own


def test_bad_input_is_told() -> None:
    own = learner()
    own.translated_by(lambda raw, classes: raw[..., :4].float())
    with pytest.raises(ArgumentError, match="it must keep the size"):
        own(batch())
    with pytest.raises(ArgumentError, match="one view of each picture, got 2"):
        own(Batch(2 * batch().views, torch.arange(8), torch.arange(8) % K))
    with pytest.raises(ArgumentError, match="labels and the data has none"):
        own(Batch(batch().views, torch.arange(8)))
