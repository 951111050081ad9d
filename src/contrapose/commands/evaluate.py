"""`contrapose evaluate`: is the encoder any good, beside the floors it has to beat?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from contrapose.atomic import write_atomically
from contrapose.commands.train import FROM_PYTHON, config_of
from contrapose.data import Images, derived_generator, omniglot_one_shot, split
from contrapose.embedder import Embedder, load
from contrapose.encoders import untrained_like
from contrapose.errors import DataError
from contrapose.evaluation import Diagnosis, Metric, diagnose, knn, linear_probe, one_shot
from contrapose.training.run_folder import RunFolder
from contrapose.version import __version__

Arms = dict[str, dict[str, Metric]]  # arm -> metric's name -> metric
_INTERVALS = 2  # names the random stream of the bootstrap


@dataclass(frozen=True)
class Evaluation:
    """Every metric of every arm: `trained`, and the floors `untrained` and `raw pixels`.

    Arguments:
        data: what was evaluated on, in a sentence.
        arms: arm -> name of the metric -> metric.
        notes: what a reader of the numbers should know.
        diagnosis: geometry and spectrum of the trained encoder's test embeddings, when asked for.
    """

    data: str
    arms: Arms
    notes: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        arms = {arm: {name: metric.to_dict() for name, metric in metrics.items()} for arm, metrics in self.arms.items()}
        record = {"contrapose": __version__, "data": self.data, "notes": list(self.notes), "arms": arms}
        return record if self.diagnosis is None else {**record, "diagnosis": asdict(self.diagnosis)}


def evaluate(
    run: str | Path,
    *,
    data: Any = None,
    test_data: Any = None,
    limit: int | None = None,
    k: int = 20,
    seed: int = 0,
    device: str = "cpu",
    diagnosis: bool = False,
    quiet: bool = False,
) -> Evaluation:
    """Measure a run's encoder, an untrained one of the same architecture, and raw pixels by the same protocol.

    Without `data`, on the run's own: the embedded characters have one-shot runs; other data must have labels. With
    `data`, kNN and a linear probe, learned on one part and tested once on the other.

    Arguments:
        run: run folder (or encoder folder, when `data` is given). The result is also written to its `evaluation.json`.
        data: labelled pictures; what `--data` takes, or arrays.
        test_data: labelled pictures to test on; None: a fifth of `data`, drawn class by class.
        limit: use at most so many pictures of each.
        k: neighbours of kNN.
        seed: of the split, of the untrained weights and of the bootstrap.
        diagnosis: also diagnose the trained encoder's embeddings of the test part.
        device: where to embed: `"cpu"`, `"cuda"`, `"mps"` or `"auto"`.

    Errors:
        DataError: no labels, or test classes that `data` does not have.
        RunError: no encoder in `run`.
    """
    trained = load(run, device=device)
    folder = RunFolder.open(run) if (Path(run) / "config.json").is_file() else None
    source = data if data is not None else _data_of(folder, run)
    if isinstance(source, str) and source == "omniglot" and test_data is None:
        result = evaluate_one_shot(trained, seed=seed, diagnosis=diagnosis)
    else:
        bank = trained.open(source, limit=limit, progress=not quiet)
        test = None if test_data is None else trained.open(test_data, limit=limit, progress=not quiet)
        result = evaluate_labelled(trained, bank, test, k=k, seed=seed, diagnosis=diagnosis)
    if folder is not None:
        write_atomically(folder.evaluation_file, (json.dumps(result.to_dict(), indent=2) + "\n").encode())
    return result


def _data_of(folder: RunFolder | None, run: str | Path) -> str:
    """What the run itself was trained on."""
    if folder is None:
        raise DataError(f"{run} is an encoder without a run, so it names no data; give labelled pictures with --data.")
    data = config_of(folder.read_record(), where=str(folder.config_file)).data
    if data == FROM_PYTHON:
        raise DataError(f"{run} was trained on data handed over in Python; give labelled pictures to evaluate on.")
    return data


def evaluate_one_shot(trained: Embedder, *, seed: int, diagnosis: bool = False) -> Evaluation:
    """The 20 official one-shot runs: characters of alphabets never seen, from one example each."""
    runs = omniglot_one_shot()

    def measure(embed: Callable[[Any], np.ndarray]) -> dict[str, Metric]:
        count, ways = runs.support.shape[:2]
        support = embed(runs.support.flatten(0, 1).numpy())  # (R·N, D)
        query = embed(runs.query.flatten(0, 1).numpy())  # (R·Q, D)
        metric = one_shot(
            support.reshape(count, ways, -1),
            query.reshape(count, runs.query.shape[1], -1),
            runs.answer,
            generator=derived_generator(seed, _INTERVALS),
        )
        return {metric.name: metric}

    notes = ("people reach 95.5 % (Lake et al. 2015)",)
    found = diagnose(trained.embed(runs.query.flatten(0, 1).numpy()), seed=seed) if diagnosis else None
    return Evaluation(
        "20 official one-shot runs of omniglot, alphabets never seen in training",
        _arms(trained, measure, seed),
        notes,
        found,
    )


def evaluate_labelled(
    trained: Embedder, bank: Images, test: Images | None, *, k: int, seed: int, diagnosis: bool = False
) -> Evaluation:
    """kNN and linear probe, learned on `bank` and tested on `test` (or on a fifth of `bank`)."""
    notes = [f"{len(bank.skipped)} pictures skipped"] if bank.skipped else []
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
    known, wanted = _names(bank, "--data"), _names(test, "--test-data")

    def measure(embed: Callable[[Any], np.ndarray]) -> dict[str, Metric]:
        train_z, test_z = embed(bank), embed(test)  # (N, D), (T, D)
        neighbours = knn(
            train_z,
            known,
            test_z,
            wanted,
            k=min(k, len(train_z)),
            generator=derived_generator(seed, _INTERVALS),
        )
        probe = linear_probe(train_z, known, test_z, wanted, generator=derived_generator(seed, _INTERVALS))
        return {neighbours.name: neighbours, probe.name: probe}

    found = diagnose(trained.embed(test), labels=wanted, seed=seed) if diagnosis else None
    return Evaluation(origin, _arms(trained, measure, seed), tuple(notes), found)


def _arms(trained: Embedder, measure: Callable[[Callable[[Any], np.ndarray]], dict[str, Metric]], seed: int) -> Arms:
    untrained = Embedder(untrained_like(trained.encoder, seed))

    def raw(data: Any) -> np.ndarray:
        pixels = trained.open(data).pixels  # (N, C, H, W)
        rows = pixels.reshape(len(pixels), -1).astype(np.float32)  # (N, C·H·W)
        # A black picture has no direction, and so no cosine; one grey level more in every pixel gives it one.
        return (rows if rows.any(axis=1).all() else rows + 1) / 255

    return {
        "trained": measure(trained.embed),
        "untrained": measure(untrained.embed),
        "raw pixels": measure(raw),
    }


def _names(images: Images, option: str) -> np.ndarray:
    """Class names where there are any, so that two sources agree on what a class is called."""
    if images.labels is None:
        raise DataError(f"{images.origin} has no labels; {option} must be labelled.")
    if images.class_names is None:
        return images.labels.astype(str)
    return np.asarray(images.class_names)[images.labels]
