"""What trained weights are worth as a start (`--init`) on a few hundred pictures of another kind.

    python benchmarks/init.py --source TINY_IMAGENET.parquet --cells BLOOD_CELLS.npz [--out FILE.json]

A `simclr` run on photographs of things (32 pixels, temperature 0.1) is the source. On 541 unlabelled crops of blood
smears, four arms: that run's encoder as it is, trained further from it, trained from new weights with the same options,
and untrained. Each is asked for the class of cells on other slides, equally many of each class (chance 33.3 %): by 20
nearest neighbours among the 541, by a linear probe on their labels, and by logistic regression on 5 and 10 labelled
cells of each class. Seeds draw weights, batches, views and the labelled cells; the source is one run.

Everything finished is kept in `--work`: after a kill, the same command goes on from there.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import contrapose
from contrapose.atomic import write_atomically
from contrapose.data import Images, open_data
from contrapose.data.samples import evenly_spaced
from contrapose.embedder import Embedder
from contrapose.encoders import untrained_like
from contrapose.environment import environment
from contrapose.evaluation import few_label, knn, linear_probe

ARMS = ("untrained", "from scratch", "source alone", "from source")
SHOTS = (5, 10)
PICTURES = 541


def source_run(data: Path, work: Path, epochs: int, limit: int | None) -> Path:
    """The run whose weights are tried; finished now if it was not."""
    path = work / "simclr"
    if (path / "config.json").is_file():
        return path if finished(path) else contrapose.resume(path).path
    options: dict[str, Any] = {"image_size": 32, "batch_size": 256, "temperature": 0.1, "limit": limit}
    return contrapose.train("simclr", data=data, out=str(path), epochs=epochs, **options).path


def finished(path: Path) -> bool:
    """Whether the run in `path` came to its end."""
    file = path / "encoder" / "encoder.json"
    extra = json.loads(file.read_text())["extra"] if file.is_file() else {"step": 0, "total_steps": 1}
    return bool(extra["step"] == extra["total_steps"])


def cells(path: Path) -> tuple[Images, Images]:
    """Cells to train on, and equally many of each class from other slides to be asked about."""
    stored = np.load(path)
    images = open_data(stored["images"], labels=stored["labels"], progress=False)
    train, rest = np.flatnonzero(stored["split"] == 0), np.flatnonzero(stored["split"] > 0)
    labels = stored["labels"][rest]
    fewest = np.bincount(labels).min()
    asked = np.concatenate([rest[labels == kind][:fewest] for kind in np.unique(labels)])
    return images.subset(train[evenly_spaced(len(train), PICTURES)]), images.subset(asked)


def encoder_of(arm: str, seed: int, source: Path, train: Images, work: Path, options: dict[str, Any]) -> Embedder:
    """The encoder of an arm, trained now where it is a trained one."""
    if arm == "source alone":
        return contrapose.load(source)
    if arm == "untrained":
        return Embedder(untrained_like(source / "encoder", seed))
    path = work / f"{arm.replace(' ', '-')}-{seed}"
    if (path / "config.json").is_file():
        return contrapose.load(path) if finished(path) else contrapose.resume(path, data=train).load()
    init = source if arm == "from source" else None
    return contrapose.train("simclr", data=train, init=init, out=str(path), seed=seed, **options).load()


def measured(encoder: Embedder, train: Images, test: Images, seed: int) -> dict[str, float]:
    """Accuracies; every arm of a seed is given the same labelled cells."""
    bank, asked = encoder.embed(train), encoder.embed(test)
    known, wanted = np.asarray(train.labels), np.asarray(test.labels)
    few = few_label(bank, known, asked, wanted, shots=SHOTS, seed=seed)
    return {
        "kNN": knn(bank, known, asked, wanted).value,
        "linear probe": linear_probe(bank, known, asked, wanted).value,
        **{f"{shots} labels a class": found.metric.value for shots, found in few.items()},
    }


def table(rows: list[dict[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """For each arm and measure, mean and standard deviation over seeds."""
    found: dict[str, dict[str, list[float]]] = {}
    for arm in ARMS:
        own = [row["values"] for row in rows if row["arm"] == arm]
        found[arm] = {
            name: [round(float(f([values[name] for values in own])), 4) for f in (np.mean, np.std)] for name in own[0]
        }
    return found


def main(words: list[str] | None = None) -> None:
    """Do what is left, print the table, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="table of pictures to train the source on")
    parser.add_argument("--cells", type=Path, required=True, help="images, labels and split of the cells")
    parser.add_argument("--source-epochs", type=int, default=6)
    parser.add_argument("--source-limit", type=int)
    parser.add_argument("--epochs", type=int, default=20, help="on the cells")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="on the cells")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=Path("runs/init"))
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    given = parser.parse_args(words)
    source = source_run(given.source, given.work, given.source_epochs, given.source_limit)
    train, test = cells(given.cells)
    options = {"epochs": given.epochs, "learning_rate": given.learning_rate, "temperature": 0.1, "batch_size": 128}
    folder = given.work / f"cells-{given.epochs}-{given.learning_rate:g}"
    rows = []
    for seed in range(given.seeds):
        for arm in ARMS:
            file = folder / f"{arm.replace(' ', '-')}-{seed}.json"
            if not file.is_file():
                started = time.perf_counter()
                encoder = encoder_of(arm, seed, source, train, folder, options)
                row = {"arm": arm, "seed": seed, "values": measured(encoder, train, test, seed)}
                row["seconds"] = round(time.perf_counter() - started, 1)
                file.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(file, (json.dumps(row) + "\n").encode())
            rows.append(json.loads(file.read_text()))
            print(arm, seed, {name: f"{100 * value:.1f}" for name, value in rows[-1]["values"].items()}, flush=True)
    found = table(rows)
    for arm, values in found.items():
        cells_of = "  ".join(f"{name} {100 * mean:.1f} ± {100 * spread:.1f}" for name, (mean, spread) in values.items())
        print(f"{arm:13s} {cells_of}")
    if given.out:
        record = json.loads((source / "config.json").read_text())
        facts = {"source": record["config"], "pictures": len(train), "asked": len(test), "options": options}
        given.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"environment": environment(), **facts, "table": found, "rows": rows}, indent=1)
        given.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
