"""Which method to begin with: seven arms on four sets of pictures, in equal time, with defaults and tuned once.

    python benchmarks/which_method.py --data FOLDER --seconds 120 --jobs 2

Equal time is equal processor time of one thread: what a step of each arm costs is measured first, all arms by turns,
and the number of epochs follows from it; nothing depends on what else the machine does. Each arm runs with the
defaults of its method and, with one seed, with two other values of the option that its paper tunes. What scores best
on validation pictures (or alphabets) is run with all seeds; test pictures are scored by then only.

FOLDER holds the sets (see `which_method_data.py`). Units that are done lie in `results/benchmarks/which_method`, with
what a step costs: a run that was killed goes on, on another machine too. `--out` gets the summary.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from which_method_data import NAMES, Ground, ground

from contrapose.atomic import write_atomically
from contrapose.claims.results import seed_interval
from contrapose.claims.unit import configuration
from contrapose.data import Batch, derived_generator
from contrapose.embedder import Embedder
from contrapose.environment import environment
from contrapose.methods.assemble import assemble
from contrapose.training.in_memory import train_in_memory

WORK = Path(__file__).resolve().parents[1] / "results" / "benchmarks" / "which_method"
SEEDS = 3
BATCH = 64
ROUNDS = 10  # timed steps of each arm; the fastest counts


@dataclass(frozen=True)
class Arm:
    """A method with what makes it this arm, and two other settings to be tried."""

    method: str
    options: dict[str, Any] = field(default_factory=dict)
    others: tuple[dict[str, Any], dict[str, Any]] = ({}, {})


ARMS = {
    "simclr": Arm("simclr", {}, ({"temperature": 0.1}, {"temperature": 0.05})),
    "mmcl, inverse": Arm("mmcl", {"solver": "inverse"}, ({"sigma": 1.0}, {"sigma": 10.0})),
    "mmcl, pgd": Arm("mmcl", {"solver": "pgd"}, ({"sigma": 1.0}, {"sigma": 10.0})),
    "mv_dhel, 2 views": Arm("multiview", {"views": {"count": 2}}, ({"temperature": 0.2}, {"temperature": 0.1})),
    "mv_dhel, 4 views": Arm("multiview", {"views": {"count": 4}}, ({"temperature": 0.2}, {"temperature": 0.1})),
    "hard-contrastive": Arm("hard-contrastive", {}, ({"alpha": 0.3}, {"temperature": 0.2})),
    "moco, weak view": Arm("moco", {"views": {"weak_count": 1}}, ({"temperature": 0.1}, {"momentum": 0.999})),
}
"""The first three values of every option that is tuned are those that earlier claims chose from."""


@dataclass(frozen=True)
class Unit:
    """One training: an arm on a set, with these options on top of the arm's, and a seed."""

    data: str
    ground: str
    arm: str
    options: dict[str, Any]
    seed: int
    encoder: str
    seconds: float

    @property
    def file(self) -> Path:
        words = "-".join(f"{name}={value}" for name, value in self.options.items()) or "default"
        arm = self.arm.replace(", ", "-").replace(" ", "-")
        return WORK / self.encoder / f"{self.seconds:g}s" / f"{self.ground}-{arm}-{words}-{self.seed}.json"


def config_of(arm: Arm, options: dict[str, Any], *, encoder: str, seed: int, epochs: int = 1) -> Any:
    every = {"batch_size": BATCH, "encoder": encoder, "seed": seed, "epochs": epochs, "precision": "float32"}
    return configuration(arm.method, {**every, **arm.options, **options}, "image")


def parts_of(unit: Unit, place: Ground, epochs: int = 1) -> tuple[Any, Any, Any]:
    """Configuration, learner and views; a queue longer than the data is cut to them, as `train` does."""
    from contrapose.methods.fit_to_data import fit_to_data

    config = config_of(ARMS[unit.arm], unit.options, encoder=unit.encoder, seed=unit.seed, epochs=epochs)
    config, _ = fit_to_data(config, samples=len(place.pretraining), processes=1)
    return config, *assemble(config, place.pretraining)


