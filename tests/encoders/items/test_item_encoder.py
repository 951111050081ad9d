"""Encoders of items: causality, padding, what is hidden, the row of no item, and the folder on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from contrapose.data.ragged import Ragged
from contrapose.encoders import Tabled, concatenate, load_encoder, save_encoder, untrained_like
from contrapose.encoders.items import build_items
from contrapose.encoders.items.backbone import ITEM_ENCODERS
from contrapose.errors import ArgumentError, RunError
from contrapose.padded import Padded

NAMES = [f"i{number}" for number in range(1, 13)]
LISTS = [[3, 1, 4], [1, 5, 9, 2, 6, 11], [12]]


def made(name: str = "sasrec", **options: Any) -> Any:
    own = {"dimension": 8, "heads": 2, "hidden": 16} if name == "sasrec" else {"dimension": 8}
    return build_items(name, NAMES, **{"max_length": 5, "seed": 0, **own, **options}).eval()


def hidden(values: list[int]) -> Padded:
    """A history in which 0 is an item that is hidden."""
    row = torch.tensor([values])
    return Padded(row, torch.ones_like(row, dtype=torch.bool))


def test_the_last_items_are_read_left_aligned_whatever_form_they_come_in() -> None:
    encoder = made()
    for raw in (LISTS, Ragged.of(LISTS), [torch.tensor(one) for one in LISTS]):
        view = encoder.prepare(raw)
        assert view.values.tolist() == [[3, 1, 4, 0, 0], [5, 9, 2, 6, 11], [12, 0, 0, 0, 0]]
        assert torch.equal(view.mask, view.values > 0)
    assert encoder.prepare(view) is view


@pytest.mark.parametrize("name", list(ITEM_ENCODERS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_how_a_history_is_padded_and_beside_which_others_changes_nothing(name: str, dtype: torch.dtype) -> None:
    encoder = made(name).to(dtype)
    together = encoder(encoder.prepare(LISTS))
    assert together.shape == (3, encoder.dimension)
    assert together.dtype == dtype
    for row, one in enumerate(LISTS):
        torch.testing.assert_close(encoder(encoder.prepare([one]))[0], together[row])
    torch.testing.assert_close(encoder(encoder.prepare(LISTS[:1]).lengthened(5))[0], together[0])


def test_what_comes_later_changes_no_earlier_state_and_what_came_before_does() -> None:
    encoder = made(max_length=6)
    one, other = encoder.prepare([[1, 2, 3, 4, 5, 6]]), encoder.prepare([[1, 2, 3, 9, 8, 7]])
    before, after = encoder.states(one)[0], encoder.states(other)[0]
    torch.testing.assert_close(before[:3], after[:3])
    assert (before[3] - after[3]).abs().max() > 0.01
    torch.testing.assert_close(encoder(one)[0], before[-1])
    torch.testing.assert_close(encoder(encoder.prepare([[1, 2, 3]]))[0], before[2])
    changed = encoder.states(encoder.prepare([[7, 2, 3, 4, 5, 6]]))[0]
    assert (changed[-1] - before[-1]).abs().max() > 1e-4


def test_nobody_looks_at_a_hidden_item_and_the_last_step_is_read_even_so() -> None:
    encoder = made()
    reference = encoder(hidden([1, 0, 2]))
    with torch.no_grad():
        encoder.backbone.embedding.weight[0] = torch.arange(
            8.0
        )  # what stands at a hidden step must not matter to others
    torch.testing.assert_close(encoder(hidden([1, 0, 2])), reference)
    last = hidden([1, 2, 0])
    torch.testing.assert_close(encoder(last)[0], encoder.states(last)[0, 2])
    assert (encoder(last)[0] - encoder(hidden([1, 2]))[0]).abs().max() > 1e-3, "a step of its own"


@pytest.mark.parametrize("values", [[0, 1], [0, 0, 3], [0, 0, 0]])
def test_a_step_that_sees_nothing_gives_numbers_and_gradients(values: list[int]) -> None:
    encoder = made().train()
    encoder(hidden(values)).sum().backward()
    gradients = [one.grad for one in encoder.parameters() if one.grad is not None]
    assert gradients
    assert all(one.isfinite().all() for one in gradients)


@pytest.mark.parametrize("name", list(ITEM_ENCODERS))
def test_the_row_of_no_item_is_zero_and_stays_so(name: str) -> None:
    encoder = made(name).train()
    assert isinstance(encoder, Tabled)
    assert encoder.table.shape == (13, 8)
    assert not encoder.table[0].any()
    optimiser = torch.optim.SGD(encoder.parameters(), lr=0.5)
    encoder(hidden([1, 0, 2])).square().sum().backward()
    optimiser.step()
    assert not encoder.table[0].any()
    assert encoder.table[1:].any(dim=1).all()


def test_first_weights_are_normals_of_the_size_that_is_said() -> None:
    encoder = build_items("sasrec", [str(n) for n in range(4000)], seed=1)
    assert encoder.table[1:].std().item() == pytest.approx(0.02, rel=0.02)
    assert sum(one.numel() for one in encoder.parameters()) == (
        4001 * 64 + 50 * 64 + 2 * 64 + 2 * (4 * 64**2 + 4 * 64 + 2 * 64 * 256 + 256 + 64 + 4 * 64)
    )
    assert torch.equal(encoder.table, build_items("sasrec", [str(n) for n in range(4000)], seed=1).table)


def test_dropout_tells_two_passes_apart_in_attention_too() -> None:
    encoder = made(dropout=0.5, seed=3).train()
    view = encoder.prepare(LISTS)
    assert not torch.equal(encoder(view), encoder(view))
    encoder.backbone.dropout.p = 0.0
    for block in encoder.backbone.blocks:
        block.dropout.p = 0.0
    assert not torch.equal(encoder(view), encoder(view)), "weights of the softmax are dropped as well"
    assert torch.equal(encoder.eval()(view), encoder(view))


@pytest.mark.parametrize("name", list(ITEM_ENCODERS))
def test_a_folder_keeps_everything(name: str, tmp_path: Path) -> None:
    encoder = made(name, titles=["Soap", *[None] * 11], held_out=2, core=5)
    save_encoder(encoder, tmp_path)
    loaded = load_encoder(tmp_path)
    assert torch.equal(loaded(loaded.prepare(LISTS)), encoder(encoder.prepare(LISTS)))
    assert (loaded.item_names, loaded.titles, loaded.form) == (encoder.item_names, encoder.titles, encoder.form)
    assert (loaded.held_out, loaded.core, loaded.called(1), loaded.called(2)) == (2, 5, "Soap", "i2")
    other = untrained_like(tmp_path, 7)
    assert not torch.equal(other.table, encoder.table)
    (tmp_path / "items.json").write_text('{"names": ["a"]}')
    with pytest.raises(RunError, match=r"items\.json has 1 items and the encoder 12"):
        load_encoder(tmp_path)


def test_encoders_side_by_side_add_their_scores() -> None:
    parts = [made(seed=0), made("item_bag", seed=1)]
    whole = concatenate(parts, normalize=False)
    view = whole.prepare(LISTS)
    scores = sum(part(view) @ part.table.T for part in parts)
    torch.testing.assert_close(whole(view) @ whole.table.T, scores)


def test_what_cannot_be_read_or_built_is_said() -> None:
    encoder = made()
    for raw, words in (
        ([[1, 2], []], "An empty history"),
        ([[1, 13]], "Item 13 does not exist: encoder 'sasrec' knows the items 1 to 12"),
        ([[0, 1]], "Item 0 does not exist"),
        ([["a"]], "histories of whole numbers"),
    ):
        with pytest.raises(ArgumentError, match=words):
            encoder.prepare(raw)
    with pytest.raises(ArgumentError, match=r"was given a Tensor: give encoder\.prepare"):
        encoder(torch.ones(2, 3))
    with pytest.raises(ArgumentError, match="built for histories of 5 items and was given 6"):
        encoder(hidden([1, 2, 3, 4, 5, 6]))
    with pytest.raises(RunError, match=r"no ONNX form.*--to folder"):
        encoder.onnx_form()
    for options, words in (
        ({"heads": 3}, r"3 heads do not divide 8 dimensions: give heads out of \[1, 2, 4, 8\]"),
        ({"dropout": 1.0}, r"dropout=1\.0"),
        ({"max_length": 0}, "max_length"),
        ({"depth": 3}, "no argument 'depth'"),
    ):
        with pytest.raises(ArgumentError, match=words):
            made(**options)
    with pytest.raises(ArgumentError, match="Did you mean 'sasrec'"):
        build_items("sasrek", NAMES)
