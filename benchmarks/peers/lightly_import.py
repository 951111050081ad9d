"""lightly beside a torch without torchvision's compiled operators.

lightly imports torchvision for its transforms, and torchvision describes two operators of its own as soon as it is
imported: non-maximum suppression, which comes compiled and for one build of torch. Where that build is another (one
for CPUs) the operators do not exist and the import fails. Nothing here uses them, so it is enough to declare them.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

OPERATORS = ("nms", "qnms")


@cache
def declare_operators() -> Any:
    """Before torchvision is imported; kept, for they are gone with what this returns."""
    import torch

    missing = [name for name in OPERATORS if not hasattr(torch.ops.torchvision, name)]
    if not missing:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in missing:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def lightly(module: str) -> Any:
    """A module of lightly, e.g. `lightly("loss")`."""
    declare_operators()
    return importlib.import_module(f"lightly.{module}")


def lightly_knn_predict() -> Any:
    """`lightly.utils.benchmarking.knn.knn_predict`, without its package, which asks for pytorch_lightning."""
    folder = Path(lightly("utils").__file__).parent
    spec = importlib.util.spec_from_file_location("lightly_knn", folder / "benchmarking" / "knn.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.knn_predict
