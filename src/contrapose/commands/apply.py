"""`contrapose apply`: what a classifier, the text of a label or an encoder of items says of each sample, to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.classifier import Classifier, load_classifier
from contrapose.commands.apply_generator import apply_generator
from contrapose.commands.apply_painter import apply_painter
from contrapose.commands.apply_perturbation import apply_perturbation
from contrapose.commands.ascend import STEP, STEPS, ascend
from contrapose.commands.reading import Reading
from contrapose.commands.recommend import COUNT, recommend, recommends
from contrapose.commands.table_file import TABLES, file_to_write, table_bytes
from contrapose.commands.unwritten import write_or_rescue
from contrapose.data import Samples
from contrapose.embedder import Embedder
from contrapose.encoders.classifier_folder import classifier_folder
from contrapose.encoders.generator_folder import generator_folder
from contrapose.encoders.painter_folder import painter_folder
from contrapose.encoders.perturbations import perturbation_folder
from contrapose.encoders.texts.label_texts import check_labels
from contrapose.errors import ArgumentError
from contrapose.evaluation import likeliest
from contrapose.modalities import modality_of
from contrapose.optional import optional
from contrapose.shell import shell_command
from contrapose.zero_shot_labels import ZeroShot, load_zero_shot

PICTURES = 4
"""That a painter draws of each caption."""


def apply(
    run: str | Path,
    data: Any = None,
    *,
    out: str | Path,
    texts: Sequence[str] | None = None,
    pictures: int = PICTURES,
    seed: int = 0,
    label_texts: Sequence[str] | None = None,
    towards: Sequence[str] | None = None,
    ascent_steps: int = STEPS,
    ascent_step: float = STEP,
    radius: float | None = None,
    classes: Sequence[str] | None = None,
    limit: int | None = None,
    white: float | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    count: int = COUNT,
    mask_seen: bool = True,
    titles: Any = None,
    user_column: str | None = None,
    item_column: str | None = None,
    time_column: str | None = None,
    device: str = "cpu",
    quiet: bool = False,
) -> Samples:
    """Name the classes of `data` with a run's classifier, or by the texts of labels, and write one row a sample, in the
    order of the data. Of a run on items, write what to recommend to each user: see `commands.recommend.recommend`,
    whose are count, mask_seen, titles and the columns of users, items and times. Of a generator
    (`RUN/stages/translate` of a `cdvg` run), see `apply_generator`; of a run of `t2i-supcon`, which draws pictures for
    captions, see `apply_painter`; of a run of `attack`, see `apply_perturbation`.

    Arguments:
        run: run folder, or that of a stage in it, or classifier folder.
        data: what `--data` takes, or arrays; labels in it are not looked at.
        texts, pictures, seed: of a painter: captions in the place of data, pictures of each, and what they are drawn
            from.
        out: `.csv`, `.parquet` or `.jsonl`: identifier, `predicted`, and `p_CLASS`, the probability of each class; of
            several questions `QUESTION` and `QUESTION_p_CLASS` of each.
        label_texts: what labels are called; no classifier is needed then, and the columns are `score_LABEL` in place of
            `p_CLASS`: the chance of each label by itself where the run has a matcher (`cless`), else the cosine of text
            and label.
        towards, ascent_steps, ascent_step, radius: move pictures towards classes, and write them into the folder `out`:
            see `commands.ascend.ascend`.
        classes: of a generator: which classes to translate to; None: all.
        white: the value that is white in pictures deeper than 8 bits. None: as the encoder keeps it.
        image_column, text_column: as in `open_data` and `open_texts`; `None`: the columns of the run's own data where
            `data` has such, else those with usual names.

    Returns the data as read, with what was skipped: that has no row.

    Errors:
        ArgumentError: no data; an ending that is not one of these; labels that are empty, or there twice; classes that
            no generator was asked for.
        RunError: no classifier in `run`, and no texts of labels.
        MissingExtraError: no extra `tables`.
    """
    if draws(run) and label_texts is None:
        _check_unused("draws pictures for captions", towards=towards, classes=classes, white=white, titles=titles)
        drawn: dict[str, Any] = {"count": pictures, "seed": seed, "limit": limit, "text_column": text_column}
        return apply_painter(run, data, texts=texts, out=out, device=device, **drawn)
    _check_not_drawn(run, data, texts=texts, pictures=pictures, seed=seed)
    if towards is not None:
        _check_alone(label_texts=label_texts, classes=classes)
        way: dict[str, Any] = {"steps": ascent_steps, "step": ascent_step, "radius": radius}
        read: dict[str, Any] = {"limit": limit, "white": white, "image_column": image_column}
        return ascend(run, data, towards=towards, out=out, **way, **read, device=device, quiet=quiet)
    if (ascent_steps, ascent_step, radius) != (STEPS, STEP, None):
        raise ArgumentError(
            "--ascent-steps, --ascent-step and --radius are of pictures that are moved towards a class: name it with "
            "--towards (towards=), or leave them out."
        )
    if perturbs(run):
        of_others = {"label_texts": label_texts, "classes": classes}
        _check_unused("is a perturbation, which is put on pictures", **of_others)
        given: dict[str, Any] = {"limit": limit, "white": white, "image_column": image_column, "device": device}
        return apply_perturbation(run, data, out=out, text_column=text_column, **given, quiet=quiet)
    of_items = {"titles": titles, "user_column": user_column, "item_column": item_column, "time_column": time_column}
    translates = makes_pictures(run)  # of which no encoder is at hand that could say what it takes
    if label_texts is None and classes is None and not translates and recommends(run):
        how_many: dict[str, Any] = {"count": count, "mask_seen": mask_seen, "limit": limit, "device": device}
        return recommend(run, data, out=out, quiet=quiet, **how_many, **of_items)
    if count != COUNT or not mask_seen or any(value is not None for value in of_items.values()):
        raise ArgumentError(
            "--count, --no-mask-seen, --titles and columns of users, items and times are of runs on histories of "
            f"items, and {run} is none: leave them out."
        )
    if translates and label_texts is None:
        if text_column is not None:
            raise ArgumentError(f"{run} holds a generator of pictures, and text_column is of texts: leave it out.")
        how: dict[str, Any] = {"limit": limit, "white": white, "image_column": image_column, "device": device}
        return apply_generator(run, data, out=out, classes=classes, quiet=quiet, **how)
    beside = generator_folder(run)
    translator = "" if beside is None else f" The generator of this run is {beside.parent}: apply that to translate."
    if classes is not None:
        answers = "holds none" if beside is None else "answers by its classifier"
        raise ArgumentError(f"classes (--classes) are what a generator translates to, and {run} {answers}.{translator}")
    if beside is not None and not Path(out).suffix:
        raise ArgumentError(f"{run} names classes, into a .csv, .parquet or .jsonl, and not into {out}.{translator}")
    path = file_to_write(out, TABLES, data)
    if label_texts is not None:
        check_labels(label_texts, option="--label-texts")
        named: Embedder = load_zero_shot(run, device=device)
    else:
        named = load_classifier(run, device=device, white=white)
    reading = Reading.of(run, image_column=image_column, text_column=text_column, labels="none")
    reading = Reading(reading.asked, {name: column for name, column in reading.usual.items() if name != "label_column"})
    samples = reading.open(named, data, limit=limit, progress=not quiet)
    samples.notes = (*samples.notes, *modality_of(samples).read_by(named.encoder, samples))
    z = named.embed(samples)  # (N, D)
    if isinstance(named, ZeroShot):
        assert label_texts is not None
        table = scores_table(named, samples, z, label_texts)
        samples.notes = (*samples.notes, *(f"{note}." for note in named.notes(label_texts)))
    else:
        assert isinstance(named, Classifier)
        table = answers_table(named, samples, z)
    write_or_rescue(path, table_bytes(table, path.suffix), result=samples)
    return samples


def _check_alone(*, label_texts: Sequence[str] | None, classes: Sequence[str] | None) -> None:
    """Refuse what says nothing where pictures are moved towards classes."""
    if label_texts is not None:
        raise ArgumentError("--towards moves pictures, and --label-texts names texts: give one of the two.")
    if classes is not None:
        raise ArgumentError(
            "--towards moves pictures towards classes of a classifier, and --classes are what a generator translates "
            "to: give one of the two."
        )


def _check_unused(what: str, **given: Any) -> None:
    """Refuse what says nothing of a run that does this."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        flag = named[0].replace("_", "-")
        raise ArgumentError(f"This {what}; --{flag} plays no part: leave it out.")


