from __future__ import annotations

import pytest
import torch
from encoder_cases import draw, make
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from contrapose.encoders import Teacher
from contrapose.errors import ArgumentError


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


def distance(a: nn.Module, b: nn.Module) -> float:
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return sum((p - q).detach().double().square().sum().item() for p, q in pairs) ** 0.5


def test_starts_as_a_copy_that_shares_nothing() -> None:
    student = network()
    teacher = Teacher(student)
    assert distance(teacher.model, student) == 0
    assert not any(parameter.requires_grad for parameter in teacher.parameters())
    assert all(parameter.requires_grad for parameter in student.parameters())
    with torch.no_grad():
        student[0].weight.add_(1)
    assert distance(teacher.model, student) > 0


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1))
def test_one_update_is_the_equation(momentum: float) -> None:
    teacher, student = Teacher(network(0), momentum), network(1)
    before = [parameter.clone() for parameter in teacher.parameters()]
    teacher.update(student)
    for k_new, k, q in zip(teacher.parameters(), before, student.parameters(), strict=True):
        torch.testing.assert_close(k_new, momentum * k + (1 - momentum) * q, rtol=1e-5, atol=1e-6)
    assert all(parameter.requires_grad for parameter in student.parameters())


def test_distance_to_a_still_student_shrinks_geometrically() -> None:
    teacher, student = Teacher(network(0), 0.9), network(1)
    start = distance(teacher.model, student)
    for _ in range(10):
        teacher.update(student)
    assert distance(teacher.model, student) == pytest.approx(start * 0.9**10, rel=1e-4)
    teacher.update(student, momentum=1.0)
    assert distance(teacher.model, student) == pytest.approx(start * 0.9**10, rel=1e-4)
    teacher.update(student, momentum=0.0)
    assert distance(teacher.model, student) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("buffers", ["own", "copy"])
def test_running_statistics_are_its_own_or_copied_and_never_averaged(buffers: str) -> None:
    student = network()
    teacher = Teacher(student, buffers=buffers)
    for _ in range(3):
        student(torch.randn(20, 4) + 5)
    before = teacher.model[1].running_mean.clone()
    teacher.update(student)
    after = teacher.model[1].running_mean
    assert torch.equal(after, before if buffers == "own" else student[1].running_mean)
    assert teacher.model[1].num_batches_tracked == (0 if buffers == "own" else 3)
    teacher(torch.randn(20, 4))
    assert teacher.model[1].num_batches_tracked == (1 if buffers == "own" else 4)
    assert student[1].num_batches_tracked == 3


def test_normalises_with_its_own_batch_and_gives_no_gradient() -> None:
    student = network().eval()
    teacher = Teacher(student)
    assert teacher.model.training
    x = torch.randn(20, 4, requires_grad=True)
    z = teacher(x)
    assert not z.requires_grad
    torch.testing.assert_close(z, network()(x))
    assert not torch.allclose(z, student(x))
    assert not teacher.eval().model.training


def test_its_whole_state_is_saved() -> None:
    teacher, student = Teacher(network(0), 0.5), network(1)
    teacher.update(student)
    teacher(torch.randn(8, 4))
    other = Teacher(network(2), 0.5)
    other.load_state_dict(teacher.state_dict())
    for net in (teacher, other):
        net.update(student)
    x = torch.randn(8, 4)
    assert torch.equal(teacher(x), other(x))
    assert teacher.state_dict().keys() == {f"model.{key}" for key in student.state_dict()}


def test_of_an_encoder_in_training() -> None:
    encoder = make("small_conv", widths=[4, 4], pool=1)
    teacher = Teacher(encoder, 0.5)
    optimizer = torch.optim.SGD(encoder.parameters(), lr=0.1)
    for step in range(2):
        teacher.update(encoder)
        (encoder(draw(4, seed=step)) * teacher(draw(4, seed=step + 5))).sum().backward()
        optimizer.step()
    assert distance(teacher.model, encoder) > 0
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_bad_input() -> None:
    for momentum in (-0.1, 1.1, float("nan")):
        with pytest.raises(ArgumentError, match=r"not in \[0, 1\]"):
            Teacher(network(), momentum)
        with pytest.raises(ArgumentError, match=r"not in \[0, 1\]"):
            Teacher(network()).update(network(), momentum)
    with pytest.raises(ArgumentError, match="choose one of own, copy"):
        Teacher(network(), buffers="average")
    with pytest.raises(ArgumentError, match="another network than this student"):
        Teacher(network()).update(nn.Sequential(network()))
    with pytest.raises(ArgumentError, match=r"'0\.weight' differs"):
        Teacher(nn.Sequential(nn.Linear(4, 3))).update(nn.Sequential(nn.Linear(4, 1)))
