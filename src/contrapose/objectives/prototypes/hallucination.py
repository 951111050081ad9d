"""Positives that no view shows: on great circles from a key towards prototypes, up to where another is nearer."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from contrapose.errors import ArgumentError
from contrapose.objectives.engine.anchors import choose_anchors
from contrapose.objectives.engine.inputs import check_embeddings, unit_rows
from contrapose.tracing import is_readable

UNIT_TOLERANCE = 1e-3
"""How far the length of a row may be from 1; twenty times as far in half precision, which keeps it less exactly."""


class Hallucinated(NamedTuple):
    """What was drawn for each key, without gradient.

    Shapes:
        positives: `(R, M, D)` unit rows; keep: `(R, M)`, whether the key's own prototype is the nearest one to it;
        angles: `(R, M)` between it and the key, in radians.
    """

    positives: Float[Tensor, "R M D"]
    keep: Bool[Tensor, "R M"]
    angles: Float[Tensor, "R M"]


class Arcs(NamedTuple):
    """The great circles from each key to each prototype.

    Shapes:
        own: `(R,)`, the nearest prototype; directions: `(R, N, D)`, the unit tangent at the key towards a prototype;
        borders: `(R, N)`, the angle at which that prototype is as near as the own one. Both are 0 where key and
        prototype are equal or opposite, so that no great circle is told from others.
    """

    own: Int[Tensor, " R"]
    directions: Float[Tensor, "R N D"]
    borders: Float[Tensor, "R N"]

    def points(self, keys: Tensor, targets: Tensor, angles: Tensor) -> Tensor:
        """What lies so far on the way from each key to each of its targets: cos(a) k + sin(a) u.

        Shapes:
            keys: `(R, D)`, targets, angles: `(R, M)`; returns `(R, M, D)`.
        """
        rows = torch.arange(len(keys), device=keys.device).unsqueeze(1)  # (R, 1)
        towards = self.directions[rows, targets]  # (R, M, D)
        points = angles.cos().unsqueeze(2) * keys.unsqueeze(1) + angles.sin().unsqueeze(2) * towards  # (R, M, D)
        return unit_rows(points)


def arcs(keys: Float[Tensor, "R D"], prototypes: Float[Tensor, "N D"]) -> Arcs:
    """The great circles from unit rows to unit prototypes, and where they leave the reach of the nearest prototype p_0.

        g(a) = cos(a) k + sin(a) u,     u = (p_s - (k·p_s) k) / sin(Omega),     cos(Omega) = k·p_s
        g(a)·p_0 = g(a)·p_s   at   a = atan2( k·(p_0 - p_s) sin(Omega),  1 - p_0·p_s + k·(p_0 - p_s) cos(Omega) )

    The one such angle in [0, Omega]. Everything is computed from differences of rows, whose digits do not cancel where
    rows are close, so that nothing needs a clamp.

    Closed form: k = p_0 gives Omega / 2. In the plane, with p_0 at the angle -a and p_s at b of the key: (b - a) / 2.
    """
    apart = _apart(keys, prototypes)  # (R, N)
    nearest, own = apart.min(dim=1)  # (R,), (R,): the first of equals
    offsets = prototypes - keys.unsqueeze(1)  # (R, N, D)
    along = (offsets * keys.unsqueeze(1)).sum(dim=2, keepdim=True)  # (R, N, 1)
    tangents = offsets - along * keys.unsqueeze(1)  # (R, N, D)
    sines = torch.linalg.vector_norm(tangents, dim=2)  # (R, N)
    told = sines > 8 * torch.finfo(keys.dtype).eps
    directions = torch.where(told.unsqueeze(2), tangents / sines.where(told, 1.0).unsqueeze(2), 0.0)  # (R, N, D)
    lead = (apart - nearest.unsqueeze(1)) / 2  # (R, N): k·(p_0 - p_s)
    between = _apart(prototypes, prototypes)[own] / 2  # (R, N): 1 - p_0·p_s
    borders = torch.atan2(lead * sines, between + lead * (1 - apart / 2))  # (R, N)
    return Arcs(own, directions, borders.where(told, 0.0))


def _apart(x: Tensor, y: Tensor) -> Tensor:
    """Squared distances of unit rows, 2 - 2 cosine: `(R, D)`, `(N, D)` -> `(R, N)`."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").square()


