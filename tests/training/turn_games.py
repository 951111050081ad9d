"""Small but whole learners that learn by turns, the same games as loops written by hand, and runs of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from contrapose.data import Batch, EpochSampler, PlainSource, derived_generator
from contrapose.data.randomness import derived_seed
from contrapose.distributed import gather, own_rows, world_size
from contrapose.learners import Learner, Step, Turn
from contrapose.learners.turn import batches_of
from contrapose.objectives import nt_xent
from contrapose.pairing import by_views
from contrapose.training.config import RunConfig
from contrapose.training.device import make_accelerator
from contrapose.training.loop import Trainer
from contrapose.training.run_folder import RunFolder
from contrapose.training.runner import Runner
from contrapose.training.stages import Context, Plan

FEATURES, DIMENSION, LIMIT = 6, 4, 0.05


class Numbers:
    """Training data: rows of noise."""

    fingerprint = "numbers"

    def __init__(self, count: int = 48) -> None:
        self.rows = torch.randn(count, FEATURES, generator=torch.Generator().manual_seed(0))
        self.targets: dict[str, Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, indices: Tensor) -> Tensor:
        return self.rows[indices]

    def recorded_as(self, fingerprint: str) -> bool:
        return fingerprint == self.fingerprint


def two_views(rows: Tensor, *, generator: torch.Generator) -> tuple[Tensor, ...]:
    return rows, rows.roll(1, dims=1)


def network(*sizes: int, seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    layers = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*layers[:-1])


class PriorGame(Learner):
    """A critic with clipped weights, on two batches of its own, tells embeddings from normal noise; the encoder fools
    it, and remembers how far it came."""

    reach: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.encoder = network(FEATURES, 8, DIMENSION, seed=1)
        self.critic = network(DIMENSION, 8, 1, seed=2)
        self.register_buffer("reach", torch.zeros(()))
        self.calls: list[str] = []

    def turns(self) -> Sequence[Turn]:
        critic = Turn("critic", self.critic.parameters(), learning_rate_factor=4.0, fresh_batch=True)
        return [critic, critic, Turn("encoder", self.encoder.parameters())]

    def before_step(self) -> None:
        self.calls.append("before")

    def after_turn(self, turn: Turn) -> None:
        self.calls.append(f"after {turn.name}")
        if turn.name == "critic":
            for weight in self.critic.parameters():
                weight.data.clamp_(-LIMIT, LIMIT)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.calls.append("after")
        self.reach += sum(float(step.embeddings.norm()) for step in steps)

    def forward(self, batch: Batch) -> Step:
        self.calls.append(f"{batch.turn} {batch.part}")
        z = self.encoder(batch.views[0])  # (B, D)
        loss, log = self.critic_loss(z) if batch.turn == "critic" else (self.encoder_loss(z), {})
        return Step(loss, z.detach(), by_views(1, len(z)), log=log)

    def critic_loss(self, z: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        gap = self.critic(torch.randn_like(z)).mean() - self.critic(z).mean()  # ()
        return -gap, {"gap": gap.detach()}

    def encoder_loss(self, z: Tensor) -> Tensor:
        return -self.critic(z).mean() + 0.1 * z.square().mean()


class ViewGame(Learner):
    """A generator of views makes the contrastive loss large, and the encoder makes it small, on the same batch."""

    def __init__(self, *, shared: bool = False) -> None:
        super().__init__()
        self.encoder = network(FEATURES, 8, DIMENSION, seed=3)
        self.maker = network(FEATURES, 8, FEATURES, seed=4)
        self.shared = shared

    def turns(self) -> Sequence[Turn]:
        encoder = Turn("encoder", self.encoder.parameters())
        again = [Turn("again", self.encoder.parameters(), optimizer="encoder")] if self.shared else []
        return [*again, Turn("maker", self.maker.parameters()), encoder]

    def forward(self, batch: Batch) -> Step:
        loss, z = self.losses(batch.views)
        sign = -1 if batch.turn == "maker" else 1
        return Step(sign * loss, z.detach().flatten(0, 1), by_views(2, batch.size * world_size()))

    def losses(self, views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        made = views[1] + 0.5 * torch.tanh(self.maker(views[1]))  # (B, F)
        own = torch.stack([self.encoder(views[0]), self.encoder(made)])  # (2, B, D)
        z, rows = gather(own, dim=1), own_rows(own.shape[1])  # (2, W·B, D)
        return nt_xent(z, by_views(*z.shape[:2]), temperature=0.5, rows=rows), own


def config(**options: Any) -> RunConfig:
    usual = {"epochs": 2, "batch_size": 4, "schedule": "constant", "warmup_share": 0.0, "precision": "float32"}
    return RunConfig(**{**usual, "learning_rate": 0.02, "log_steps": 1, "checkpoint_minutes": 1e6, **options})


def prior_by_hand(options: RunConfig, seed_of: Callable[[int], int]) -> tuple[dict[str, Tensor], list[float]]:
    """`PriorGame` as one writes it oneself: two optimisers, detached embeddings, a clamp."""
    game, data = PriorGame(), Numbers()
    kinds = {"lr": options.learning_rate, "weight_decay": 0.0, "fused": True}
    encoder = torch.optim.AdamW(game.encoder.parameters(), **kinds)
    critic = torch.optim.AdamW(game.critic.parameters(), **{**kinds, "lr": 4 * options.learning_rate})
    sampler, losses = EpochSampler(len(data), options.batch_size, seed=options.seed), []
    for step in range(options.epochs * (sampler.batches_per_epoch // 2)):
        epoch, place = divmod(step, sampler.batches_per_epoch // 2)
        rows = [data.rows[sampler.indices(epoch, 2 * place + number)] for number in range(2)]
        for number in range(2):
            torch.manual_seed(derived_seed(seed_of(step), number) if number else seed_of(step))
            critic.zero_grad()
            game.critic_loss(game.encoder(rows[number]).detach())[0].backward()
            critic.step()
            for weight in game.critic.parameters():
                weight.data.clamp_(-LIMIT, LIMIT)
        encoder.zero_grad()
        z = game.encoder(rows[1])
        loss = game.encoder_loss(z)
        loss.backward()
        encoder.step()
        game.reach += float(z.detach().norm())
        losses.append(float(loss.detach()))
    return game.state_dict(), losses


def views_by_hand(options: RunConfig) -> dict[str, Tensor]:
    """`ViewGame` of three turns, in which the encoder moves twice with one optimiser."""
    game, data = ViewGame(shared=True), Numbers()
    made = {
        name: torch.optim.AdamW(module.parameters(), lr=options.learning_rate, weight_decay=0.0, fused=True)
        for name, module in (("encoder", game.encoder), ("maker", game.maker))
    }
    sampler = EpochSampler(len(data), options.batch_size, seed=options.seed)
    for step in range(options.epochs * sampler.batches_per_epoch):
        rows = data.rows[sampler.indices(*sampler.locate(step))]
        for name in ("encoder", "maker", "encoder"):
            for optimizer in made.values():
                optimizer.zero_grad()
            loss, _ = game.losses(two_views(rows, generator=torch.Generator()))
            (-loss if name == "maker" else loss).backward()
            made[name].step()
    return game.state_dict()


def run(
    learner: Learner, path: Path, options: RunConfig, *, resume: bool = False, data: Numbers | None = None
) -> Trainer:
    """A run of `Trainer`, begun or continued, to its end."""
    folder = RunFolder.open(path) if resume else RunFolder.create(path, {})
    accelerator = make_accelerator("cpu")
    source = PlainSource.shuffled(
        data or Numbers(),
        two_views,
        batch_size=options.batch_size,
        seed=options.seed,
        accumulate=options.accumulate,
        turns=batches_of(learner.turns()),
        world_size=accelerator.num_processes,
        rank=accelerator.process_index,
    )
    trainer = Trainer(learner, source, options, accelerator)
    Runner(Plan.of(trainer), Context(options, accelerator), run=folder if resume else None).fit(folder)
    return trainer


def seed_in_memory(step: int) -> int:
    return derived_generator(0, step).initial_seed()


def seed_of_run(step: int) -> int:
    return derived_generator(0, step, 0, 0).initial_seed()
