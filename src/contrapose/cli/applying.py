"""`contrapose apply`: what a run makes of data, and what is said of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from contrapose.cli.parse import parse
from contrapose.commands.options import ApplyOptions
from contrapose.words import counted

if TYPE_CHECKING:
    from contrapose.data import Samples


def apply_command(words: list[str]) -> None:
    """Make of a run what it makes: classes, recommendations, pictures."""
    options = parse(ApplyOptions, words, "apply")
    from contrapose.commands.apply import apply, draws, makes_pictures, perturbs
    from contrapose.commands.recommend import recommends

    perturbed = perturbs(options.run)
    plain = options.label_texts is None and options.towards is None and not perturbed
    pictures = plain and makes_pictures(options.run)
    drawn = options.label_texts is None and draws(options.run)
    items = plain and not pictures and not drawn and recommends(options.run)
    if options.out is None:
        usual = "recommendations.csv" if items else "translations" if pictures else "predictions.csv"
        usual = "ascents" if options.towards is not None else usual
        options = replace(options, out="perturbed" if perturbed else "drawn" if drawn else usual)
    samples = apply(**vars(options))
    told(samples)
    if drawn:
        each = counted(options.pictures, "picture")
        print(f"Drew {each} for each of {counted(len(samples), 'caption')}, into {options.out}: look at sheet.png")
        return
    if perturbed:
        noun = "picture" if samples.modality == "image" else samples.noun
        print(f"Wrote {counted(len(samples), noun)} with the perturbation to {options.out}")
        return
    if options.towards is not None:
        print(
            f"Wrote {counted(len(samples), samples.noun)} moved towards {', '.join(options.towards)} to {options.out}"
        )
        return
    if pictures:
        print(f"Wrote translations of {counted(len(samples), 'picture')}, a folder a class, to {options.out}")
        return
    without = f"; {counted(len(samples.skipped), samples.noun)} skipped, without a row" if samples.skipped else ""
    what = f"{counted(options.count, 'item')} for each" if items else "the classes"
    print(f"Wrote {what} of {counted(len(samples), samples.noun)} to {options.out}{without}")


def told(samples: Samples) -> None:
    """What a person should know of data that were read."""
    for note in samples.notes:
        print(f"note: {note}", file=sys.stderr)
    for skipped in samples.skipped:
        print(f"skipped: {skipped.path} ({skipped.reason})", file=sys.stderr)