def hallucinated_positives(
    keys: Float[Tensor, "B D"],
    prototypes: Float[Tensor, "N D"],
    *,
    count: int = 100,
    hardness: float = 0.8,
    hardness_from: float = 0.0,
    candidates: int = 20,
    skip: int = 1,
    rows: Int[Tensor, " R"] | None = None,
    generator: torch.Generator | None = None,
) -> Hallucinated:
    """Further positives of each key, made on the sphere of embeddings: no view, no network, no pass through one.

        p_0 the nearest prototype;  M times, with replacement, one p_s of the candidates, which come next to it
        a = (1 - w) a_border,       w ~ U[hardness_from, hardness),       g = cos(a) k + sin(a) u            (`arcs`)
        keep those g to which no prototype is nearer than p_0

    At the border p_0 and p_s are equally near, so that of the prototypes only a third one can make a positive be left
    out. All of it is a constant: neither keys nor prototypes get a gradient. The border is found by atan2, where the
    authors' code has atan, which walks away from p_s where its second argument is negative (only in few dimensions).

    Shapes:
        keys: `(B, D)` and prototypes: `(N, D)`, unit rows; returns positives `(R, M, D)`, keep and angles `(R, M)`.

    Arguments:
        count: M. 100 in the authors' code.
        hardness: lambda, from 0, which draws nothing but the border, the hardest, to 1, which draws anything from the
            key to it. 0.8 in the authors' code.
        hardness_from: the least w, 0 in the paper. With both 1 every positive is the key itself, a control.
        candidates: prototypes that are walked to, the most similar ones after those skipped, or all where there are
            fewer. 20 in the authors' code.
        skip: most similar prototypes that nobody walks to, the own one among them: 1 in the authors' code.
        rows: the keys (0 to B-1) that are asked for; draws are made for all B.
        generator: draws targets and w; None = torch's global stream.

    Errors:
        ArgumentError: fewer than two prototypes, none left to walk to, a number out of its range, other widths, rows
            whose length is not 1, NaN.

    Two prototypes and a key that is one of them: the border is half way. A key that a prototype equals, or is opposite
    to, has no way there, and its positive is the key.

    Shah, Roy, Shah, Mishra, Jacobs, Cherian, Chellappa, "HaLP: Hallucinating Latent Positives for Skeleton-based
    Self-Supervised Learning of Actions", CVPR 2023, https://arxiv.org/abs/2304.00387
    """
    for name, letters, x in (("keys", "B D", keys), ("prototypes", "N D", prototypes)):
        _check_unit(x, name, letters)
    if keys.shape[1] != prototypes.shape[1]:
        raise ArgumentError(
            f"prototypes has {prototypes.shape[1]} dimensions and keys {keys.shape[1]}; they must agree."
        )
    _check_numbers(len(prototypes), count, hardness, hardness_from, candidates, skip)
    device = None if generator is None else generator.device
    left = min(candidates, len(prototypes) - skip)
    targets = torch.randint(left, (len(keys), count), generator=generator, device=device)  # (B, M)
    easier = torch.rand(len(keys), count, generator=generator, device=device)  # (B, M)
    chosen = choose_anchors(1, len(keys), rows, keys.device)
    with torch.no_grad(), torch.autocast(keys.device.type, enabled=False):  # bfloat16 has too few digits to rank by
        wide = torch.promote_types(torch.promote_types(keys.dtype, prototypes.dtype), torch.float32)
        k, p = unit_rows(chosen.take(keys.detach().to(wide))), unit_rows(prototypes.detach().to(keys.device, wide))
        w = chosen.take(easier.to(k)) * (hardness - hardness_from) + hardness_from  # (R, M)
        ways = arcs(k, p)
        ranked = (k @ p.T).scatter(1, ways.own.unsqueeze(1), torch.inf).argsort(dim=1, descending=True)  # (R, N)
        targets = ranked[:, skip:].gather(1, chosen.take(targets.to(k.device)))  # (R, M)
        angles = (1 - w) * ways.borders.gather(1, targets)  # (R, M)
        positives = ways.points(k, targets, angles)  # (R, M, D)
        near = positives @ p.T  # (R, M, N)
        third = near.scatter(2, targets.unsqueeze(2), -torch.inf).amax(dim=2)  # (R, M): ties at the border are no loss
        keep = third <= near.gather(2, ways.own.view(-1, 1, 1).expand(-1, count, 1)).squeeze(2)  # (R, M)
    return Hallucinated(positives, keep, angles)


def _check_unit(x: Tensor, name: str, letters: str) -> None:
    check_embeddings(x, name, letters)
    if not is_readable(x):
        return
    worst = float((torch.linalg.vector_norm(x.detach().float(), dim=1) - 1).abs().max())
    if worst > UNIT_TOLERANCE * (1 if x.element_size() > 2 else 20):
        raise ArgumentError(
            f"{name} must lie on the sphere, and a length is {worst:.2g} away from 1; give "
            f"torch.nn.functional.normalize({name}, dim=1)."
        )


def _check_numbers(
    prototypes: int, count: int, hardness: float, hardness_from: float, candidates: int, skip: int
) -> None:
    if prototypes < 2:
        raise ArgumentError(f"There is {prototypes} prototype: a positive lies between two of them; give 2 or more.")
    for name, value in (("count", count), ("candidates", candidates), ("skip", skip)):
        if value < 1:
            raise ArgumentError(f"{name} is {value}; it must be 1 or more.")
    if skip >= prototypes:
        raise ArgumentError(
            f"skip is {skip}, which leaves none of {prototypes} prototypes to walk to; take skip=1, or more prototypes."
        )
    if not 0 <= hardness_from <= hardness <= 1:
        raise ArgumentError(
            f"hardness_from and hardness must be 0 <= hardness_from <= hardness <= 1, got {hardness_from} and "
            f"{hardness}: 0 is the border, 1 the key itself."
        )
