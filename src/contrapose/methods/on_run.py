"""Methods that are given a trained encoder: one that they attack and leave as it is, or one that they repair; and what
those of one kind have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.errors import ArgumentError
from contrapose.methods.method import Method, name_of
from contrapose.methods.verbs import usage

if TYPE_CHECKING:
    from contrapose.data import Samples


@dataclass(frozen=True, kw_only=True)
class OnRun(Method):
    """A method of `attack` or `repair`: inherit this in place of `Method`, and say which in `verb`.

    `learner(encoder, ...)` is handed a copy of the encoder that was given, with its weights; data are opened in its
    form. The run keeps that copy in `initial/` and its fingerprint in `config.json`, and goes on with nothing else. An
    attack makes a `Frozen` of it, so that neither checkpoints nor optimisers hold it; a repair trains it.
    """

    verb: ClassVar[str] = "attack"
    start_option: ClassVar[str] = "RUN"

    init: str | None = None
    """The trained encoder that is given: RUN, an encoder's folder, hf:NAME or timm:NAME."""

    def read(self, open: Callable[..., Samples]) -> Samples:
        """The data that it is to work on.

        Errors:
            ArgumentError: no encoder was given.
        """
        self.check_given()
        return super().read(open)

    def check_given(self) -> None:
        """Pass a configuration that names its encoder.

        Errors:
            ArgumentError: it does not.
        """
        if self.init is None:
            raise ArgumentError(f"{name_of(self)} needs a trained encoder: {usage(self.verb, name_of(self))}.")


@dataclass(frozen=True, kw_only=True)
class Attack(OnRun):
    """One whose networks learn what to do to pictures as those of the authors do: by Adam, at one rate throughout."""

    learning_rate: float = 2e-4
    """2e-4: the authors' code (Adam), of all networks that learn."""
    weight_decay: float = 0.0
    """None, as there."""
    schedule: Literal["cosine", "one_cycle", "constant"] = "constant"
    """constant, as there."""
    warmup_share: float = 0.0
    """None, as there."""

    def _check_radius(self, radius: float) -> None:
        """Pass a `radius` within which there are other pictures."""
        self._check("radius", 0 < radius <= 1, "above 0 and at most 1 (white)")


@dataclass(frozen=True, kw_only=True)
class OnPairs(OnRun):
    """One that is given two towers and pairs, and keeps some of the pairs out to measure on."""

    modality: ClassVar[str] = "pairs"
    kinds: ClassVar[tuple[str, ...]] = ("pairs",)
    needs: ClassVar[tuple[str, ...]] = ("two towers",)
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one: pairs as they are"
    view_defaults: ClassVar[Mapping[str, Any]] = {"weak_crop_min": 1.0}

    holdout: float = 0.2
    """Share of the pairs that nothing is learned on, and on which the effect is measured. [design] 0.2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("holdout", 0 < self.holdout < 1, "between 0 and 1")
