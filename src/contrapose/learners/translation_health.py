"""What may go wrong when a translator and a critic learn against each other, each with its remedy."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

STEEP = 10.0
"""How often the critic may tell samples apart by more than they differ. Of slope 1 it never does; [design] ten times
is far beyond what a few steps of a young critic do."""
LEAST_DISTANCE = 0.1
"""Change of each value below which nearly nothing was translated, and a critic's difference means little. [design]"""
ALIKE = 0.1
"""Share of the real samples' variation below which translations count as all the same. [design]"""
UNCHANGED = 0.02
"""Mean change of a value, of a range of 2, below which nothing was translated. [design] five grey levels of 255."""


def translation_finding(
    real: Tensor, made: Tensor, labels: Tensor, wanted: Tensor, log: Mapping[str, Tensor | float]
) -> str | None:
    """The gravest finding in a batch of translations with its remedy, as verdicts have it; None where all is well.

    A critic that has run away is found by its own measure: where its slope is 1, the scores of real samples and of
    their translations differ by no more than these do themselves.

    Shapes:
        real, made: `(B, ...)` in [-1, 1]; labels, wanted: `(B,)`.

    Arguments:
        log: of the translator's turn.
    """
    difference = (made - real).float().flatten(1)  # (B, D)
    distance, gap = float(difference.norm(dim=1).mean()), abs(float(log.get("score_gap", 0.0)))
    if gap > STEEP * max(distance, LEAST_DISTANCE * difference.shape[1] ** 0.5):
        return (
            f"diverging critic: it tells real pictures from translations by {gap:.3g}, and these differ by "
            f"{distance:.3g} only, so its slope is far from 1. Lower --translator-rate, or raise --penalty-weight."
        )
    share = (_within(made, wanted) / max(_within(real, wanted), 1e-12)) ** 0.5
    if share < ALIKE:
        return (
            f"collapsed translator: whatever it is given, its translations to a class are nearly the same (they vary "
            f"by {share:.2f} of what pictures do). Raise --cycle-weight, or lower --translator-rate."
        )
    other = (labels != wanted).nonzero()[:, 0]  # (n,)
    changed = float(difference[other].abs().mean()) if len(other) else 1.0
    if changed < UNCHANGED:
        return (
            f"idle translator: translations to other classes differ from their pictures by {changed / 2:.3f} of the "
            "range of a value. Lower --cycle-weight, or give it more --translator-steps."
        )
    return None


def _within(rows: Tensor, groups: Tensor) -> float:
    """The sum of squared distances from the mean of the own group; where nobody shares a group, 1, which judges
    nothing."""
    flat = rows.float().flatten(1)  # (B, D)
    _, place, sizes = groups.unique(return_inverse=True, return_counts=True)  # (B,), (G,)
    if len(sizes) == len(flat):
        return 1.0
    means = flat.new_zeros(len(sizes), flat.shape[1]).index_add_(0, place, flat) / sizes[:, None]  # (G, D)
    return float((flat - means[place]).square().sum())