def costs(data: str, encoder: str) -> dict[str, dict[str, float]]:
    """Processor seconds of a step of each arm on each set, views included; measured once.

    What an arm costs beside `simclr` is the median of the sets, whose pictures are of about one size: a busy machine
    disturbs the figures of a single one by a quarter.
    """
    file = WORK / encoder / "costs.json"
    if not file.exists():
        found = {name: _fastest_steps(ground(name, Path(data)), data, name, encoder) for name in NAMES}
        ratios = {arm: float(np.median([cost[arm] / cost["simclr"] for cost in found.values()])) for arm in ARMS}
        pooled = {name: {arm: cost["simclr"] * ratios[arm] for arm in ARMS} for name, cost in found.items()}
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, (json.dumps(pooled, indent=1) + "\n").encode())
    return dict(json.loads(file.read_text()))


def _fastest_steps(place: Ground, data: str, name: str, encoder: str) -> dict[str, float]:
    """The fastest of some steps of each arm, the arms by turns."""
    torch.set_num_threads(1)
    steps = {}
    for arm in ARMS:
        config, learner, views = parts_of(Unit(data, name, arm, {}, 0, encoder, 0.0), place)
        learner.to(memory_format=torch.channels_last).train()
        optimizer = torch.optim.AdamW(learner.parameter_groups(config.weight_decay), lr=1e-3)
        steps[arm] = (learner, views, optimizer)
    spent: dict[str, list[float]] = {arm: [] for arm in ARMS}
    indices = torch.arange(BATCH)
    for number in range(ROUNDS + 1):
        for arm, (learner, views, optimizer) in steps.items():
            started = time.process_time()
            made = views(place.pretraining.batch(indices), generator=derived_generator(0, number))
            learner.before_step()
            optimizer.zero_grad(set_to_none=True)
            taken = learner(Batch(views=made, indices=indices))
            taken.loss.backward()
            optimizer.step()
            learner.after_step([taken])
            if number:
                spent[arm].append(time.process_time() - started)
    return {arm: min(times) for arm, times in spent.items()}


