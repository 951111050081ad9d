"""What may be wrong with samples of any kind that could be opened, each in a sentence with examples and a remedy."""

from __future__ import annotations

import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data.copies import sample_hashes
from contrapose.data.labelled import only_labelled
from contrapose.data.labels import UNLABELLED
from contrapose.data.samples import Samples
from contrapose.words import counted

FEWEST = 5
"""Members below which a class is called tiny: a fifth of it, the usual share to test on, is then less than one."""

EXAMPLES = 3
QUOTED = 40  # characters of a sample that is read


@dataclass(frozen=True)
class Problem:
    """One problem: a word for programs, a sentence for people; a harmless one is no more than a note."""

    kind: str
    text: str
    harmless: bool = False


def skipped_samples(samples: Samples) -> Iterator[Problem]:
    """One problem a reason; reasons that differ in numbers only ("truncated (12 bytes missing)") are one."""
    reasons = defaultdict(list)
    for item in samples.skipped:
        reasons[re.sub(r"\d+", "#", item.reason.replace(item.path, ""))].append(item)
    for items in sorted(reasons.values(), key=len, reverse=True):
        names = some([item.path for item in items])
        count = counted(len(items), samples.noun)
        yield Problem("skipped", f"{count} skipped, {items[0].reason}: {names}. Repair or remove.")


def too_few(samples: Samples, batch_size: int) -> Iterator[Problem]:
    """Fewer samples than a batch of training has."""
    if len(samples) == 1:
        yield Problem("too few", f"1 {samples.noun}, and contrast needs at least two: training refuses it. Give more.")
    elif len(samples) < batch_size:
        yield Problem(
            "too few",
            f"{counted(len(samples), samples.noun)} do not fill one batch of {batch_size}: "
            f"training takes batches of {max(2, len(samples) // 2)}, unless --batch-size says otherwise.",
        )


def repeated(samples: Samples) -> list[list[int]]:
    """Rows of samples that hold the same, a list for each that is there more than once."""
    same: dict[bytes, list[int]] = defaultdict(list)
    for row, digest in enumerate(sample_hashes(samples)):
        same[digest].append(row)
    return [group for group in same.values() if len(group) > 1]


def copies(samples: Samples, groups: Sequence[list[int]]) -> Iterator[Problem]:
    """Exact copies, and those of them that have different labels.

    Arguments:
        groups: as `repeated` gives them.
    """
    if not groups:
        return
    shown = "; ".join(
        " = ".join(samples.identifiers[row] for row in group[:EXAMPLES]) + _quoted(samples, group[0])
        for group in groups[:EXAMPLES]
    )
    count = sum(len(group) - 1 for group in groups)
    yield Problem(
        "duplicates",
        f"{counted(count, 'exact copy', 'exact copies')} of {counted(len(groups), samples.noun)}, which training "
        f"would push away from each other and a test could have seen: {shown}. Keep one of each.",
    )
    labels = samples.labels
    if labels is None:
        return
    labelled = [[row for row in group if labels[row] != UNLABELLED] for group in groups]
    torn = [group for group in labelled if len({int(labels[row]) for row in group}) > 1]
    if torn:
        shown = "; ".join(
            " = ".join(f"{samples.identifiers[row]} ({class_name(samples, int(labels[row]))})" for row in rows)
            for rows in (group[:EXAMPLES] for group in torn[:EXAMPLES])
        )
        yield Problem("contradictions", f"The same {samples.noun} with different labels, {len(torn)} times: {shown}.")


def classes(samples: Samples) -> Iterator[Problem]:
    """One class only, and classes that are too small to be learned and tested."""
    labels = only_labelled(samples).labels
    if labels is None:
        return
    numbers, counts = np.unique(labels, return_counts=True)
    if len(numbers) == 1:
        name = class_name(samples, int(numbers[0]))
        yield Problem("one class", f"All labels are {name!r}: nothing to tell apart in evaluation.")
    tiny = [class_name(samples, int(number)) for number in numbers[counts < FEWEST]]
    if tiny:
        alone = int((counts == 1).sum())
        single = f" ({alone} with a single one, which cannot be both learned and tested)" if alone else ""
        yield Problem(
            "tiny classes",
            f"{counted(len(tiny), 'class', 'classes')} of {len(numbers)} with fewer than {FEWEST} {samples.noun}s"
            f"{single}: {some(tiny)}. Add {samples.noun}s, merge classes, or leave them out of evaluation.",
        )


def class_name(samples: Samples, number: int) -> str:
    """What a class is called: its name, or its number where it has none."""
    if number == UNLABELLED:
        return "(no label)"
    return str(number) if samples.class_names is None else samples.class_names[number]


def some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    rest = f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + rest


def _quoted(samples: Samples, row: int) -> str:
    """The beginning of a sample that is read, behind the names of its copies."""
    excerpt = samples.excerpt(row)
    return "" if excerpt is None else f" ({textwrap.shorten(excerpt, QUOTED, placeholder=' ...')!r})"
