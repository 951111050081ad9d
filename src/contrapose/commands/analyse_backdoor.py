"""`contrapose analyse backdoor`: what a trigger does to two towers, and whether they are a victim worth repairing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.commands.reading_options import ReadingOptions
from contrapose.errors import ArgumentError, did_you_mean

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.embedder import Embedder
    from contrapose.evaluation.backdoor import Backdoor
    from contrapose.robustness import Trigger

FORMAT = 1
WITHIN = 0.03
"""How far below its clean twin the clean accuracy of a victim may lie: three points, as InverTune's attacks."""


@dataclass(frozen=True, kw_only=True)
class AnalyseBackdoorOptions(ReadingOptions):
    """Measure a trigger on two towers that name pictures by words: clean accuracy, and how many triggered pictures of
    other classes are taken for the target. Says plainly whether they are a victim, or whether a repair has worked."""

    run: Positional[str]
    """The run folder, or an encoder folder: a victim, or what was repaired."""
    trigger: str
    """The true one: a set that `contrapose poison` wrote, or badnets, blended, sig, wanet with options behind a
    question mark ("badnets?side=4")."""
    data: str
    """Labelled pictures or pairs that the towers have not learned from."""
    target: str | None = None
    """The class that it stands for. Default: that of the poisoned set."""
    twin: str | None = None
    """A run trained alike on clean data: a victim's accuracy may lie 3 points below it."""
    class_texts: tuple[str, ...] = ()
    """What the classes are called. Default: as they are."""
    prompts: tuple[str, ...] = ()
    """Sentences with {} where a class is named. Default: those of `evaluate --task prompts`."""
    limit: int | None = None
    """Use at most so many samples."""
    seed: int = 0
    """Of the intervals."""
    device: str = "auto"
    """Where to embed: auto, cpu, cuda, mps."""
    out: Path | None = None
    """Folder for backdoor.json. Default: the run folder."""


def analyse_backdoor(options: AnalyseBackdoorOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, print, write the record, and return it.

    Errors:
        ArgumentError: no towers, an unknown trigger or class, no target.
        DataError: no labels, or classes without names.
        RunError: no encoder in the run or the twin.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
    """
    from contrapose.atomic import write_atomically
    from contrapose.commands.reading import Reading
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.embedder import load
    from contrapose.environment import environment
    from contrapose.evaluation import results_text

    target = options.target or _target_of(options.trigger)
    reading = Reading.of(
        options.run,
        **{name: getattr(options, name) for name in ("image_column", "text_column", "label_column", "labels")},
    )
    given = {"run": options.run, **({} if options.twin is None else {"clean twin": options.twin})}
    found: dict[str, Backdoor] = {}
    for arm, run in given.items():
        towers = load(run, device=options.device)
        samples = reading.open(towers, options.data, limit=options.limit)
        change = _trigger(options.trigger, towers)
        found[arm] = _measured(options, towers, samples, change, target)
    rows = [(arm, one.metrics()) for arm, one in found.items()]
    say(f"{len(samples):,} pictures, {change.in_words()} for {target!r}\n\n{results_text(rows, across='metrics')}\n")
    least = found["clean twin"].accuracy.value - WITHIN if "clean twin" in found else None
    say(told := in_words(found["run"], change, target, least))
    record = {
        "format": FORMAT,
        "analysis": "backdoor",
        "trigger": dict(change.form),
        "target": target,
        "arms": {arm: {name: metric.to_dict() for name, metric in metrics.items()} for arm, metrics in rows},
        "works": found["run"].works,
        "verdict": told,
        **environment(),
    }
    out = Path(options.run) if options.out is None else options.out
    with kept_if_unwritten(record, str):
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "backdoor.json", (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
    say(f"Written: {out}/backdoor.json")
    return record


def in_words(found: Backdoor, trigger: Trigger, target: str, least_accuracy: float | None) -> str:
    """Whether these are a victim, in a sentence."""
    from contrapose.evaluation.backdoor import LEAST_SUCCESS

    success = f"the trigger ({trigger.in_words()}) makes {100 * found.success.value:.1f} % of other pictures {target!r}"
    asked = f"at least {100 * LEAST_SUCCESS:.0f} % are asked"
    if not found.works:
        return f"Not a valid victim: {success}, {asked}. Of repaired towers that is what is hoped for."
    if least_accuracy is None:
        return (
            f"A victim as far as its trigger goes: {success}. Whether its clean accuracy of "
            f"{100 * found.accuracy.value:.1f} % is that of clean towers, --twin RUN tells."
        )
    if not found.valid_victim(least_accuracy=least_accuracy):
        return (
            f"Not a valid victim: {success}, but its clean accuracy of {100 * found.accuracy.value:.1f} % lies more "
            f"than {100 * WITHIN:.0f} points below the clean twin's {100 * (least_accuracy + WITHIN):.1f} %."
        )
    return f"A valid victim: {success}, and clean pictures are named as by its clean twin, within 3 points."


def _target_of(trigger: str) -> str:
    """The class that a poisoned set was made for.

    Errors:
        ArgumentError: no such trigger; one by its name, which stands for no class.
    """
    from contrapose.robustness import TRIGGERS, read_poison

    if not Path(trigger).is_dir() and (name := trigger.partition("?")[0]) not in TRIGGERS:
        raise ArgumentError(
            f"{trigger} is neither a folder that `contrapose poison` wrote nor one of {', '.join(TRIGGERS)}."
            f"{did_you_mean(name, TRIGGERS)}"
        )
    found = read_poison(trigger)["target"] if Path(trigger).is_dir() else None
    if found is None:
        raise ArgumentError(f"The trigger {trigger} stands for no class by itself: say which with --target CLASS.")
    return str(found)


def _trigger(said: str, towers: Embedder) -> Trigger:
    from contrapose.encoders import Towers
    from contrapose.robustness import named_trigger

    encoder = towers.encoder
    if not isinstance(encoder, Towers):
        raise ArgumentError(
            f"A backdoor is measured in two towers, which name pictures by words; this is {encoder.name}: give a run "
            "of pairs (train clip)."
        )
    return named_trigger(said, channels=encoder.image.channels, image_size=encoder.image.image_size)


def _measured(
    options: AnalyseBackdoorOptions, towers: Embedder, samples: Samples, change: Trigger, target: str
) -> Backdoor:
    from contrapose.tasks.backdoor import measure_backdoor

    return measure_backdoor(
        towers,
        samples,
        change,
        target,
        class_texts=options.class_texts or None,
        prompts=options.prompts or None,
        seed=options.seed,
    )