def epochs_for(cost: float, samples: int, seconds: float) -> int:
    """How many epochs take so long; one at least."""
    return max(1, round(seconds / (cost * (samples // BATCH))))


def work(unit: Unit) -> dict[str, Any]:
    """Train and score, unless the unit's file says that it was done."""
    if unit.file.exists():
        return dict(json.loads(unit.file.read_text()))
    torch.set_num_threads(1)
    place = ground(unit.ground, Path(unit.data))
    cost = costs(unit.data, unit.encoder)[unit.ground][unit.arm]
    config, learner, views = parts_of(unit, place, epochs_for(cost, len(place.pretraining), unit.seconds))
    started = time.process_time()
    losses = train_in_memory(learner, place.pretraining, views, config)
    trained = time.process_time() - started
    encoder: Any = learner.encoder
    scores = _scores(place, encoder.eval())
    record = {**asdict(unit), "epochs": config.epochs, "cpu_seconds": round(trained, 1), "loss": losses[-1], **scores}
    record.pop("data")
    unit.file.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(unit.file, (json.dumps(record, indent=1) + "\n").encode())
    print(f"{unit.file.stem}: {config.epochs} epochs, {trained:.0f} s, {scores}", flush=True)
    return record


def _scores(place: Ground, encoder: Any) -> dict[str, float]:
    embed = cache(Embedder(encoder).embed)  # the bank is asked for twice
    return {"validation": round(place.validation(embed), 4), "test": round(place.test(embed), 4)}


def untrained(data: str, name: str, encoder: str) -> float:
    """The floor: the network before its first step, mean over the seeds."""
    place = ground(name, Path(data))
    units = [Unit(data, name, "simclr", {}, seed, encoder, 0.0) for seed in range(SEEDS)]
    return float(np.mean([_scores(place, parts_of(unit, place)[1].encoder.eval())["test"] for unit in units]))


def run(
    data: str,
    pairs: Sequence[tuple[str, str]],
    encoder: str,
    seconds: float,
    jobs: int,
    *,
    tune: bool,
    fixed: dict[str, Any],
) -> list[Any]:
    """All units: defaults (or `fixed`) with every seed; the other options with the first, the best with every seed."""

    def unit(name: str, arm: str, options: dict[str, Any], seed: int) -> Unit:
        return Unit(data, name, arm, options, seed, encoder, seconds)

    costs(data, encoder)
    defaults = [unit(*pair, fixed, seed) for seed in range(SEEDS) for pair in pairs]
    others = [unit(name, arm, ARMS[arm].others[number], 0) for number in (0, 1) for name, arm in pairs]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        found = [*pool.map(work, defaults, chunksize=1)]
        if not tune:
            return found
        found += pool.map(work, others, chunksize=1)
        best = {pair: _best(pair, found) for pair in pairs}
        tuned = [unit(*pair, best[pair], seed) for seed in range(1, SEEDS) for pair in pairs if best[pair]]
        return [*found, *pool.map(work, tuned, chunksize=1)]


def _best(pair: tuple[str, str], records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The options that scored best on the validation part; the default where they tie."""
    own = [r for r in records if (r["ground"], r["arm"]) == pair and r["seed"] == 0]
    return dict(max(own, key=lambda record: record["validation"])["options"])


def summary(records: Sequence[dict[str, Any]], floors: dict[str, float], fixed: dict[str, Any]) -> list[dict[str, Any]]:
    """One row a set and arm: mean over seeds with defaults and tuned, and paired differences to `simclr`."""
    rows: list[dict[str, Any]] = []
    for name, arm in dict.fromkeys((r["ground"], r["arm"]) for r in records):
        best = _best((name, arm), records)
        row: dict[str, Any] = {"ground": name, "arm": arm, "tuned_to": best, "untrained": floors[name]}
        for kind, options, yardstick in (("default", fixed, fixed), ("tuned", best, _best((name, "simclr"), records))):
            own, other = _of(records, name, arm, options), _of(records, name, "simclr", yardstick)
            difference = own - other
            row[kind] = {"test": own.round(4).tolist(), "mean": float(own.mean())}
            if arm != "simclr" and len(difference) > 1:
                row[kind]["over_simclr"] = [float(value) for value in seed_interval(difference)]
        row["epochs"] = next(r["epochs"] for r in records if (r["ground"], r["arm"]) == (name, arm))
        rows.append(row)
    return rows


def _of(records: Sequence[dict[str, Any]], name: str, arm: str, options: dict[str, Any]) -> np.ndarray:
    found = {r["seed"]: r["test"] for r in records if (r["ground"], r["arm"], r["options"]) == (name, arm, options)}
    return np.array([found[seed] for seed in sorted(found)])


def show(rows: Sequence[dict[str, Any]]) -> None:
    print(f"\n{'set':18}{'arm':20}{'epochs':>7}{'default':>9}{'- simclr':>22}{'tuned':>8}{'- simclr':>22}  tuned to")
    for row in rows:
        words = []
        for kind in ("default", "tuned"):
            over = row[kind].get("over_simclr")
            gain = "" if over is None else "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * value for value in over))
            words.append(f"{100 * row[kind]['mean']:8.1f}{gain:>22}")
        print(f"{row['ground']:18}{row['arm']:20}{row['epochs']:7}{''.join(words)}  {row['tuned_to'] or 'default'}")
    for name in dict.fromkeys(row["ground"] for row in rows):
        print(f"untrained on {name}: {100 * next(r['untrained'] for r in rows if r['ground'] == name):.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder that holds the sets")
    parser.add_argument("--seconds", type=float, default=120, help="processor seconds of one training")
    parser.add_argument("--encoder", default="small_conv")
    parser.add_argument("--grounds", nargs="+", default=list(NAMES), choices=NAMES)
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--untuned", action="store_true", help="defaults alone, with every seed")
    parser.add_argument("--temperature", type=float, help="of all arms, in place of their defaults; untuned")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="write the summary here, as JSON")
    arguments = parser.parse_args()
    data, encoder = arguments.data, arguments.encoder
    pairs = [(name, arm) for name in arguments.grounds for arm in arguments.arms]
    fixed = {} if arguments.temperature is None else {"temperature": arguments.temperature}
    tune = not arguments.untuned and not fixed
    records = run(data, pairs, encoder, arguments.seconds, arguments.jobs, tune=tune, fixed=fixed)
    rows = summary(records, {name: untrained(data, name, encoder) for name in arguments.grounds}, fixed)
    show(rows)
    if arguments.out:
        protocol: dict[str, Any] = {
            "seconds": arguments.seconds,
            "encoder": encoder,
            "batch_size": BATCH,
            "seeds": SEEDS,
        }
        protocol |= {"tuned": tune, "fixed": fixed, "seconds_a_step": costs(data, encoder)}
        measures = {name: ground(name, Path(data)).measure for name in arguments.grounds}
        record = {"environment": environment(), "protocol": protocol, "measures": measures, "rows": rows}
        arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
