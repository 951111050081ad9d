"""Methods that ask a frozen encoder beside the one they train."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.errors import ArgumentError
from contrapose.methods.method import Method, name_of

if TYPE_CHECKING:
    import torch

    from contrapose.encoders import Encoder
    from contrapose.encoders.frozen import Frozen
    from contrapose.learners import Learner


@dataclass(frozen=True, kw_only=True)
class WithBase(Method):
    """A method with a frozen input: inherit this in place of `Method`, and write `learner_beside`."""

    base: str | None = None
    """A trained encoder that is asked and never changed: a run, an encoder's folder, hf:NAME or timm:NAME. This method
    needs one."""

    base_is_needed: ClassVar[bool] = True
    """Whether it can do nothing without."""

    @property
    def asks_base(self) -> bool:
        """Whether it asks a frozen encoder, as it is configured."""
        return self.base_is_needed or self.base is not None

    @abstractmethod
    def learner_beside(self, base: Frozen, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        """The learner that trains `encoder` and asks `base`; `generator` draws what its memory starts from."""

    def learner(self, encoder: Encoder, *, generator: torch.Generator, base: Frozen | None = None) -> Learner:
        return self.learner_beside((base or self.frozen()).beside(encoder), encoder, generator=generator)

    def frozen(self) -> Frozen:
        """The encoder that `base` names.

        Errors:
            ArgumentError: none is named, or one of another kind of data.
        """
        from contrapose.encoders.frozen import frozen

        if self.base is None:
            raise ArgumentError(
                f"{name_of(self)} needs a frozen encoder: --base RUN (a run, an encoder's folder, hf:NAME, timm:NAME; "
                "base= in Python, which takes a module too)."
            )
        found = frozen(self.base)
        found.check_kind(self.modality)
        return found
