"""What an attack has found, from its own files: the patch or the delta, whom it is of, and what was measured of it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from contrapose.encoders.perturbations import SavedPerturbation
from contrapose.report.attacked import Numbers, Perturbed
from contrapose.report.course import Absent, LeftPicture, Pairs
from contrapose.report.facts.left_pictures import drawn
from contrapose.words import percent

FILE = "attack.json"
UNDEFENDED = "none"
WIDE = 224  # pixels to which a patch or a delta is enlarged
HALF = 0.5  # of a mask, above which a pixel belongs to the patch


def perturbed_of(saved: SavedPerturbation) -> Perturbed:
    """What was found, with its bound, its victims and its purpose, and the thing itself where it is one."""
    whom = ", ".join(f"{one.encoder} of {one.source}" for one in saved.victims)
    return Perturbed(
        f"The {saved.kind}",
        f"This {saved.kind} was made against {whom}, to {saved.purpose}.",
        [
            ("Bound", bound_in_words(saved)),
            *[(f"Made against {one.encoder}", f"{one.source}, weights {one.fingerprint}") for one in saved.victims],
            ("For pictures of", f"{saved.channels} x {saved.image_size} x {saved.image_size}"),
            *_words({**saved.extra, **saved.arguments}),
        ],
        _pictures(saved),
    )


def bound_in_words(saved: SavedPerturbation) -> str:
    """How much it may change."""
    if saved.kind == "patch" or "area" in saved.bound:
        return f"{percent(float(saved.bound.get('area', math.nan)))} of the area, in one place; there any value"
    return f"no value of a picture changes by more than {255 * radius_of(saved):.3g} of 255"


def radius_of(saved: SavedPerturbation) -> float:
    """How far a value may change, white being 1; inf: as far as it can, which is what a patch does."""
    return float(saved.bound.get("radius", math.inf))


def measured_of(folder: Path) -> Sequence[Numbers] | Absent:
    """The tables of `attack.json`; none where the attack measures nothing by itself."""
    file = folder / FILE
    if not file.is_file():
        return ()
    try:
        found = json.loads(file.read_bytes())
        if "towers" in found:
            return [_taken_away(one, int(found["pairs"]), str(found["word"])) for one in found["towers"]]
        known, count = str(found.get("learned against", UNDEFENDED)), int(found["pairs"])
        undefended = found["tables"][UNDEFENDED]
        behind = {
            f"{name}: {row}{_knows(name, known) if place else ''}": cells
            for name, table in found["tables"].items()
            if name != UNDEFENDED
            for place, (row, cells) in enumerate(table.items())
        }
        of = (
            f"Of {count:,} that the attack did not learn from, in percent, measured when it ended. Found: the nearest "
            "of the other side is their own. Fooled: the answer is another one than before. Right: the class is."
        )
        tables = [_numbers("On samples that were kept out", of, undefended, _short)]
        if behind:
            stale = " Stale: it was learned without knowing of the defence." if known == UNDEFENDED else ""
            tables.append(_numbers("Behind defences", of + stale, behind, _short))
        every = {**undefended, **behind}
        return [*tables, _numbers("All numbers of attack.json", of, every, lambda name: True, folded=True)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        return Absent(f"{file} is damaged and cannot be read ({error}).")


def _taken_away(towers: Mapping[str, Any], pairs: int, word: str) -> Numbers:
    """What a delta and a word have done to towers, those attacked or others."""
    sentence = (
        f"Of {pairs:,} pairs that were kept out, in percent. First the share of queries that were answered rightly; "
        f'then, of these, the share that was not any more under each change. The word is "{word}". TR: texts found by '
        "pictures, IR: pictures found by texts, among the first 1, 5, 10."
    )
    whose = f"{towers['encoder']} of {towers['source']}, weights {str(towers['fingerprint'])[:8]}"
    return _numbers(whose, sentence, towers["table"], lambda name: True)


def _numbers(title: str, sentence: str, rows: Mapping[str, Any], wanted: Any, *, folded: bool = False) -> Numbers:
    columns = [name for name in next(iter(rows.values())) if wanted(name)]
    cells = [(name, [_cell(name_, row.get(name_)) for name_ in columns]) for name, row in rows.items()]
    return Numbers(title, sentence, columns, cells, folded)


def _short(column: str) -> bool:
    """Whether it is told at first sight: what is found, what is right, and how many captions are others."""
    lost = column.endswith(" decline")
    return column.endswith(" right") or (column.startswith("found ") and not lost) or column == "fooled"


def _cell(name: str, value: Any) -> str:
    """A share in percent; what is lost of a score is in percent already."""
    if not isinstance(value, int | float):
        return "-"
    return f"{value if name.endswith('decline') else 100 * value:.1f}"


def _knows(defence: str, known: str) -> str:
    return " (it knows of it)" if defence == known else " (stale)"


def _words(extra: Mapping[str, Any]) -> Pairs:
    """A word that goes with it, where there is one."""
    return [(name.capitalize(), str(extra[name])) for name in ("word",) if isinstance(extra.get(name), str)]


def _pictures(saved: SavedPerturbation) -> list[LeftPicture]:
    """The thing itself, enlarged, and where it lies; none of a generator."""
    if saved.kind == "patch":
        patch, mask = saved.tensors["patch"].float().clamp(0, 1), saved.tensors["mask"].float()
        whole = patch * mask + 0.5 * (1 - mask)  # (C, H, W)
        rows, columns = (mask.amax(dim=(0, axis)) > HALF for axis in (2, 1))  # (H,), (W,)
        own = patch[:, _span(rows)][:, :, _span(columns)]
        height, width = own.shape[1:]
        return [
            _enlarged(own, "The patch", f"{width} x {height} pixels, enlarged."),
            _enlarged(whole, "Where it lies", "On grey, in the size of the pictures, enlarged."),
        ]
    if "delta" in saved.tensors:
        delta = saved.tensors["delta"].float()
        largest = float(delta.abs().max()) or 1.0
        caption = (
            f"Around grey, {0.5 / largest:.3g} times as strong: its largest value is {255 * largest:.3g} of 255. It is "
            "added to every picture."
        )
        return [_enlarged(0.5 + 0.5 * delta / largest, "The delta", caption)]
    return []


def _enlarged(pixels: Float[Tensor, "C H W"], title: str, caption: str) -> LeftPicture:
    return drawn(_rgb(pixels), title, caption, most_times=max(1, WIDE // pixels.shape[2]))


def _span(marked: Tensor) -> slice:
    """From the first place that is marked to the last one; all where none is."""
    places = marked.nonzero().flatten().tolist() or [0, len(marked) - 1]
    return slice(places[0], places[-1] + 1)


def _rgb(pixels: Float[Tensor, "C H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """[0, 1] as bytes; of other than three channels the first as grey."""
    three = pixels if len(pixels) == 3 else pixels[:1].expand(3, -1, -1)
    found = (255 * three).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(found.permute(1, 2, 0).numpy())


def noise_like(
    saved: SavedPerturbation, pictures: UInt8[Tensor, "B C H W"], generator: torch.Generator
) -> Float[Tensor, "B C H W"]:
    """Pictures in [0, 1] with noise as large as a perturbation may be: a patch of uniform noise in its place, or every
    value moved up or down by the radius, at random."""
    x = pictures.float() / 255  # (B, C, H, W)
    if saved.kind == "patch":
        mask = saved.tensors["mask"].float()
        noise = torch.rand(x.shape[1:], generator=generator)  # (C, H, W)
        return x * (1 - mask) + noise * mask
    shape = x.shape[1:] if saved.kind == "delta" else x.shape  # one for all, or one for each
    signs = 2 * torch.randint(0, 2, shape, generator=generator) - 1
    return (x + radius_of(saved) * signs).clamp(0, 1)
