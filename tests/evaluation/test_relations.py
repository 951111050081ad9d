"""Relations of classes: closed forms, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.errors import ArgumentError
from contrapose.evaluation import relations


def test_closed_forms() -> None:
    gates = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [0.2, 0.2, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]])
    found = relations(gates)
    assert found.dtype == torch.float64
    expected = torch.tensor([[1, 0, 1, 0.5], [0, 1, 0, 0.5], [1, 0, 1, 0.5], [0.5, 0.5, 0.5, 1]], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_random_gates_have_three_quarters() -> None:
    found = relations(np.random.default_rng(0).random((6, 20_000)))
    off = found[~torch.eye(6, dtype=torch.bool)]
    torch.testing.assert_close(off, torch.full_like(off, 0.75), rtol=0, atol=0.02)
    assert torch.equal(found, found.T)


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least 2"):
        relations(torch.ones(1, 3))
    with pytest.raises(ArgumentError, match="all zeros"):
        relations(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
