"""Partners of the same class: whom a sample may be given, and what it is given where it is alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from contrapose.data import Images, PartnerTable, PlainSource, WithPartners, derived_generator
from contrapose.data.embedded_samples import as_they_are
from contrapose.data.partners import PARTNERS
from contrapose.errors import DataError

LABELS = np.array([2, 0, 2, 0, 2, 5, 0, 0])


def images(labels: np.ndarray | None = LABELS) -> Images:
    return Images(np.arange(8, dtype=np.uint8)[:, None, None, None] * np.ones((8, 1, 4, 4), np.uint8), labels)


def test_a_partner_is_another_of_the_class_and_each_is_as_likely() -> None:
    table, rows = PartnerTable(images()), torch.arange(8).repeat(3_000)
    drawn = table.draw(rows, torch.Generator().manual_seed(0)).view(-1, 8).numpy()
    assert (LABELS[drawn] == LABELS).all()
    assert table.alone.tolist() == [5]
    assert (drawn[:, 5] == 5).all()
    for row in (0, 1, 2, 3, 4, 6, 7):
        others = [one for one in np.flatnonzero(LABELS[row] == LABELS) if one != row]
        counts = np.array([(drawn[:, row] == one).sum() for one in others])
        assert counts.sum() == len(drawn)
        assert np.abs(counts / len(drawn) - 1 / len(others)).max() < 0.05


def test_batches_bring_partners_that_repeat_with_the_stream() -> None:
    plain = PlainSource.shuffled(images(), as_they_are, batch_size=4, seed=0)
    asked: list[torch.Tensor] = []

    def divide(raw: torch.Tensor, partners: torch.Tensor, alone: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(alone)
        return raw, partners

    source = WithPartners(plain, divide)
    one, two, three = (source.batch(step, 0, generator=derived_generator(0, step)) for step in (1, 1, 0))
    beside = one.others[PARTNERS]
    assert torch.equal(beside.indices, two.others[PARTNERS].indices)
    assert not torch.equal(one.indices, three.indices)
    assert torch.equal(one.targets["label"], beside.targets["label"])
    assert torch.equal(one.views[0][:, 0, 0, 0].long(), one.indices)
    assert torch.equal(beside.views[0][:, 0, 0, 0].long(), beside.indices)
    assert torch.equal(asked[0], beside.indices == one.indices)
    assert source.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("labels", "said"), [(None, "no labels"), (np.array([0, -1, 1, 0, 0, 1, 1, 1]), "1 picture without")]
)
def test_every_sample_needs_a_class(labels: np.ndarray | None, said: str) -> None:
    with pytest.raises(DataError, match=said):
        PartnerTable(images(labels))
