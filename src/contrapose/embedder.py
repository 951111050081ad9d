"""A trained encoder that embeds whatever a person hands it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.data import Images, open_data
from contrapose.encoders import ImageEncoder, encoder_folder, load_encoder
from contrapose.errors import ArgumentError


class Embedder(nn.Module):
    """An encoder in evaluation mode with `.embed(data)`; an ordinary module otherwise.

    Shapes:
        forward: `(B, C, H, W)` uint8 or [0, 1] float to `(B, D)`; gradients flow, so it can be fine-tuned.
        embed: N samples to a `(N, D)` float32 array.

    Embeddings are those of the encoder, before the projection head, and not normalised.
    """

    def __init__(self, encoder: ImageEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    @property
    def dimension(self) -> int:
        """D."""
        return self.encoder.dimension

    def forward(self, x: Tensor) -> Float[Tensor, "B D"]:
        return self.encoder(x)

    @torch.inference_mode()
    def embed(self, data: Any, *, batch_size: int = 512, normalize: bool = False) -> Float[np.ndarray, "N D"]:
        """Embed everything in `data`, in order, on the device where the encoder is.

        Arguments:
            data: what `--data` takes (a folder, file or name), an array or tensor of pictures, a list of paths or PIL
                images, or `Images`.
            batch_size: pictures at a time; bounds the memory.
            normalize: divide each row by its length.

        Errors:
            DataError: nothing in it can be read. Pictures that cannot be read are skipped: open the data yourself with
                `contrapose.data.open_data` when you need to know which.
        """
        images = self.open(data)
        device = self.encoder.mean.device
        training, _ = self.training, self.eval()
        rows = [
            self.encoder(images.batch(torch.arange(start, min(start + batch_size, len(images)))).to(device))
            .float()
            .cpu()
            for start in range(0, len(images), batch_size)
        ]
        self.train(training)
        z = torch.cat(rows)  # (N, D)
        return (nn.functional.normalize(z, dim=1) if normalize else z).numpy()

    def open(self, data: Any, **options: Any) -> Images:
        """The data at this encoder's working resolution and number of channels."""
        if isinstance(data, Images):
            return data
        return open_data(data, image_size=self.encoder.image_size, channels=self.encoder.channels, **options)


def load(path: Path | str, *, device: str | torch.device = "cpu") -> Embedder:
    """The encoder of a run folder (or of an `encoder/` folder by itself). No code in it is ever run.

    >>> encoder = contrapose.load("runs/mmcl-omniglot")          # doctest: +SKIP
    >>> encoder.embed("photos/").shape                           # doctest: +SKIP
    (1200, 256)

    Errors:
        RunError: no encoder there, damaged, or of a newer version.
    """
    return Embedder(load_encoder(encoder_folder(path)).to(pick_device(device))).eval()


def pick_device(name: str | torch.device) -> torch.device:
    """The device of that name; `"auto"` is a GPU where there is one.

    Errors:
        ArgumentError: no device of that name here.
    """
    if name == "auto":
        gpu = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(gpu)
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ArgumentError(
            f"torch cannot use a device {str(name)!r} here ({str(error).splitlines()[0]}). Take auto or cpu."
        ) from None
    return device