def _check_not_drawn(run: str | Path, data: Any, *, texts: Any, pictures: int, seed: int) -> None:
    """Refuse what is of painters alone, and no data."""
    if texts is not None or (pictures, seed) != (PICTURES, 0):
        raise ArgumentError(
            f"--texts, --pictures and --seed are of runs that draw pictures for captions (t2i-supcon), and {run} is "
            "none: leave them out."
        )
    if data is None:
        raise ArgumentError(f"Say what to apply {run} to: {shell_command('apply', str(run), 'DATA')}")


def perturbs(run: str | Path) -> bool:
    """Whether it is a perturbation that `run` names."""
    return perturbation_folder(run) is not None


def makes_pictures(run: str | Path) -> bool:
    """Whether it is a generator of pictures from pictures that `run` names, and no classifier."""
    return classifier_folder(run) is None and generator_folder(run) is not None and not draws(run)


def draws(run: str | Path) -> bool:
    """Whether it is a painter that `run` names, which draws pictures for captions."""
    return painter_folder(run) is not None


def answers_table(classifier: Classifier, samples: Samples, z: np.ndarray) -> Any:
    """A polars frame: identifier, and of each question the class and its probabilities, from `(N, D)` embeddings."""
    polars = optional("polars", extra="tables")
    columns: dict[str, Any] = {"identifier": list(samples.identifiers)}
    several = len(classifier.questions) > 1
    for question, (names, p) in zip(classifier.questions, classifier.answers(z), strict=True):
        columns[question.name if several else "predicted"] = names.tolist()
        before = f"{question.name}_" if several else ""
        columns |= {f"{before}p_{name}": p[:, number] for number, name in enumerate(question.classes)}
    return polars.DataFrame(columns)


def scores_table(zero_shot: ZeroShot, samples: Samples, z: np.ndarray, labels: Sequence[str]) -> Any:
    """A polars frame: identifier, the likeliest label, and the score of each, from `(N, D)` embeddings."""
    polars = optional("polars", extra="tables")
    scores = zero_shot.scores_of(z, labels)  # (N, L)
    columns: dict[str, Any] = {
        "identifier": list(samples.identifiers),
        "predicted": likeliest(scores, labels).tolist(),
    }
    columns |= {f"score_{label}": scores[:, number] for number, label in enumerate(labels)}
    return polars.DataFrame(columns)
