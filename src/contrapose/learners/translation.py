"""A translator and a critic that learn against each other: pictures of one class into pictures of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.data.randomness import derived_generator
from contrapose.data.samples import LABEL
from contrapose.distributed import gather, rank, world_size
from contrapose.errors import ArgumentError
from contrapose.learners.drawing import Drawing
from contrapose.learners.learner import Step
from contrapose.learners.translation_health import translation_finding
from contrapose.learners.turn import Turn
from contrapose.pairing import by_labels

CRITIC, TRANSLATOR = "critic", "translator"
"""The turns."""


class Translates(Protocol):
    """What a translator can do: `scaled` brings raw samples to the values that it works on, `translate` turns these
    into samples of other classes."""

    def scaled(self, raw: Any) -> Tensor: ...

    def translate(self, scaled: Tensor, classes: Tensor) -> Tensor: ...


class Game(Protocol):
    """The objectives of the game, which a method hands over: see `contrapose.objectives.adversarial`."""

    def critic(self, real: Tensor, made: Tensor) -> Tensor: ...

    def maker(self, made: Tensor) -> Tensor: ...

    def mixed(self, real: Tensor, made: Tensor, share: Tensor) -> Tensor: ...

    def penalty(self, critic: Any, where: Tensor) -> Tensor: ...

    def named(self, logits: Tensor, classes: Tensor) -> Tensor: ...

    def reconstruction(self, picture: Tensor, again: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class GameWeights:
    """What each term weighs beside the critic's game, which weighs 1."""

    classes: float = 1.0
    cycle: float = 10.0
    penalty: float = 10.0


