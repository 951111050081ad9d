"""`contrapose evaluate`: is the encoder any good, beside the floors it has to beat?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.commands.evaluation import Evaluation
from contrapose.commands.evaluation_items import Arms, Identity, Setting
from contrapose.commands.labelled_parts import LabelledParts, copies_asked, given_parts, held_out_parts
from contrapose.commands.labelled_table import LabelledTable
from contrapose.commands.reading import Reading
from contrapose.commands.report_data import sources_of
from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.train import config_of
from contrapose.commands.unwritten import kept_if_unwritten
from contrapose.data import Images, Samples, derived_generator, omniglot_one_shot
from contrapose.embedder import Embedder, load
from contrapose.encoders import untrained_like
from contrapose.errors import ArgumentError, DataError
from contrapose.evaluation import diagnose, one_shot
from contrapose.modalities import MODALITIES, modality_of
from contrapose.training.run_folder import RunFolder

TRAINED = "trained"
MAJORITY = "majority class"
_INTERVALS = 2  # names the random stream of the bootstrap

Embed = Callable[[Any], np.ndarray]


def evaluate(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    white: float | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    labels: Any = None,
    quiet: bool = False,
) -> Evaluation:
    """Measure a run's encoder, an untrained one of the same architecture, and raw pixels by the same protocol.

    Without `data`, on the run's own: the embedded characters have one-shot runs; other data must have labels. With
    `data`, kNN and a linear probe, learned on one part and tested once on the other.

    Arguments:
        run: run folder (or encoder folder, when `data` is given). The result is also written to its `evaluation.json`,
            and the scores of each item to `evaluation_items.npz`, for `contrapose compare`.
        data: labelled pictures; what `--data` takes, or arrays.
        test_data: labelled pictures to test on; None: a fifth of `data`, drawn class by class, exact copies kept
            together. Copies of pictures of `data` among them are told in the notes.
        limit: use at most so many pictures of each.
        white: the value that is white in pictures deeper than 8 bits; None: as the encoder keeps it.
        k: neighbours of kNN.
        full: also probes with 1, 5 and 10 labels a class, retrieval and clustering (minutes on thousands of pictures).
        seed: of the split, of the untrained weights and of the bootstrap.
        diagnosis: also diagnose the trained encoder's embeddings of the test part.
        device: where to embed: `"cpu"`, `"cuda"`, `"mps"` or `"auto"`.
        image_column, text_column, label_column, labels: of both data, as in `open_data` and `open_texts`; `None`: as
            the run's own data where they have such columns, else those with usual names. Samples without a label are
            left out, and counted.

    Errors:
        DataError: no labels, one class only, or no test class that `data` has.
        RunError: no encoder in `run`.
        UnwrittenError: the run folder cannot be written; the evaluation is in its `result`.
    """
    folder = RunFolder.open(run) if (Path(run) / "config.json").is_file() else None
    result = measure(
        run,
        data=data,
        test_data=test_data,
        limit=limit,
        white=white,
        k=k,
        full=full,
        seed=seed,
        device=device,
        diagnosis=diagnosis,
        reading=Reading.of(
            run, image_column=image_column, text_column=text_column, label_column=label_column, labels=labels
        ),
        quiet=quiet,
    )
    if folder is not None:
        with kept_if_unwritten(result, result.text):
            result.save(folder)
    return result


def print_evaluation(run: str | Path, **options: Any) -> None:
    """`evaluate(run, **options)` for the screen."""
    print()
    evaluate(run, **options).print()
    if (Path(run) / "config.json").is_file():
        print(f"Written to {run}/evaluation.json")


def measure(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    white: float | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    floors: bool = True,
    reading: Reading | None = None,
    quiet: bool = False,
) -> Evaluation:
    """`evaluate` that leaves the run folder as it is; without `floors` it measures the trained encoder alone."""
    trained = load(run, device=device, white=white)
    source = data if data is not None else _data_of(run)
    if isinstance(source, str) and source == "omniglot" and test_data is None:
        found = _measure_one_shot(trained, seed=seed, full=full, diagnosis=diagnosis, floors=floors)
        return replace(found, samples=_samples_of(run))
    reading = reading or Reading.of(run)
    if reading.asked.get("labels") in ("none", False):
        raise ArgumentError("--labels none leaves nothing to measure by; leave it out to evaluate.")
    bank = reading.open(trained, source, limit=limit, progress=not quiet)
    test = None if test_data is None else reading.open(trained, test_data, limit=limit, progress=not quiet)
    parts = held_out_parts(bank, seed=seed) if test is None else given_parts(bank, test)
    seen = _seen(run, source if test_data is None else test_data)
    found = _measure_labelled(trained, parts, k=k, seed=seed, full=full, diagnosis=diagnosis, floors=floors)
    sources = sources_of(source, test_data, limit=limit, seed=seed)
    return replace(found, notes=(*seen, *found.notes), samples=_samples_of(run), sources=sources)


def _data_of(run: str | Path) -> str:
    """What the run itself was trained on."""
    if not (Path(run) / "config.json").is_file():
        raise DataError(f"{run} is an encoder without a run, so it names no data; give labelled data with --data.")
    folder = RunFolder.open(run)
    record = folder.read_record()
    data = config_of(record, where=str(folder.config_file)).data
    if data == FROM_PYTHON:
        raise DataError(f"{run} was trained on data handed over in Python; give labelled data to evaluate on.")
    return data_places(data, record, folder.path)[0]


def _seen(run: str | Path, tested: Any) -> list[str]:
    """A note where the test pictures are among those that the run was trained on."""
    if not (Path(run) / "config.json").is_file() or not isinstance(tested, str | os.PathLike):
        return []
    config = config_of(RunFolder.open(run).read_record(), where=str(Path(run) / "config.json"))
    if Path(tested).expanduser().absolute() != Path(config.data).expanduser().absolute():
        return []
    noun = MODALITIES[config.modality].noun
    if type(config).about.needs_labels:
        return [
            f"the encoder was trained with the labels of these very {noun}s, the tested ones too: hold some out before "
            "training and give them with --test-data"
        ]
    return [f"the encoder was trained on these {noun}s too, without their labels"]


def _samples_of(run: str | Path) -> int | None:
    """How many samples the run was trained on, where that is known."""
    folder = RunFolder(run)
    found = folder.read_record().get("data", {}).get("samples") if folder.config_file.is_file() else None
    return found if isinstance(found, int) else None


def _measure_one_shot(trained: Embedder, *, seed: int, full: bool, diagnosis: bool, floors: bool) -> Evaluation:
    """The 20 official one-shot runs: characters of alphabets never seen, from one example each."""
    runs = omniglot_one_shot()
    count, ways = runs.support.shape[:2]
    examples = Images(runs.support.flatten(0, 1).numpy())  # (R·N, C, H, W)
    asked = Images(runs.query.flatten(0, 1).numpy(), runs.answer.flatten().numpy())  # (R·Q, C, H, W)
    arms: Arms = {}
    shown, wanted = trained.open(examples.pixels), trained.open(asked.pixels)  # in the encoder's own resolution
    for arm, embed in _embedders(trained, shown, seed, floors):
        support, query = embed(shown), embed(wanted)  # (R·N, D), (R·Q, D)
        metric = one_shot(
            support.reshape(count, ways, -1),
            query.reshape(count, runs.query.shape[1], -1),
            runs.answer,
            generator=derived_generator(seed, _INTERVALS),
        )
        arms[arm] = {metric.name: metric}
        if arm == TRAINED:
            embeddings = query
    notes = ["people reach 95.5 % (Lake et al. 2015)"]
    if full:
        notes.append("the one-shot runs have no full table; give labelled pictures with --data for one")
    test = Identity.of(asked, np.asarray(asked.labels))
    return Evaluation(
        "20 official one-shot runs of omniglot, alphabets never seen in training",
        arms,
        Setting("one-shot runs", {"seed": seed}, test, Identity.of(examples, np.arange(len(examples)))),
        embeddings,
        tuple(notes),
        diagnose(embeddings, seed=seed) if diagnosis else None,
    )


def _measure_labelled(
    trained: Embedder, parts: LabelledParts, *, k: int, seed: int, full: bool, diagnosis: bool, floors: bool
) -> Evaluation:
    """The labelled table, learned on one part and tested on the other."""
    known, wanted = parts.known, parts.wanted
    table = LabelledTable(known, wanted, k=k, seed=seed, full=full)
    arms: Arms = {}
    for arm, embed in _embedders(trained, parts.bank, seed, floors):
        test_z = embed(parts.test)  # (T, D)
        arms[arm] = table(embed(parts.bank), test_z)
        if arm == TRAINED:
            embeddings = test_z
    if floors and (majority := table.majority()):
        arms[MAJORITY] = majority
    setting = Setting(
        "labelled data", {"seed": seed, "k": k}, Identity.of(parts.test, wanted), Identity.of(parts.bank, known)
    )
    found = diagnose(embeddings, labels=wanted, seed=seed) if diagnosis else None
    notes = (*parts.notes, *(copies_asked(parts.test) if full else ()), *table.notes)
    noun = parts.test.noun
    return Evaluation(parts.origin, arms, setting, embeddings, notes, found, leaked=parts.leaked, noun=noun)


def _embedders(trained: Embedder, known: Samples, seed: int, floors: bool) -> Iterator[tuple[str, Embed]]:
    """The arms, one after the other; the trained encoder comes first."""
    yield TRAINED, trained.embed
    if not floors:
        return
    yield "untrained", Embedder(untrained_like(trained.encoder, seed)).embed

    modality = modality_of(trained.encoder)
    yield modality.floor_name, modality.floor(known)
