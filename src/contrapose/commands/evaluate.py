"""`contrapose evaluate`: is the encoder any good, beside the floors it has to beat?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.commands.evaluation import Evaluation
from contrapose.commands.evaluation_items import Arms, Samples, Setting
from contrapose.commands.labelled_table import LabelledTable
from contrapose.commands.run_data import FROM_PYTHON, data_places
from contrapose.commands.train import config_of
from contrapose.data import Images, derived_generator, omniglot_one_shot, split
from contrapose.embedder import Embedder, load
from contrapose.encoders import untrained_like
from contrapose.errors import DataError
from contrapose.evaluation import diagnose, one_shot
from contrapose.training.run_folder import RunFolder

TRAINED = "trained"
_INTERVALS = 2  # names the random stream of the bootstrap

Embed = Callable[[Any], np.ndarray]


def evaluate(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    quiet: bool = False,
) -> Evaluation:
    """Measure a run's encoder, an untrained one of the same architecture, and raw pixels by the same protocol.

    Without `data`, on the run's own: the embedded characters have one-shot runs; other data must have labels. With
    `data`, kNN and a linear probe, learned on one part and tested once on the other.

    Arguments:
        run: run folder (or encoder folder, when `data` is given). The result is also written to its `evaluation.json`,
            and the scores of each item to `evaluation_items.npz`, for `contrapose compare`.
        data: labelled pictures; what `--data` takes, or arrays.
        test_data: labelled pictures to test on; None: a fifth of `data`, drawn class by class.
        limit: use at most so many pictures of each.
        k: neighbours of kNN.
        full: also probes with 1, 5 and 10 labels a class, retrieval and clustering (minutes on thousands of pictures).
        seed: of the split, of the untrained weights and of the bootstrap.
        diagnosis: also diagnose the trained encoder's embeddings of the test part.
        device: where to embed: `"cpu"`, `"cuda"`, `"mps"` or `"auto"`.

    Errors:
        DataError: no labels, one class only, or test classes that `data` does not have.
        RunError: no encoder in `run`.
    """
    folder = RunFolder.open(run) if (Path(run) / "config.json").is_file() else None
    result = measure(
        run,
        data=data,
        test_data=test_data,
        limit=limit,
        k=k,
        full=full,
        seed=seed,
        device=device,
        diagnosis=diagnosis,
        quiet=quiet,
    )
    if folder is not None:
        result.save(folder)
    return result


def print_evaluation(run: str | Path, **options: Any) -> None:
    """`evaluate(run, **options)` for the screen."""
    print(f"\n{evaluate(run, **options).text()}")
    if (Path(run) / "evaluation.json").is_file():
        print(f"Written to {run}/evaluation.json")


def measure(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    k: int = 20,
    full: bool = False,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    floors: bool = True,
    quiet: bool = False,
) -> Evaluation:
    """`evaluate` that leaves the run folder as it is; without `floors` it measures the trained encoder alone."""
    trained = load(run, device=device)
    source = data if data is not None else _data_of(run)
    if isinstance(source, str) and source == "omniglot" and test_data is None:
        return _measure_one_shot(trained, seed=seed, full=full, diagnosis=diagnosis, floors=floors)
    bank = trained.open(source, limit=limit, progress=not quiet)
    test = None if test_data is None else trained.open(test_data, limit=limit, progress=not quiet)
    return _measure_labelled(trained, bank, test, k=k, seed=seed, full=full, diagnosis=diagnosis, floors=floors)


def _data_of(run: str | Path) -> str:
    """What the run itself was trained on."""
    if not (Path(run) / "config.json").is_file():
        raise DataError(f"{run} is an encoder without a run, so it names no data; give labelled pictures with --data.")
    folder = RunFolder.open(run)
    record = folder.read_record()
    data = config_of(record, where=str(folder.config_file)).data
    if data == FROM_PYTHON:
        raise DataError(f"{run} was trained on data handed over in Python; give labelled pictures to evaluate on.")
    return data_places(data, record, folder.path)[0]


def _measure_one_shot(trained: Embedder, *, seed: int, full: bool, diagnosis: bool, floors: bool) -> Evaluation:
    """The 20 official one-shot runs: characters of alphabets never seen, from one example each."""
    runs = omniglot_one_shot()
    count, ways = runs.support.shape[:2]
    examples = Images(runs.support.flatten(0, 1).numpy())  # (R·N, C, H, W)
    asked = Images(runs.query.flatten(0, 1).numpy(), runs.answer.flatten().numpy())  # (R·Q, C, H, W)
    arms: Arms = {}
    for arm, embed in _embedders(trained, seed, floors):
        support, query = embed(examples.pixels), embed(asked.pixels)  # (R·N, D), (R·Q, D)
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
    test = Samples.of(asked, np.asarray(asked.labels))
    return Evaluation(
        "20 official one-shot runs of omniglot, alphabets never seen in training",
        arms,
        Setting("one-shot runs", {"seed": seed}, test, Samples.of(examples, np.arange(len(examples)))),
        embeddings,
        tuple(notes),
        diagnose(embeddings, seed=seed) if diagnosis else None,
    )


def _measure_labelled(
    trained: Embedder,
    bank: Images,
    test: Images | None,
    *,
    k: int,
    seed: int,
    full: bool,
    diagnosis: bool,
    floors: bool,
) -> Evaluation:
    """The labelled table, learned on `bank` and tested on `test` (or on a fifth of `bank`)."""
    if bank.labels is None:
        raise DataError(
            f"{bank.origin} has no labels, so nothing can be measured on it. Give class sub-folders or a label column "
            "with --data."
        )
    if test is None:
        parts = split(bank.labels, seed=seed)
        origin = f"{bank.origin}, tested on {len(parts.test):,} of {len(bank):,} held out by class (seed {seed})"
        bank, test = bank.subset(parts.train), bank.subset(parts.test)
    else:
        origin = f"{bank.origin} ({len(bank):,}), tested on {test.origin} ({len(test):,})"
    notes = dict.fromkeys(note for part in (bank, test) for note in _told(part))  # once where both say the same
    known, wanted = _names(bank, "--data"), _names(test, "--test-data")
    table = LabelledTable(known, wanted, k=k, seed=seed, full=full)
    arms: Arms = {}
    for arm, embed in _embedders(trained, seed, floors):
        test_z = embed(test)  # (T, D)
        arms[arm] = table(embed(bank), test_z)
        if arm == TRAINED:
            embeddings = test_z
    setting = Setting("labelled data", {"seed": seed, "k": k}, Samples.of(test, wanted), Samples.of(bank, known))
    found = diagnose(embeddings, labels=wanted, seed=seed) if diagnosis else None
    return Evaluation(origin, arms, setting, embeddings, (*notes, *table.notes), found)


def _embedders(trained: Embedder, seed: int, floors: bool) -> Iterator[tuple[str, Embed]]:
    """The arms, one after the other; the trained encoder comes first."""
    yield TRAINED, trained.embed
    if not floors:
        return
    yield "untrained", Embedder(untrained_like(trained.encoder, seed)).embed

    def raw(data: Any) -> np.ndarray:
        pixels = trained.open(data).pixels  # (N, C, H, W)
        rows = pixels.reshape(len(pixels), -1).astype(np.float32)  # (N, C·H·W)
        # A black picture has no direction, and so no cosine; one grey level more in every pixel gives it one.
        return (rows if rows.any(axis=1).all() else rows + 1) / 255

    yield "raw pixels", raw


def _told(images: Images) -> list[str]:
    """What was decided or lost when these pictures were read, a sentence each without its full stop."""
    skipped = [f"{len(images.skipped):,} pictures of {images.origin} skipped"] if images.skipped else []
    return [*skipped, *(note.rstrip(".") for note in images.notes)]


def _names(images: Images, option: str) -> np.ndarray:
    """Class names where there are any, so that two sources agree on what a class is called."""
    if images.labels is None:
        raise DataError(f"{images.origin} has no labels; {option} must be labelled.")
    if images.class_names is None:
        return images.labels.astype(str)
    return np.asarray(images.class_names)[images.labels]
