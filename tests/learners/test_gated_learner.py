"""Gates as a learner: who is whose partner, which weights learn, and what is kept of the classes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from contrapose.data import Batch
from contrapose.errors import ArgumentError
from contrapose.learners import ClassGates, Gated
from contrapose.learners.gated import draw_partners
from contrapose.objectives import gated_contrast
from contrapose.pairing import PartnerPairing, by_partners

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 3, 3])
C, D = 4, 6


class Pixels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).tanh()


def objective(z: Tensor, gates: Tensor, pairing: PartnerPairing, rows: Tensor | None) -> Tensor:
    return gated_contrast(z, gates, pairing, rows=rows)


def make(**options: object) -> Gated:
    torch.manual_seed(0)
    gates = ClassGates(C, D, embedding=7, hidden=9)
    settings: dict = {"gates": gates, "classes": C, "generator": torch.Generator().manual_seed(1), **options}
    return Gated(Pixels(), nn.Linear(5, D), objective, **settings).train()


def batch(labels: Tensor | None = LABELS, views: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(2)
    size = 8 if labels is None else len(labels)
    return Batch(tuple(torch.rand(views, size, 3, 2, 2, generator=generator)), torch.arange(size), labels)


def test_the_loss_is_the_objective_of_gated_pairs() -> None:
    seen: list[tuple[Tensor, Tensor, PartnerPairing]] = []

    def watched(z: Tensor, gates: Tensor, pairing: PartnerPairing, rows: Tensor | None) -> Tensor:
        seen.append((z, gates, pairing))
        return gated_contrast(z, gates, pairing, rows=rows)

    learner = make()
    learner.objective = watched
    step = learner(batch())
    ((z, gates, pairing),) = seen
    assert sorted(pairing.partners.tolist()) == sorted(LABELS.tolist())  # those of the batch, permuted
    torch.testing.assert_close(gates, learner.gates(LABELS, pairing.partners))
    torch.testing.assert_close(step.loss, gated_contrast(z, gates, by_partners(LABELS, pairing.partners)))
    step.loss.backward()
    assert all(weight.grad is not None and weight.grad.abs().max() > 0 for weight in learner.gates.parameters())
    assert learner.encoder.linear.weight.grad.abs().max() > 0


def test_partners_are_drawn_anew_in_every_step_and_alike_in_the_same() -> None:
    learner, again = make(), make()
    first = learner(batch()).pairing.partners
    assert torch.equal(first, again(batch()).pairing.partners)
    second = learner(replace(batch(), part=1)).pairing.partners  # of one step: gradients are accumulated
    learner.after_step([])
    third = learner(batch()).pairing.partners
    assert len({tuple(partners.tolist()) for partners in (first, second, third)}) == 3
    again.load_state_dict(learner.state_dict())  # a checkpoint is taken between two steps
    again._passes = 0
    assert torch.equal(again(batch()).pairing.partners, third)


def test_one_view_is_both_sides() -> None:
    pairing = make()(batch(views=1)).pairing
    assert pairing.same_rows
    assert not pairing.tile(torch.arange(8), slice(0, 8)).valid.diagonal().any()


@pytest.mark.parametrize("seed", range(3))
def test_partners_of_each_kind(seed: int) -> None:
    labels = torch.tensor([0, 2, -1, 1, 2, 0])

    def drawn(pairs: str) -> list[int]:
        generator = torch.Generator().manual_seed(seed)
        return draw_partners(labels, 5, pairs, generator=generator).tolist()  # type: ignore[arg-type]

    assert drawn("identical") == labels.tolist()
    arbitrary, distinct = drawn("arbitrary"), drawn("distinct")
    assert sorted(arbitrary) == sorted(labels.tolist())
    assert arbitrary[2] == distinct[2] == -1
    assert all(one != other for one, other in zip(distinct, labels.tolist(), strict=True) if other >= 0)
    assert all(0 <= one < 5 for one in distinct[:2] + distinct[3:])


def test_every_other_class_is_drawn_alike() -> None:
    labels = torch.full((6000,), 2)
    drawn = draw_partners(labels, 4, "distinct", generator=torch.Generator().manual_seed(0))
    counts = drawn.bincount(minlength=4)
    assert counts[2] == 0
    assert (counts[[0, 1, 3]] - 2000).abs().max() < 150


def test_a_draw_without_any_positive_costs_nothing_and_stops_nothing() -> None:
    learner = make(pairs="distinct")
    step = learner(batch(torch.zeros(8, dtype=torch.long)))  # whatever is drawn, it is not in the batch
    assert float(step.loss.detach()) == 0
    step.loss.backward()
    for weight in learner.parameters():
        assert weight.grad is not None
        assert weight.grad.abs().max() == 0


def test_unlabelled_samples_take_no_part() -> None:
    learner, some = make(pairs="identical"), LABELS.clone()
    some[[2, 7]] = -1
    learner.eval()  # no batch normalisation, in which they would have one
    kept = (some >= 0).nonzero().flatten()
    whole = batch(some)
    fewer = Batch(tuple(view[kept] for view in whole.views), kept, some[kept])
    torch.testing.assert_close(learner(whole).loss, learner(fewer).loss)


@pytest.mark.parametrize("fusion", ["mean", "product"])
def test_a_gate_does_not_know_who_comes_first(fusion: str) -> None:
    torch.manual_seed(0)
    gates = ClassGates(C, D, embedding=7, hidden=9, fusion=fusion).train()  # type: ignore[arg-type]
    first, second = torch.tensor([0, 1, 3, 2]), torch.tensor([1, 1, 0, 3])
    one, other = gates(first, second), gates(second, first)
    if fusion == "product":  # each side is normalised by itself
        gates.eval()
        one, other = gates(first, second), gates(second, first)
    torch.testing.assert_close(one, other)
    assert ((one > 0) & (one < 1)).all()
    assert not torch.allclose(one[0], one[1])


def test_the_table_is_that_of_each_class_with_itself_whoever_else_is_asked() -> None:
    learner = make()
    learner(batch())  # running statistics
    table = learner.gates.table()
    assert table.shape == (C, D)
    assert learner.gates.training
    learner.gates.eval()
    torch.testing.assert_close(table[[2]], learner.gates(torch.tensor([2]), torch.tensor([2])))
    assert learner.tables().keys() == {"class_gates"}
    assert make(gates=None).tables() == {}


def test_without_gates_all_dimensions_are_open() -> None:
    learner = make(gates=None)
    step = learner(batch())
    z = step.embeddings.view(2, 8, D)
    torch.testing.assert_close(step.loss.detach(), gated_contrast(z, torch.ones(8, D), step.pairing))
    assert float(step.log["gate_openness"]) == 1


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(ArgumentError, match="the data has none"):
        make()(batch(None))
    with pytest.raises(ArgumentError, match="--classes 8 or more"):
        make()(batch(torch.arange(8)))
    with pytest.raises(ArgumentError, match="--classes 8 or more"):  # before the first batch
        make().see_targets({"label": torch.arange(8)})
    with pytest.raises(ArgumentError, match="--classes 6"):
        make().gates(torch.tensor([0, 5]), torch.tensor([0, 1]))
    with pytest.raises(ArgumentError, match="one or two views"):
        make()(batch(views=3))
    with pytest.raises(ArgumentError, match="arbitrary, identical, distinct"):
        make(pairs="any")
    with pytest.raises(ArgumentError, match="mean, product"):
        ClassGates(C, D, fusion="sum")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="classes must be at least 2"):
        ClassGates(1, D)
