"""`contrapose compare`: is one run better than another, on the same items, and what was done differently?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically
from contrapose.commands.comparison import FLOOR, Comparison
from contrapose.commands.differing_options import differing_options
from contrapose.commands.evaluate import measure
from contrapose.commands.evaluated_arms import TRAINED
from contrapose.commands.evaluation_items import Arms, Scores
from contrapose.commands.reading import Reading
from contrapose.commands.unwritten import kept_if_unwritten
from contrapose.errors import ArgumentError, DataError, did_you_mean
from contrapose.evaluation import cka
from contrapose.modalities import MODALITIES, Modality
from contrapose.training.run_folder import RunFolder


def compare(
    runs: Sequence[str | Path],
    *,
    baseline: str | Path | None = None,
    data: Any = None,
    test_data: Any = None,
    task: str | None = None,
    limit: int | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    number_column: str | None = None,
    numbers: Any = None,
    pair_columns: Sequence[str] | None = None,
    label_texts: Sequence[str] | None = None,
    prompts: Sequence[str] | None = None,
    head_weight: float | str | None = None,
    masks: Any = None,
    void: Sequence[int] | None = None,
    bias_column: str | None = None,
    out: str | Path | None = None,
    quiet: bool = False,
) -> Comparison:
    """Set runs side by side: paired differences to a baseline, the options that differ, how alike the embeddings are.

    Without `data`, from the scores that `contrapose evaluate` kept in each run. With `data`, all runs are measured on
    it here and their embeddings compared; the run folders stay as they are.

    Arguments:
        runs: two run folders or more; the folder of a stage counts as one.
        baseline: the one that the others are compared with; None: the first.
        data, test_data, task, limit, k, full, seed, device, image_column, text_column, label_column, labels,
            number_column, numbers, pair_columns, label_texts, prompts, head_weight, masks, void, bias_column: as in
            `evaluate`; they go with `data`.
        out: also write the result as JSON to this file.

    Errors:
        ArgumentError: fewer than two runs, one twice, runs on different kinds of data, or a baseline that is not among
            them.
        DataError: scores that cannot be paired (other samples, seed or task), or no metric in common.
        RunError: a folder that is no run, or a run that was not evaluated.
        UnwrittenError: `out` cannot be written; the comparison is in its `result`.
    """
    if out is not None and not Path(out).parent.is_dir():
        raise ArgumentError(
            f"The folder {Path(out).parent} does not exist, so {Path(out).name} cannot be written there."
        )
    names = _names(runs)
    first = _baseline(names, baseline)
    folders = {name: RunFolder.open(run) for name, run in names.items()}
    kind = _one_kind(folders, first)
    named = (test_data, task, number_column, numbers, pair_columns, label_texts, prompts, head_weight)
    measuring = (*named, masks, void, bias_column, limit)
    if data is None and (full or any(option is not None for option in measuring)):
        raise ArgumentError(
            "test_data, task, number_column, numbers, pair_columns, label_texts, prompts, head_weight, masks, void, "
            "bias_column, limit and full go with data: without it, what contrapose evaluate kept is compared."
        )
    embedded: dict[str, np.ndarray] = {}
    scores: dict[str, Scores] = {}
    for name, folder in folders.items():
        if data is None:
            scores[name] = Scores.read(folder.path, folder.evaluation_items_file, folder.encoder)
            continue
        found = measure(
            folder.path,
            data=data,
            test_data=test_data,
            task=task,
            limit=limit,
            k=k,
            full=full,
            seed=seed,
            device=device,
            floors=name == first,
            reading=Reading.of(
                folder.path,
                image_column=image_column,
                text_column=text_column,
                label_column=label_column,
                labels=labels,
            ),
            number_column=number_column,
            numbers=numbers,
            pair_columns=pair_columns,
            label_texts=label_texts,
            prompts=prompts,
            head_weight=head_weight,
            masks=masks,
            void=void,
            bias_column=bias_column,
            quiet=quiet,
        )
        scores[name], embedded[name] = found.scores(), found.embeddings
    _check_paired(scores, first)
    alike, trouble = _likeness(embedded)
    result = Comparison(
        scores[first].data,
        first,
        _rows(scores, first),
        differing_options(folders),
        alike,
        (*_notes(scores, kind), *trouble),
    )
    if out is not None:
        with kept_if_unwritten(result, result.text):
            write_atomically(Path(out), (json.dumps(result.to_dict(), indent=2) + "\n").encode())
    return result


def _names(runs: Sequence[str | Path]) -> dict[str, Path]:
    """A name for each run: that of its folder, or its path where two folders have one name."""
    paths = [Path(run) for run in runs]
    if len(paths) < 2:
        raise ArgumentError(f"compare needs two runs or more; got {len(paths)}. One alone: contrapose evaluate RUN.")
    twice = [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]
    if twice:
        raise ArgumentError(f"{twice[0].name} was given twice. Name each run once.")
    shared = Counter(path.name for path in paths)
    return {path.name if shared[path.name] == 1 else str(path): path for path in paths}


def _baseline(names: dict[str, Path], wanted: str | Path | None) -> str:
    if wanted is None:
        return next(iter(names))
    for name, path in names.items():
        if str(wanted) == name or Path(wanted).resolve() == path.resolve():
            return name
    raise ArgumentError(f"The baseline {wanted} is not among the runs.{did_you_mean(str(wanted), names)}")


def _one_kind(folders: dict[str, RunFolder], baseline: str) -> Modality:
    """The kind of data that all runs learned from.

    Errors:
        ArgumentError: one learned from another kind.
    """
    kinds = {name: MODALITIES[folder.read_record().get("modality", "image")] for name, folder in folders.items()}
    own = kinds[baseline]
    for name, kind in kinds.items():
        if kind is not own:
            raise ArgumentError(
                f"{baseline} learned from {own.plural} and {name} from {kind.plural}: nothing can be measured on both. "
                "Compare runs on one kind of data."
            )
    return own


def _check_paired(scores: dict[str, Scores], baseline: str) -> None:
    """Refuse scores that are not of the same items by the same protocol, and say what differs."""
    own = scores[baseline]
    for name, other in scores.items():
        found = own.setting.difference(other.setting)
        if found is not None:
            raise DataError(
                f"{baseline} and {name} cannot be paired: {found}. Evaluate them alike, or let compare do it: "
                "--data LABELLED."
            )
        mine, theirs = set(own.arms[TRAINED]), set(other.arms[TRAINED])
        if not mine & theirs:
            raise DataError(
                f"{baseline} and {name} have no metric in common: {', '.join(sorted(mine))} against "
                f"{', '.join(sorted(theirs))}. Evaluate them alike."
            )


def _rows(scores: dict[str, Scores], baseline: str) -> Arms:
    """The runs, baseline first, then the baseline's floors."""
    order = [baseline, *(name for name in scores if name != baseline)]
    floors = {f"{arm}{FLOOR}": metrics for arm, metrics in scores[baseline].arms.items() if arm != TRAINED}
    return {**{name: scores[name].arms[TRAINED] for name in order}, **floors}


