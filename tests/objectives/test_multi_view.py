"""The multi-view losses: their equations with three views, what they become with two, and their limits."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from multi_view_literal import MULTI_VIEW_LITERAL, literal_dhel, literal_mv_info_nce
from objective_cases import some_embeddings
from torch import Tensor
from torch.nn import functional

from contrapose.errors import ArgumentError
from contrapose.objectives import (
    OBJECTIVES,
    mv_dhel,
    mv_info_nce,
    nt_xent,
    pairwise_dhel,
    pairwise_nt_xent,
    pvc_arithmetic,
    pvc_geometric,
)
from contrapose.objectives.many_views.view_chances import VIEW_CHANCES
from contrapose.pairing import by_views

NAMES = tuple(MULTI_VIEW_LITERAL)
FUNCTIONS = {name: OBJECTIVES[name].function for name in NAMES}


def some_views(views: int = 3, batch: int = 4, dim: int = 5, *, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    base = torch.randn(1, batch, dim, generator=generator, dtype=torch.float64)
    return base + 0.7 * torch.randn(views, batch, dim, generator=generator, dtype=torch.float64)


def gradient_of(loss: Tensor, z: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(loss, z)
    return gradient


@pytest.mark.parametrize("views", [3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_is_its_equation(name: str, views: int) -> None:
    z = some_views(views).requires_grad_()
    value = FUNCTIONS[name](z, temperature=0.3, tile_rows=5, tile_columns=3)
    expected = MULTI_VIEW_LITERAL[name](z, 0.3)
    assert torch.allclose(value, expected, rtol=1e-10)
    assert torch.allclose(gradient_of(value, z), gradient_of(expected, z), atol=1e-10)


def test_without_negatives_of_the_own_view_it_is_the_readmes_formula() -> None:
    z = some_views()
    value = mv_info_nce(z, temperature=0.3, same_view_negatives=False)
    assert torch.allclose(value, literal_mv_info_nce(z, 0.3, same_view_negatives=False), rtol=1e-10)
    assert value < mv_info_nce(z, temperature=0.3)


@pytest.mark.parametrize("name", NAMES)
def test_three_views_on_two_ranks_average_to_one_process(name: str) -> None:
    z = some_views(3, 6).requires_grad_()
    whole = FUNCTIONS[name](z)
    each = FUNCTIONS[name](z, reduction="none", rows=torch.tensor([4, 1]))
    everyone = FUNCTIONS[name](z, reduction="none")
    assert everyone.shape == (6,)
    assert torch.allclose(each, everyone[[4, 1]])
    parts = sum(FUNCTIONS[name](z, rows=torch.arange(3) + start) for start in (0, 3)) / 2
    assert torch.allclose(parts, whole, atol=1e-12)
    assert torch.allclose(gradient_of(parts, z), gradient_of(whole, z), atol=1e-12)


def test_of_two_views_mv_dhel_is_dhel() -> None:
    z = some_embeddings(5)
    assert torch.allclose(mv_dhel(z, temperature=0.2), literal_dhel(z, 0.2), rtol=1e-12)
    assert torch.allclose(pairwise_dhel(z, temperature=0.2), literal_dhel(z, 0.2), rtol=1e-12)


@pytest.mark.parametrize("name", ["pvc_geometric", "pvc_arithmetic", "pairwise_nt_xent", "average_nt_xent"])
def test_of_two_views_the_softmax_baselines_are_nt_xent(name: str) -> None:
    z = some_embeddings(5)
    assert torch.allclose(FUNCTIONS[name](z, temperature=0.2), nt_xent(z, temperature=0.2), rtol=1e-12)


def test_of_two_views_mv_info_nce_is_at_least_nt_xent_and_equal_for_equal_denominators() -> None:
    z = some_embeddings(5)
    assert mv_info_nce(z, temperature=0.2) > nt_xent(z, temperature=0.2)
    same = z[:1].expand(2, -1, -1)  # both views meet the same rows
    assert torch.allclose(mv_info_nce(same, temperature=0.2), nt_xent(same, temperature=0.2), rtol=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), views=st.integers(3, 5), temperature=st.floats(0.05, 2.0))
def test_the_mean_of_probabilities_asks_less_than_their_geometric_mean(
    seed: int, views: int, temperature: float
) -> None:
    z = some_views(views, seed=seed)
    assert pvc_arithmetic(z, temperature=temperature) <= pvc_geometric(z, temperature=temperature) + 1e-12


@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
@pytest.mark.parametrize(("views", "batch"), [(2, 5), (3, 2), (5, 4)])
def test_equal_embeddings_in_closed_form(views: int, batch: int, temperature: float) -> None:
    z = torch.ones(views, batch, 3, dtype=torch.float64)
    expected = {
        "mv_info_nce": math.log((views * batch - 1) / (views - 1)),
        "mv_dhel": (views - 1) / temperature + views * math.log(batch - 1) - math.log(views * (views - 1) / 2),
        "pairwise_nt_xent": math.log(2 * batch - 1),
        "pairwise_dhel": 1 / temperature + 2 * math.log(batch - 1),
        "average_nt_xent": math.log(2 * batch - 1),
        "pvc_geometric": math.log(1 + views * (batch - 1)),
        "pvc_arithmetic": math.log(1 + views * (batch - 1)),
    }
    for name, value in expected.items():
        assert float(FUNCTIONS[name](z, temperature=temperature)) == pytest.approx(value, abs=1e-9), name
        assert VIEW_CHANCES[name](by_views(views, batch), temperature) == pytest.approx(value, abs=1e-9), name
    readme = mv_info_nce(z, temperature=temperature, same_view_negatives=False)
    assert float(readme) == pytest.approx(math.log(batch), abs=1e-9)


def test_a_high_temperature_forgets_the_embeddings() -> None:
    z, warm = some_views(4, 6), 1e7
    assert float(mv_info_nce(z, temperature=warm)) == pytest.approx(math.log(23 / 3), abs=1e-5)
    assert float(mv_dhel(z, temperature=warm)) == pytest.approx(4 * math.log(5) - math.log(6), abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_neither_the_order_of_views_nor_of_samples_nor_lengths_matter(name: str) -> None:
    z = some_views(4, 5)
    lengths = 0.1 + torch.rand(4, 5, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    moved = (lengths * z)[[2, 0, 3, 1]][:, [3, 1, 4, 0, 2]]
    assert torch.allclose(FUNCTIONS[name](moved), FUNCTIONS[name](z), rtol=1e-12)
    unpaired = torch.cat([z[:1].roll(1, dims=1), z[1:]])  # samples of one view alone
    assert not torch.allclose(FUNCTIONS[name](unpaired), FUNCTIONS[name](z), rtol=1e-3)


@pytest.mark.parametrize(("function", "coupled"), [(mv_dhel, False), (pairwise_dhel, False), (mv_info_nce, True)])
def test_different_samples_in_different_views_meet_only_in_coupled_losses(function, coupled: bool) -> None:  # type: ignore[no-untyped-def]
    """With orthonormal rows, the gradient's part along row (m,j) is the derivative by s(l,i; m,j)."""
    views, batch = 3, 4
    z = torch.eye(views * batch, dtype=torch.float64).view(views, batch, -1).requires_grad_()
    gradient = gradient_of(function(z, normalize=False), z).view(views, batch, views, batch)
    for view in range(views):
        for i in range(batch):
            parts = gradient[view, i].abs() > 1e-9  # (V, B) by the other row
            assert parts[:, i][torch.arange(views) != view].all()  # other views of the sample attract
            assert parts[view][torch.arange(batch) != i].all()  # other samples of the view repel
            cross = parts[torch.arange(views) != view][:, torch.arange(batch) != i]
            assert cross.all() if coupled else not cross.any()


