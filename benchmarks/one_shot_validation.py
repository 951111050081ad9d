"""How the recipe of `make train` was chosen: one-shot runs on alphabets held out of the pretraining set.

    python benchmarks/one_shot_validation.py --epochs 20 --set sigma=4 batch_size=64 views.elastic_strength=0.03

The official one-shot runs are for reporting only. Here two of the eight embedded alphabets (Greek and Sanskrit) are
left out of pretraining, and 200 runs are made from each as the official ones are: 20 characters of one alphabet, one
example each by one drawer, one query each by another. Prints accuracy for trained, untrained and raw pixels; appends a
line to --log.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import contrapose
from contrapose.data import omniglot
from contrapose.embedder import Embedder
from contrapose.encoders import untrained_like
from contrapose.evaluation import one_shot

HELD_OUT = (2, 6)
RUNS = 200
RECIPE: dict[str, Any] = {"batch_size": 64, "learning_rate": 4e-3, "projection_layers": 0, "sigma": 4.0}


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
    parser.add_argument("--log", type=Path, help="append the result to this JSON-lines file")
    parser.add_argument("--floors", action="store_true", help="measure the untrained encoder and raw pixels as well")
    arguments = parser.parse_args()
    images, alphabets = omniglot(), omniglot("alphabet").labels
    assert alphabets is not None
    training = images.subset(np.flatnonzero(~np.isin(alphabets, HELD_OUT)))
    recipe = {**RECIPE, **options(arguments.set)}
    if arguments.method != "mmcl":
        recipe.pop("sigma")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = contrapose.train(
            arguments.method,
            data=training,
            out=f"{folder}/run",
            epochs=arguments.epochs,
            seed=arguments.seed,
            quiet=True,
            **recipe,
        )
        seconds = time.perf_counter() - start
        embedder = run.load()
    arms = {"trained": accuracy(embedder.embed(images))}
    if arguments.floors:
        arms["untrained"] = accuracy(Embedder(untrained_like(embedder.encoder, arguments.seed)).embed(images))
        arms["raw pixels"] = accuracy(images.pixels.reshape(len(images), -1).astype(np.float32))
    for arm, values in arms.items():
        each = ", ".join(f"{100 * value:.1f}" for value in values)
        print(f"{arm:10s} {100 * np.mean(values):.2f} % ({each})")
    print(f"{run.outcome.views_per_second:,.0f} views/s, {seconds:.0f} s")
    if arguments.log:
        row = {
            "method": arguments.method,
            "epochs": arguments.epochs,
            "seed": arguments.seed,
            "options": recipe,
            "arms": arms,
        }
        with arguments.log.open("a") as file:
            file.write(json.dumps({**row, "seconds": seconds, "views_per_second": run.outcome.views_per_second}) + "\n")


if __name__ == "__main__":
    main()
