"""What a backbone is, and the list of those that are known by name.

A backbone turns normalised pictures into one row of features each. It knows neither uint8 nor channel
statistics (`ImageEncoder` does) nor projection heads (learners do). To add one, write a factory with
keyword-only arguments, `channels` and `image_size` first, and register it; the tests of every registered
encoder then run over it:

    @ENCODERS.register("my_net")
    def my_net(*, channels: int, image_size: int, width: int = 64) -> Backbone: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from contrapose.encoders.layers import Layer
from contrapose.registry import Registry


class Backbone(nn.Module):
    """Normalised pictures to features.

    Shapes:
        x: `(B, C, H, W)` floating point.
        returns: `(B, dimension)`.

    Attributes:
        dimension: length of one row of features.
        statistics: `(mean, std)` for each channel that the weights were trained with; `None` when they are
            new.
        remembered: arguments found out while building, without which the same architecture could not be
            rebuilt on a machine that has nothing but the saved encoder. They must be JSON.
        chosen_by_size: arguments whose defaults depend on the size of the pictures, as they were chosen: what keeps
            the weights fitting when the same encoder is built for another size.
    """

    dimension: int
    statistics: tuple[Sequence[float], Sequence[float]] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.remembered: Mapping[str, Any] = {}
        self.chosen_by_size: Mapping[str, Any] = {}

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        raise NotImplementedError(f"{type(self).__name__} defines no forward.")


class ConvolutionalBackbone(Backbone):
    """A backbone in stages, each of which ends in a map; the features are the last map, pooled.

        forward(x) = pool(feature_maps(x)[-1])

    Shapes:
        x: `(B, C, H, W)` floating point, any H and W.
        feature_maps: one `(B, C_k, H_k, W_k)` for each stage.
        returns: `(B, dimension)`.

    Attributes:
        stages: one module for each stage (a stem, where there is one, belongs to the first).
        stage_dimensions: the C_k.
    """

    stage_dimensions: tuple[int, ...]

    def __init__(self, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)

    def feature_maps(self, x: Float[Tensor, "B C H W"]) -> tuple[Tensor, ...]:
        """The map at the end of every stage, finest first: exits for early-exit or dense objectives."""
        maps = []
        for stage in self.stages:
            x = stage(x)  # (B, C_k, H_k, W_k)
            maps.append(x)
        return tuple(maps)

    @property
    def layers(self) -> dict[str, Layer]:
        """The maps at the ends of the stages, by name."""
        return {f"stages.{number}": Layer(stage, lambda output: output) for number, stage in enumerate(self.stages)}

    def pool(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        """Global average pooling, in a form whose backward is deterministic on every device."""
        return x.mean(dim=(2, 3))  # (B, C)

    def forward(self, x: Float[Tensor, "B C H W"]) -> Float[Tensor, "B D"]:
        for stage in self.stages:  # not feature_maps: its list would keep every map alive at inference
            x = stage(x)  # (B, C_k, H_k, W_k)
        return self.pool(x)  # (B, D)


Factory = Callable[..., Backbone]

ENCODERS: Registry[Factory] = Registry("encoder")
"""Names to factories `(*, channels, image_size, **arguments) -> Backbone`."""
