"""What may be wrong with pictures that could be opened, each in a sentence with examples and a remedy."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contrapose.data import Images, Skipped, only_labelled
from contrapose.data.images.images import BLOCK
from contrapose.data.labels import UNLABELLED
from contrapose.training.config import RunConfig

FEWEST = 5
"""Members below which a class is called tiny: a fifth of it, the usual share to test on, is then less than one."""

EXAMPLES = 3
DARK = 31  # an eighth of the grey levels


@dataclass(frozen=True)
class Problem:
    """One problem: a word for programs, a sentence for people; a harmless one is no more than a note."""

    kind: str
    text: str
    harmless: bool = False


def find_problems(images: Images) -> list[Problem]:
    """Everything that a person should know before training on these pictures; empty when nothing was found.

    Skipped files (grouped by reason), too few pictures for a batch, constant pictures, exact duplicates (of the pixels
    at working resolution, by SHA-256), nearly black ones, duplicates with different labels, tiny classes,
    one class only.
    """
    constant, dark, groups = _looked_at(images)
    return [
        *_skipped(images.skipped),
        *_too_few(images),
        *_constant(images, constant),
        *_dark(images, dark),
        *_duplicates(images, groups),
        *_classes(images),
    ]


def _looked_at(images: Images) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Rows of pictures of one single colour, of others that are nearly black, and groups of rows with the same pixels
    (constant ones left aside)."""
    constant: list[int] = []
    dark: list[int] = []
    same: dict[bytes, list[int]] = defaultdict(list)
    for start in range(0, len(images), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(images)))  # (b,)
        pixels = images.batch(rows).numpy()  # (b, C, H, W)
        flat = (pixels == pixels[:, :, :1, :1]).all(axis=(1, 2, 3))  # (b, C, H, W) -> (b,)
        constant.extend(rows[flat].tolist())
        dark.extend(rows[~flat & (pixels.max(axis=(1, 2, 3)) <= DARK)].tolist())
        for row, picture in zip(rows[~flat].tolist(), pixels[~flat], strict=True):
            same[hashlib.sha256(np.ascontiguousarray(picture).data).digest()].append(row)
    repeated = [group for group in same.values() if len(group) > 1]
    return np.asarray(constant, dtype=np.int64), np.asarray(dark, dtype=np.int64), repeated


def _skipped(skipped: Sequence[Skipped]) -> Iterator[Problem]:
    """One problem a reason; reasons that differ in numbers only ("truncated (12 bytes missing)") are one."""
    reasons: dict[str, list[Skipped]] = defaultdict(list)
    for item in skipped:
        reasons[re.sub(r"\d+", "#", item.reason.replace(item.path, ""))].append(item)
    for items in sorted(reasons.values(), key=len, reverse=True):
        names = _some([item.path for item in items])
        yield Problem(
            "skipped", f"{_count(len(items), 'picture')} skipped, {items[0].reason}: {names}. Repair or remove."
        )


def _too_few(images: Images) -> Iterator[Problem]:
    if len(images) < RunConfig.batch_size:
        yield Problem(
            "too few",
            f"{_count(len(images), 'picture')} do not fill one batch of {RunConfig.batch_size}: training "
            f"takes batches of {max(2, len(images) // 2)}, unless --batch-size says otherwise.",
        )


def _constant(images: Images, rows: np.ndarray) -> Iterator[Problem]:
    if len(rows):
        names = _some([images.identifiers[row] for row in rows])
        yield Problem(
            "constant",
            f"{_count(len(rows), 'picture')} of one single colour, which teach nothing: {names}. Remove them."
            if len(rows) > 1
            else f"1 picture of one single colour, which teaches nothing by itself and spoils nothing: {names}.",
            harmless=len(rows) == 1,
        )


def _dark(images: Images, rows: np.ndarray) -> Iterator[Problem]:
    if len(rows):
        names = _some([images.identifiers[row] for row in rows])
        yield Problem(
            "dark",
            f"{_count(len(rows), 'picture')} nearly black, with no value above {DARK} of 255: {names}. Where files "
            "have more than 8 bits, name the value that is white with --white; else look how they were saved.",
        )


def _duplicates(images: Images, groups: list[list[int]]) -> Iterator[Problem]:
    if not groups:
        return
    shown = "; ".join(" = ".join(images.identifiers[row] for row in group[:EXAMPLES]) for group in groups[:EXAMPLES])
    copies = sum(len(group) - 1 for group in groups)
    yield Problem(
        "duplicates",
        f"{copies} exact {'copy' if copies == 1 else 'copies'} of {_count(len(groups), 'picture')}, which training "
        f"would push away from each other and a test could have seen: {shown}. Keep one of each.",
    )
    labels = images.labels
    if labels is None:
        return
    labelled = [[row for row in group if labels[row] != UNLABELLED] for group in groups]
    torn = [group for group in labelled if len({int(labels[row]) for row in group}) > 1]
    if torn:
        shown = "; ".join(
            " = ".join(
                f"{images.identifiers[row]} ({class_name(images, int(labels[row]))})" for row in group[:EXAMPLES]
            )
            for group in torn[:EXAMPLES]
        )
        yield Problem("contradictions", f"The same picture with different labels, {len(torn)} times: {shown}.")


def _classes(images: Images) -> Iterator[Problem]:
    labels = only_labelled(images).labels
    if labels is None:
        return
    numbers, counts = np.unique(labels, return_counts=True)
    if len(numbers) == 1:
        yield Problem(
            "one class", f"All labels are {class_name(images, int(numbers[0]))!r}: nothing to tell apart in evaluation."
        )
    tiny = [class_name(images, int(number)) for number in numbers[counts < FEWEST]]
    if tiny:
        alone = int((counts == 1).sum())
        single = f" ({alone} with a single one, which cannot be both learned and tested)" if alone else ""
        yield Problem(
            "tiny classes",
            f"{_count(len(tiny), 'class')} of {len(numbers)} with fewer than {FEWEST} pictures{single}: {_some(tiny)}. "
            "Add pictures, merge classes, or leave them out of evaluation.",
        )


def class_name(images: Images, number: int) -> str:
    """What a class is called: its name, or its number where it has none."""
    if number == UNLABELLED:
        return "(no label)"
    return str(number) if images.class_names is None else images.class_names[number]


def _count(count: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def _some(names: Sequence[str]) -> str:
    rest = f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else ""
    return ", ".join(names[:EXAMPLES]) + rest
