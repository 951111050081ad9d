"""A generator learns to change pictures a little so that frozen encoders see something else in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from contrapose.data.batch import Batch
from contrapose.distributed import world_size
from contrapose.encoders import Frozen, check_capable
from contrapose.errors import ArgumentError
from contrapose.learners.learner import Learner, Step
from contrapose.pairing import by_views

# (features (B, n, D), those of changed pictures, weights of patches (B, n) or None) -> loss
FeatureObjective = Callable[[Tensor, Tensor, Tensor | None], Tensor]
# (pictures in [0, 1], what was made of them) -> pictures within the bound
Bound = Callable[[Tensor, Tensor], Tensor]

FACETS = ("query", "key", "value", "token")


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A frozen encoder whose features are led astray, and which of them.

    Arguments:
        frozen: an encoder with layers: blocks of a transformer, or stages of a convolutional network.
        layer: number of a block or stage, from 0.
        facet: "query", "key" or "value" of that block's attention, or "token", what the block or stage gives; the
            places of a stage's map are its patches.
        attention: "none": all patches count alike; "row": by how much the class token looks at each; "column": by how
            much each looks at the class token. Of the picture as it was, the mean over heads.
        attention_layer: the block whose attention that is. None: the same.
        weight: of its similarity in the loss.

    Errors:
        ArgumentError: an encoder without layers, a layer or facet that it does not have, attention without a class
            token.
    """

    frozen: Frozen
    layer: int
    facet: str = "key"
    attention: Literal["none", "row", "column"] = "none"
    attention_layer: int | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        network: Any = self.frozen.network
        check_capable(network, "layers", asker="An attack on features")
        depth, source = len(layers_to_read(network)), self.frozen.source
        if self.facet not in FACETS:
            raise ArgumentError(f"facet must be one of {', '.join(FACETS)}, got {self.facet!r}.")
        for what, layer in (("layer", self.layer), ("attention_layer", self.attention_layer)):
            if layer is not None and not 0 <= layer < depth:
                raise ArgumentError(f"{what} must be a block or stage of {source}, 0 to {depth - 1}, got {layer}.")
        if self.attention not in ("none", "row", "column"):
            raise ArgumentError(f"attention must be none, row or column, got {self.attention!r}.")
        if self.facet != "token" and not self._attends:
            raise ArgumentError(
                f"{source} is a {network.name} and has no attention whose {self.facet} could be read. Take the facet "
                "token, which is what one of its stages gives."
            )
        if self.attention != "none" and not (self._attends and network.first_tokens):
            raise ArgumentError(
                f"{source} has no class token whose attention could weigh patches: leave attention at none, or train "
                "one that has, --encoder vit_mini for instance."
            )

    @property
    def _attends(self) -> bool:
        """Whether it is a transformer."""
        return f"blocks.{self.layer}.key" in self.frozen.network.layers  # type: ignore[operator]

    def features(self, x: Tensor, *, weighed: bool = False) -> tuple[Tensor, Tensor | None]:
        """Features of the patches, `(B, n, D)`; where they are weighed, by what, `(B, n)`."""
        name = layers_to_read(self.frozen.network)[self.layer]
        if not self._attends:
            maps = self.frozen.read(x, [name]).layers[name]  # (B, D, h, w)
            return maps.flatten(2).transpose(1, 2), None  # (B, h·w, D)
        first: Any = self.frozen.network.first_tokens
        name = name if self.facet == "token" else f"{name}.{self.facet}"
        looked = f"blocks.{self.layer if self.attention_layer is None else self.attention_layer}.attention"
        weighed = weighed and self.attention != "none"
        found = self.frozen.read(x, [name, looked] if weighed else [name]).layers
        if not weighed:
            return found[name][:, first:], None  # (B, n, D)
        looks = found[looked].mean(dim=1)  # (B, h, T, T) -> (B, T, T)
        return found[name][:, first:], looks[:, 0, first:] if self.attention == "row" else looks[:, first:, 0]


def layers_to_read(network: Any) -> list[str]:
    """The blocks of a transformer, or the stages of a convolutional network, by name and in their order."""
    return [name for name in network.layers if name.count(".") == 1]


class FeatureAttack(Learner):
    """x' = bound(x, generator(x)); the similarity of what surrogates see in x and in x' is brought down.

        loss = sum_s weight_s objective(F_s(x), F_s(x'), attention_s(x))
        in the first steps instead: mean (generator(x) - x)^2, so that most values lie within the bound at all

    Gradients go through x' to the generator alone; neither features of x nor its attention have any. Surrogates are
    frozen, in evaluation mode, and in no checkpoint.

    Shapes:
        views: one of B pictures as they are, `(B, C, H, W)`.

    Arguments:
        generator: makes pictures of pictures, in [0, 1]; it is exported in evaluation mode.
        surrogates: whom it is to lead astray.
        objective: see `FeatureObjective`; 1 where nothing was changed.
        bound: see `Bound`.
        identity_steps: first steps in which the generator learns to give the picture back.

    Errors:
        ArgumentError: no surrogate, or another number of views than one.

    Paper: Wu et al. 2025, https://arxiv.org/abs/2506.21046
    """

    contrasts: ClassVar[bool] = False
    whole_batch: ClassVar[str] = "it takes gradients through frozen encoders to pictures"
    steps: Tensor

    def __init__(
        self,
        generator: nn.Module,
        surrogates: Sequence[Surrogate],
        objective: FeatureObjective,
        bound: Bound,
        *,
        identity_steps: int = 0,
    ) -> None:
        super().__init__(chance=None)
        if not surrogates:
            raise ArgumentError("An attack on features needs an encoder at least whose features these are.")
        self.encoder, self.objective, self.bound = generator, objective, bound
        self.surrogates, self.identity_steps = tuple(surrogates), identity_steps
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def check_views(self, count: int) -> None:
        if count != 1:
            raise ArgumentError(f"An attack on features needs 1 view of each picture, got {count}.")

    def forward(self, batch: Batch) -> Step:
        self.check_views(len(batch.views))
        x = batch.views[0]  # (B, C, H, W)
        x = x.float() / 255 if x.dtype == torch.uint8 else x
        made = self.encoder(x)  # (B, C, H, W)
        changed = self.bound(x, made)
        outside = (made.detach() - changed.detach()).abs().gt(1e-6).float().mean()  # where no gradient passes
        log: dict[str, Tensor | float] = {"outside_the_bound": outside}
        terms = []
        for number, surrogate in enumerate(self.surrogates):
            with torch.no_grad():
                clean, weights = surrogate.features(x, weighed=True)  # (B, n, D), (B, n)
            features, _ = surrogate.features(changed)  # (B, n, D)
            similarity = self.objective(clean, features, weights)  # ()
            log[f"similarity_{number + 1}"] = similarity.detach()
            terms.append(surrogate.weight * similarity)
        first = int(self.steps) < self.identity_steps
        loss = (made - x).square().mean() if first else torch.stack(terms).sum()
        pairing = by_views(1, batch.size * world_size(), in_batch_negatives=False, device=x.device)
        return Step(loss, features.detach().mean(dim=1), pairing, log)

    def after_step(self, steps: Sequence[Step]) -> None:
        self.steps += 1

    @torch.no_grad()
    def changed(self, x: Tensor) -> Tensor:
        """Pictures `(B, C, H, W)` in [0, 1] as they are after the attack: without dropout, by running statistics."""
        training = self.encoder.training
        self.encoder.eval()
        found = self.bound(x, self.encoder(x))
        self.encoder.train(training)
        return found
