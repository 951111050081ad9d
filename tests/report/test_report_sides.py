"""Words and pictures on the page of a run of pairs: who finds whom, and which classes prompts confuse."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
from made_pages import Read, page

from contrapose.data import Images, Samples
from contrapose.data.pairs import Pairs
from contrapose.report import Absent, render
from contrapose.report.cards import PictureCard, TextCard
from contrapose.report.facts.sides import sides_of
from contrapose.report.page import Sides

NAMES = ("cat", "dog", "owl")
LABELS = np.array([0, 0, 0, 1, 1, 1, 2, 2])


def pairs(labels: bool = True) -> Pairs:
    pixels = np.arange(8, dtype=np.uint8).repeat(48).reshape(8, 3, 4, 4)
    images = Images(pixels, LABELS, class_names=NAMES) if labels else Images(pixels)
    return Pairs(images, [[f"<{NAMES[one]}> number {row}"] for row, one in enumerate(LABELS)])


def code(name: int, row: int | None) -> np.ndarray:
    of_class, of_row = 3 * np.eye(3)[name], np.zeros(8) if row is None else np.eye(8)[row]
    return np.concatenate([of_class, of_row]).astype(np.float32)


def embedded(samples: Samples) -> np.ndarray:
    """Pictures 0 and 1 are taken for owls, all else is as it should be."""
    if isinstance(samples, Images):
        rows = [int(samples.pixels[place, 0, 0, 0]) for place in range(len(samples))]
        return np.stack([code(2 if row < 2 else int(LABELS[row]), row) for row in rows])
    texts: list[str] = samples.texts  # type: ignore[attr-defined]
    names = [next(number for number, name in enumerate(NAMES) if name in text) for text in texts]
    known = [int(text.split()[-1]) if "number" in text else None for text in texts]
    return np.stack([code(*both) for both in zip(names, known, strict=True)])


def found(samples: Pairs) -> Sides:
    trained: Any = SimpleNamespace(embed=embedded, encoder=samples)
    sides = sides_of(trained, samples)
    assert isinstance(sides, Sides)
    return sides


def test_hits_and_misses_are_what_was_found_and_the_right_one_is_marked() -> None:
    by_words, by_picture = found(pairs()).directions
    for direction in (by_words, by_picture):
        assert "75 % have a right" in direction.sentence
        assert [one.rank for one in direction.hits] == [1, 1, 1]
        assert all(one.found[0].hit and one.own is None for one in direction.hits)
        assert len(direction.misses) == 2
        assert not any(one.found[0].hit for one in direction.misses)
    # a cat that is taken for an owl: before its own words stand those of the two owls, and those of the other such cat
    first = by_picture.misses[0]
    assert isinstance(first.card, PictureCard)
    assert isinstance(first.found[0].card, TextCard)
    marked = [near.card.text for near in first.found if near.hit and isinstance(near.card, TextCard)]
    assert marked == ["<cat> number 0"]
    assert (first.rank, first.own) == (3, None)


def test_what_lies_beyond_those_shown_is_shown_at_its_place(monkeypatch: Any) -> None:
    monkeypatch.setattr("contrapose.report.facts.sides.FOUND", 2)
    beyond = found(pairs()).directions[1].misses[0]
    assert beyond.own is not None
    assert beyond.own.hit
    assert (len(beyond.found), beyond.rank) == (2, 3)


def test_prompts_confuse_what_they_confuse_and_classes_without_names_are_said_to_have_none() -> None:
    sides = found(pairs())
    assert not isinstance(sides.confusions, Absent)
    ((one),) = sides.confusions
    assert (one.truth, one.taken_for, one.count, one.of, len(one.examples)) == ("cat", "owl", 2, 3, 2)
    assert sides.prompts.startswith("75 % of 8 pictures lie nearest")
    assert isinstance(found(pairs(labels=False)).confusions, Absent)
    assert sides_of(SimpleNamespace(), pairs().pictures) is None  # type: ignore[arg-type]


def test_the_page_shows_both_sides() -> None:
    html = render(dataclasses.replace(page(), sides=found(pairs())))
    read = Read(html)
    assert "Captions look for their picture" in read.text
    assert "<cat> number 0" in read.text
    assert "<cat>" not in html
    assert "cat taken for owl" in read.text
    assert "✓ right" in read.text
    assert 'href="#sides"' in html
    assert 'href="#sides"' not in render(page())
    missing = render(dataclasses.replace(page(), sides=Absent("There are no pairs.")))
    assert "Not shown. There are no pairs." in Read(missing).text
