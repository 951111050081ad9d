"""What an encoder answers about pictures before and after a perturbation, beside noise that is as large."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from contrapose.data import Images, Samples, derived_generator
from contrapose.data.samples import evenly_spaced
from contrapose.embedder import Embedder
from contrapose.encoders.perturbations import SavedPerturbation
from contrapose.report.attacked import Answer, Asked, Numbers, Shown
from contrapose.report.cards import name_of, picture_card
from contrapose.report.facts.asked_ground import CAPTION, CLASS, NEIGHBOUR, NEIGHBOURS, AskedGround, cut
from contrapose.report.facts.perturbation import noise_like, radius_of
from contrapose.robustness import rounded
from contrapose.words import counted, percent

DRAWS = 3  # of noise, whose mean is told
CHANGED, SAME = 6, 3  # pictures that are shown
STRONGEST = 16  # how much stronger the change is shown, around grey, at most
_ANSWERS = 6  # names the random stream


def answers_of(
    victim: Embedder,
    saved: SavedPerturbation,
    perturb: Callable[[Images], np.ndarray],
    samples: Samples,
    *,
    seed: int = 0,
    learned: bool = False,
) -> Shown:
    """Answers about at most 300 pictures, evenly spaced; some that became others and some that did not are shown.

    The nearest captions are looked for among those of the pictures asked about; classes and nearest pictures among as
    many others, as they are.

    Arguments:
        victim: who is asked; in the form of its pictures the data are opened.
        saved: the perturbation; perturb: puts it on pictures, `(N, C, H, W)` uint8.
        samples: pictures, or pairs.
        seed: of the halves and of the noise.
        learned: whether the attack has learned from them.

    Errors:
        ArgumentError: samples that are no pictures, or of another size than the perturbation is for.
        DataError: fewer than four.
    """
    ground = AskedGround.of(victim, samples, seed)
    before = ground.asked.batch(torch.arange(len(ground.asked)))  # (N, C, H, W)
    after = perturb(ground.asked)  # (N, C, H, W)
    clean, z = ground.answers(before.numpy())
    changed, u = ground.answers(after)
    rows = [("as they are", _row(ground, clean, clean, z, z))]
    draws = []
    for number in range(DRAWS):
        noise = noise_like(saved, before, derived_generator(seed, _ANSWERS, number))
        noisy, v = ground.answers(rounded(before, noise, radius_of(saved)).numpy())
        draws.append(_row(ground, clean, noisy, z, v))
    rows.append(
        ("with noise of the same size", {name: float(np.mean([one[name] for one in draws])) for name in draws[0]})
    )
    rows.append((f"with the {saved.kind}", _row(ground, clean, changed, z, u)))
    columns = list(rows[0][1])
    table = [(name, [_cell(column, row[column]) for column in columns]) for name, row in rows]
    count = counted(len(before), "picture")
    sentence = (
        f"Of {count} of {samples.origin}, asked by the encoder that was attacked. Noise is the mean of {DRAWS} draws."
    )
    sentence += " The attack has learned from most of these; --data names others." if learned else ""
    numbers = Numbers("On the pictures of this page", sentence, columns, table)
    rows_shown = _chosen(clean, changed)
    change = torch.from_numpy(after[rows_shown]).float() - before[rows_shown].float()  # (R, C, H, W)
    stronger = max(1, min(STRONGEST, int(127 / max(1.0, float(change.abs().max())))))
    tinted = (127.5 + stronger * change).round().clamp(0, 255).to(torch.uint8)  # (R, C, H, W)
    shown = [
        _asked(ground, row, (before[row], torch.from_numpy(after[row]), tint), clean, changed)
        for row, tint in zip(rows_shown, tinted, strict=True)
    ]
    return Shown(_method(ground, clean, changed, len(shown), saved, stronger), shown, numbers)


def _row(
    ground: AskedGround,
    clean: Mapping[str, np.ndarray],
    answers: Mapping[str, np.ndarray],
    z: np.ndarray,
    u: np.ndarray,
) -> dict[str, float]:
    """Numbers of one row of the table."""
    right = ground.right(answers)
    found = {}
    for question in answers:
        if question in right:
            found[f"{question} right"] = float(right[question].mean())
        found[f"{question} changed"] = float((answers[question] != clean[question]).mean())
    return {**found, "cosine with itself": float((z * u).sum(axis=1).mean())}


def _cell(column: str, value: float) -> str:
    return f"{value:.3f}" if column.startswith("cosine") else percent(value)


def _chosen(clean: Mapping[str, np.ndarray], changed: Mapping[str, np.ndarray]) -> list[int]:
    """Some whose first question has another answer now, and some in which it is the same."""
    moved = _moved(clean, changed)
    rows: list[int] = []
    for which, most in ((np.flatnonzero(moved), CHANGED), (np.flatnonzero(~moved), SAME)):
        rows += [int(which[place]) for place in evenly_spaced(len(which), most)] if len(which) else []
    return rows


def _moved(clean: Mapping[str, np.ndarray], changed: Mapping[str, np.ndarray]) -> np.ndarray:
    first = next(iter(clean))
    return np.asarray(clean[first] != changed[first], dtype=bool)


def _asked(
    ground: AskedGround,
    row: int,
    pictures: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    clean: Mapping[str, np.ndarray],
    changed: Mapping[str, np.ndarray],
) -> Asked:
    """A picture, what became of it, and the change, with the answers."""
    name = name_of(str(ground.asked.identifiers[row]))
    rights = [ground.right(one) for one in (clean, changed)]
    answers = [
        Answer(
            question,
            cut(str(clean[question][row])),
            cut(str(changed[question][row])),
            *(bool(right[question][row]) if question in right else None for right in rights),
        )
        for question in clean
    ]
    words = ("as it was", "changed", "the change, made stronger")
    before, after, change = (
        picture_card(pixels, f"{name} {what}", lossless=True) for pixels, what in zip(pictures, words, strict=True)
    )
    return Asked(name, ground.truth(row), before, after, change, answers)


def _method(
    ground: AskedGround,
    clean: Mapping[str, np.ndarray],
    changed: Mapping[str, np.ndarray],
    shown: int,
    saved: SavedPerturbation,
    stronger: int,
) -> str:
    """How they were asked and chosen, in words."""
    first = next(iter(clean))
    moved = _moved(clean, changed)
    among = {
        CAPTION: "the nearest caption among theirs",
        CLASS: f"the class of {min(NEIGHBOURS, len(ground.bank))} neighbours among {len(ground.bank):,} others",
        NEIGHBOUR: f"the nearest of {len(ground.bank):,} other pictures",
    }
    asked = " and ".join(among[question] for question in clean)
    times = "" if stronger == 1 else f"{stronger} times as strong, "
    return (
        f"The encoder that was attacked was asked about {counted(len(moved), 'picture')}: {asked}. With the "
        f"{saved.kind} the {first} of {percent(float(moved.mean()))} is another one. Shown are {shown}, "
        f"those with another answer first, evenly spaced, not chosen; the change {times}around grey."
    )
