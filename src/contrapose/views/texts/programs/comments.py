"""A comment said otherwise: a word left out, two exchanged, one twice, or all of it in other words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from contrapose.views.texts.programs.lexicon import OTHER_WORDS, SWAPPED_ABOUT
from contrapose.views.texts.programs.mutation import Mutate, Mutation, unchanged

REPLACED = 0.5
"""Chance of each word with another one of the same meaning to be replaced [design]."""

MARKS = ".,;:!?()\"'`"


def delete_word(text: str, random: np.random.Generator) -> Mutation:
    """Leave out one word; not the only one."""
    words = text.split()
    if len(words) < 2:
        return unchanged(text)
    del words[int(random.integers(len(words)))]
    return Mutation(" ".join(words), True, 1)


def switch_words(text: str, random: np.random.Generator) -> Mutation:
    """Exchange two words that are not the same."""
    words = text.split()
    if len(set(words)) < 2:
        return unchanged(text)
    one = int(random.integers(len(words)))
    others = [place for place, word in enumerate(words) if word != words[one]]
    other = others[int(random.integers(len(others)))]
    words[one], words[other] = words[other], words[one]
    return Mutation(" ".join(words), True, 2)


def copy_word(text: str, random: np.random.Generator) -> Mutation:
    """Say one word twice: "Print with indent" becomes "Print with with indent"."""
    words = text.split()
    if not words:
        return unchanged(text)
    place = int(random.integers(len(words)))
    words.insert(place, words[place])
    return Mutation(" ".join(words), True, 1)


def bt_offline(text: str, random: np.random.Generator) -> Mutation:
    """In place of translating there and back, which needs a model: other words of the same meaning out of a small
    lexicon of what comments say, and another order around `and`, `or` and `if`.

    Every word with others has an even chance to be replaced, and one at least is; where there is none and no order to
    change, it is not applied.
    """
    words = text.split()
    cores = [word.strip(MARKS) for word in words]
    known = [place for place, core in enumerate(cores) if core.lower() in OTHER_WORDS]
    chosen = [place for place in known if random.random() < REPLACED]
    if known and not chosen:
        chosen = [known[int(random.integers(len(known)))]]
    for place in chosen:
        others = OTHER_WORDS[cores[place].lower()]
        new = others[int(random.integers(len(others)))]
        new = new.capitalize() if cores[place][:1].isupper() else new
        words[place] = words[place].replace(cores[place], new, 1)
    turned = _turned(words)
    order = turned is not None and bool(random.random() < REPLACED or not chosen)
    if order and turned is not None:
        words = turned
    count = len(chosen) + order
    return Mutation(" ".join(words), True, count) if count else unchanged(text)


def _turned(words: list[str]) -> list[str] | None:
    """The words in another order of the same meaning: `a and b`, and a condition before or behind; None: none known."""
    for place in range(1, len(words) - 1):
        before, behind = words[place - 1], words[place + 1]
        if words[place].lower() in SWAPPED_ABOUT and before.isalpha() and behind.isalpha() and before != behind:
            return [*words[: place - 1], behind, words[place], before, *words[place + 2 :]]
    for place in range(2, len(words) - 2):
        if words[place] == "if" and not any(word[-1] in MARKS for word in words[:place]):
            end = words[-1][-1] if words[-1][-1] in ".;" else ""
            condition = [*words[place + 1 : -1], words[-1].removesuffix(end)]
            first = [words[0][:1].lower() + words[0][1:], *words[1:place]]
            return ["If", *condition[:-1], f"{condition[-1]},", *first[:-1], first[-1] + end]
    return None


def back_translation(translate: Callable[[str], str]) -> Mutate:
    """An operator out of the user's own translation there and back.

    Arguments:
        translate: a comment to the same in other words, without drawing anything: `lambda text: german_to_english(
            english_to_german(text))`.
    """

    def operator(text: str, random: np.random.Generator) -> Mutation:
        new = translate(text)
        return Mutation(new, True, 1) if new != text else unchanged(text)

    return operator
