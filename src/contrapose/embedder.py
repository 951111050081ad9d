"""A trained encoder that embeds whatever a person hands it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from contrapose.data import Images, Samples
from contrapose.data.images.pixels.other_white import warn_of_pixels
from contrapose.encoders import Encoder, ImageEncoder, check_capable, encoder_folder, load_encoder, starting_point
from contrapose.encoders.initial import is_published
from contrapose.errors import ArgumentError, DataError
from contrapose.modalities import MODALITIES, modality_of
from contrapose.padded import Padded
from contrapose.view import View

SORTED = 16  # batches of sequences prepared at once, to be sorted: a hundredth of what a network makes of one
MOST_LISTED = 20  # samples without a row that a message names


class Embedder(nn.Module):
    """An encoder in evaluation mode with `.embed(data)`; an ordinary module otherwise.

    Shapes:
        forward: B samples as its encoder takes them (pictures `(B, C, H, W)` uint8 or [0, 1] float) to `(B, D)`;
            gradients flow, so it can be fine-tuned.
        embed: N samples to a `(N, D)` float32 array.

    Embeddings are those of the encoder, before the projection head, and not normalised.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    @property
    def dimension(self) -> int:
        """D."""
        return self.encoder.dimension

    def forward(self, x: Any) -> Float[Tensor, "B D"]:
        return self.encoder(x)

    @torch.inference_mode()
    def embed(
        self, data: Any, *, batch_size: int = 512, normalize: bool = False, **options: Any
    ) -> Float[np.ndarray, "N D"]:
        """Embed everything in `data`, in order, on the device where the encoder is. Sequences of alike length (texts of
        as many tokens) are embedded together, so that little of what is computed is padding.

        Arguments:
            data: what `--data` takes (a folder, file or name), an array or tensor, a list of paths, of PIL images or of
                texts, or `Samples`.
            batch_size: samples at a time; bounds the memory.
            normalize: divide each row by its length.
            options: of `open_data`, such as `white=4095`, for data that is not `Samples` yet.

        Errors:
            DataError: nothing in it can be read; or something handed over in Python (a list, a series, a frame, ...) of
                which not everything can: N of them give N rows. Unreadable files of a folder or a table are skipped,
                with a warning that lists them; `contrapose.data.open_data` tells them by `.skipped`.
        """
        samples = self.open(data, **options)
        if samples is not data:
            _check_rows(samples, named=isinstance(data, str | os.PathLike))
        z = np.empty((len(samples), 0), np.float32)
        for rows, part in self._embedded(samples, batch_size, normalize):
            z = z if z.shape[1] else np.empty((len(samples), part.shape[1]), np.float32)  # (N, D)
            z[rows] = part
        return z

    def embed_images(self, pictures: Any, **options: Any) -> Float[np.ndarray, "N D"]:
        """Of two towers: pictures into the space that they share with texts. Arguments as of `embed`.

        Errors:
            ArgumentError: an encoder of one side.
        """
        return self._side("image", pictures, options)

    def embed_texts(self, texts: Any, **options: Any) -> Float[np.ndarray, "N D"]:
        """Of two towers: texts into the space that they share with pictures. Arguments as of `embed`.

        Errors:
            ArgumentError: an encoder of one side.
        """
        return self._side("text", texts, options)

    def _side(self, kind: str, data: Any, options: dict[str, Any]) -> Float[np.ndarray, "N D"]:
        check_capable(self.encoder, "two towers", asker="Embedding pictures and texts into one space")
        named = data if isinstance(data, Samples) else MODALITIES[kind].open_for(getattr(self.encoder, kind), data)
        return self.embed(named, **options)

    def embed_in_parts(
        self, samples: Samples, *, batch_size: int = 512, normalize: bool = False
    ) -> Iterator[Float[np.ndarray, "n D"]]:
        """What `embed` gives, some rows at a time and in order: nothing is held but these.

        Arguments:
            samples: opened, see `open`.
            batch_size, normalize: as of `embed`.
        """
        held: list[tuple[np.ndarray, np.ndarray]] = []
        first = count = 0
        for rows, part in self._embedded(samples, batch_size, normalize):
            held.append((rows, part))
            count += len(rows)
            if max(int(some.max()) for some, _ in held) + 1 == first + count:  # sequences come sorted by their length
                order = np.concatenate([some for some, _ in held]).argsort()
                yield np.concatenate([one for _, one in held])[order]
                held, first, count = [], first + count, 0

    def _embedded(self, samples: Samples, size: int, normalize: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Row numbers `(b,)` and embeddings `(b, D)`, a batch at a time, in evaluation mode."""
        for rows, view in self._views(samples, size):
            training, _ = self.training, self.eval()
            with torch.inference_mode():
                z = self.encoder(view.to(self.encoder.device)).float().cpu()  # (b, D)
                part = (nn.functional.normalize(z, dim=1) if normalize else z).numpy()
            self.train(training)
            yield rows.numpy(), part

    @torch.inference_mode()
    def maps(self, data: Any, *, batch_size: int = 256, **options: Any) -> Float[np.ndarray, "N C H W"]:
        """The last feature map of everything in `data`, in order: what a dense backbone gives to a head of cells.

        Arguments: as of `embed`.

        Errors:
            DataError: as of `embed`.
            ArgumentError: the encoder has no maps.
        """
        samples = self.open(data, **options)
        if samples is not data:
            _check_rows(samples, named=isinstance(data, str | os.PathLike))
        encoder: Any = self.encoder
        check_capable(encoder, "stages", asker="A map")
        training, _ = self.training, self.eval()
        found = [
            encoder.feature_maps(view.to(encoder.device))[-1].float().cpu()  # (b, C, H, W)
            for _, view in self._views(samples, batch_size)
        ]
        self.train(training)
        return torch.cat(found).numpy()

    def _views(self, samples: Samples, size: int) -> Iterator[tuple[Tensor, View]]:
        """At most `size` samples at a time, prepared, and their row numbers."""
        held: list[tuple[Tensor, Padded]] = []
        for rows in torch.arange(len(samples)).split(size):
            view = self.encoder.prepare(samples.batch(rows))
            if not isinstance(view, Padded):
                yield rows, view
                continue
            held.append((rows, view))
            if len(held) == SORTED or rows[-1] == len(samples) - 1:
                yield from _by_length(held, size)
                held = []

    def open(self, data: Any, **options: Any) -> Samples:
        """The data in the form that the encoder was trained on (pictures at its resolution and number of channels,
        their values taken as those were): what a sample becomes does not depend on the others.

        Errors:
            ArgumentError: an option that this kind of data does not have.
        """
        modality = modality_of(self.encoder)
        as_it_is = isinstance(data, Samples) and (modality.name != data.modality or modality.is_for(self.encoder, data))
        samples = data if as_it_is else modality.open_for(self.encoder, data, **options)
        if samples.modality not in (modality.name, *modality.sides):
            raise ArgumentError(
                f"The encoder takes {modality.plural}, and was given {modality_of(samples).plural} ({samples.origin})."
            )
        if isinstance(samples, Images) and isinstance(self.encoder, ImageEncoder):
            warn_of_pixels(samples, self.encoder.preparation)
        return samples


def _by_length(held: Sequence[tuple[Tensor, Padded]], size: int) -> Iterator[tuple[Tensor, Padded]]:
    """The same sequences, the longest first, `size` at a time: what is too much for the memory shows at once."""
    rows = torch.cat([some for some, _ in held])  # (n,)
    view = held[0][1].join([one for _, one in held])
    lengths = view.lengths  # (n,)
    for part in lengths.argsort(descending=True, stable=True).split(size):
        yield rows[part], view[part].cut(int(lengths[part[0]]))


def _check_rows(samples: Samples, *, named: bool) -> None:
    """Stop, or warn where the data were named only, when rows would not be one for each of what was given."""
    if not samples.skipped:
        return
    listed = "; ".join(f"{item.path} ({item.reason})" for item in samples.skipped[:MOST_LISTED])
    more = f"; and {len(samples.skipped) - MOST_LISTED:,} more" if len(samples.skipped) > MOST_LISTED else ""
    count = f"{len(samples.skipped):,} of {len(samples) + len(samples.skipped):,} {samples.noun}s"
    if named:
        text = f"{count} of {samples.origin} cannot be read and have no row: {listed}{more}."
        warnings.warn(text, UserWarning, stacklevel=4)  # of the caller of `embed`, below torch's decorator
        return
    raise DataError(
        f"{count} cannot be read, so there would not be a row for each: {listed}{more}. Take them out; or open the "
        "rest, samples = encoder.open(...), and embed that: samples.identifiers says whose each row is."
    )


def load(path: Path | str, *, device: str | torch.device = "cpu", white: float | None = None) -> Embedder:
    """The encoder of a run folder, of a stage in it (`RUN/stages/NAME`), or of an `encoder/` folder by itself. No code
    in it is ever run.

    Arguments:
        path: the folder; or `timm:NAME` or `hf:NAME`, a published model as it is.
        white: the value that is white in pictures deeper than 8 bits, in the place of what the encoder keeps.

    >>> encoder = contrapose.load("runs/mmcl-omniglot")          # doctest: +SKIP
    >>> encoder.embed("photos/").shape                           # doctest: +SKIP
    (1200, 256)

    Errors:
        RunError: no encoder there, damaged, or of a newer version.
    """
    found = starting_point(path).encoder() if is_published(path) else load_encoder(encoder_folder(path))
    encoder = found.to(pick_device(device)).eval()
    if white is not None:
        if not isinstance(encoder, ImageEncoder):
            plural = modality_of(encoder).plural
            raise ArgumentError(f"white (--white) is of pictures, and {path} holds an encoder of {plural}.")
        encoder.preparation = replace(encoder.preparation, integers=white, floats=white)
    return Embedder(encoder).eval()


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
