"""Of which kind of data `X` is; and what it is where it holds texts or sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contrapose.data import Images, kind_of
from contrapose.data.frames import Frames, open_frames
from contrapose.data.texts import Texts
from contrapose.embedder import warn_of_pixels
from contrapose.encoders import Encoder, ImageEncoder
from contrapose.errors import ArgumentError
from contrapose.estimator.inputs import is_pictures, open_pictures, plain
from contrapose.modalities import modality_of

IN_WORDS = {"rows": "a table", "image": "pictures", "text": "texts", "frames": "sequences"}
MOST_LOOKED_AT = 200  # of a list: what it holds is plain by then


def kind_of_samples(X: Any) -> str:
    """A key of `IN_WORDS`; what is neither texts, sequences nor pictures is left to scikit-learn to take for a table.

    Errors:
        ArgumentError: one string by itself.
    """
    if are_texts(X):
        return "text"
    return "frames" if are_frames(X) else "image" if is_pictures(X) else "rows"


def are_frames(X: Any) -> bool:
    """Whether `X` holds sequences: `Frames`, or a list of arrays that differ in their number of frames alone."""
    return isinstance(X, Frames) or (isinstance(X, list | tuple) and kind_of(X) == "frames")


def open_sequences(X: Any) -> Frames:
    """`X` as sequences, one for each sample.

    Errors:
        ArgumentError: one that cannot be used: a transformer gives a row for each sample, so none may be left out.
    """
    frames = open_frames(X, labels=False)
    if frames.skipped and frames is not X:
        worst = frames.skipped[0]
        raise ArgumentError(
            f"{len(frames.skipped)} sequences of X cannot be used, the first is {worst.path} ({worst.reason}). Take "
            "them out of X and y."
        )
    return frames


def are_texts(X: Any) -> bool:
    """Whether `X` holds texts: `Texts`, or a list, array or series with strings that name no files.

    Errors:
        ArgumentError: one string by itself.
    """
    if isinstance(X, str):
        raise ArgumentError(
            f"X is one string, {X[:40]!r}, where many samples are expected: give a list of texts, [X], or of paths."
        )
    if isinstance(X, Texts):
        return True
    X = plain(X)
    if not isinstance(X, list | tuple):
        return False
    words = [item for item in X[:MOST_LOOKED_AT] if isinstance(item, str)]
    return bool(words) and kind_of(words) == "text"


def open_texts(X: Any) -> Texts:
    """`X` as texts, one for each sample; an empty one is a text too.

    Errors:
        ArgumentError: something among them is no text: a transformer gives a row for each sample, so none may be left
            out.
    """
    if isinstance(X, Texts):
        return X
    texts = list(plain(X))
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise ArgumentError(
                f"X[{row}] is {text!r}, of type {type(text).__name__}, among texts: every sample has to be a text and "
                "gets a row. Take it out of X and y, or put '' in its place."
            )
    return Texts([str(text) for text in texts])  # of numpy, texts are a class of their own


OPENED: dict[str, Callable[[Any], Texts | Frames]] = {"text": open_texts, "frames": open_sequences}
"""Kind of data -> what makes samples of `X`, of those that need no more than it."""


def opened_for(encoder: Encoder, X: Any) -> Images | Texts | Frames:
    """`X` in the form that an encoder of this kind takes.

    Errors:
        ArgumentError, DataError: it cannot be brought to that.
    """
    if isinstance(encoder, ImageEncoder):
        sizes = {"image_size": encoder.image_size, "channels": encoder.channels}
        images = open_pictures(X, **sizes, preparation=encoder.preparation)
        warn_of_pixels(images, encoder.preparation)
        return images
    data = OPENED[encoder.modality](X)
    modality_of(encoder).settle(encoder, data)
    return data
