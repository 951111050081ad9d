"""Curvature against the exact Hessian, flatness in closed form, and what a measurement must leave alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from contrapose.data import Batch, Images
from contrapose.errors import ArgumentError
from contrapose.learners import Learner
from contrapose.methods import METHODS
from contrapose.methods.assemble import assemble
from contrapose.robustness import average_flatness, blocks_of, top_eigenvalue
from contrapose.robustness.directions import moved
from contrapose.robustness.sharpness import _HessianProduct


class Quadratic(nn.Module):
    """sum h_i w_i^2 / 2: its Hessian is diag(h)."""

    def __init__(self, *curvatures: float) -> None:
        super().__init__()
        self.h = torch.tensor(curvatures, dtype=torch.float64)
        self.w = nn.Parameter(torch.linspace(1, 2, len(curvatures), dtype=torch.float64))

    def forward(self) -> Tensor:
        return (self.h * self.w.square()).sum() / 2


def small() -> tuple[nn.Module, list[Any]]:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3))
    net = net.double()
    x = torch.randn(24, 3, dtype=torch.float64)
    classes = torch.arange(24) % 3
    return net, [
        lambda part=part: functional.cross_entropy(net(x[part]), classes[part])
        for part in (slice(0, 12), slice(12, 24))
    ]


def exact_hessian(net: nn.Module, loss: Any) -> Tensor:
    net.eval()
    weights = list(net.parameters())
    first = torch.cat([g.flatten() for g in torch.autograd.grad(loss(), weights, create_graph=True)])
    rows = [torch.cat([g.flatten() for g in torch.autograd.grad(one, weights, retain_graph=True)]) for one in first]
    net.train()
    return torch.stack(rows)


def test_the_top_eigenvalue_is_that_of_the_exact_hessian(generator: torch.Generator) -> None:
    net, losses = small()
    hessian = (exact_hessian(net, losses[0]) + exact_hessian(net, losses[1])) / 2
    assert len(hessian) < 100
    values = torch.linalg.eigvalsh(hessian)
    found = top_eigenvalue(net, losses, generator=generator, tolerance=1e-7, most=2000)
    assert found.converged
    assert found.value == pytest.approx(float(values[-1]), rel=1e-3)
    assert net.training  # as it was found, dropout was off meanwhile

    names = blocks_of(net)["3"]
    places = torch.cat([torch.full((w.numel(),), n in names) for n, w in net.named_parameters()])
    inside = torch.linalg.eigvalsh(hessian[places][:, places])
    found = top_eigenvalue(net, losses, generator=generator, parameters=names, tolerance=1e-7, most=2000)
    assert found.value == pytest.approx(float(inside[-1]), rel=1e-3)


@pytest.mark.parametrize(
    ("curvatures", "magnitude", "algebraic"), [((-5, 1), -5, 1), ((3, -1), 3, 3), ((-2, -4), -4, -2)]
)
def test_magnitude_and_algebra(
    curvatures: tuple[float, ...], magnitude: float, algebraic: float, generator: torch.Generator
) -> None:
    model = Quadratic(*curvatures)
    exact = {"generator": generator, "tolerance": 1e-8, "most": 500}
    assert top_eigenvalue(model, model, largest="magnitude", **exact).value == pytest.approx(magnitude, rel=1e-6)
    assert top_eigenvalue(model, model, **exact).value == pytest.approx(algebraic, rel=1e-6)


def test_a_loss_without_curvature_has_none(generator: torch.Generator) -> None:
    model = Quadratic(1.0, 2.0)
    found = top_eigenvalue(model, lambda: (3 * model.w).sum(), generator=generator)
    assert (found.value, found.converged) == (0.0, True)


def test_too_few_iterations_are_told(generator: torch.Generator) -> None:
    model = Quadratic(*range(50, 60))
    found = top_eigenvalue(model, model, generator=generator, tolerance=1e-12, most=3)
    assert (found.iterations, found.converged) == (3, False)


def product_of(method: str, pictures: np.ndarray) -> tuple[_HessianProduct, Learner, Batch]:
    images = Images(pictures[::6], np.repeat([0, 1], 8))
    own: dict[str, Any] = {"moco": {"queue": 64}, "swav": {"prototypes": 12}}.get(method, {})
    config = METHODS[method](batch_size=16, encoder="tiny_conv", projection_hidden=8, projection_dimension=4, **own)
    learner, views = assemble(config, images.with_targets(config.about.needs_targets))
    made = views(images.batch(torch.arange(16)), generator=torch.Generator().manual_seed(0))
    learner.double().eval()
    made = tuple(view.double() for view in made)
    batch = Batch(views=made, indices=torch.arange(16), targets={"label": torch.as_tensor(images.labels)})
    product = _HessianProduct(learner, [lambda: learner(batch).loss], None)
    return product, learner, batch


@pytest.mark.parametrize("method", ["simclr", "moco", "auc-cl", "supcon", "hard-contrastive", "dcl"])
def test_the_product_is_the_slope_of_the_gradient(method: str, pictures: np.ndarray) -> None:
    """Objectives through torch.func, against differences of the ordinary gradient."""
    product, learner, batch = product_of(method, pictures)
    v = product.draw(torch.Generator().manual_seed(1))
    trained = {name: weight for name, weight in learner.named_parameters() if weight.requires_grad}
    pieces = v.split([weight.numel() for weight in trained.values()])
    way = {name: piece.view_as(trained[name]) for name, piece in zip(trained, pieces, strict=True)}

    def gradient(length: float) -> Tensor:
        with moved(learner, (length, way)):
            found = torch.autograd.grad(
                learner(batch).loss, list(trained.values()), allow_unused=True, materialize_grads=True
            )
        return torch.cat([piece.flatten() for piece in found])

    slope = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    torch.testing.assert_close(product(v), slope, rtol=1e-3, atol=1e-4 * float(slope.norm()))


@pytest.mark.parametrize("method", ["mmcl", "swav"])
def test_what_a_loss_holds_fixed_stays_fixed(method: str, pictures: np.ndarray) -> None:
    """A solver's weights and balanced codes: the product is then of a matrix that is symmetric all the same."""
    product, _, _ = product_of(method, pictures)
    u, v = (product.draw(torch.Generator().manual_seed(seed)) for seed in range(2))
    assert float(u @ product(v)) == pytest.approx(float(v @ product(u)), rel=1e-6)
    assert float(product(u).norm()) > 1e-6


