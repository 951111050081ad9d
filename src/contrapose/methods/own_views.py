"""What methods of texts share that make views of their own: pieces of a text, or other words in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.methods.method import Method
from contrapose.methods.sentences import check_texts_differ

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.encoders.texts import TextEncoder
    from contrapose.padded import Padded


@dataclass(frozen=True, kw_only=True)
class OwnViews(Method):
    """A method for texts that makes its own views, which the options of views then vary: by default they leave them as
    they are. Inherit this in place of `Method`."""

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}

    batch_size: int = 64
    """Samples per process and step. [design] 64, as of the other methods of texts."""

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What makes the views of these texts.

        Errors:
            DataError: all are the same.
        """
        check_texts_differ(samples)
        return views


def varied(views: MakeViews, encoder: Encoder) -> Callable[..., Padded]:
    """`(texts, generator=) -> Padded`: the first view of texts that are written anew every time, so that remembering
    their tokens would fill the memory with what never comes again."""
    prepare = cast("TextEncoder", encoder).prepare

    def make(texts: Sequence[str], *, generator: Any = None) -> Padded:
        return cast("Padded", views(prepare(texts), generator=generator)[0])

    return make
