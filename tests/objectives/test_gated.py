"""Contrast through gates: against its definition, in closed forms, at the ends of every scale."""

from __future__ import annotations

import math

import pytest
import torch
from gated_literal import literal_gated
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives import gated_contrast
from contrapose.objectives.gated.contrast import gated_chance
from contrapose.pairing import by_partners

LABELS = torch.tensor([0, 1, 2, 0, 1, 1, -1, 3])
PARTNERS = torch.tensor([1, 1, 0, 2, 0, 3, -1, 4])  # class 4 has no sample
B, D = len(LABELS), 5


def rows(views: int = 2, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(views, B, D, generator=generator, dtype=torch.float64).requires_grad_()


def gates(*, seed: int = 1) -> Tensor:
    return torch.rand(B, D, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_()


def gradients(loss: Tensor, *of: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, of)


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("average", ["positives", "anchors"])
@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("ungated_weight", [0.0, 0.3])
def test_value_and_gradients_are_those_of_the_definition(
    views: int, average: str, rescale: bool, ungated_weight: float
) -> None:
    z, g = rows(views), gates()
    options = {"temperature": 0.3, "rescale": rescale, "average": average, "ungated_weight": ungated_weight}
    pairing = by_partners(LABELS, PARTNERS, same_rows=views == 1)
    found = gated_contrast(z, g, pairing, **options)  # type: ignore[arg-type]
    expected = literal_gated(z, g, LABELS, PARTNERS, **options)  # type: ignore[arg-type]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)
    for one, other in zip(gradients(found, z, g), gradients(expected, z, g), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
        assert one.abs().max() > 1e-3


def test_open_gates_and_own_classes_are_supcon_in_which_positives_meet_negatives_alone() -> None:
    z, labels = rows(), torch.arange(B) % 3
    unit = torch.nn.functional.normalize(z, dim=-1)
    s = unit[0] @ unit[1].T / 0.2
    same = labels.unsqueeze(1) == labels
    against = s.exp().masked_fill(same, 0.0).sum(dim=1, keepdim=True)
    expected = -(s.exp() / (s.exp() + against)).log()[same].mean()
    found = gated_contrast(z, torch.ones(B, D, dtype=z.dtype), by_partners(labels), temperature=0.2)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("rescale", [False, True])
def test_equal_embeddings_cost_the_log_of_one_and_the_negatives(rescale: bool) -> None:
    z, labels = torch.ones(2, 12, D, dtype=torch.float64), torch.arange(12) % 4
    g = torch.rand(12, D, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = gated_contrast(z, g, by_partners(labels, (labels + 1) % 4), rescale=rescale)
    assert float(found) == pytest.approx(math.log(1 + 6))  # twelve, but for three of the own and of the partner's class


@pytest.mark.parametrize("average", ["positives", "anchors"])
@pytest.mark.parametrize("views", [1, 2])
def test_equal_embeddings_give_chance(average: str, views: int) -> None:
    pairing = by_partners(LABELS, PARTNERS, same_rows=views == 1)
    z = torch.ones(views, B, D, dtype=torch.float64)
    found = gated_contrast(z, gates(), pairing, average=average)  # type: ignore[arg-type]
    assert float(found.detach()) == pytest.approx(gated_chance(pairing, average=average))


def test_the_scale_of_a_gate_counts_only_without_rescaling() -> None:
    z, g, pairing = rows(), gates().detach(), by_partners(LABELS, PARTNERS)
    cosine = gated_contrast(z, g, pairing, rescale=True)
    for factor in (1e-3, 1e-30, 1e30):  # whose squares are no numbers in float32
        scaled = gated_contrast(z.float(), factor * g.float(), pairing, rescale=True)
        torch.testing.assert_close(scaled.double(), cosine, rtol=1e-5, atol=0)
    plain = gated_contrast(z, 0.5 * g, pairing)
    assert not torch.allclose(plain, gated_contrast(z, g, pairing))
    torch.testing.assert_close(plain, gated_contrast(z, g, pairing, temperature=0.4))  # similarities scale with c²


def test_closed_dimensions_count_for_the_length_of_a_row_alone() -> None:
    z, g = rows(), gates().detach().clone()
    g[:, 2:4] = 0
    pairing = by_partners(LABELS, PARTNERS)
    loss = gated_contrast(z, g, pairing)
    torch.testing.assert_close(gated_contrast(z[..., [0, 1, 3, 2, 4]], g, pairing), loss)
    (gradient,) = gradients(loss, z)
    # what is left of the gradient there points along the row: none of it turns the row
    torch.testing.assert_close(gradient[..., 2] * z[..., 3], gradient[..., 3] * z[..., 2], rtol=1e-9, atol=1e-12)
    assert gradient[..., [0, 1, 4]].abs().max() > 0.01
    (gradient,) = gradients(gated_contrast(z, g, pairing, rescale=True), z)  # which forgets the length as well
    assert gradient[..., 2:4].abs().max() < 1e-12


@pytest.mark.parametrize("rescale", [False, True])
def test_a_gate_that_is_closed_everywhere_tells_nothing_and_breaks_nothing(rescale: bool) -> None:
    z, g = rows(), torch.zeros(B, D, dtype=torch.float64, requires_grad=True)
    pairing = by_partners(LABELS, PARTNERS)
    loss = gated_contrast(z, g, pairing, rescale=rescale)
    assert float(loss.detach()) == pytest.approx(gated_chance(pairing))
    assert all(gradient.isfinite().all() for gradient in gradients(loss, z, g))


def test_a_constant_on_the_similarities_of_an_anchor_changes_nothing() -> None:
    from contrapose.objectives.gated.contrast import _against_negatives

    generator = torch.Generator().manual_seed(0)
    s = torch.randn(4, 6, generator=generator, dtype=torch.float64).requires_grad_()
    negative = torch.rand(4, 6, generator=generator) < 0.5
    moved = _against_negatives(s + torch.tensor([[3.0], [-700.0], [1e3], [0.1]]), negative)
    torch.testing.assert_close(moved, _against_negatives(s, negative), rtol=1e-9, atol=1e-9)
    for one, other in zip(gradients(moved.sum(), s), gradients(_against_negatives(s, negative).sum(), s), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_anchors_without_a_partner_in_the_batch_contribute_nothing() -> None:
    z, g = rows(), gates()
    whole = gated_contrast(z, g, by_partners(LABELS, PARTNERS))
    changed = g.detach().clone()
    changed[[6, 7]] = 123.0  # the unlabelled one, and the one that looks for class 4
    torch.testing.assert_close(gated_contrast(z, changed, by_partners(LABELS, PARTNERS)), whole)
    (gradient,) = gradients(whole, g)
    assert gradient[[6, 7]].abs().max() == 0
    assert gradient[:6].abs().max() > 0


def test_a_batch_without_any_positive_is_refused() -> None:
    with pytest.raises(ArgumentError, match="No anchor has a positive"):
        gated_contrast(rows(), gates(), by_partners(LABELS, torch.full((B,), 9)))
    with pytest.raises(ArgumentError, match="No anchor has a positive"):  # everybody is alone in its class
        gated_contrast(rows(1), gates(), by_partners(torch.arange(B), same_rows=True))


def test_two_classes_leave_nobody_to_be_told_from() -> None:
    z, g, labels = rows(), gates(), torch.arange(B) % 2
    loss = gated_contrast(z, g, by_partners(labels, 1 - labels))
    assert float(loss.detach()) == 0
    assert all(gradient.abs().max() == 0 for gradient in gradients(loss, z, g))


@pytest.mark.parametrize("average", ["positives", "anchors"])
def test_two_simulated_ranks_average_to_one_process(average: str) -> None:
    z, g, pairing = rows(), gates(), by_partners(LABELS, PARTNERS)
    whole = gated_contrast(z, g, pairing, average=average)  # type: ignore[arg-type]
    halves = [
        gated_contrast(z, g, pairing, average=average, rows=torch.arange(4) + start)  # type: ignore[arg-type]
        for start in (0, 4)
    ]
    torch.testing.assert_close(sum(halves) / 2, whole)
    for one, other in zip(gradients(sum(halves) / 2, z, g), gradients(whole, z, g), strict=True):
        torch.testing.assert_close(one, other)


def test_the_order_of_samples_does_not_matter() -> None:
    z, g, order = rows(), gates(), torch.randperm(B, generator=torch.Generator().manual_seed(3))
    moved = gated_contrast(z[:, order], g[order], by_partners(LABELS[order], PARTNERS[order]))
    torch.testing.assert_close(moved, gated_contrast(z, g, by_partners(LABELS, PARTNERS)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("temperature", [0.005, 1e4])
def test_finite_in_low_precision_and_at_extreme_temperatures(
    dtype: torch.dtype, rescale: bool, temperature: float
) -> None:
    z, g = rows().detach().to(dtype).requires_grad_(), gates().detach().to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = gated_contrast(z, g, by_partners(LABELS, PARTNERS), rescale=rescale, temperature=temperature)
    assert loss.dtype == torch.float32
    expected = literal_gated(z.double(), g.double(), LABELS, PARTNERS, temperature, rescale=rescale)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-4, atol=1e-5)
    assert all(gradient.isfinite().all() for gradient in gradients(loss, z, g))


@pytest.mark.parametrize("rescale", [False, True])
def test_torch_may_transform_it(rescale: bool) -> None:
    z, g, pairing = rows().detach(), gates().detach(), by_partners(LABELS, PARTNERS)

    def loss(z: Tensor, g: Tensor) -> Tensor:
        return gated_contrast(z, g, pairing, rescale=rescale)

    expected = gradients(loss(z.requires_grad_(), g.requires_grad_()), z, g)
    for one, other in zip(torch.func.grad(loss, argnums=(0, 1))(z, g), expected, strict=True):
        torch.testing.assert_close(one, other)
    many = torch.vmap(loss)(torch.stack([z, 2 * z.flip(0)]), torch.stack([g, g / 2]))
    torch.testing.assert_close(many, torch.stack([loss(z, g), loss(z.flip(0), g / 2)]))


def test_a_learned_temperature_gets_its_gradient() -> None:
    z, g, pairing = rows(), gates(), by_partners(LABELS, PARTNERS)
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    (slope,) = gradients(gated_contrast(z, g, pairing, temperature=temperature), temperature)
    ahead, behind = (gated_contrast(z, g, pairing, temperature=0.4 + step) for step in (1e-6, -1e-6))
    assert float(slope) == pytest.approx(float((ahead - behind).detach()) / 2e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, "temperature"),
        ({"average": "sum"}, "average"),
        ({"gates": torch.rand(B - 1, D)}, "gates"),
        ({"gates": torch.full((B, D), math.nan)}, "gates"),
        ({"z": torch.rand(3, B, D)}, r"\(2, B, D\)"),
        ({"z": torch.full((2, B, D), math.inf)}, "z"),
        ({"pairing": by_partners(LABELS[:4], PARTNERS[:4])}, "pairing"),
        ({"rows": torch.tensor([B])}, "rows"),
        ({"ungated_weight": math.nan}, "ungated_weight"),
    ],
)
def test_bad_input_is_named(change: dict, words: str) -> None:
    given = {"z": rows().float(), "gates": gates().float(), "pairing": by_partners(LABELS, PARTNERS), **change}
    with pytest.raises(ArgumentError, match=words):
        gated_contrast(given.pop("z"), given.pop("gates"), given.pop("pairing"), **given)