def test_attention_has_a_second_derivative(generator: torch.Generator) -> None:
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
    x = torch.randn(4, 5, 8)

    def loss() -> Tensor:
        q = block.norm1(x).view(4, 5, 2, 4).transpose(1, 2)
        mixed = functional.scaled_dot_product_attention(q, q, q).transpose(1, 2).reshape(4, 5, 8)
        return block(x + mixed).square().mean()

    assert top_eigenvalue(block, loss, generator=generator, most=20).value > 0


def test_flatness_of_a_quadratic(generator: torch.Generator) -> None:
    """Noise of deviation s |w_f| on each weight of filter f raises sum w^2 / 2 by s^2 F |w_f|^2 / 2 on average."""
    net = nn.Linear(16, 8).double()
    with torch.no_grad():
        net.weight.copy_(torch.randn(8, 16, generator=generator, dtype=torch.float64))
    before = net.weight.detach().clone()

    def loss() -> Tensor:
        return (net.weight.square().sum() + 1000 * net.bias.square().sum()) / 2

    found = average_flatness(net, loss, generator=generator, scale=0.3, draws=400)
    assert found.rise == pytest.approx(0.3**2 * 16 * float(before.square().sum()) / 2, rel=0.1)
    assert found.at_weights == pytest.approx(float(loss().detach()))
    assert torch.equal(net.weight, before)
    assert average_flatness(net, loss, generator=generator, scale=0.0, draws=2).rise == 0


def test_mistakes(generator: torch.Generator) -> None:
    model = Quadratic(1.0, 2.0)
    with pytest.raises(ArgumentError, match="blocks_of"):
        top_eigenvalue(model, model, generator=generator, parameters=["v"])
    with pytest.raises(ArgumentError, match="no trained parameter"):
        top_eigenvalue(model.requires_grad_(False), model, generator=generator)
    with pytest.raises(ArgumentError, match="'algebraic' or 'magnitude'"):
        top_eigenvalue(model, model, generator=generator, largest="top")
    with pytest.raises(ArgumentError, match="no loss"):
        top_eigenvalue(model.requires_grad_(True), [], generator=generator)
    with pytest.raises(ArgumentError, match="draws"):
        average_flatness(model, model, generator=generator, draws=0)
