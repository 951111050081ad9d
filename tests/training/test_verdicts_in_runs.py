"""Each known failure, provoked in a real training run: what is said and written; a healthy run is silent."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

from contrapose.data import Batch, Images, PlainSource
from contrapose.learners import Learner, Siamese, Step
from contrapose.objectives import OBJECTIVES, nt_xent
from contrapose.training.config import RunConfig
from contrapose.training.device import make_accelerator
from contrapose.training.loop import Trainer
from contrapose.training.monitor import Monitor
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan

STEPS_PER_EPOCH = 6  # 96 pictures in batches of 16


def noisy(pictures: Tensor, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Two noisy copies, each picture beside itself."""
    clean = pictures.float() / 255  # (B, C, H, W)
    return tuple(clean + 0.05 * torch.randn(clean.shape, generator=generator) for _ in range(2))


def shuffled(pictures: Tensor, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Two noisy copies of which the second is out of order: nothing can be learned."""
    first, second = noisy(pictures, generator=generator)
    return first, second[torch.randperm(len(second), generator=generator)]


class Body(nn.Sequential):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(nn.Flatten(), nn.Linear(3 * 16 * 16, 32), nn.BatchNorm1d(32), *layers)


class Constant(nn.Module):
    """Forgets its input while `on`."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.on = nn.Parameter(torch.ones(32)), True

    def forward(self, x: Tensor) -> Tensor:
        return 0 * x + self.value if self.on else x + 0 * self.value  # (B, D)


def siamese(head: nn.Module, temperature: Callable[[], float] = lambda: 0.5) -> Siamese:
    torch.manual_seed(0)

    def objective(z: Tensor, pairing: Any, rows: Tensor | None) -> Tensor:
        return nt_xent(z, pairing, temperature=temperature(), rows=rows)

    return Siamese(Body(), head, objective, chance=OBJECTIVES["nt_xent"].chance)


class Ran:
    """A finished run: its verdicts in metrics.jsonl and what was on the screen."""

    def __init__(self, path: Path, screen: str) -> None:
        rows = list(RunFolder(path).metrics())
        self.verdicts = [row["verdict"] for row in rows if "verdict" in row]
        self.rows = rows
        self.said = [line for line in screen.splitlines() if line.startswith(("warning", "recovered", "ended with"))]


@pytest.fixture
def fit(tmp_path: Path, pictures: np.ndarray) -> Callable[..., Ran]:
    def run(learner: Learner, *, steps: int = 160, views: Any = noisy, resume: bool = False, **options: Any) -> Ran:
        config = RunConfig(epochs=-(-steps // STEPS_PER_EPOCH), batch_size=16, warmup_share=0.0, **options)
        folder = RunFolder(tmp_path / "run") if resume else RunFolder.create(tmp_path / "run", {})
        screen = io.StringIO()
        monitor = Monitor(Console(file=screen, width=1000))
        accelerator = make_accelerator("cpu", tracker="none")
        source = PlainSource.shuffled(Images(pictures), views, batch_size=16, seed=config.seed)
        trainer = Trainer(learner, source, config, accelerator, monitor=monitor)
        Runner(Plan.of(trainer), Context(config, accelerator, monitor), run=folder if resume else None).fit(folder)
        return Ran(folder.path, screen.getvalue())

    return run


def test_a_healthy_run_says_nothing(fit: Callable[..., Ran]) -> None:
    ran = fit(siamese(nn.Linear(32, 32)), steps=200)
    assert ran.verdicts == []
    assert ran.said == []
    assert ran.rows[-1]["loss"] < 0.98 * ran.rows[-1]["chance"]
    assert ran.rows[-1]["embedding_norm"] > 0


def test_constant_output(fit: Callable[..., Ran]) -> None:
    ran = fit(siamese(Constant()))
    assert len(ran.verdicts) == 1
    assert ran.verdicts[0].startswith("complete collapse: every input gets nearly the same embedding (spread 0.00")
    assert ran.said == [f"warning: {ran.verdicts[0]}", f"ended with: {ran.verdicts[0]}"]


def test_rank_one(fit: Callable[..., Ran]) -> None:
    ran = fit(siamese(nn.Sequential(nn.Linear(32, 1), nn.BatchNorm1d(1), nn.Linear(1, 32, bias=False))))
    assert ran.verdicts[0].startswith("dimensional collapse: the embeddings use 1.0 of 32 dimensions")


def test_a_loss_at_chance(fit: Callable[..., Ran]) -> None:
    ran = fit(siamese(nn.Linear(32, 32)), views=shuffled, learning_rate=1e-9)
    assert len(ran.verdicts) == 1
    assert ran.verdicts[0].startswith("loss at chance: for 100 steps it has equalled its chance value ln 31 = 3.43")
    assert ran.said[-1].startswith("ended with: loss at chance: for 1")


def test_a_restart_neither_repeats_a_verdict_nor_forgets_how_long_it_stands(fit: Callable[..., Ran]) -> None:
    options = {"views": shuffled, "learning_rate": 1e-9}
    first = fit(siamese(nn.Linear(32, 32)), steps=120, **options)
    second = fit(siamese(nn.Linear(32, 32)), steps=240, resume=True, **options)
    assert second.verdicts == first.verdicts
    assert len(second.verdicts) == 1
    assert second.said == [line for line in second.said if line.startswith("ended with: loss at chance: for 239 steps")]
    assert len(second.said) == 1


def test_an_exploding_norm(fit: Callable[..., Ran]) -> None:
    ran = fit(siamese(nn.Linear(32, 32)), learning_rate=10.0, weight_decay=0.0)
    assert ran.verdicts[0].startswith("exploding norm: the embeddings are ")
    assert "times their length at the start" in ran.verdicts[0]


def test_an_exploding_gradient(fit: Callable[..., Ran]) -> None:
    calls = 0

    def cooling() -> float:
        nonlocal calls
        calls += 1
        return max(0.5 * 0.9**calls, 1e-5)

    ran = fit(siamese(nn.Linear(32, 32), cooling), views=shuffled, learning_rate=1e-9)
    assert ran.verdicts[0].startswith("exploding gradient: its norm is ")


class WithPrototypes(Siamese):
    """A learner that also scores its rows against prototypes."""

    def __init__(self, prototypes: Tensor, bias: Tensor) -> None:
        base = siamese(nn.Linear(32, 32))
        super().__init__(base.encoder, base.head, base.objective, chance=base.chance)
        self.prototypes = nn.Parameter(prototypes)  # (P, D)
        self.register_buffer("bias", bias)  # (P,)

    def forward(self, batch: Batch) -> Step:
        step = super().forward(batch)
        rows = nn.functional.normalize(step.embeddings, dim=1)  # (N, D)
        scores = rows @ nn.functional.normalize(self.prototypes, dim=1).T / 0.1 + self.bias  # (N, P)
        sharp = -torch.log_softmax(scores, dim=1).amax(dim=1).mean()
        return Step(step.loss + sharp, step.embeddings, step.pairing, prototype_scores=scores.detach())


def test_prototypes(fit: Callable[..., Ran], generator: torch.Generator, tmp_path: Path) -> None:
    spread, none = torch.randn(10, 32, generator=generator), torch.zeros(10)
    cases = {
        "uniform prototypes: every sample is assigned to all 10 alike": (spread[:1].repeat(10, 1), none),
        "one prototype for all: 100% of the samples choose the same of 10": (spread, 100 * torch.eye(10)[3]),
        "": (spread, none),
    }
    for number, (words, (prototypes, bias)) in enumerate(cases.items()):
        ran = fit(WithPrototypes(prototypes, bias), steps=60, learning_rate=1e-4)
        assert [verdict[: len(words)] for verdict in ran.verdicts] == ([words] if words else [])
        (tmp_path / "run").rename(tmp_path / f"done-{number}")


class Relapsing(Siamese):
    """Collapsed in the steps up to 130 and from 190 on."""

    def __init__(self) -> None:
        base = siamese(Constant())
        super().__init__(base.encoder, base.head, base.objective, chance=base.chance)
        self.steps = 0

    def before_step(self) -> None:
        self.steps += 1
        self.head.on = self.steps <= 130 or self.steps >= 190  # type: ignore[assignment]


def test_a_verdict_that_comes_back_is_said_again(fit: Callable[..., Ran]) -> None:
    ran = fit(Relapsing(), steps=240)
    assert [verdict and verdict.split(":")[0] for verdict in ran.verdicts] == [
        "complete collapse",
        None,
        "complete collapse",
    ]
    assert [line.split(":")[0] for line in ran.said] == ["warning", "recovered", "warning", "ended with"]
