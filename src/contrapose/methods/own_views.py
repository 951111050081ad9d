"""What methods of texts share that make views of their own, out of the texts as they are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from contrapose.methods.method import Method
from contrapose.methods.sentences import check_texts_differ

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder


@dataclass(frozen=True, kw_only=True)
class OwnViews(Method):
    """A method for texts that takes no words away and makes its own views: inherit this in place of `Method`."""

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}

    batch_size: int = 64
    """Samples per process and step. [design] 64, as of the other methods of texts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("views", self.views.are_copies, "left alone: this method makes views of its own")

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What makes the views of these texts.

        Errors:
            DataError: all are the same.
        """
        check_texts_differ(samples)
        return views
