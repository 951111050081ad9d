"""An attack on features: whose gradient it is, what stays as it was, and what two surrogates make of one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from gradient_parity import assert_two_are_one, shared_gradients
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.encoders import Frozen, build, fingerprint_of, frozen
from contrapose.encoders.perturbations import PerturbationGenerator
from contrapose.errors import ArgumentError
from contrapose.learners import FeatureAttack, Surrogate
from contrapose.objectives import feature_similarity
from contrapose.robustness import kept_near

RADIUS = 0.1


def victim(seed: int = 0, pooling: str = "mean") -> Frozen:
    return frozen(build("vit_micro", channels=3, image_size=8, patch_size=4, seed=seed, pooling=pooling))


def generator() -> PerturbationGenerator:
    torch.manual_seed(1)
    return PerturbationGenerator(channels=3, width=2, blocks=1, dropout=0.0)


def bound(x: Tensor, made: Tensor) -> Tensor:
    return kept_near(x, made, RADIUS)


def attack(*surrogates: Surrogate, network: nn.Module | None = None, **options: Any) -> FeatureAttack:
    return FeatureAttack(network or generator(), surrogates, feature_similarity, bound, **options).train()


def pictures(count: int = 6) -> Tensor:
    x = torch.rand(count, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    x[0], x[1] = 0.0, 1.0
    return x


def batch() -> Batch:
    return Batch(views=(pictures(),), indices=torch.arange(6))


@pytest.mark.parametrize("facet", ["query", "key", "value", "token"])
def test_giving_the_picture_back_is_a_loss_of_one(facet: str) -> None:
    step = attack(Surrogate(victim(), 0, facet), network=nn.Identity())(batch())
    assert float(step.loss) == pytest.approx(1)
    assert float(step.log["outside_the_bound"]) == 0


def test_two_surrogates_are_weighed_and_alone_they_are_the_single_losses() -> None:
    one, other = victim(0), victim(1)
    single = [float(attack(Surrogate(frozen, 1, "key"))(batch()).loss.detach()) for frozen in (one, other)]
    for share in (0.0, 0.3, 1.0):
        both = attack(Surrogate(one, 1, "key", weight=share), Surrogate(other, 1, "key", weight=1 - share))
        step = both(batch())
        assert float(step.loss) == pytest.approx(share * single[0] + (1 - share) * single[1], rel=1e-5)
        assert [float(step.log[f"similarity_{number}"]) for number in (1, 2)] == pytest.approx(single, rel=1e-5)
    twice = attack(Surrogate(one, 1, "key", weight=0.5), Surrogate(one, 1, "key", weight=0.5))
    assert float(twice(batch()).loss) == pytest.approx(single[0], rel=1e-5)


def test_surrogates_stay_as_they_are_and_only_the_generator_learns() -> None:
    frozen, learner_weights = victim(), 0
    before = fingerprint_of(frozen.network)
    learner = attack(Surrogate(frozen, 0))
    learner(batch()).loss.backward()
    assert all(weight.grad is None for weight in frozen.network.parameters())
    assert not frozen.network.training
    assert fingerprint_of(frozen.network) == before
    for weight in learner.parameters():
        assert weight.grad is not None
        learner_weights += weight.numel()
    assert learner_weights == sum(weight.numel() for weight in generator().parameters())
    assert all(not module._forward_hooks for module in frozen.network.modules())


def test_attention_is_that_of_the_picture_as_it_was() -> None:
    frozen = victim(pooling="token")
    x = pictures(3)
    looks = frozen.read(x, ["blocks.1.attention"]).layers["blocks.1.attention"].mean(dim=1)
    for side, expected in (("row", looks[:, 0, 1:]), ("column", looks[:, 1:, 0])):
        surrogate = Surrogate(frozen, 0, "key", attention=side, attention_layer=1)  # type: ignore[arg-type]
        features, weights = surrogate.features(x, weighed=True)
        assert features.shape == (3, 4, 32)  # the class token is dropped
        assert weights is not None
        torch.testing.assert_close(weights, expected)
        assert surrogate.features(x)[1] is None  # nobody asks for that of a changed picture
    network: Any = frozen.network
    network.backbone.blocks[0].attention.project_in.weight.mul_(30)  # so that it looks somewhere
    learner = attack(Surrogate(frozen, 0, "key", attention="row"))
    assert not torch.allclose(learner(batch()).loss, attack(Surrogate(frozen, 0, "key"))(batch()).loss, atol=1e-6)


def test_the_class_token_is_dropped_and_layers_are_counted_from_zero() -> None:
    frozen, x = victim(pooling="token"), pictures(2)
    for layer in (0, 1):
        features, _ = Surrogate(frozen, layer, "token").features(x)
        tokens = frozen.read(x, [f"blocks.{layer}"]).layers[f"blocks.{layer}"]
        assert torch.equal(features, tokens[:, 1:])


def test_the_places_of_a_stage_are_the_patches_of_a_convolutional_network() -> None:
    conv, x = frozen(build("small_conv", channels=3, image_size=8, widths=[4, 6], strides=[2, 1])), pictures(2)
    features, weights = Surrogate(conv, 1, "token").features(x, weighed=True)
    maps = conv.read(x, ["stages.1"]).layers["stages.1"]  # (B, D, h, w)
    assert features.shape == (2, 16, 6)
    assert weights is None
    assert torch.equal(features[:, 5], maps[:, :, 1, 1])
    step = attack(Surrogate(conv, 0, "token"), network=nn.Identity())(batch())
    assert float(step.loss) == pytest.approx(1)
    learner = attack(Surrogate(conv, 0, "token"))
    last: Any = learner.encoder.up[-1]  # type: ignore[index]
    learner(batch()).loss.backward()
    assert all(weight.grad is not None and bool(weight.grad.any()) for weight in last.parameters())


def test_what_a_changed_picture_is_looked_at_by_plays_no_part() -> None:
    """Weights are those of the picture as it was: the gradient is that of weights that are given as numbers."""
    network: Any = victim(pooling="token")
    network.network.backbone.blocks[0].attention.project_in.weight.mul_(30)
    surrogate = Surrogate(network, 0, "value", attention="row")
    x = pictures()
    made = generator()
    _, weights = surrogate.features(x, weighed=True)
    found = []
    for given in (None, weights):
        learner = attack(surrogate, network=made)
        made.zero_grad()
        if given is None:
            learner(batch()).loss.backward()
        else:
            clean, _ = surrogate.features(x)
            changed, _ = surrogate.features(bound(x, made(x)))
            feature_similarity(clean, changed, given).backward()
        found.append([weight.grad.clone() for weight in made.parameters() if weight.grad is not None])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-7)


def test_the_first_steps_learn_the_identity() -> None:
    learner = attack(Surrogate(victim(), 0), identity_steps=2)
    taken = learner(batch())
    made = learner.encoder(pictures())
    torch.testing.assert_close(taken.loss, (made - pictures()).square().mean())
    learner.after_step([taken])
    learner.after_step([taken])
    assert float(learner(batch()).loss.detach()) == pytest.approx(float(learner(batch()).log["similarity_1"]))


def test_it_learns_to_lead_astray() -> None:
    learner = attack(Surrogate(victim(), 0))
    optimizer = torch.optim.Adam(learner.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        taken = learner(batch())
        taken.loss.backward()
        optimizer.step()
        losses.append(float(taken.loss.detach()))
    noise = RADIUS * (2 * torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(5)) - 1).sign()
    surrogate = learner.surrogates[0]
    clean, _ = surrogate.features(pictures())
    noisy, _ = surrogate.features((pictures() + noise).clamp(0, 1))
    assert losses[-1] < losses[0] - 0.02
    assert losses[-1] < float(feature_similarity(clean, noisy))


def test_what_is_exported_is_without_dropout_and_within_the_bound() -> None:
    torch.manual_seed(0)
    learner = attack(Surrogate(victim(), 0), network=PerturbationGenerator(channels=3, width=2, blocks=1, dropout=0.5))
    x = pictures()
    first = learner.changed(x)
    assert torch.equal(first, learner.changed(x))
    assert learner.training
    assert learner.encoder.training
    assert float((first - x).abs().max()) <= RADIUS + 1e-7
    assert float(first.min()) >= 0
    assert float(first.max()) <= 1


def gradients() -> dict[str, Tensor]:
    """Norms of a batch take the statistics of their own process; without them the step is that of one process."""
    network = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Sigmoid())
    torch.manual_seed(3)
    nn.init.normal_(network[0].weight, std=0.1)  # type: ignore[arg-type]
    nn.init.zeros_(network[0].bias)  # type: ignore[arg-type]
    learner = attack(Surrogate(victim(0), 0), Surrogate(victim(1), 1, "query"), network=network).double()
    for surrogate in learner.surrogates:
        surrogate.frozen.network.double()
    return shared_gradients(learner, pictures().double())


def test_two_processes_are_one() -> None:
    assert_two_are_one(gradients)


def test_bad_input() -> None:
    for options, told in (
        ({"layer": 2}, "layer must be a block or stage of .*, 0 to 1, got 2"),
        ({"layer": -1}, "layer must be a block"),
        ({"layer": 0, "attention_layer": 5}, "attention_layer must be a block"),
        ({"layer": 0, "facet": "keys"}, "facet must be one of query, key, value, token, got 'keys'"),
        ({"layer": 0, "attention": "row"}, "has no class token whose attention could weigh patches"),
        ({"layer": 0, "attention": "rows"}, "attention must be none, row or column"),
    ):
        with pytest.raises(ArgumentError, match=told):
            Surrogate(victim(), **options)
    with pytest.raises(ArgumentError, match="needs an encoder with layers; mlp has none"):
        Surrogate(frozen(build("mlp", channels=3, image_size=8)), 0)
    conv = frozen(build("small_conv", channels=3, image_size=8, widths=[4, 8]))
    for given, told in (
        ({"layer": 0}, "is a small_conv and has no attention whose key could be read. Take the facet token"),
        ({"layer": 0, "facet": "token", "attention": "row"}, "has no class token whose attention"),
        ({"layer": 2, "facet": "token"}, "layer must be a block or stage of .*, 0 to 1, got 2"),
    ):
        with pytest.raises(ArgumentError, match=told):
            Surrogate(conv, **given)
    with pytest.raises(ArgumentError, match=r"Pictures must lie in \[0, 1\], got 0 to 2"):
        attack(Surrogate(victim(), 0))(Batch(views=(2 * pictures(),), indices=torch.arange(6)))
    with pytest.raises(ArgumentError, match="needs an encoder at least"):
        attack()
    with pytest.raises(ArgumentError, match="needs 1 view of each picture, got 2"):
        attack(Surrogate(victim(), 0))(Batch(views=(pictures(), pictures()), indices=torch.arange(6)))
    with pytest.raises(ArgumentError, match="sides are divisible by 4"):
        generator()(torch.rand(2, 3, 10, 10))
