"""Of which kind of data `X` is; and what it is where it holds texts."""

from __future__ import annotations

from typing import Any

from contrapose.data import Samples, kind_of
from contrapose.data.texts import Texts
from contrapose.encoders import Encoder
from contrapose.errors import ArgumentError
from contrapose.estimator.inputs import is_pictures, plain
from contrapose.estimator.other_kinds import open_other, other_kind
from contrapose.modalities import MODALITIES

IN_WORDS = {"rows": "a table", **{name: kind.plural for name, kind in MODALITIES.items() if name != "rows"}}
MOST_LOOKED_AT = 200  # of a list: what it holds is plain by then


def kind_of_samples(X: Any, fitted: str | None = None) -> str:
    """A key of `IN_WORDS`; what is neither of these nor pictures nor texts is left to scikit-learn to take for a table.

    Errors:
        ArgumentError: one string by itself.
    """
    other = other_kind(X, fitted)
    return other or ("text" if are_texts(X) else "image" if is_pictures(X) else "rows")


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


def opened_as(kind: str, X: Any, encoder: Encoder | None) -> Samples:
    """Texts, or samples of another kind that is neither a table nor pictures, in the form of an encoder if any.

    Errors:
        ArgumentError, DataError: as `open_texts` and `open_other`.
    """
    return open_texts(X) if kind == "text" else open_other(X, kind, encoder)


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
