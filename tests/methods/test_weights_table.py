"""docs/methods.md says with what force each method pulls and pushes: here its formulas meet the gradients."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional
from weight_formulas import ROWS, Row, some_views

TABLE = Path(__file__).parents[2] / "docs" / "methods.md"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.method)
def test_the_gradient_is_what_the_table_says(row: Row) -> None:
    """Each anchor's loss, times a number of its own, moves the embeddings as its pushes less its pulls do."""
    z = some_views(row.views).requires_grad_()
    x = functional.normalize(z, dim=-1).flatten(0, 1)  # (N, D)
    s = x @ (x if row.against is None else row.against).T  # (N, M)
    each = row.loss(z)  # of each anchor, or of each sample
    number = torch.rand(len(each), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    push, pull = row.forces(s.detach())
    force = number.repeat(len(s) // len(each)).unsqueeze(1) * (push - pull)  # (N, M)
    (expected,) = torch.autograd.grad((force * s).sum(), z, retain_graph=True)
    (gradient,) = torch.autograd.grad((number * each).sum(), z)
    assert gradient.abs().max() > 0.01
    torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.method)
def test_the_table_says_so(row: Row) -> None:
    (line,) = (line for line in TABLE.read_text().splitlines() if line.startswith(f"| {row.method} | "))
    push, pull = line.split(" | ")[1:3]
    assert push.startswith(row.push)
    assert pull.startswith(row.pull)
