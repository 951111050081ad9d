"""Methods that are given a trained encoder: one that they attack and leave as it is, or one that they repair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

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
