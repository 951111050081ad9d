"""Cells that show the same place: which they are, PixPro and PixContrast."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from dense_literal import literal_pix_contrast, literal_pix_pro, matches
from torch import Tensor

from contrapose.errors import ArgumentError, NonFiniteError
from contrapose.objectives import cell_matches, pix_contrast, pix_pro

WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
LEFT, RIGHT = torch.tensor([[0.0, 0.0, 0.4, 0.4]]), torch.tensor([[0.6, 0.6, 1.0, 1.0]])
BOTH = pytest.mark.parametrize("loss", [pix_pro, pix_contrast])


def maps(pictures: int = 3, size: tuple[int, int] = (3, 4), *, seed: int = 0) -> Tensor:
    """`(2, B, 5, H, W)`."""
    return torch.randn(2, pictures, 5, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def some_boxes(pictures: int, *, seed: int = 0) -> Tensor:
    """Crops `(2, B, 4)` that mostly meet, about half of them mirrored left to right."""
    generator = torch.Generator().manual_seed(seed)
    corner = 0.3 * torch.rand(2, pictures, 2, generator=generator, dtype=torch.float64)
    far = 1 - 0.3 * torch.rand(2, pictures, 2, generator=generator, dtype=torch.float64)
    boxes = torch.cat([corner, far], dim=-1)  # (2, B, 4)
    mirrored = torch.rand(2, pictures, generator=generator) < 0.5
    return torch.where(mirrored[..., None], boxes[..., [2, 1, 0, 3]], boxes)


def test_equal_crops_match_cell_by_cell_and_not_with_neighbours() -> None:
    for box in (WHOLE, torch.tensor([[0.1, 0.3, 0.8, 1.0]]), torch.tensor([[0.9, 0.2, 0.3, 0.8]])):
        found = cell_matches(box, box, (7, 7), threshold=0.7)[0]
        assert torch.equal(found, torch.eye(49, dtype=torch.bool))


@pytest.mark.parametrize(("height", "width"), [(7, 7), (3, 3), (4, 4)])
def test_a_wider_threshold_takes_in_the_four_neighbours(height: int, width: int) -> None:
    found = cell_matches(WHOLE, WHOLE, (height, width), threshold=0.75)
    assert int(found.sum()) == height * width + 2 * (height * (width - 1) + width * (height - 1))


def test_matches_are_those_of_the_loop() -> None:
    boxes = some_boxes(6)
    for threshold in (0.4, 0.7, 1.3):
        found = cell_matches(boxes[0], boxes[1], (3, 4), threshold=threshold)
        wanted = [matches(boxes[0, row], boxes[1, row], 3, 4, threshold) for row in range(6)]
        assert found.tolist() == wanted
        assert 0 < int(found.sum()) < found.numel()


def test_a_mirrored_crop_runs_backwards() -> None:
    boxes = some_boxes(4)
    mirrored = boxes[1][:, [2, 1, 0, 3]]
    straight, back = (cell_matches(boxes[0], other, (3, 4)) for other in (boxes[1], mirrored))
    columns = back.view(4, 12, 3, 4).flip(-1).flatten(2)
    assert torch.equal(straight, columns)
    assert not torch.equal(straight, back)


@BOTH
def test_mirroring_pixels_and_box_changes_nothing(loss: Callable[..., Tensor]) -> None:
    queries, keys, boxes = maps(), maps(seed=1), some_boxes(3)
    other = boxes.clone()
    other[1] = boxes[1][:, [2, 1, 0, 3]]
    turned = [torch.stack([crops[0], crops[1].flip(-1)]) for crops in (queries, keys)]
    torch.testing.assert_close(loss(*turned, other), loss(queries, keys, boxes))
    assert not torch.isclose(loss(*turned, boxes), loss(queries, keys, boxes))


@pytest.mark.parametrize("threshold", [0.7, 1.2])
def test_values_and_gradients_are_those_of_the_loop(threshold: float) -> None:
    boxes = some_boxes(3)
    boxes[:, 1] = torch.cat([LEFT, RIGHT])  # one picture whose crops do not meet
    for ours, literal in (
        (lambda q, k: pix_pro(q, k, boxes, threshold=threshold), lambda q, k: literal_pix_pro(q, k, boxes, threshold)),
        (
            lambda q, k: pix_contrast(q, k, boxes, threshold=threshold, temperature=0.2),
            lambda q, k: literal_pix_contrast(q, k, boxes, threshold, 0.2),
        ),
    ):
        queries, keys = maps().requires_grad_(), maps(seed=1)
        found, wanted = ours(queries, keys), literal(queries, keys)
        torch.testing.assert_close(found, wanted)
        gradients = [torch.autograd.grad(value, queries)[0] for value in (found, wanted)]
        torch.testing.assert_close(*gradients)
        assert float(gradients[0].abs().max()) > 1e-3


def test_agreement_everywhere_is_minus_four() -> None:
    """On square cells; of oblong ones the nearer neighbours match as well."""
    x, other = maps(size=(4, 4))[:1], maps(size=(4, 4), seed=1)[:1]
    same, boxes = torch.cat([x, x]), WHOLE.expand(2, 3, 4)
    assert float(pix_pro(same, same, boxes)) == pytest.approx(-4, abs=1e-5)
    assert float(pix_pro(same, -same, boxes)) == pytest.approx(4, abs=1e-5)
    mean = torch.nn.functional.cosine_similarity(x[0], other[0], dim=1).mean()  # of cells at one place
    torch.testing.assert_close(pix_pro(same, torch.cat([other, other]), boxes), -4 * mean, atol=1e-5, rtol=0)


@BOTH
def test_crops_that_do_not_meet_give_nothing(loss: Callable[..., Tensor]) -> None:
    queries = maps(1).requires_grad_()
    found = loss(queries, maps(1, seed=1), torch.stack([LEFT, RIGHT]))
    assert float(found.detach()) == 0
    (gradient,) = torch.autograd.grad(found, queries)
    assert float(gradient.abs().max()) == 0  # nan would fail
    with_another = torch.stack([torch.cat([LEFT, WHOLE]), torch.cat([RIGHT, WHOLE])])
    each = loss(maps(2), maps(2, seed=1), with_another, reduction="none")
    assert float(each[0]) == 0
    torch.testing.assert_close(loss(maps(2), maps(2, seed=1), with_another), each[1] / 2)  # it counts in the mean


def test_equal_cosines_cost_what_guessing_costs() -> None:
    ones = torch.ones(2, 1, 5, 4, 4)
    boxes = WHOLE.expand(2, 1, 4)
    assert float(pix_contrast(ones, ones, boxes)) == pytest.approx(math.log(16))
    near = cell_matches(WHOLE, WHOLE, (4, 4), threshold=0.75)[0].sum(dim=1)  # (16,): 3 to 5 positives
    wanted = torch.log(16 / near).mean()
    assert float(pix_contrast(ones, ones, boxes, threshold=0.75)) == pytest.approx(float(wanted))


@BOTH
def test_reduced_precision_is_upcast(loss: Callable[..., Tensor]) -> None:
    queries, keys, boxes = maps().float(), maps(seed=1).float(), some_boxes(3).float()
    exact = loss(queries, keys, boxes)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(queries, keys, boxes), exact)
    halved = loss(queries.bfloat16(), keys.bfloat16(), boxes)
    assert halved.dtype == torch.float32
    torch.testing.assert_close(halved, exact, atol=0.02, rtol=0)


@BOTH
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"keys": maps(size=(3, 3))}, "maps are of one size"),
        ({"queries": torch.randn(3, 3, 5, 3, 4), "keys": torch.randn(3, 3, 5, 3, 4)}, "two crops"),
        ({"boxes": some_boxes(3)[..., :3]}, r"of shape \(2, 3, 4\)"),
        ({"boxes": some_boxes(2)}, r"of shape \(2, 3, 4\)"),
        ({"boxes": some_boxes(3) * torch.tensor([0, 1, 0, 1])}, "no area"),
        ({"boxes": some_boxes(3) * math.nan}, "no area"),
        ({"threshold": 0.0}, "threshold must be above 0"),
        ({"reduction": "sum"}, "reduction"),
    ],
)
def test_what_cannot_be_compared_is_refused(loss: Callable[..., Tensor], change: dict[str, Any], words: str) -> None:
    given = {"queries": maps(), "keys": maps(seed=1), "boxes": some_boxes(3), **change}
    with pytest.raises(ArgumentError, match=words):
        loss(given.pop("queries"), given.pop("keys"), given.pop("boxes"), **given)


@BOTH
def test_what_is_not_finite_is_told(loss: Callable[..., Tensor]) -> None:
    broken = maps()
    broken[0, 0, 0, 0, 0] = math.nan
    with pytest.raises(NonFiniteError, match="queries holds 1"):
        loss(broken, maps(seed=1), some_boxes(3))
    with pytest.raises(ArgumentError, match="temperature"):
        pix_contrast(maps(), maps(), some_boxes(3), temperature=0)


def test_boxes_have_four_edges() -> None:
    with pytest.raises(ArgumentError, match=r"\(B, 4\).*got \(1, 3\)"):
        cell_matches(WHOLE[:, :3], WHOLE, (2, 2))
    with pytest.raises(ArgumentError, match="not of the same pictures"):
        cell_matches(WHOLE, WHOLE.expand(2, 4), (2, 2))
