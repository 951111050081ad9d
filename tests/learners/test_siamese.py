"""The joint-embedding learner: what reaches the objective, in which order."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import Siamese
from contrapose.learners.embed_views import embed_views
from contrapose.pairing import Pairing


def batch_of(*views: Tensor, labels: Tensor | None = None) -> Batch:
    return Batch(views=views, indices=torch.arange(len(views[0])), labels=labels)


def test_embeddings_are_view_major_whatever_the_sizes_of_the_views() -> None:
    calls = []

    def network(x: Tensor) -> Tensor:
        calls.append(len(x))
        return x.mean(dim=(2, 3))

    views = [torch.full((3, 2, size, size), float(v)) for v, size in enumerate((8, 8, 4, 4, 4))]
    z = embed_views(network, views)
    assert z.shape == (5, 3, 2)
    assert z[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert calls == [6, 9]  # one pass a size


def test_the_objective_gets_views_pairing_and_all_rows() -> None:
    seen: dict[str, object] = {}

    def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
        seen.update(z=z, pairing=pairing, rows=rows)
        return z.sum()

    encoder, head = nn.Flatten(), nn.Linear(4, 3)
    learner = Siamese(encoder, head, objective)
    views = (torch.randn(5, 1, 2, 2), torch.randn(5, 1, 2, 2))
    step = learner(batch_of(*views))
    z = seen["z"]
    assert isinstance(z, Tensor)
    torch.testing.assert_close(z, torch.stack([head(view.flatten(1)) for view in views]))
    assert seen["rows"] is None
    assert step.pairing.anchors == 10
    assert step.pairing.negatives_per_anchor() == 8
    assert not step.embeddings.requires_grad
    step.loss.backward()
    assert head.weight.grad is not None


def test_what_is_watched_are_the_rows_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrapose.learners.siamese.own_rows", lambda batch, device: torch.tensor([2, 3]))

    def watch(z: Tensor, pairing: Pairing, rows: Tensor | None) -> dict[str, Tensor | float]:
        assert not z.requires_grad
        assert pairing.anchors == 8
        assert rows is not None
        return {"watched": float(rows.sum())}

    learner = Siamese(nn.Flatten(), nn.Linear(4, 3), lambda z, pairing, rows: z.sum(), watch=watch)
    assert learner(batch_of(torch.randn(4, 1, 2, 2), torch.randn(4, 1, 2, 2))).log == {"watched": 5.0}


def test_labels_make_the_pairing_when_asked_for() -> None:
    learner = Siamese(nn.Flatten(), nn.Identity(), lambda z, pairing, rows: z.sum(), pair_by="labels")
    views = (torch.randn(4, 1, 2, 2), torch.randn(4, 1, 2, 2))
    pairing = learner(batch_of(*views, labels=torch.tensor([0, 0, 1, -1]))).pairing
    assert pairing.counts()[0].tolist() == [3, 3, 1, 1, 3, 3, 1, 1]
    with pytest.raises(ArgumentError, match="pairs by labels and the data has none"):
        learner(batch_of(*views))


def test_the_number_of_views_is_checked() -> None:
    view = torch.randn(4, 1, 2, 2)
    learner = Siamese(nn.Flatten(), nn.Identity(), lambda z, pairing, rows: z.sum(), views=2)
    with pytest.raises(ArgumentError, match="needs 2 views of each sample, got 3"):
        learner(batch_of(view, view, view))
    with pytest.raises(ArgumentError, match="needs 2 views of each sample, got 1"):
        learner(batch_of(view))


def test_vectors_are_not_decayed() -> None:
    learner = Siamese(nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), nn.Linear(4, 2), lambda z, p, r: z.sum())
    decayed, free = learner.parameter_groups(0.1)
    assert decayed["weight_decay"] == 0.1
    assert free["weight_decay"] == 0.0
    assert [p.ndim for p in decayed["params"]] == [2, 2]
    assert {p.ndim for p in free["params"]} == {1}
