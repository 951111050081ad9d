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
    from contrapose.commands.calibrate import calibrate
    from contrapose.commands.embed import embed
    from contrapose.commands.evaluate import evaluate
    from contrapose.commands.export import export
    from contrapose.commands.train import Run, resume, train
    from contrapose.commands.verbs import attack, repair
    from contrapose.embedder import Embedder, load
    from contrapose.errors import ContraposeError
    from contrapose.estimator import ContrastiveEncoder
    from contrapose.generator import Generator, load_generator
    from contrapose.painter import TextPainter, load_painter
    from contrapose.perturber import Perturber, load_perturber
    from contrapose.version import __version__
    from contrapose.zero_shot_labels import ZeroShot, load_zero_shot, zero_shot

__all__ = [
    "Classifier",
    "ContraposeError",
    "ContrastiveEncoder",
    "Embedder",
    "Generator",
    "Perturber",
    "Run",
    "TextPainter",
    "ZeroShot",
    "__version__",
    "apply",
    "attack",
    "calibrate",
    "data",
    "embed",
    "encoders",
    "evaluate",
    "evaluation",
    "export",
    "learners",
    "load",
    "load_classifier",
    "load_generator",
    "load_painter",
    "load_perturber",
    "load_zero_shot",
    "methods",
    "modalities",
    "objectives",
    "pairing",
    "repair",
    "resume",
    "search",
    "train",
    "training",
    "views",
    "zero_shot",
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
        "Generator": "contrapose.generator",
        "Perturber": "contrapose.perturber",
        "Run": "contrapose.commands.train",
        "ZeroShot": "contrapose.zero_shot_labels",
        "__version__": "contrapose.version",
        "apply": "contrapose.commands.apply",
        "attack": "contrapose.commands.verbs",
        "calibrate": "contrapose.commands.calibrate",
        "embed": "contrapose.commands.embed",
        "evaluate": "contrapose.commands.evaluate",
        "export": "contrapose.commands.export",
        "load": "contrapose.embedder",
        "load_classifier": "contrapose.classifier",
        "load_generator": "contrapose.generator",
        "TextPainter": "contrapose.painter",
        "load_painter": "contrapose.painter",
        "load_perturber": "contrapose.perturber",
        "load_zero_shot": "contrapose.zero_shot_labels",
        "repair": "contrapose.commands.verbs",
        "resume": "contrapose.commands.train",
        "train": "contrapose.commands.train",
        "zero_shot": "contrapose.zero_shot_labels",
        **{room: f"contrapose.{room}" for room in _ROOMS},
    },
)
