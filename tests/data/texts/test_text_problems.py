"""What is told of texts before training: damage, copies, lengths, scripts."""

from __future__ import annotations

import numpy as np
import pytest

from contrapose.data.texts import Texts
from contrapose.data.texts.near_copies import near_copies
from contrapose.data.texts.problems import near_problem, text_facts, text_problems

CLEAN = [f"a sentence about thing number {row}" for row in range(40)]


def found(texts: list[str]) -> dict[str, str]:
    return {problem.kind: problem.text for problem in text_problems(Texts(texts)) if not problem.harmless}


def test_clean_texts_have_no_problems() -> None:
    assert list(text_problems(Texts(CLEAN))) == []
    plain = "if a < b and c > d: x = <value>; R&D; #1; 5&7; naïve Ärger £5"
    assert list(text_problems(Texts([plain, *CLEAN]))) == []


@pytest.mark.parametrize(
    ("kind", "text", "shown"),
    [
        ("encoding", "caf\ufffd au lait", "'caf\ufffd au lait'"),
        ("misread", "voilà un café".encode().decode("latin-1"), "Windows-1252"),
        ("misread", "it\u2019s".encode().decode("windows-1252"), "Windows-1252"),
        ("control", "a\x00b", "control characters"),
        ("html", "good<br />bad", "'good<br />bad'"),
        ("html", "the world #39;s fourth", "html.unescape"),
        ("html", "R&amp;D", "'R&amp;D'"),
    ],
)
def test_damage_is_named_with_its_place(kind: str, text: str, shown: str) -> None:
    told = found([*CLEAN, text])
    assert list(told) == [kind]
    assert told[kind].startswith("1 text ")
    assert "40 (" in told[kind]  # its identifier
    assert shown in told[kind]


def test_rare_damage_is_a_note() -> None:
    texts = Texts([f"a sentence about thing {row}" for row in range(200)] + ["<b>bold</b>"])
    (problem,) = text_problems(texts)
    assert problem.kind == "html"
    assert problem.harmless


def test_copies_are_quoted_and_their_labels_compared() -> None:
    texts = Texts([*CLEAN, " a sentence about thing number 3 "], np.arange(41) % 2)
    one, two = text_problems(texts)
    assert one.kind == "duplicates"
    assert "3 = 40 ('a sentence about thing number 3')" in one.text
    assert two.kind == "contradictions"
    assert "The same text with different labels, 1 times: 3 (1) = 40 (0)." in two.text


def test_lengths_and_scripts_are_told() -> None:
    words, script = text_facts(Texts(["one two three", "кот", *["a b c d"] * 18]))
    assert words == "words between blanks: 4 (median), nine in ten 3 to 4, the longest 4"
    assert script == "script: Latin 97 %, Cyrillic 3.5 %"
    assert "CJK" in text_facts(Texts(["猫が好き"]))[1]


def test_scripts_without_blanks_are_told() -> None:
    (problem,) = [one for one in text_problems(Texts(["สวัสดีชาวโลก", "ขอบคุณมาก"])) if one.kind == "unseparated"]
    assert "100 % of the letters are Thai" in problem.text


def test_near_duplicates_are_counted_and_their_labels_compared() -> None:
    texts = Texts([*CLEAN, "A sentence about thing number 3!", "a sentence - about thing number 5"], np.arange(42) % 2)
    (problem,) = near_problem(texts, near_copies(texts.texts))
    assert problem.text.startswith("2 pairs of near-duplicates among 4 texts (alike by 0.8 or more of 1")
    assert "3 and 40 (1.00), 5 and 41 (1.00). 1 pair has different labels." in problem.text
    assert not problem.harmless
    many = Texts([f"number{n} is what this is" for n in range(998)] + ["Number3 is what this is!"])
    (rare,) = near_problem(many, near_copies(many.texts, 1.0))
    assert rare.harmless
    assert "the same but for case and punctuation" in rare.text
    assert list(near_problem(Texts(CLEAN), near_copies(CLEAN))) == []


def test_labels_that_stand_in_their_texts_are_told() -> None:
    def leaks(texts: list[str], labels: list[int], names: list[str] | None = None) -> list[str]:
        samples = Texts(texts, np.asarray(labels), class_names=names)
        return [problem.text for problem in text_problems(samples) if problem.kind == "label in text"]

    halves = [row % 2 for row in range(40)]
    marked = [f"{text} [Junk-Mail]" if half else text for text, half in zip(CLEAN, halves, strict=True)]
    (told,) = leaks(marked, halves, ["fine", "junk_mail"])
    assert told.startswith("1 class of 2 with their name in most of their texts")
    assert "'junk_mail' in 100 % of its texts and 0 % of others" in told
    assert leaks([f"{text} label={half}" for text, half in zip(CLEAN, halves, strict=True)], halves)
    assert not leaks(CLEAN, halves, ["fine", "junk"])
    assert not leaks([f"{text} junk" for text in CLEAN], halves, ["fine", "junk"])  # in all, so it says nothing
    assert not leaks([f"{text} junkyard" for text in CLEAN], halves, ["fine", "junk"])  # another word
    assert not leaks(marked, [1] * 40, ["fine", "junk_mail"])  # one class is told of elsewhere


def test_texts_without_a_letter_are_told() -> None:
    told = found([*CLEAN, "12.5", "2024-01-03", "...", "-7"])
    assert told["no letters"].startswith("4 texts (9.1 %) without a letter, of numbers or signs alone: 40 ('12.5'), ")
    assert "--modality rows" in told["no letters"]
    assert "no letters" not in found([*CLEAN, "5 cats", "猫"])


def test_addresses_are_no_damage() -> None:
    addresses = ["example.org/a?x=1&amp;y=2", "http://93.184.216.34/pay", "10.0.0.1:8080", "HTTPS://shop.example/<br>"]
    assert not list(text_problems(Texts(addresses)))
    assert {problem.kind for problem in text_problems(Texts(["3.14", "see example.org &amp; pay", "1.2.3"]))} == {
        "html",
        "no letters",
    }
