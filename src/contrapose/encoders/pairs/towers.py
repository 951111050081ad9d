"""`Towers`: an encoder of pictures and one of texts, and what brings both into one space."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from contrapose.encoders.encoder import Encoder
from contrapose.encoders.images.image_encoder import ImageEncoder
from contrapose.encoders.texts.text_encoder import TextEncoder
from contrapose.errors import ArgumentError, RunError
from contrapose.padded import Padded
from contrapose.paired import Paired
from contrapose.words import a_type

if TYPE_CHECKING:
    from contrapose.encoders.onnx_form import OnnxForm

FIRST_SCALES = (math.log(1 / 0.07), math.log(1 / 0.1))
"""Logarithms of the scales that the weak heads and the strong ones begin with: 1 / 0.07 as CLIP, 1 / 0.1 as its
improved recipe (arXiv 2305.08675)."""
LARGEST_LOG_SCALE = math.log(100)
"""CLIP's bound on the learned scale (arXiv 2103.00020)."""


class Towers(Encoder):
    """Pictures and texts into one space, so that a picture can be compared with words.

        f = image(x),  g = text(t)
        z = u(P_f f), u(P_g g)                     one head a side: unit rows of D dimensions
        z = [u(P_f f), u(Q_f f)] / sqrt 2, ...     with strong heads Q besides: 2 D dimensions

    so the cosine of a picture with a text is that of the weak heads, or the mean of those of weak and strong heads. A
    pair as a whole is embedded as the direction of the sum of its sides.

    Shapes:
        prepare: `RawPairs` to `Paired`; pictures `(B, C, H, W)`, texts to `Padded`.
        forward: a `Paired`, pictures or `Padded` texts; returns `(B, dimension)`, unit rows.

    Arguments:
        image, text: the towers.
        name, arguments: how they were made; written into `encoder.json`.
        width: D; 0: the towers end in one space by themselves, and are compared as they are.
        strong_hidden: hidden units of the strong heads, two layers of them with batch normalisation before the last
            linear map; 0: none.

    Attributes:
        log_scales: `(1,)` or `(2,)`, what cosines of the heads are multiplied by while training, in logarithms;
            learned.

    Papers: CLIP, https://arxiv.org/abs/2103.00020; separate heads, https://arxiv.org/abs/2305.08675
    """

    kind: ClassVar[str] = "towers"
    fitted: ClassVar[tuple[str, ...]] = ("image.mean", "image.std")

    def __init__(
        self,
        image: ImageEncoder,
        text: TextEncoder,
        *,
        name: str,
        arguments: Mapping[str, Any],
        width: int,
        strong_hidden: int = 0,
    ) -> None:
        super().__init__()
        self.image, self.text = image, text
        self.name, self.arguments = name, dict(arguments)
        if not width and (image.dimension != text.dimension or strong_hidden):
            raise ArgumentError(
                f"Towers of {image.dimension} and {text.dimension} dimensions need heads that bring them into one "
                "space: give a width above 0."
            )
        self.width = width or image.dimension
        sides = (image.dimension, text.dimension)
        self.weak = nn.ModuleList(nn.Linear(side, width, bias=False) if width else nn.Identity() for side in sides)
        self.strong = nn.ModuleList(_strong(side, strong_hidden, width) for side in sides if strong_hidden)
        self.heads = 2 if strong_hidden else 1
        self.log_scales = nn.Parameter(torch.tensor(FIRST_SCALES[: self.heads]))

    @property
    def form(self) -> dict[str, Any]:
        return {"modality": "pairs", "image": self.image.form, "text": self.text.form}

    @property
    def dimension(self) -> int:
        return self.width * self.heads

    @property
    def side_dimensions(self) -> tuple[int, int]:
        """Dimensions of what each tower ends in, before any head."""
        return self.image.dimension, self.text.dimension

    def prepare(self, raw: Any) -> Any:
        """Raw pairs, pictures alone or texts alone as `forward` takes them."""
        if isinstance(raw, Tensor | Padded | Paired):
            return raw
        if hasattr(raw, "pixels") and hasattr(raw, "captions"):
            words = self.text.prepare([some[0] for some in raw.captions])
            return Paired(raw.pixels, words.to(raw.pixels.device))
        return self.text.prepare(raw)

    def features(self, view: Paired, *, dropout: bool = True) -> tuple[Float[Tensor, "B F"], Float[Tensor, "B G"]]:
        """What the towers make of both sides, before the heads.

        Arguments:
            dropout: whether the text tower drops out numbers while training, as it does of strong views.
        """
        with _dropping(self.text, dropout):
            return self.image(view.first), self.text(view.second)

    def projected(
        self, features: tuple[Tensor, Tensor], head: int
    ) -> tuple[Float[Tensor, "B D"], Float[Tensor, "B D"]]:
        """What a head makes of the features of both sides: 0 the weak one, 1 the strong one. Not of length 1 yet."""
        first, second = (self.weak, self.strong)[head]
        return first(features[0]), second(features[1])

    def clamp_scales(self) -> None:
        """Bring the learned scales back between 1 and 100."""
        with torch.no_grad():
            self.log_scales.clamp_(0.0, LARGEST_LOG_SCALE)

    def embed_images(self, pictures: Tensor) -> Float[Tensor, "B D"]:
        """Pictures `(B, C, H, W)` to unit rows; gradients flow."""
        return self.heads_of_images(self.image(pictures))

    def heads_of_images(self, features: Float[Tensor, "B F"]) -> Float[Tensor, "B D"]:
        """What the picture tower gave, to unit rows; gradients flow."""
        return self._united(features, 0)

    def onnx_form(self) -> OnnxForm:
        """Two networks are no one graph.

        Errors:
            RunError: always.
        """
        raise RunError(
            "Two towers are two networks, and cannot become one ONNX file. Take --to folder, which keeps both."
        )

    def embed_texts(self, texts: Padded) -> Float[Tensor, "B D"]:
        """Prepared texts to unit rows; gradients flow."""
        return self.heads_of_texts(self.text(texts))

    def heads_of_texts(self, features: Float[Tensor, "B G"]) -> Float[Tensor, "B D"]:
        """What the text tower gave, to unit rows; gradients flow."""
        return self._united(features, 1)

    def forward(self, view: Any) -> Float[Tensor, "B D"]:
        if isinstance(view, Paired):
            whole = self.embed_images(view.first) + self.embed_texts(view.second)  # (B, D)
            return functional.normalize(whole, dim=1)
        if isinstance(view, Padded):
            return self.embed_texts(view)
        if isinstance(view, Tensor):
            return self.embed_images(view)
        raise ArgumentError(f"Towers take pairs, pictures or texts, and were given {a_type(view)}.")

    def centre(self, rows: Float[Tensor, "P D"]) -> Float[Tensor, " D"]:
        """One unit row for several of one meaning, such as the prompts of a class: the mean of each head by itself."""
        parts = rows.mean(dim=0).unflatten(0, (self.heads, self.width))  # (heads, D)
        return functional.normalize(parts, dim=1).flatten() / math.sqrt(self.heads)

    def files(self) -> Mapping[str, bytes]:
        """The vocabulary."""
        return self.text.files()

    def _united(self, features: Tensor, side: int) -> Tensor:
        heads = [self.weak[side], *([self.strong[side]] if self.heads == 2 else [])]
        parts = [functional.normalize(head(features), dim=1) for head in heads]  # (B, D) each
        return torch.cat(parts, dim=1) / math.sqrt(self.heads)  # (B, heads·D)


def _strong(side: int, hidden: int, width: int) -> nn.Module:
    """Two layers of `hidden` units with batch normalisation, and a linear map."""
    layers: list[nn.Module] = []
    for inputs in (side, hidden):
        layers += [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(hidden, width))


@contextmanager
def _dropping(module: nn.Module, wanted: bool) -> Iterator[None]:
    """Within it, dropout in a module in training drops only if that is wanted."""
    silent = [] if wanted else [one for one in module.modules() if isinstance(one, nn.Dropout) and one.training]
    for one in silent:
        one.eval()
    try:
        yield
    finally:
        for one in silent:
            one.train()
