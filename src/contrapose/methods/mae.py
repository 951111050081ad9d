"""MAE: most of a picture is hidden from the encoder, and a small decoder makes the rest of what it has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("mae")
@dataclass(frozen=True, kw_only=True)
class MAE(Method):
    """A vision transformer sees a quarter of the patches, and a decoder makes the pixels of the others from that.

    Neither pairs nor negatives: the projection options have no part in it, and what is exported is the transformer
    without masks. It is an encoder to go on from (`classifier --base RUN --fine-tune`), a second opinion beside a
    contrastive one, and no space in which neighbours are alike. The report shows what was guessed.

    What to expect: little of minutes. In a first look (2,000 pictures of Fashion-MNIST, 20 epochs, 300 steps, 40 s of
    one core, one seed) a linear probe has 55.3 % of 1,000 others right and ten nearest neighbours 52.8 %; untrained
    37.9 % and 39.9 %, `simclr` on the same network 66.0 % and 60.1 %, raw pixels 82.2 % and 77.6 %; without
    `--normalized-pixels` 49.4 % and 50.3 %. On CIFAR-10 likewise 28.7 % and 24.0 %; untrained 26.2 % and 23.8 %, raw
    pixels 27.4 % and 26.5 %. The paper trains for 800 epochs and more, and fine-tunes.
    """

    about: ClassVar[About] = About(
        question="what if there are no pairs at all?",
        purpose="a vision transformer out of raw pictures: it guesses the pixels of the patches that it did not see",
        paper="He et al., CVPR 2022, https://arxiv.org/abs/2111.06377",
    )
    needs: ClassVar[tuple[str, ...]] = ("patches",)
    kinds: ClassVar[tuple[str, ...]] = ("image",)
    kinds_note: ClassVar[str] = "for it hides patches of them"
    view_count: ClassVar[int] = 1
    view_note: ClassVar[str] = "one: crops and flips alone, as in the paper, for hiding patches is the variation"
    view_defaults: ClassVar[Mapping[str, Any]] = {
        "colour_probability": 0.0,
        "grey_probability": 0.0,
        "blur_probability": 0.0,
        "shared_orientation_probability": 0.0,
    }

    pairing_note: ClassVar[str] = "No samples are paired: hidden patches are guessed from those of the same picture."

    encoder: str = "vit_micro"
    """Backbone, one with patches: vit_micro, vit_mini, vit_tiny, vit_small. [design] vit_micro, for two cores."""
    masked_share: float = 0.75
    """Share of the patches that are hidden. 0.75: the paper's."""
    normalized_pixels: bool = True
    """Guess what is in a patch, and not its brightness and contrast. The paper's finding: better embeddings."""
    decoder_width: int = 32
    """Width of the decoder's tokens. [design] 32, of vit_micro; the paper's is half as wide as its encoder."""
    decoder_blocks: int = 2
    """Blocks of the decoder, which is thrown away. [design] 2; 8 in the paper, whose encoder has 24."""
    decoder_heads: int = 4
    """Heads of its attention. [design] 4, as in vit_micro."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_views(1, usual=1)
        self._check("masked_share", 0 < self.masked_share < 1, "between 0 and 1")
        for name in ("decoder_blocks", "decoder_heads"):
            self._check(name, getattr(self, name) >= 1, "at least 1")
        several = self.decoder_width >= 4 and not self.decoder_width % 4 and not self.decoder_width % self.decoder_heads
        self._check("decoder_width", several, f"a multiple of 4 and of decoder_heads, which is {self.decoder_heads}")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.encoders.images.patch_decoder import PatchDecoder
        from contrapose.learners import MaskedPictures
        from contrapose.objectives import masked_patches

        patches: Any = encoder
        decoder = PatchDecoder(
            encoder.dimension,
            patches.grid,
            encoder.form["channels"] * patches.patch_size**2,
            first_tokens=patches.first_tokens,
            width=self.decoder_width,
            blocks=self.decoder_blocks,
            heads=self.decoder_heads,
        )

        def objective(made: Tensor, there: Tensor, hidden: Tensor) -> Tensor:
            return masked_patches(made, there, hidden, normalized=self.normalized_pixels)

        return MaskedPictures(
            encoder,
            decoder,
            objective,
            share=self.masked_share,
            normalized=self.normalized_pixels,
            draws=generator,
            chance=lambda pairing: 1.0,
        )
