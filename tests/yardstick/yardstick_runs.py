"""Short runs whose results must not change when the house is rebuilt: their losses everywhere, their weights to the bit
on the machine and versions on which they were recorded.

    python tests/yardstick/yardstick_runs.py             # writes recorded.json anew: only where other results are meant
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import contrapose
from contrapose.data import Images
from contrapose.environment import environment
from contrapose.estimator import ContrastiveEncoder

RECORDED = Path(__file__).with_name("recorded.json")
FORMAT_1 = Path(__file__).with_name("format_1")
"""`pictures.npz`, and `run`: four epochs of moco on it, of a small encoder, as version 0.1.0 left them."""

METHODS: dict[str, dict[str, Any]] = {
    "mmcl": {"solver": "inverse"},
    "moco": {"queue": 32},
    "cacr": {},
    "bias-debias": {},
}
"""One method of each family of learners: joint embedding, a queue, many views, a second encoder."""


def pictures() -> np.ndarray:
    """`(48, 3, 16, 16)` uint8, drawn the same way on every machine."""
    return np.random.default_rng(0).integers(0, 256, (48, 3, 16, 16), dtype=np.uint8)


def weights_hash(module: nn.Module) -> str:
    """SHA-256 over names, shapes and bytes of all parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tuple(plain.shape)} {plain.dtype}".encode())
        digest.update(plain.numpy().tobytes())
    return digest.hexdigest()


def features_hash(features: np.ndarray) -> str:
    """SHA-256 of an array."""
    return hashlib.sha256(np.ascontiguousarray(features).tobytes()).hexdigest()


def run_of(method: str, folder: Path) -> dict[str, Any]:
    """Loss and weights after nine steps."""
    options = {"epochs": 3, "batch_size": 16, "encoder": "tiny_conv", "precision": "float32", **METHODS[method]}
    run = contrapose.train(method, data=Images(pictures()), out=str(folder), quiet=True, **options)
    return {"loss": run.outcome.loss, "weights": weights_hash(run.load().encoder)}


def estimator_of_tables(_: Path) -> dict[str, Any]:
    """Mean loss of the last epoch, and features, of a fit on rows of numbers."""
    rows = np.random.default_rng(0).normal(size=(48, 5))
    fitted = ContrastiveEncoder("simclr", epochs=3, batch_size=16, random_state=0).fit(rows)
    return {"loss": fitted.loss_curve_[-1], "features": features_hash(fitted.transform(rows[:7]))}


def estimator_of_pictures(_: Path) -> dict[str, Any]:
    """The same of pictures."""
    fitted = ContrastiveEncoder("mmcl", epochs=2, batch_size=16, encoder="tiny_conv", random_state=0)
    fitted.set_params(method_options={"solver": "inverse"}).fit(pictures().transpose(0, 2, 3, 1))
    return {"loss": fitted.loss_curve_[-1], "weights": weights_hash(fitted.encoder_)}


def continued(folder: Path) -> dict[str, Any]:
    """A run that an early version wrote and stopped half-way, continued to its end."""
    shutil.copytree(FORMAT_1, folder)
    run = contrapose.resume(folder / "run", data=str(folder / "pictures.npz"), epochs=6, quiet=True)
    return {"loss": run.outcome.loss, "weights": weights_hash(run.load().encoder)}


RUNS: dict[str, Callable[[Path], dict[str, Any]]] = {
    **{method: (lambda folder, method=method: run_of(method, folder)) for method in METHODS},
    "a run of format 1, continued": continued,
    "estimator of tables": estimator_of_tables,
    "estimator of pictures": estimator_of_pictures,
}


def here() -> dict[str, Any]:
    """What bits depend on: another processor or torch rounds otherwise."""
    found = environment()
    return {
        "processor": found["machine"]["processor"],
        "capability": torch.backends.cpu.get_cpu_capability(),
        "torch": found["versions"]["torch"],
        "numpy": found["versions"]["numpy"],
        "python": platform.python_version(),
    }


def measured() -> dict[str, dict[str, Any]]:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        return {name: run(Path(folder) / name) for name, run in RUNS.items()}


def main() -> None:
    RECORDED.write_text(json.dumps({"recorded_on": here(), "runs": measured()}, indent=1) + "\n")
    print(RECORDED.read_text(), file=sys.stderr)


if __name__ == "__main__":
    main()