@pytest.mark.parametrize("name", ["mv_info_nce", "mv_dhel", "pvc_arithmetic"])
def test_eight_sharp_views_in_float32_are_those_of_float64(name: str) -> None:
    z = some_views(8, 512, 16)
    with torch.no_grad():
        single = FUNCTIONS[name](z.float(), temperature=0.05)
        double = FUNCTIONS[name](z, temperature=0.05)
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), double, rtol=1e-4)


def test_a_learned_temperature_gets_its_gradient() -> None:
    z = some_views()
    temperature = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    for function in (mv_dhel, mv_info_nce, pairwise_nt_xent):
        assert torch.autograd.gradcheck(lambda t, f=function: f(z, temperature=t), temperature)


def _worst_pair(function, temperature: float) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    """Share of 64 held-out samples that the worst of three modalities finds in another, before and after training."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(1088, 4, generator=generator)  # 64 are held out
    widths = (8, 12, 10)
    inputs = []
    for width in widths:
        private = torch.randn(1088, 4, generator=generator)
        mixing = torch.linalg.qr(torch.randn(width, 8, generator=generator))[0].T  # (8, width)
        inputs.append(torch.cat([shared, private], dim=1) @ mixing)  # (1088, width)
    torch.manual_seed(0)
    encoders = [torch.nn.Linear(width, 6) for width in widths]

    def embeddings(samples: Tensor) -> Tensor:
        return torch.stack([encoder(x[samples]) for encoder, x in zip(encoders, inputs, strict=True)])  # (3, B, 6)

    def retrieved() -> float:
        z = functional.normalize(embeddings(torch.arange(1024, 1088)).detach(), dim=-1)
        found = torch.einsum("lid,mjd->lmij", z, z).argmax(-1)  # (3, 3, B)
        right = (found == torch.arange(64)).float().mean(-1)
        return min(float(right[a, b]) for a in range(3) for b in range(3) if a != b)

    before = retrieved()
    optimizer = torch.optim.Adam([p for encoder in encoders for p in encoder.parameters()], lr=0.1)
    for _ in range(60):
        optimizer.zero_grad()
        function(embeddings(torch.randint(1024, (128,), generator=generator)), temperature=temperature).backward()
        optimizer.step()
    return before, retrieved()


@pytest.mark.parametrize(
    ("function", "temperature"),
    [(mv_info_nce, 0.5), (mv_dhel, 1.0), (pairwise_nt_xent, 0.5), (pairwise_dhel, 0.5)],
)
def test_three_modalities_learn_to_find_each_other(function, temperature: float) -> None:  # type: ignore[no-untyped-def]
    """Three encoders of unlike inputs with a shared cause; one call of one loss aligns all pairs of them."""
    before, after = _worst_pair(function, temperature)
    assert before < 0.1  # one in 64 by chance
    assert after > 0.95


def test_modalities_need_a_higher_temperature_with_mv_dhel() -> None:
    """What its docstring says: many pushes against one shared pull spread what the modalities do not have in common."""
    _, low = _worst_pair(mv_dhel, 0.1)
    _, default = _worst_pair(mv_dhel, 0.5)
    assert 0.3 < low < default < 0.85


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("z", "options", "word"),
    [
        (torch.randn(1, 4, 3), {}, "z holds 1 view"),
        (torch.randn(3, 1, 3), {}, "z holds 3 .* 1 sample"),
        (torch.randn(12, 3), {}, "z must be a non-empty tensor of shape"),
        ([torch.randn(4, 3), torch.randn(5, 3)], {}, "z must be a tensor"),
        (torch.full((2, 4, 3), math.nan), {}, "z holds 24 values that are NaN"),
        (torch.randn(2, 4, 3), {"temperature": -0.1}, "temperature"),
        (torch.randn(2, 4, 3), {"rows": torch.tensor([4])}, "rows"),
        (torch.randn(2, 4, 3), {"reduction": "sum"}, "reduction"),
    ],
)
def test_bad_input_is_named(name: str, z: Tensor, options: dict, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        FUNCTIONS[name](z, **options)
