"""A suspect pair of towers, and the clean pictures by which it is looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from contrapose.data.pairs import Pairs
from contrapose.encoders import Towers
from contrapose.encoders.pairs.prompts import class_prototypes
from contrapose.errors import ArgumentError, DataError

BLOCK = 256
"""Pictures that are embedded at a time, where no gradient is wanted."""


@dataclass(frozen=True, eq=False)
class Suspect:
    """Towers that are looked into: in evaluation mode, and nothing of them takes a gradient.

    Shapes:
        pictures: `(N, C, H, W)` uint8. prototypes: `(K, D)`, a unit row for the texts of each class. labels: `(N,)`,
        what they show; -1 and None: unknown.

    Arguments:
        names: of the classes.
    """

    towers: Towers
    pictures: UInt8[Tensor, "N C H W"]
    prototypes: Float[Tensor, "K D"]
    names: tuple[str, ...]
    labels: Int64[Tensor, "N"] | None

    @classmethod
    def of(
        cls,
        towers: Towers,
        samples: Pairs,
        names: tuple[str, ...],
        *,
        templates: tuple[str, ...] | None = None,
        device: torch.device | str = "cpu",
    ) -> Suspect:
        """The towers and the pictures of these pairs on a device.

        Errors:
            ArgumentError: a picture tower whose layers cannot be read, or fewer than two classes.
            DataError: no pictures.
        """
        if not len(samples):
            raise DataError(f"{samples.origin} holds no clean picture: a few hundred are wanted, of any origin.")
        if len(names) < 2:
            raise ArgumentError(
                f"{len(names)} class is named: suspicion falls on one among several, so name two at least "
                "(--class-texts)."
            )
        if not getattr(towers.image, "layers", None):
            raise ArgumentError(
                f"The picture tower {towers.image.name} has no layers that can be read, and a repair looks into them: "
                "it needs a convolutional network or a vision transformer of the house, or hf:NAME."
            )
        still = towers.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)  # type: ignore[call-overload]
        pixels = samples.pictures.batch(torch.arange(len(samples))).to(device)  # (N, C, H, W)
        known = samples.labels
        labels = None if known is None else torch.from_numpy(known).to(device)  # (N,)
        return cls(still, pixels, class_prototypes(still, names, templates), names, labels)

    def embed(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Pictures in [0, 1] to unit rows; gradients flow."""
        return self.towers.embed_images(x).float()

    def classes(self, rows: Float[Tensor, "B D"]) -> Int64[Tensor, "B"]:
        """The class whose texts are nearest to each row."""
        return (rows @ self.prototypes.to(rows).T).argmax(dim=1)  # (B, K) -> (B,)

    @torch.no_grad()
    def embedded(
        self, rows: Tensor | None = None, change: Callable[[Tensor], Tensor] | None = None
    ) -> Float[Tensor, "n D"]:
        """All pictures, or those of some row numbers, as they are or changed."""
        return torch.cat([self.embed(x if change is None else change(x)) for x in self.blocks(rows)])  # (n, D)

    def blocks(self, rows: Tensor | None = None) -> Iterator[Float[Tensor, "b C H W"]]:
        """The same pictures in [0, 1], a block at a time."""
        chosen = torch.arange(len(self.pictures)) if rows is None else rows
        for part in chosen.to(self.pictures.device).split(BLOCK):
            yield self.pictures[part].float() / 255

    def showing(self, target: int) -> tuple[Int64[Tensor, "a"], Int64[Tensor, "b"]]:
        """The rows of pictures of a class, and those of others: by labels, and where there are none by what the towers
        take them for."""
        known = self.classes(self.embedded()) if self.labels is None else self.labels  # (N,)
        return (known == target).nonzero()[:, 0], ((known != target) & (known >= 0)).nonzero()[:, 0]

    def accuracy(self) -> float | None:
        """The share of labelled pictures that are taken for what they show; None without labels."""
        if self.labels is None or not bool((self.labels >= 0).any()):
            return None
        rows = (self.labels >= 0).nonzero()[:, 0]
        return float((self.classes(self.embedded(rows)) == self.labels[rows]).float().mean())
