"""How the recipe of `make train` was chosen: one-shot runs on alphabets held out of the pretraining set.

    python benchmarks/one_shot_validation.py --epochs 20 --set sigma=4 batch_size=64 views.elastic_strength=0.03
    python benchmarks/one_shot_validation.py --epochs 20 --net widths=[16,32,64,128] shrink=stride --threads 1

The official one-shot runs are for reporting only. Here two of the eight embedded alphabets (Greek and Sanskrit) are
left out of pretraining, and 200 runs are made from each as the official ones are: 20 characters of one alphabet, one
example each by one drawer, one query each by another. Prints accuracy for trained, untrained and raw pixels, and the
processor time; --out adds the trial, with commit and machine, to a record such as
results/benchmarks/one_shot_recipe.json.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import contrapose
from contrapose.data import omniglot
from contrapose.embedder import Embedder
from contrapose.encoders import ENCODERS, untrained_like
from contrapose.encoders.images.small_conv import SmallConv, small_conv
from contrapose.environment import environment
from contrapose.evaluation import one_shot

HELD_OUT = (2, 6)
RUNS = 200
RECIPE: dict[str, Any] = {
    "batch_size": 64,
    "learning_rate": 4e-3,
    "projection_layers": 0,
    "sigma": 4.0,
    "solver": "inverse",
}


def options(words: list[str]) -> dict[str, Any]:
    """`["sigma=4", "views.rotation_degrees=10"]` as nested options."""
    result: dict[str, Any] = {}
    for word in words:
        name, value = word.split("=")
        try:
            parsed = json.loads(value)
        except ValueError:
            parsed = value
        group, _, key = name.rpartition(".")
        (result.setdefault(group, {}) if group else result)[key or name] = parsed
    return result


def register_trial(arguments: dict[str, Any]) -> str:
    """The name of an encoder that is `small_conv` with these arguments, for what no registered encoder is."""

    @ENCODERS.register("trial")
    def trial(*, channels: int, image_size: int) -> SmallConv:
        return small_conv(channels=channels, image_size=image_size, **arguments)

    return "trial"


def runs_of(alphabet: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of supports and queries, `(RUNS, 20)` each; query i shows the character of support i."""
    character, alphabets = omniglot("character").labels, omniglot("alphabet").labels
    assert character is not None
    assert alphabets is not None
    supports, queries = [], []
    for _ in range(RUNS):
        chosen = random.choice(np.unique(character[alphabets == alphabet]), 20, replace=False)
        first, second = random.choice(20, 2, replace=False)  # two drawers
        rows = np.stack([np.flatnonzero(character == one) for one in chosen])  # (20, 20), one column a drawer
        supports.append(rows[:, first])
        queries.append(rows[:, second])
    return np.stack(supports), np.stack(queries)


def accuracy(z: np.ndarray) -> list[float]:
    """One-shot accuracy on each held-out alphabet, from embeddings of all 4,840 drawings."""
    random, result = np.random.default_rng(0), []
    for alphabet in HELD_OUT:
        support, query = runs_of(alphabet, random)
        answer = np.tile(np.arange(20), (RUNS, 1))
        result.append(one_shot(z[support], z[query], answer).value)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="mmcl")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", help="options of the method")
    parser.add_argument("--net", nargs="*", default=[], metavar="ARGUMENT=VALUE", help="arguments of small_conv")
    parser.add_argument("--threads", type=int, help="of torch; default: torch's own")
    parser.add_argument("--out", type=Path, help="add the trial to this record")
    parser.add_argument("--floors", action="store_true", help="measure the untrained encoder and raw pixels as well")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    images, alphabets = omniglot(), omniglot("alphabet").labels
    assert alphabets is not None
    training = images.subset(np.flatnonzero(~np.isin(alphabets, HELD_OUT)))
    recipe = {**RECIPE, **options(arguments.set)}
    if arguments.method != "mmcl":
        for name in ("sigma", "solver"):
            recipe.pop(name)
    net = options(arguments.net)
    if net:
        recipe["encoder"] = register_trial(net)
    with tempfile.TemporaryDirectory() as folder:
        start, processor = time.perf_counter(), time.process_time()
        run = contrapose.train(
            arguments.method,
            data=training,
            out=f"{folder}/run",
            epochs=arguments.epochs,
            seed=arguments.seed,
            quiet=True,
            **recipe,
        )
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        embedder = run.load()
    arms = {"trained": accuracy(embedder.embed(images))}
    if arguments.floors:
        arms["untrained"] = accuracy(Embedder(untrained_like(embedder.encoder, arguments.seed)).embed(images))
        arms["raw pixels"] = accuracy(images.pixels.reshape(len(images), -1).astype(np.float32))
    for arm, values in arms.items():
        each = ", ".join(f"{100 * value:.1f}" for value in values)
        print(f"{arm:10s} {100 * np.mean(values):.2f} % ({each})")
    print(f"{run.outcome.rate:,.0f} views/s, {seconds:.0f} s, {processor:.0f} s of processor time")
    if arguments.out:
        trial = {
            "method": arguments.method,
            "epochs": arguments.epochs,
            "steps": run.outcome.steps,
            "seed": arguments.seed,
            "options": recipe,
            "net": net,
            "accuracy": {arm: {"mean": float(np.mean(values)), "alphabets": values} for arm, values in arms.items()},
            "seconds": seconds,
            "processor_seconds": processor,
        }
        add(trial, arguments.out)


def add(trial: dict[str, Any], path: Path) -> None:
    """Add a trial to a record; the record's machine is that of its newest trial, the commit stands with each."""
    trials = json.loads(path.read_text())["trials"] if path.exists() else []
    here = environment()
    trials.append({"commit": here["commit"], "time": here["time"], **trial})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"environment": here, "held_out": HELD_OUT, "trials": trials}, indent=2) + "\n")


if __name__ == "__main__":
    main()
