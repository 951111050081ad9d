"""The page of an attack: the patch, pictures before and after with what was answered, and the same with noise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from made_pages import Read, page

from contrapose.data import Images, Samples
from contrapose.data.pairs import Pairs
from contrapose.encoders.perturbations import SavedPerturbation, Victim
from contrapose.errors import ArgumentError, DataError
from contrapose.perturber import Perturber
from contrapose.report import Absent, render
from contrapose.report.attacked import AttackPage, Numbers, Shown
from contrapose.report.facts.answers import answers_of
from contrapose.report.facts.perturbation import bound_in_words, measured_of, noise_like, perturbed_of

NAMES = ("cat", "<dog>")
SIDE = 4
VICTIMS = [Victim("runs/<x>", "towers", "ab" * 32)]


def saved(kind: str = "patch") -> SavedPerturbation:
    """A white patch in the lower right corner, or a change of one value by 8 of 255 down everywhere."""
    mask = torch.zeros(1, SIDE, SIDE)
    mask[:, -1, -1] = 1
    patch = {"patch": torch.ones(3, SIDE, SIDE), "mask": mask}
    delta = {"delta": torch.full((3, SIDE, SIDE), -8 / 255)}
    bound = {"area": 1 / 16} if kind == "patch" else {"norm": "linf", "radius": 8 / 255}
    return SavedPerturbation(kind, 3, SIDE, VICTIMS, bound, patch if kind == "patch" else delta)


def pairs(count: int = 40, labels: bool = True) -> Pairs:
    """Cats are 100 bright, dogs 200; nothing is in the corner."""
    which = np.arange(count) % 2
    pixels = np.full((count, 3, SIDE, SIDE), 100, dtype=np.uint8)
    pixels[which == 1] = 200
    pixels[:, :, -1, -1] = 0
    known = {"labels": which, "class_names": NAMES} if labels else {}
    return Pairs(Images(pixels, **known), [[f"a {NAMES[one]} of number {row}"] for row, one in enumerate(which)])


def embedded(samples: Samples) -> np.ndarray:
    """By brightness; whatever is white in the corner is a dog. Texts by the class that they name."""
    if isinstance(samples, Images):
        dogs = (samples.pixels[:, 0, 0, 0] > 150) | (samples.pixels[:, 0, -1, -1] == 255)
    else:
        dogs = np.array(["dog" in text for text in samples.texts])  # type: ignore[attr-defined]
    return np.eye(2, dtype=np.float32)[dogs.astype(int)]


VICTIM: Any = SimpleNamespace(embed=embedded)


def shown(samples: Samples, kind: str = "patch") -> Shown:
    return answers_of(VICTIM, saved(kind), Perturber(saved(kind)).perturb, samples)


def cell(numbers: Numbers, row: str, column: str) -> str:
    return dict(numbers.rows)[row][list(numbers.columns).index(column)]


def share(numbers: Numbers, row: str, column: str) -> int:
    return int(cell(numbers, row, column).removesuffix(" %"))


def test_what_the_patch_changes_stands_beside_what_noise_changes() -> None:
    numbers = shown(pairs()).numbers
    assert [name for name, _ in numbers.rows] == ["as they are", "with noise of the same size", "with the patch"]
    assert cell(numbers, "as they are", "class right") == "100 %"
    right, changed = (share(numbers, "with the patch", f"class {what}") for what in ("right", "changed"))
    assert right + changed == 100  # every cat is taken for a dog, no dog for a cat
    assert 25 < changed < 75
    assert cell(numbers, "with noise of the same size", "class changed") == "0 %"  # noise is hardly ever white
    assert float(cell(numbers, "with the patch", "cosine with itself")) == pytest.approx(right / 100, abs=0.006)


def test_those_with_another_answer_come_first_with_both_answers() -> None:
    found = shown(pairs())
    changed = [one for one in found.asked if one.answers[0].changed]
    assert len(changed) == 6
    assert list(found.asked[:6]) == changed
    assert len(found.asked) == 9
    first = changed[0]
    caption, label = first.answers
    assert (label.question, label.before, label.after) == ("class", "cat", "<dog>")
    assert (label.right_before, label.right_after) == (True, False)
    assert "cat" in caption.before
    assert "dog" in caption.after
    assert caption.right_after is False
    assert first.truth.startswith("cat: “a cat of number")
    assert f"the first caption of {cell(found.numbers, 'with the patch', 'first caption changed')}" in found.method


def test_without_words_and_classes_it_is_the_nearest_picture() -> None:
    found = shown(pairs(labels=False).pictures)
    assert [answer.question for answer in found.asked[0].answers] == ["nearest picture"]
    assert found.asked[0].answers[0].right_before is None
    assert "nearest picture changed" in found.numbers.columns
    with pytest.raises(DataError, match="4 at least"):
        shown(pairs(3).pictures)
    with pytest.raises(ArgumentError):
        answers_of(VICTIM, saved(), Perturber(saved()).perturb, Images(np.zeros((8, 3, 8, 8), np.uint8)))


def test_noise_is_as_large_as_what_it_is_compared_with() -> None:
    before = torch.full((2, 3, SIDE, SIDE), 100, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    x = 255 * noise_like(saved("delta"), before, generator)
    assert torch.equal((x - 100).abs().round(), torch.full_like(x, 8))
    y = 255 * noise_like(saved(), before, generator)
    assert ((y - 100).abs() > 0.01).flatten(1).sum(dim=1).tolist() == [3, 3]  # one place, three channels


@pytest.mark.parametrize(("kind", "titles"), [("patch", ["The patch", "Where it lies"]), ("delta", ["The delta"])])
def test_the_thing_itself_is_shown_with_its_bound_its_victim_and_its_purpose(kind: str, titles: list[str]) -> None:
    found = perturbed_of(saved(kind))
    assert [picture.title for picture in found.pictures] == titles
    assert all(picture.source.startswith("data:image/webp") for picture in found.pictures)
    facts = dict(found.facts)
    assert "ab" * 32 in facts["Made against towers"]
    assert "measure and repair" in found.sentence
    assert ("6.2 %" if kind == "patch" else "8 of 255") in facts["Bound"]
    assert facts["Bound"] == bound_in_words(saved(kind))


def written(folder: Path, text: str) -> Sequence[Numbers] | Absent:
    (folder / "attack.json").write_text(text)
    return measured_of(folder)


def test_the_table_of_the_attack_is_read(tmp_path: Path) -> None:
    assert measured_of(tmp_path) == ()
    row = {"found by picture": 0.5, "fooled": 0.25, "label right": 0.125, "label fooled": 0.1, "label decline": None}
    tables = {"none": {"no patch": row, "the patch": row}, "blur": {"no patch": row, "the patch": row}}
    told = {"learned against": "blur", "pairs": 12, "tables": tables}
    found = written(tmp_path, json.dumps(told))
    assert not isinstance(found, Absent)
    kept_out, behind, every = found
    assert kept_out.columns == ["found by picture", "fooled", "label right"]
    assert dict(kept_out.rows)["the patch"] == ["50.0", "25.0", "12.5"]
    assert [name for name, _ in behind.rows] == ["blur: no patch", "blur: the patch (it knows of it)"]
    assert every.folded
    assert cell(every, "the patch", "label decline") == "-"
    assert "12" in kept_out.sentence
    for damaged in ("", "[]", "{}", json.dumps({**told, "tables": {"blur": {}}})):
        assert isinstance(written(tmp_path, damaged), Absent)


def attack_page(found: Any) -> AttackPage:
    plain = page()
    measured = [Numbers("On <samples>", "Of 12.", ["fooled"], [("the patch", ["25.0"])])]
    return AttackPage(plain.head, perturbed_of(saved()), found, measured, plain.curves, plain.setup)


def test_the_page_is_whole_and_loads_nothing() -> None:
    html = render(attack_page(shown(pairs())))
    read = Read(html)
    for said in ("The patch", "Where it lies", "runs/<x>", "Before and after", "as they are", "On <samples>", "became"):
        assert said in read.text or f'"{said}"' in html
    assert "<dog>" not in html
    assert "default-src 'none'" in html
    assert all(str(image["src"]).startswith("data:") for image in read.all("img"))
    assert {link["href"] for link in read.all("a")} >= {"#found", "#shown", "#measured", "#curves", "#run", "#setup"}
    missing = render(attack_page(Absent("The data are gone.")))
    assert "Not shown. The data are gone." in Read(missing).text
    assert "On &lt;samples&gt;" in missing  # what was measured is still there


def test_a_pair_is_shown_with_its_word_and_its_tables(tmp_path: Path) -> None:
    delta = {"delta": torch.full((3, SIDE, SIDE), -8 / 255), "word": torch.ones(5)}
    bound = {"norm": "linf", "radius": 8 / 255, "words": 1}
    found = perturbed_of(SavedPerturbation("pair", 3, SIDE, VICTIMS, bound, delta, arguments={"word": "green"}))
    assert ("Word", "green") in found.facts
    assert [one.title for one in found.pictures] == ["The delta"]
    table = {"no attack": {"TR@1": 0.5, "IR@1": 0.25}, "both": {"TR@1": 0.75, "IR@1": None}}
    towers = [{"source": name, "encoder": "towers", "fingerprint": 32 * "ab", "table": table} for name in ("a", "b")]
    (tmp_path / "attack.json").write_text(json.dumps({"pairs": 6, "word": "green", "radius": 0.1, "towers": towers}))
    tables = measured_of(tmp_path)
    assert not isinstance(tables, Absent)
    assert [one.title for one in tables] == [f"towers of {name}, weights abababab" for name in ("a", "b")]
    assert list(tables[0].rows) == [("no attack", ["50.0", "25.0"]), ("both", ["75.0", "-"])]
    (tmp_path / "attack.json").write_text(json.dumps({"pairs": 6, "word": "green", "towers": [{}]}))
    assert isinstance(measured_of(tmp_path), Absent)