def _likeness(embedded: dict[str, np.ndarray]) -> tuple[dict[tuple[str, str], float], list[str]]:
    """CKA of each pair of runs, and a note for the pairs that have none (a collapsed encoder)."""
    alike, notes = {}, []
    for one, other in combinations(embedded, 2):
        try:
            alike[one, other] = cka(embedded[one], embedded[other])
        except ArgumentError as error:
            notes.append(f"no CKA of {one} and {other}: {str(error).rstrip('.')}")
    return alike, notes


def _notes(scores: dict[str, Scores], kind: Modality) -> list[str]:
    notes = list(dict.fromkeys(note for own in scores.values() for note in own.notes))
    notes += [
        f"the scores of {name} are older than its weights: evaluate it again"
        for name, own in scores.items()
        if own.older
    ]
    shapes = {name: " x ".join(map(str, own.setting.test.shape)) for name, own in scores.items()}
    if len(set(shapes.values())) > 1:
        seen = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        notes.append(f"the encoders saw the {kind.plural} in different shapes ({seen})")
    everyone: list[set[str]] = [set(own.arms[TRAINED]) for own in scores.values()]
    partial = {metric for own in everyone for metric in own ^ everyone[0]}
    if partial:
        notes.append(f"not every run has {', '.join(sorted(partial))}, so that is left out")
    return notes
