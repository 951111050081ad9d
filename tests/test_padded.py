from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.padded import Padded
from contrapose.view import View, _copies, alike, join, on_device


def padded(*lengths: int, wide: int | None = None, groups: bool = True) -> Padded:
    """Rows of so many steps, numbered 1, 2, ... through all of them; groups are pairs of steps."""
    T = wide or max(lengths)
    mask = torch.arange(T) < torch.tensor(lengths)[:, None]  # (B, T)
    values = torch.zeros(len(lengths), T, dtype=torch.int64)
    values[mask] = torch.arange(1, sum(lengths) + 1)
    pairs = (torch.arange(T) // 2 + 1) * mask if groups else None
    return Padded(values, mask, pairs)


def test_a_padded_batch_is_a_view_and_so_is_a_tensor() -> None:
    assert isinstance(padded(2, 3), View)
    assert isinstance(torch.zeros(2, 3), View)
    assert not isinstance([1, 2], View)
    assert len(padded(2, 3)) == 2
    assert tuple(padded(2, 3).shape) == (2, 3)
    assert padded(2).device == torch.device("cpu")


@pytest.mark.parametrize("rows", [[2, 0], torch.tensor([2, 0]), torch.tensor([True, False, True]), slice(1, 3)])
def test_rows_are_chosen_in_all_parts_alike(rows: object) -> None:
    whole = padded(2, 1, 3)
    some = whole[rows]
    for part in ("values", "mask", "groups"):
        assert torch.equal(getattr(some, part), getattr(whole, part)[rows])
    assert padded(2, 1, groups=False)[rows if not isinstance(rows, (list, torch.Tensor)) else [1]].groups is None


def test_more_padding_adds_zeros_that_are_not_real() -> None:
    longer = padded(2, 3).lengthened(5)
    assert longer.values.tolist() == [[1, 2, 0, 0, 0], [3, 4, 5, 0, 0]]
    assert longer.mask.tolist() == [[True, True, False, False, False], [True, True, True, False, False]]
    assert longer.groups is not None
    assert longer.groups.tolist() == [[1, 1, 0, 0, 0], [1, 1, 2, 0, 0]]
    same = padded(2, 3)
    assert same.lengthened(3) is same


def test_views_are_joined_padded_to_the_longest() -> None:
    joined = join([padded(2, 1), padded(4, 3), padded(1, 1)])
    assert joined.values.tolist() == [
        [1, 2, 0, 0],
        [3, 0, 0, 0],
        [1, 2, 3, 4],
        [5, 6, 7, 0],
        [1, 0, 0, 0],
        [2, 0, 0, 0],
    ]
    assert joined.mask.sum(dim=1).tolist() == [2, 1, 4, 3, 1, 1]
    assert joined.groups is not None
    assert joined.groups[2].tolist() == [1, 1, 2, 2]
    assert join([padded(2, groups=False), padded(1)]).groups is None  # of one without words nothing can be said


def test_vectors_are_padded_as_numbers_are() -> None:
    one = Padded(torch.ones(2, 3, 5), torch.ones(2, 3, dtype=torch.bool))
    other = Padded(torch.ones(2, 4, 5), torch.ones(2, 4, dtype=torch.bool))
    joined = join([one, other])
    assert tuple(joined.shape) == (4, 4, 5)
    assert joined.values[:2, 3].abs().sum() == 0
    assert joined.values[2:].min() == 1


def test_only_views_of_one_form_are_alike() -> None:
    assert alike(padded(2, 1)) == alike(padded(4, 3))  # lengths are padded away
    assert alike(padded(2, 1)) != alike(padded(2, 1, 3))
    vectors = Padded(torch.ones(2, 3, 5), torch.ones(2, 3, dtype=torch.bool))
    assert alike(padded(2, 1)) != alike(vectors)
    assert alike(vectors) != alike(Padded(torch.ones(2, 3, 6), vectors.mask))
    assert alike(torch.zeros(2, 3)) == alike(torch.ones(2, 3)) != alike(torch.zeros(2, 4))
    assert torch.equal(join([torch.zeros(1, 2), torch.ones(2, 2)]), torch.tensor([[0.0, 0], [1, 1], [1, 1]]))


def test_moving_keeps_all_parts() -> None:
    moved = padded(2, 3).to("meta")
    assert {part.device.type for part in (moved.values, moved.mask, moved.groups) if part is not None} == {"meta"}
    assert padded(2, groups=False).to("cpu", non_blocking=True).groups is None


def test_parts_that_do_not_fit_are_refused() -> None:
    values = torch.zeros(2, 3, dtype=torch.int64)
    with pytest.raises(ArgumentError, match=r"shape \(2, 3\) have a mask of shape \(2, 4\): it must be \(2, 3\)"):
        Padded(values, torch.ones(2, 4, dtype=torch.bool))
    with pytest.raises(ArgumentError, match=r"have a groups of shape \(3,\)"):
        Padded(values, torch.ones(2, 3, dtype=torch.bool), torch.zeros(3, dtype=torch.int64))


def test_it_knows_how_long_its_sequences_are_and_cuts_them() -> None:
    view = padded(2, 5, 3, wide=7)
    assert view.lengths.tolist() == [2, 5, 3]
    holes = Padded(view.values, view.mask & (torch.arange(7) != 1))
    assert holes.lengths.tolist() == [1, 5, 3]  # up to the last real one
    short = view.cut(3)
    assert tuple(short.shape) == (3, 3)
    assert short.lengths.tolist() == [2, 3, 3]
    assert torch.equal(short.values, view.values[:, :3])
    assert short.groups is not None
    assert torch.equal(short.groups, view.groups[:, :3])
    assert padded(2, groups=False).cut(1).groups is None


class Stream:
    """A stream of a GPU that is not there, and what it was asked for."""

    def __init__(self, asked: list[str], name: str) -> None:
        self.asked, self.name = asked, name

    def wait_stream(self, other: Stream) -> None:
        self.asked.append(f"{self.name} waits for {other.name}")


def test_on_the_way_to_a_gpu_it_is_pinned_and_copied_beside_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of what a GPU is asked; that it overlaps cannot be seen without one."""
    asked: list[str] = []
    work, copies = Stream(asked, "work"), Stream(asked, "copies")
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: work)
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: copies)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext(asked.append(f"in {stream.name}")))
    monkeypatch.setattr(Tensor, "pin_memory", lambda x: asked.append("pinned") or x)
    monkeypatch.setattr(Tensor, "record_stream", lambda x, stream: asked.append(f"kept for {stream.name}"))
    monkeypatch.setattr(Tensor, "to", lambda x, device, non_blocking: asked.append(f"copied {non_blocking}") or x)
    _copies.cache_clear()
    for thing, tensors in ((torch.zeros(2, 3), 1), (Padded(torch.zeros(2, 3), torch.ones(2, 3) > 0), 2)):
        asked.clear()
        on_device(thing, "cuda")
        moved = [*tensors * ["pinned"], *tensors * ["copied True"]]
        assert asked == ["in copies", *moved, "work waits for copies", *tensors * ["kept for work"]]
    assert on_device(["a", "text"], "cuda") == ["a", "text"]
    _copies.cache_clear()
