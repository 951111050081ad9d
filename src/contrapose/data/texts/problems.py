"""What may be wrong with texts that could be opened, and what they are: how long, in which letters."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

import numpy as np

from contrapose.data.labels import UNLABELLED
from contrapose.data.problems import EXAMPLES, FEWEST, QUOTED, Problem, class_name, copies, repeated, some
from contrapose.data.samples import evenly_spaced
from contrapose.data.texts.near_copies import NearCopies
from contrapose.data.texts.texts import COUNTED, LOOKED_AT, Texts
from contrapose.words import counted, percent

FEW = 0.01
"""Share of texts below which damage is a note: it spoils nothing, and a person should know of it [design]."""

LOOKED_AT_OF_CLASS = 200  # texts of a class, and of the others, in which its name is looked for
MOST_OF_CLASS = 0.5
TIMES_AS_OFTEN = 4
"""Share of a class's texts with its name from which the texts are said to hold their label, and how much more often it
must stand there than in other texts [design]: some reviews of hotels say "hotel", and so do reviews of restaurants."""

AROUND = 12  # characters shown before and behind what was found

DAMAGE = {
    "encoding": (
        re.compile("\ufffd"),
        "with the mark \ufffd, which stands for what could not be decoded",
        "Read them anew from their source by its own encoding.",
    ),
    "misread": (
        re.compile("\u00c3[\u0080-\u00bf\u0192\u0161\u0152\u0178]|\u00c2[\u00a0-\u00bf]|\u00e2\u20ac."),
        "that look like UTF-8 which was read as Windows-1252",
        "Read them anew from their source as UTF-8.",
    ),
    "control": (
        re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]"),
        "with control characters, which are passed over",
        "Look how they were saved.",
    ),
    "html": (
        re.compile(
            r"</?(?:a|b|br|div|em|font|h[1-6]|i|img|li|ol|p|pre|script|span|strong|table|td|tr|ul)(?:\s[^<>]*)?/?>"
            r"|&?#\d{2,5};|&(?:amp|apos|gt|lt|mdash|nbsp|quot);",
            re.IGNORECASE,
        ),
        "with remains of HTML, which become words like others",
        "Take the tags out and decode the rest (html.unescape).",
    ),
}
"""What spoils texts -> how it looks, what it is, and a remedy."""

_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:(?:[\w%-]+\.)+[a-z]{2,}|(?:\d{1,3}\.){3}\d{1,3})(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE
)

UNSEPARATED = frozenset({"HIRAGANA", "KATAKANA", "KHMER", "LAO", "MYANMAR", "THAI"})
"""Scripts that are written without blanks between words, and that the tokenizer does not cut (it does Chinese)."""


def text_problems(texts: Texts) -> Iterator[Problem]:
    """Damage by a wrong encoding, control characters and HTML; letters without blanks between words; exact copies."""
    found: dict[str, list[tuple[int, str]]] = {kind: [] for kind in DAMAGE}
    for row, text in enumerate(texts.texts):
        for kind, (pattern, _, _) in DAMAGE.items():
            match = pattern.search(text)
            if match is not None and not (kind == "html" and _is_address(text)):
                found[kind].append((row, text[max(0, match.start() - AROUND) : match.end() + AROUND]))
    for kind, (_, what, remedy) in DAMAGE.items():
        if found[kind]:
            shown = some([f"{texts.identifiers[row]} ({part!r})" for row, part in found[kind]])
            yield Problem(
                kind,
                f"{counted(len(found[kind]), 'text')} {what}: {shown}. {remedy}",
                harmless=len(found[kind]) < FEW * len(texts),
            )
    yield from _unseparated(texts)
    yield from copies(texts, repeated(texts))
    yield from _wordless(texts)
    yield from _own_labels(texts)


def near_problem(texts: Texts, near: NearCopies) -> Iterator[Problem]:
    """Texts that are nearly the same, and those of them that have different labels."""
    if not len(near):
        return
    labels = texts.labels
    torn = ""
    if labels is not None:
        one, other = labels[near.rows].T  # (P,), (P,)
        unequal = int(((one != other) & (one != UNLABELLED) & (other != UNLABELLED)).sum())
        torn = f" {counted(unequal, 'pair has', 'pairs have')} different labels." if unequal else ""
    shown = ", ".join(
        f"{texts.identifiers[one]} and {texts.identifiers[other]} ({similarity:.2f})"
        for (one, other), similarity in zip(near.rows[:EXAMPLES].tolist(), near.similarity[:EXAMPLES], strict=True)
    )
    least = "" if near.complete else "at least "
    alike = "the same but for case and punctuation" if near.threshold == 1 else f"alike by {near.threshold:g} or more"
    yield Problem(
        "near-duplicates",
        f"{least}{counted(len(near), 'pair')} of near-duplicates among {counted(near.texts, 'text')} ({alike} of 1, by "
        f"their words and pairs of words), which training would push away from each other and a test could have seen: "
        f"{shown}.{torn} Keep one of each pair; --near-duplicates sets how much alike, 0 looks for none.",
        harmless=near.texts < FEW * len(texts),
    )


def text_facts(texts: Texts) -> list[str]:
    """How long the texts are in words between blanks, and in which scripts they are written."""
    words = np.asarray([len(text.split()) for text in texts.texts])  # (N,)
    low, middle, high = (int(value) for value in np.quantile(words, (0.05, 0.5, 0.95), method="nearest"))
    lines = [f"words between blanks: {middle:,} (median), nine in ten {low:,} to {high:,}, the longest {words.max():,}"]
    shares = _scripts(texts)
    if shares:
        named = [f"{_called(name)} {percent(share)}" for name, share in shares.items() if share >= 0.001]
        lines.append(f"script: {', '.join(named[:6])}")
    return lines


def _scripts(texts: Texts) -> dict[str, float]:
    """The share of each script among the letters of at most 1,000 evenly spaced texts, largest first."""
    letters: Counter[str] = Counter()
    for text in texts.batch(evenly_spaced(len(texts), COUNTED)):
        letters.update(text[:LOOKED_AT])
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        if letter.isalpha():
            scripts[unicodedata.name(letter, "UNKNOWN").partition(" ")[0].partition("-")[0]] += count
    return {name: count / scripts.total() for name, count in scripts.most_common()}


def _unseparated(texts: Texts) -> Iterator[Problem]:
    shares = {name: share for name, share in _scripts(texts).items() if name in UNSEPARATED}
    if sum(shares.values()) >= 0.1:
        names = " and ".join(_called(name) for name in shares)
        yield Problem(
            "unseparated",
            f"{percent(sum(shares.values()))} of the letters are {names}, written without blanks between words: a "
            "whole phrase then counts as one word. Cut the texts into words beforehand, or keep --tokenizer pieces.",
            harmless=True,
        )


def _wordless(texts: Texts) -> Iterator[Problem]:
    """Texts without a letter: numbers, dates and signs, of which an encoder of texts learns no order."""
    rows = [
        row
        for row, text in enumerate(texts.texts)
        if not any(map(str.isalpha, text[:LOOKED_AT])) and not _is_address(text)
    ]
    if rows:
        share = percent(len(rows) / len(texts))
        quoted = [f"{texts.identifiers[row]} ({texts.excerpt(row)[:QUOTED]!r})" for row in rows[:EXAMPLES]]
        shown = some([*quoted, *map(str, rows[EXAMPLES:])])
        yield Problem(
            "no letters",
            f"{counted(len(rows), 'text')} ({share}) without a letter, of numbers or signs alone: {shown}. Take the "
            "column of texts by --text-column, or learn from numbers as rows (--modality rows).",
            harmless=len(rows) < FEW * len(texts),
        )


def _is_address(text: str) -> bool:
    """Whether a text is an address, whose `&amp;` is how a page wrote it, and whose host may be numbers alone."""
    return _ADDRESS.fullmatch(text.strip()) is not None


def _own_labels(texts: Texts) -> Iterator[Problem]:
    """Classes whose name stands in most of their texts, and in few others: the answer is in the question."""
    if texts.labels is None:
        return
    known = np.flatnonzero(texts.labels != UNLABELLED)
    numbers, counts = np.unique(texts.labels[known], return_counts=True)
    found = []
    for number in numbers[counts >= FEWEST] if len(numbers) > 1 else ():
        own = known[texts.labels[known] == number]
        others = known[texts.labels[known] != number]
        name = class_name(texts, int(number))
        share, elsewhere = (_share_with(name, texts, rows) for rows in (own, others))
        if share >= MOST_OF_CLASS and share >= TIMES_AS_OFTEN * elsewhere:
            found.append(f"{name!r} in {percent(share)} of its texts and {percent(elsewhere)} of others")
    if found:
        yield Problem(
            "label in text",
            f"{counted(len(found), 'class', 'classes')} of {len(numbers)} with their name in most of their texts, so "
            f"that a classifier reads the answer instead of learning it: {some(found)}. Take the labels out of the "
            "texts.",
        )


def _share_with(name: str, texts: Texts, rows: np.ndarray) -> float:
    """The share of at most 200 of these rows in which a class's name stands, as words of their own."""
    words = re.split(r"[\W_]+", name.strip())
    pattern = re.compile(r"(?<![^\W_])" + r"[\W_]+".join(map(re.escape, words)) + r"(?![^\W_])", re.IGNORECASE)
    looked_at = texts.batch(rows[evenly_spaced(len(rows), LOOKED_AT_OF_CLASS)])
    return sum(pattern.search(text[:LOOKED_AT]) is not None for text in looked_at) / len(looked_at)


def _called(script: str) -> str:
    """`Latin`, and `CJK` as it is."""
    return script if len(script) <= 3 else script.capitalize()
