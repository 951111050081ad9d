"""contrapose: learn representations by contrast, from any data, mostly without labels.

>>> import contrapose
>>> run = contrapose.train("mmcl", data="photos/", epochs=50)                    # doctest: +SKIP
>>> embeddings = contrapose.load(run.path).embed("photos/")                      # doctest: +SKIP
>>> loss = contrapose.objectives.nt_xent(z)          # z (V, B, D), your own loop  # doctest: +SKIP

Nothing heavy is imported until it is used.
"""

from typing import TYPE_CHECKING

from contrapose.lazy import lazy_exports
from contrapose.openmp import sleep_when_waiting

sleep_when_waiting()  # before anything imports torch

if TYPE_CHECKING:
    from contrapose import (
        data,
        encoders,
        evaluation,
        learners,
        methods,
        modalities,
        objectives,
        pairing,
        search,
        training,
        views,
    )
    from contrapose.classifier import Classifier, load_classifier
    from contrapose.commands.apply import apply
    from contrapose.commands.embed import embed
    from contrapose.commands.evaluate import evaluate
    from contrapose.commands.export import export
    from contrapose.commands.train import Run, resume, train
    from contrapose.embedder import Embedder, load
    from contrapose.errors import ContraposeError
    from contrapose.estimator import ContrastiveEncoder
    from contrapose.version import __version__

__all__ = [
    "Classifier",
    "ContraposeError",
    "ContrastiveEncoder",
    "Embedder",
    "Run",
    "__version__",
    "apply",
    "data",
    "embed",
    "encoders",
    "evaluate",
    "evaluation",
    "export",
    "learners",
    "load",
    "load_classifier",
    "methods",
    "modalities",
    "objectives",
    "pairing",
    "resume",
    "search",
    "train",
    "training",
    "views",
]

_ROOMS = (
    "data",
    "encoders",
    "evaluation",
    "learners",
    "methods",
    "modalities",
    "objectives",
    "pairing",
    "search",
    "training",
    "views",
)

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Classifier": "contrapose.classifier",
        "ContraposeError": "contrapose.errors",
        "ContrastiveEncoder": "contrapose.estimator",
        "Embedder": "contrapose.embedder",
        "Run": "contrapose.commands.train",
        "__version__": "contrapose.version",
        "apply": "contrapose.commands.apply",
        "embed": "contrapose.commands.embed",
        "evaluate": "contrapose.commands.evaluate",
        "export": "contrapose.commands.export",
        "load": "contrapose.embedder",
        "load_classifier": "contrapose.classifier",
        "resume": "contrapose.commands.train",
        "train": "contrapose.commands.train",
        **{room: f"contrapose.{room}" for room in _ROOMS},
    },
)
