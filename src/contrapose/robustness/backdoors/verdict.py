"""Whether what was found is a planted trigger: the thresholds, and the sentence that says what decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

COMPARED = 5
"""Classes that have to be looked into before the masks of others say what is usual. [design] One, and four others."""


@dataclass(frozen=True)
class Limits:
    """From where on a trigger counts as planted. All are [design].

    Arguments:
        usual: the largest mask of a planted class, as a share of the median of those of the other classes that were
            looked into. 0.6: with a patch planted it was 0.17 to 0.55 of it, in seven victims.
        next: the same, as a share of the next larger mask: a planted class stands alone. 0.75: it was 0.28 to 0.59 of
            it; of clean towers 0.89 and more.
        least_gain: how many of the pictures that are not taken for a class a patch without aim has to bring it, where
            too few classes were looked into to compare. 0.6: of three clean pairs of towers of digits it came to 0.24
            to 0.53, of three with a patch planted to 0.89 and more.
        largest_mask: how much of the pictures a trigger may take. 0.3: what has to replace more of them is no trigger.
        sure: cross-entropy of the target below which a trigger works. 0.2.
    """

    usual: float = 0.6
    next: float = 0.75
    least_gain: float = 0.6
    largest_mask: float = 0.30
    sure: float = 0.2


@dataclass(frozen=True)
class Inverted:
    """What the inversion came to for one class.

    Arguments:
        target: its number.
        rise: of its share of predictions, 1 being all pictures; gained: the same, 1 being those that were left to gain.
        mask: mean of the mask, 1 being the whole picture.
        cross_entropy: of the target, over all pictures of other classes with the trigger, in nats.
        success: the share of these that are taken for the target.
    """

    target: int
    rise: float
    gained: float
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
        usual: the median of the masks of the other classes, None where they are too few to compare with.
    """

    chosen: int
    found: bool
    reasons: tuple[str, ...]
    usual: float | None = None


def verdict(found: Sequence[Inverted], names: Sequence[str], limits: Limits | None = None) -> Verdict:
    """The class whose trigger works with the smallest mask, and whether it was planted.

    Small encoders can be led to any class, so that a trigger works is no suspicion by itself. A planted class is one
    that pictures are led to much more easily than to others:

        mask_y <= usual median of mask_c,   mask_y <= next min of mask_c,   over the other classes c

    Where fewer than five classes were looked into there is nothing to compare with, and suspicion is left to the patch
    without aim: it has to bring the class `least_gain`. Either way the trigger has to come to a cross-entropy
    below `sure` and to take at most `largest_mask` of the picture.

    Arguments:
        found: of the classes that were looked into, one at least.
        names: of all classes.
        limits: from where on; None: the defaults.

    Paper: InverTune, https://arxiv.org/abs/2506.12411, whose suspicion is the rise alone; the comparison of masks is
        Neural Cleanse's, Wang et al. 2019, https://doi.org/10.1109/SP.2019.00031
    """
    given = limits or Limits()
    compared = len(found) >= COMPARED
    asked: Sequence[int] = range(len(found))
    if not compared:
        asked = [place for place in asked if found[place].gained > given.least_gain] or asked
    works = [place for place in asked if found[place].cross_entropy < given.sure]
    if works:
        chosen = min(works, key=lambda place: found[place].mask)
    else:
        chosen = min(asked, key=lambda place: found[place].cross_entropy)
    one, called = found[chosen], names[found[chosen].target]
    others = [other.mask for other in found if other is not one] if compared else []
    usual = median(others) if others else None
    against = []
    if usual is not None and one.mask > given.usual * usual:
        against.append(
            f"no class is much easier to come to than others: the easiest, {called!r}, takes a change of "
            f"{100 * one.mask:.3g} % of a picture, others {100 * usual:.3g} % (at most {given.usual:g} times that is "
            "asked)"
        )
    elif others and one.mask > given.next * min(others):
        against.append(
            f"{called!r} does not stand alone: it takes a change of {100 * one.mask:.3g} % of a picture, and another "
            f"class {100 * min(others):.3g} % (at most {given.next:g} times that is asked)"
        )
    if usual is None and one.gained <= given.least_gain:
        against.append(
            f"to no class more than {100 * given.least_gain:.3g} % of the pictures of others go over under a patch "
            f"without aim (to {called!r} {100 * one.gained:.3g} %)"
        )
    if not works:
        against.append(
            f"no trigger was found that works: the best, of {called!r}, has a cross-entropy of "
            f"{one.cross_entropy:.3g} (below {given.sure:g} is asked)"
        )
    if one.mask > given.largest_mask:
        against.append(
            f"what makes pictures {called!r} takes {100 * one.mask:.3g} % of them (at most "
            f"{100 * given.largest_mask:.3g})"
        )
    return Verdict(chosen, not against, tuple(against) or (_why(one, called, usual),), usual)


def _why(one: Inverted, called: str, usual: float | None) -> str:
    beside = "" if usual is None else f", where other classes take {100 * usual:.3g} %"
    return (
        f"a change of {100 * one.mask:.3g} % of a picture makes {100 * one.success:.3g} % of the others {called!r}"
        f"{beside}; under a patch without aim {called!r} gains {100 * one.rise:.3g} points"
    )
