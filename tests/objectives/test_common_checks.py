"""What must hold for every registered objective; registering one runs it through here."""

from __future__ import annotations

import math

import pytest
import torch
from auc_literal import literal_auc_cl, literal_saddle
from cacr_literal import literal_cacr, literal_cacr_predicted, literal_cacr_queue
from dcl_literal import literal_dcl
from difficulty_literal import literal_difficulty_weighted, literal_hard_weighted
from groco_literal import literal_groco
from hardness_literal import literal_simple
from hypothesis import given, settings
from hypothesis import strategies as st
from multi_view_literal import MULTI_VIEW_LITERAL
from objective_cases import (
    FIXED,
    NAMES,
    TILED,
    loss_of,
    of_views,
    pairing_of,
    queue_of,
    sharpest,
    some_embeddings,
    some_labels,
    some_targets,
    value_and_gradient,
)
from queue_literal import hardest_repeated, literal_isd, literal_mochi
from softmax_literal import literal_info_nce, literal_nt_xent, literal_sup_con

from contrapose.errors import ArgumentError
from contrapose.objectives import OBJECTIVES

# The weights of mmcl are constants of the gradient but not of a numerical derivative, except in the scored view.
# The keys of a queue objective are constants as well, or what `queue_of` makes of them is.
DIFFERENTIATED = {"mmcl": slice(1, 2)} | dict.fromkeys(
    ("isd", "mochi", "queue_info_nce", "hard_info_nce", "hard_simple_info_nce", "cacr_queue", "cacr_predicted"),
    slice(0, 1),
)
# What a loss leaves out of its gradient on purpose, put back in; or where there is nothing to leave out.
WHOLE_GRADIENT = {
    "groco": {"stop_gradient": False},
    "cacr_queue": {"repulsion_sharpness": 0.0},
    "supremix": {"detach": False},
}
LITERAL = {
    **MULTI_VIEW_LITERAL,
    "groco": lambda z: literal_groco(z, len(z[0]) // 2),
    "difficulty_weighted": literal_difficulty_weighted,
    "hard_weighted": literal_hard_weighted,
    "nt_xent": lambda z: literal_nt_xent(z),
    "dcl": literal_dcl,
    "simple_contrastive": literal_simple,
    "isd": lambda z: literal_isd(z[0], z[1], queue_of(z)),
    "mochi": lambda z: literal_mochi(z[0], z[1], queue_of(z), hardest_repeated(z[0], queue_of(z), times=64)),
    "info_nce": lambda z: literal_info_nce(z[0], z[1]),
    "sup_con": lambda z: literal_sup_con(z, some_labels(z.shape[1])),
    "cacr": literal_cacr,
    "cacr_queue": lambda z: literal_cacr_queue(*of_views(z), queue_of(z), 1.0, 2.0, batch_too=False),
    "cacr_predicted": lambda z: literal_cacr_predicted(*of_views(z)),
    "auc_cl": literal_auc_cl,
    "auc_saddle": literal_saddle,
    "self_con": lambda z: literal_sup_con(z, some_labels(z.shape[1])),
}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), batch=st.integers(3, 9))
def test_order_of_samples_does_not_matter(name: str, seed: int, batch: int) -> None:
    z, labels = some_embeddings(batch, seed=seed), some_labels(batch)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    expected = loss_of(name, z, labels)
    assert torch.allclose(loss_of(name, z[:, order], labels[order]), expected, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_rotation_and_row_lengths_do_not_matter(name: str) -> None:
    z = some_embeddings()
    generator = torch.Generator().manual_seed(1)
    rotation, _ = torch.linalg.qr(torch.randn(5, 5, generator=generator, dtype=torch.float64))
    lengths = 0.1 + 5 * torch.rand(2, 6, 1, generator=generator, dtype=torch.float64)
    assert torch.allclose(loss_of(name, lengths * (z @ rotation)), loss_of(name, z), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_finite_where_it_is_sharpest(name: str, dtype: torch.dtype) -> None:
    line = torch.zeros(6, 5, dtype=dtype)
    line[:, 0] = torch.tensor([1.0, 1.0, -1.0, 1.0, -1.0, -1.0])  # every cosine is 1 or -1
    z = torch.stack([line, line.flip(0)])
    value, gradient = value_and_gradient(name, z, **sharpest(name))
    assert value.isfinite()
    assert gradient.isfinite().all()
    assert gradient.dtype == dtype
    assert value.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_the_derivative(name: str) -> None:
    part = DIFFERENTIATED.get(name, slice(0, 2))
    z = some_embeddings(4, 3)

    def loss(moved: torch.Tensor) -> torch.Tensor:
        whole = torch.cat([z[: part.start], moved, z[part.stop :]])
        return loss_of(name, whole, **WHOLE_GRADIENT.get(name, {}))

    assert torch.autograd.gradcheck(loss, z[part].clone().requires_grad_(), atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_input_is_the_rounded_input_in_float32(name: str) -> None:
    z = some_embeddings(16, 8, dtype=torch.bfloat16)
    value, gradient = value_and_gradient(name, z)
    expected, expected_gradient = value_and_gradient(name, z.float())
    assert torch.allclose(value, expected, atol=1e-6)
    assert torch.allclose(gradient.float(), expected_gradient, rtol=0.01, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_autocast_changes_nothing(name: str) -> None:
    z = some_embeddings(16, 8, dtype=torch.float32)
    expected, expected_gradient = value_and_gradient(name, z)
    z.requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss_of(name, z)
    (gradient,) = torch.autograd.grad(value, z)
    assert torch.allclose(value, expected, rtol=1e-5)
    assert torch.allclose(gradient, expected_gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("tile", [(1, 1), (3, 64), (64, 3), (1000, 1000)], ids=str)
@pytest.mark.parametrize("name", TILED)
def test_tiled_is_dense(name: str, tile: tuple[int, int]) -> None:
    z = some_embeddings(7)
    value, gradient = value_and_gradient(name, z, tile_rows=tile[0], tile_columns=tile[1])
    z = z.clone().requires_grad_()
    expected = LITERAL[name](z)
    (expected_gradient,) = torch.autograd.grad(expected, z)
    assert torch.allclose(value, expected, rtol=1e-10, atol=0)
    assert torch.allclose(gradient, expected_gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_two_simulated_ranks_average_to_one_process(name: str) -> None:
    z = some_embeddings(8)
    value, gradient = value_and_gradient(name, z)
    parts = [value_and_gradient(name, z, rows=torch.arange(4 * rank, 4 * rank + 4)) for rank in range(2)]
    assert torch.allclose(sum(part[0] for part in parts) / 2, value, atol=1e-12)
    assert torch.allclose(sum(part[1] for part in parts) / 2, gradient, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_mean_is_the_mean_of_the_anchors(name: str) -> None:
    z = some_embeddings(8)
    rows = torch.tensor([5, 0, 3])
    for chosen in (None, rows):
        each = loss_of(name, z, reduction="none", rows=chosen)
        assert each.ndim == 1
        assert torch.allclose(each.mean(), loss_of(name, z, rows=chosen), atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_equal_embeddings_give_chance(name: str) -> None:
    value = loss_of(name, torch.ones(2, 12, 4, dtype=torch.float64))
    assert math.isclose(float(value), OBJECTIVES[name].chance(pairing_of(name, 12)), abs_tol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("spoil", "options", "word"),
    [
        (lambda z: z[0, 0], {}, "shape"),
        (lambda z: z.long(), {}, "floating point"),
        (lambda z: z.where(z != z.max(), math.nan), {}, "NaN|finite"),
        (lambda z: z, {"rows": torch.tensor([6])}, "rows"),
        (lambda z: z, {"rows": torch.tensor([], dtype=torch.long)}, "rows"),
        (lambda z: z, {"reduction": "sum"}, "reduction"),
    ],
    ids=["shape", "integers", "nan", "rows out of range", "no rows", "reduction"],
)
def test_bad_input_is_named(name: str, spoil, options: dict, word: str) -> None:  # type: ignore[no-untyped-def]
    entry, z = OBJECTIVES[name], spoil(some_embeddings())
    arguments = {
        "views": (z,),
        "labels": (z, some_labels(6)),
        "targets": (z, some_targets(6)),
        "towers": (z[0], z[1]),
        "queue": (z[0], z[1], queue_of(some_embeddings())),
        "view_queue": (z, z, queue_of(some_embeddings())),
        "view_towers": (z, z),
    }[entry.takes]
    with pytest.raises(ArgumentError, match=rf"(?i){word}"):
        entry.function(*arguments, **FIXED.get(name, {}), **options)


@pytest.mark.parametrize("name", NAMES)
def test_its_width_must_be_above_zero(name: str) -> None:
    for option in sharpest(name):
        with pytest.raises(ArgumentError, match=option):
            loss_of(name, some_embeddings(), **{option: 0.0})


@pytest.mark.parametrize("name", NAMES)
def test_shapes_are_checked_in_these_tests(name: str) -> None:
    if name == "mmcl":
        pytest.skip("mmcl takes any shape in its signature, to answer a bad one itself")
    with pytest.raises(TypeError, match=r"(?i)type-check|float"):
        loss_of(name, some_embeddings()[..., None])
