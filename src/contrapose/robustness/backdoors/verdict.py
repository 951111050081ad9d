"""Whether what was found is a planted trigger: the thresholds, and the sentence that says what decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_RISE = 0.10
"""By how much the share of a class has to rise under a patch without aim. [design] 10 points."""
LARGEST_MASK = 0.30
"""How much of the pictures an inverted trigger may take: what has to replace more of them is no trigger. [design]"""
SURE = 0.1
"""Cross-entropy of the target below which an inverted trigger works. [design] 0.1, a chance of 90 %."""


@dataclass(frozen=True)
class Inverted:
    """What the inversion came to for one class.

    Arguments:
        target: its number.
        rise: of its share of predictions, 1 being all pictures.
        mask: mean of the mask, 1 being the whole picture.
        cross_entropy: of the target, over all pictures of other classes with the trigger, in nats.
        success: the share of these that are taken for the target.
    """

    target: int
    rise: float
    mask: float
    cross_entropy: float
    success: float


@dataclass(frozen=True)
class Verdict:
    """Found, or nothing found, and why.

    Arguments:
        chosen: the place of the class among those that were looked into.
        found: whether it is held for planted.
        reasons: what speaks against it, or for it, as sentences.
    """

    chosen: int
    found: bool
    reasons: tuple[str, ...]


def verdict(
    found: Sequence[Inverted],
    names: Sequence[str],
    *,
    least_rise: float = LEAST_RISE,
    largest_mask: float = LARGEST_MASK,
    sure: float = SURE,
) -> Verdict:
    """The class whose trigger works with the smallest mask, of those that rise enough, and whether it is one.

    Nothing is found where no class rises by more than `least_rise`, where no trigger of one that does comes to a
    cross-entropy below `sure`, or where the smallest that does takes more than `largest_mask` of the picture. Small
    encoders can be led to any class: that a trigger works is no suspicion by itself.

    Arguments:
        found: of the classes that were looked into, one at least.
        names: of all classes.
    """
    rising = [place for place, one in enumerate(found) if one.rise > least_rise]
    asked = rising or range(len(found))
    works = [place for place in asked if found[place].cross_entropy < sure]
    if works:
        chosen = min(works, key=lambda place: found[place].mask)
    else:
        chosen = min(asked, key=lambda place: found[place].cross_entropy)
    one = found[chosen]
    called = names[one.target]
    against = []
    if not rising:
        against.append(
            f"no class gains more than {100 * least_rise:.3g} points under a patch without aim ({called!r} gains "
            f"{100 * one.rise:.3g})"
        )
    if not works:
        against.append(
            f"no trigger was found that works: the best, of {called!r}, has a cross-entropy of "
            f"{one.cross_entropy:.3g} (below {sure:g} is asked)"
        )
    if one.mask > largest_mask:
        against.append(
            f"what makes pictures {called!r} takes {100 * one.mask:.3g} % of them (at most {100 * largest_mask:.3g})"
        )
    why = (
        f"{called!r} gains {100 * one.rise:.3g} points under a patch without aim, and a change of "
        f"{100 * one.mask:.3g} % of a picture makes {100 * one.success:.3g} % of the others {called!r}"
    )
    return Verdict(chosen, not against, tuple(against) or (why,))
