"""A pairing in which an anchor looks for samples of a partner class, its own or any other."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.pairing.groups import as_integers
from contrapose.pairing.pairing import NOBODY, Pairing, Tile
from contrapose.tracing import is_readable


class PartnerPairing(Pairing):
    """Candidates of the anchor's partner class are its positives; those of its own class and of no class are ignored.

        weight[i, j] = 1[label_j == partner_i]
        valid[i, j]  = 1[label_j == partner_i or label_j != label_i]

    Where the partner class is the own one, samples of it are positives, and all others negatives. A row of label -1 has
    no class: it is nobody's candidate, and as an anchor it has none.

    Shapes:
        labels, partners: `(B,)` integers: class and partner class of sample i, as an anchor and (its class) as a
            candidate.

    Arguments:
        same_rows: anchors and candidates are the same rows, so candidate i is anchor i itself and is left out; false
            where candidates are another view of the samples.
    """

    def __init__(self, labels: Int[Tensor, " B"], partners: Int[Tensor, " B"], *, same_rows: bool) -> None:
        self.labels, self.partners, self.same_rows = labels, partners, same_rows
        self.anchors = self.candidates = len(labels)

    def tile(self, rows: Int[Tensor, " r"], columns: slice) -> Tile:
        rows = rows.to(self.labels.device)
        own, partner = self.labels[rows].unsqueeze(1), self.partners[rows].unsqueeze(1)  # (r, 1)
        candidate = self.labels[columns]  # (c,)
        usable = (own != NOBODY) & (partner != NOBODY) & (candidate != NOBODY)  # (r, c)
        if self.same_rows:
            itself = torch.arange(columns.start, columns.stop, device=rows.device)  # (c,)
            usable = usable & (rows.unsqueeze(1) != itself)
        positive = usable & (candidate == partner)  # (r, c)
        return Tile(positive.float(), positive | (usable & (candidate != own)))

    def to(self, device: torch.device | str) -> PartnerPairing:
        return PartnerPairing(self.labels.to(device), self.partners.to(device), same_rows=self.same_rows)


def by_partners(
    labels: Int[Tensor, " B"], partners: Int[Tensor, " B"] | None = None, *, same_rows: bool = False
) -> PartnerPairing:
    """Anchor i of class `labels[i]` has all candidates of class `partners[i]` as positives, the other classes against.

    Arguments:
        labels: class numbers >= 0, or -1 for a sample that takes no part.
        partners: the class that each anchor looks for; None = its own.
        same_rows: the candidates are the anchors themselves, and not another view of them.

    Errors:
        ArgumentError: not one integer a sample, or below -1.

    >>> by_partners(torch.tensor([0, 0, 1, 2]), torch.tensor([1, 0, 2, 2]))
    4 anchors × 4 candidates: 1 to 2 positive and 1 to 3 negative per anchor
      0 1 2 3
    0 . . + -
    1 + + - -
    2 - - . +
    3 - - - +
    """
    labels = as_integers(labels, "labels")
    partners = labels if partners is None else as_integers(partners, "partners").to(labels.device)
    if len(partners) != len(labels):
        raise ArgumentError(f"partners names {len(partners)} classes for {len(labels)} samples; give one for each.")
    for name, values in (("labels", labels), ("partners", partners)):
        if is_readable(values) and int(values.min()) < NOBODY:
            raise ArgumentError(f"{name} are class numbers >= 0, or -1 for none; got {int(values.min())}.")
    return PartnerPairing(labels, partners, same_rows=same_rows)