class Translation(Drawing):
    """G turns samples of class y into ones of class c; D tells which are real, and names their class.

        D's turn:  -E D(x) + E D(G(x, c)) + w_p E (||grad D(m)|| - 1)² + w_c CE(D_class(x), y)
        G's turn:  -E D(G(x, c)) + w_c CE(D_class(G(x, c)), c) + w_r E |x - G(G(x, c), y)|

    D moves several times, each time on a batch of its own, before G moves once on the last of them. Classes c and the
    places m between real and made samples are drawn anew in every turn, uniformly and alike on all processes: each has
    of its samples what one process would have drawn. Only class labels are looked at, never those of a bias.

    Shapes:
        views: one of B samples as they are stored; labels: `(B,)` in 0 to K - 1.

    Arguments:
        translator: see `Translates`; a module. It is the learner's `encoder`, which is averaged and exported.
        critic: samples as the translator gives them -> `(B,)` scores and `(B, K)` logits.
        game: see `Game`.
        classes: K.
        weights: of the terms.
        critic_turns: moves of D a step.
        betas: of Adam, for both.
        generator: names the stream that is drawn from.

    Errors:
        ArgumentError: no labels, one outside 0 to K - 1, more views than one, or no turn for the critic.

    Choi et al., "StarGAN", CVPR 2018, https://arxiv.org/abs/1711.09020
    """

    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "it is of translated samples and of what a critic says of them"
    remedy: ClassVar[str] = (
        "The two networks of the translator have run away from each other: lower --translator-rate, raise "
        "--penalty-weight, or take another --seed"
    )

    def __init__(
        self,
        translator: nn.Module,
        critic: nn.Module,
        game: Game,
        *,
        classes: int,
        weights: GameWeights | None = None,
        critic_turns: int = 5,
        betas: tuple[float, float] = (0.5, 0.999),
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if critic_turns < 1 or classes < 2:
            raise ArgumentError(f"The critic needs a turn and two classes at least, got {critic_turns} and {classes}.")
        self.encoder, self.critic = translator, critic
        self.game, self.weights = game, weights or GameWeights()
        self.classes, self.critic_turns, self.betas = classes, critic_turns, betas
        self.name_draws(generator)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def turns(self) -> Sequence[Turn]:
        critic = Turn(CRITIC, self.critic.parameters(), fresh_batch=True)
        return [*self.critic_turns * [critic], Turn(TRANSLATOR, self.encoder.parameters())]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """All in one group, without decay and with betas of its own: Adam, as published."""
        return [{"params": list(self.parameters()), "weight_decay": 0.0, "betas": self.betas}]

    def see_targets(self, targets: Mapping[str, Any]) -> None:
        self._labels_in(targets)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"A translator learns from samples as they are, one view of each, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        labels = self._labels_in(batch.targets)  # (B,)
        wanted, share = self.drawn(batch)  # (B,), (B,)
        real = self.encoder.scaled(batch.views[0])  # type: ignore[operator]  # (B, ...)
        if batch.turn == CRITIC:
            with torch.no_grad():
                made = self._translated(real, wanted)
            loss, log = self._critic_loss(real, made, labels, share)
        else:
            made = self._translated(real, wanted)
            loss, log = self._translator_loss(real, made, labels, wanted)
        rows = (made.detach() - real.mean(dim=0)).flatten(1)  # (B, D)
        apart = (real.detach(), made.detach(), labels, wanted)
        return Step(loss, rows, by_labels(gather(labels)), log, finding=lambda: translation_finding(*apart, log))

    def drawn(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The classes that this turn translates to, `(B,)` int64, and shares of real samples in the places between."""
        stream = derived_generator(int(self.seed), int(self.steps), batch.part, batch.turn)
        size, first = batch.size, rank() * batch.size
        wanted = torch.randint(self.classes, (world_size() * size,), generator=stream)  # (W·B,)
        share = torch.rand(world_size() * size, generator=stream)  # (W·B,)
        device = batch.views[0].device
        return wanted[first : first + size].to(device), share[first : first + size].to(device)

    def _critic_loss(
        self, real: Tensor, made: Tensor, labels: Tensor, share: Tensor
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        scores, logits = self.critic(real)  # (B,), (B, K)
        gap = self.game.critic(scores, self.critic(made)[0])
        # A slope is a difference: in bfloat16 little would be left of it.
        with torch.autocast(real.device.type, enabled=False):
            wide = torch.promote_types(real.dtype, torch.float32)
            where = self.game.mixed(real.to(wide), made.to(wide), share)  # (B, ...)
            penalty = self.game.penalty(lambda x: self.critic(x)[0], where)
        named = self.game.named(logits, labels)
        loss = gap + self.weights.penalty * penalty + self.weights.classes * named
        log = {"critic_gap": -gap.detach(), "slope_penalty": penalty.detach(), "critic_class_loss": named.detach()}
        return loss, dict(log)

    def _translator_loss(
        self, real: Tensor, made: Tensor, labels: Tensor, wanted: Tensor
    ) -> tuple[Tensor, dict[str, Tensor | float]]:
        scores, logits = self.critic(made)  # (B,), (B, K)
        cycle = self.game.reconstruction(real, self._translated(made, labels))
        named = self.game.named(logits, wanted)
        loss = self.game.maker(scores) + self.weights.classes * named + self.weights.cycle * cycle
        right = (logits.argmax(dim=1) == wanted).float().mean()  # ()
        log = {"cycle_loss": cycle.detach(), "translator_class_loss": named.detach(), "taken_for_class": right.detach()}
        with torch.no_grad():
            log["score_gap"] = self.critic(real)[0].float().mean() - scores.float().mean()
        return loss, dict(log)

    def _translated(self, scaled: Tensor, classes: Tensor) -> Tensor:
        made: Tensor = self.encoder.translate(scaled, classes)  # type: ignore[operator]
        if made.shape != scaled.shape:
            raise ArgumentError(
                f"The translator made {tuple(made.shape)} of {tuple(scaled.shape)}: it must keep the size."
            )
        return made

    def _labels_in(self, targets: Mapping[str, Any]) -> Tensor:
        """The labels `(B,)` of a batch or of all data."""
        if LABEL not in targets:
            raise ArgumentError("A translator learns from labels and the data has none. Give class sub-folders.")
        labels = torch.as_tensor(targets[LABEL]).long()
        if int(labels.min()) < 0 or int(labels.max()) >= self.classes:
            raise ArgumentError(
                f"Labels must be classes 0 to {self.classes - 1}, got {int(labels.min())} to {int(labels.max())}. "
                "Leave out samples without a label."
            )
        return labels
