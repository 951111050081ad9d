"""A run that goes on on another number of processes, or with its encoder sharded, is the one that stayed: where views
and networks draw nothing and normalise nothing by the batch, its weights are those of one process."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn
from turn_games import ViewGame

import contrapose
from contrapose.commands.run_processes import dealt_anew
from contrapose.encoders import save_encoder
from contrapose.encoders.texts import build_text, tokenizer_for
from contrapose.errors import ArgumentError
from contrapose.learners import Learner, Momentum, Siamese
from contrapose.methods import METHODS
from contrapose.training.checkpoint import load_newest
from contrapose.training.heads import HeadTrainer
from contrapose.training.processes.sharded import check_shardable
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan, Stage
from distributed_helper import as_launched, run_ranks

PLAIN: dict[str, Any] = {
    "data": "texts.txt",
    "views": {"crop_min": 1.0, "delete": 0.0},
    "projection_dimension": 8,
    "schedule": "constant",
    "warmup_share": 0.0,
    "precision": "float32",
    "device": "cpu",
    "log_steps": 1,
    "checkpoint_steps": 2,
    "quiet": True,
}
LAYERS: dict[str, Any] = {"init": "layers", "projection_layers": 1, "optimizer": "sgd", "learning_rate": 0.2}
LAYERS |= {"gradient_clip": 0.5, "accumulate": 2}
ALL: dict[str, Any] = {"init": "words", "projection_layers": 0, "learning_rate": 1e-3}  # the encoder is all there is


def start(folder: Path) -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(list("abcdefgh"), random.integers(1, 9))) for _ in range(48)]
    (folder / "texts.txt").write_text("\n".join(texts))
    of = {"layers": ("transformer", {"blocks": 2, "dimension": 8, "heads": 2}), "words": ("bag_of_words", {})}
    for name, (encoder, arguments) in of.items():
        tokenizer = tokenizer_for(encoder, texts, max_length=12)
        save_encoder(build_text(encoder, tokenizer, seed=0, dropout=0.0, **arguments), folder / name)


def train(out: str, epochs: int, batch: int, options: dict[str, Any]) -> None:
    contrapose.train("simclr", out=out, epochs=epochs, batch_size=batch, **PLAIN, **options)


def on_two(folder: str) -> None:
    """What two processes do of each run."""
    as_launched()
    with chdir(folder):
        train("two-one", 1, 4, LAYERS)
        train("shared-one", 1, 4, LAYERS | {"shard_encoder": True})
        for run in ("one-two", "one-shared", "one-shared-all"):
            contrapose.resume(run, epochs=2, quiet=True)


def weights(run: Path) -> dict[str, Tensor]:
    return safetensors.torch.load_file(run / "encoder" / "encoder.safetensors")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    start(folder)
    with chdir(folder):
        train("one", 2, 8, LAYERS)
        train("one-all", 2, 8, ALL)
        for out, options in (("one-two", LAYERS), ("one-shared", LAYERS | {"shard_encoder": True})):
            train(out, 1, 8, options)
        train("one-shared-all", 1, 8, ALL | {"shard_encoder": True})
        run_ranks(on_two, str(folder))
        contrapose.resume("two-one", epochs=2, quiet=True)
        contrapose.resume("shared-one", epochs=2, quiet=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", ["two-one", "one-two", "shared-one", "one-shared", "one-shared-all"])
def test_a_run_goes_on_elsewhere_as_where_it_was(name: str, runs: Path) -> None:
    whole = runs / ("one-all" if name.endswith("all") else "one")
    start = "words" if name.endswith("all") else "layers"
    before = safetensors.torch.load_file(runs / start / "encoder.safetensors")
    expected, found = weights(whole), weights(runs / name)
    assert found.keys() == expected.keys()
    moved = [key for key in expected if not torch.allclose(before[key], expected[key], atol=1e-3)]
    assert len(moved) > 3
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, rtol=1e-4, atol=2e-6, msg=f"{name}: {key}")
    rows = [
        [json.loads(row) for row in (run / "metrics.jsonl").read_text().splitlines()] for run in (runs / name, whole)
    ]
    for one, other in zip(*rows, strict=True):
        assert one["step"] == other["step"]
        assert one["gradient_norm"] == pytest.approx(other["gradient_norm"], rel=1e-3)


@pytest.mark.slow
def test_what_shares_wrote_is_whole(runs: Path) -> None:
    """Checkpoints hold what those of one process do: names, shapes, moments and the groups of the optimiser."""
    states = [load_newest(runs / name / "checkpoints")[0] for name in ("one-all", "one-shared-all")]
    shapes = [torch.utils._pytree.tree_map(_shape, {key: state[key] for key in CHECKED}) for state in states]
    assert shapes[0] == shapes[1]
    assert len(states[1]["optimizers"]["all"]["state"]) > 3


CHECKED = ("learner", "optimizers", "average", "global_batch")


def _shape(value: Any) -> Any:
    return (type(value), tuple(value.shape), value.dtype) if isinstance(value, Tensor) else value


def test_the_samples_of_a_step_are_dealt_anew() -> None:
    config = METHODS["simclr"](batch_size=24, data="x")
    record = {"environment": {"processes": 2}}
    for processes, share in ((1, 48), (3, 16), (24, 2)):
        dealt, said = dealt_anew(config, record, processes)
        assert dealt.batch_size == share
        assert f"was on 2 processes and goes on with {processes}: its steps take the same 48 samples" in said
    assert dealt_anew(config, record, 2) == (config, "")
    assert dealt_anew(config, {}, 5) == (config, "")  # of an early run nobody knows
    for processes in (5, 48):
        with pytest.raises(ArgumentError, match=r"48 samples a step \(2 processes x 24\).* 1, 2, .*, 16 or 24\."):
            dealt_anew(config, record, processes)


class Scaled(nn.Linear):
    """With a scalar among its weights."""

    def __init__(self) -> None:
        super().__init__(3, 4)
        self.scale = nn.Parameter(torch.ones(()))


def siamese(encoder: nn.Module) -> Learner:
    return Siamese(encoder, nn.Identity(), lambda z, pairing, rows: z.sum())


def momentum() -> Learner:
    return Momentum(nn.Linear(3, 4), nn.Identity(), lambda q, k, queue: q.sum(), dimension=4, queue_size=4)


REFUSED: list[tuple[str, Any, dict[str, Any]]] = [
    ("keeps a second encoder beside it", momentum, {}),
    ("learn by turns", ViewGame, {}),
    ("--sam-radius", lambda: siamese(nn.Linear(3, 4)), {"sam_radius": 0.05}),
    (
        "--optimizer lars looks at whole weights: take adamw or sgd",
        lambda: siamese(nn.Linear(3, 4)),
        {"optimizer": "lars"},
    ),
    ("--micro-batch", lambda: siamese(nn.Linear(3, 4)), {"micro_batch": 8}),
    ("scale of the encoder is a single number", lambda: siamese(Scaled()), {}),
]


@pytest.mark.parametrize(("reason", "learner", "changes"), REFUSED)
def test_what_cannot_be_sharded_is_refused(reason: str, learner: Any, changes: dict[str, Any]) -> None:
    config = METHODS["simclr"](data="x", shard_encoder=True, **changes)
    with pytest.raises(ArgumentError, match=rf"^--shard-encoder cannot be had here: .*{reason}"):
        check_shardable(config, learner())


def test_methods_that_look_inside_or_write_more_are_refused_before_there_is_a_folder() -> None:
    config = METHODS["contrabert"].on("text")(data="x", shard_encoder=True)
    with pytest.raises(ArgumentError, match=r"looks inside of its encoder \(tokens in context\)"):
        check_shardable(config, siamese(nn.Linear(3, 4)))
    two: Any = SimpleNamespace(num_processes=2, device=torch.device("cpu"))
    source: Any = SimpleNamespace(steps_per_epoch=1)
    learner: Any = siamese(nn.Linear(3, 4))
    simclr = METHODS["simclr"](data="x", shard_encoder=True)
    with pytest.raises(ArgumentError, match="what this method trains beside its encoder"):
        HeadTrainer(learner, source, simclr, two, questions=())
    stages = [Stage(name, 1, lambda context: None) for name in ("first", "second")]  # type: ignore[arg-type, return-value]
    with pytest.raises(ArgumentError, match="methods of one stage"):
        Runner(Plan(stages), Context(simclr, two))
