"""An environment of the benchmark's own: the peers beside the torch that contrapose is tested with.

Standard library alone: it runs before anything is installed. torch comes first and exact, so that nothing that comes
after may choose another; the peers come without their dependencies, for some of these would bring torchvision's torch
or a build for GPUs, and what they do need at import stands in a list of its own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TORCH = "torch==2.13.0"
PEERS = (
    "lightly==1.6.0",
    "lightly-utils==0.0.2",
    "lightning-utilities",  # lightly.transforms asks for it
    "torchvision==0.28.0",  # that of this torch; without its compiled operators, see `lightly_import`
    "pytorch-metric-learning==2.9.0",
    "kornia==0.9.0",
    "albumentations==2.0.8",
    "albucore==0.0.24",
    "torch-geometric==2.8.1",
    "recbole==1.2.1",
    "open_clip_torch==3.3.0",
    "timm",  # open_clip asks for it; without its dependencies, of which torchvision's torch is one
)
NEEDED = (
    "opencv-python-headless",
    "kornia-rs>=0.2.0",
    "simsimd",
    "stringzilla",
    "scipy",
    "pydantic>=2.9.2",
    "PyYAML",
    "tqdm",
    "faiss-cpu>=1.9",
    "aiohttp",  # from here on torch-geometric and RecBole ask for it
    "psutil",
    "pyparsing",
    "requests",
    "xxhash",
    "colorama",
    "colorlog==4.7.2",
    "pandas",
    "plotly",
    "tabulate",
    "tensorboard",
    "texttable",
    "thop",
    "ftfy",  # from here on open_clip and transformers
    "huggingface_hub",
    "transformers>=5,<6",
)


def default_folder() -> Path:
    """`contrapose/peers` in the user's cache; CONTRAPOSE_PEERS names another."""
    named = os.environ.get("CONTRAPOSE_PEERS")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else cache / "contrapose" / "peers"


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def steps() -> list[list[str]]:
    """What pip is asked for, in this order."""
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    needed = [TORCH, *NEEDED, *(name for name in own if not name.startswith("torch"))]
    return [[TORCH], ["--no-deps", *PEERS], needed, ["--no-deps", "--editable", str(ROOT)]]


def fingerprint() -> str:
    """Changes with what is installed, so that an older environment is completed and not trusted."""
    return hashlib.sha256(repr((steps()[:-1], sys.version_info[:2])).encode()).hexdigest()[:16]


def ready(folder: Path) -> bool:
    mark = folder / "ready"
    return mark.exists() and mark.read_text() == fingerprint() and python_of(folder).exists()


def make(folder: Path, run: Callable[[Sequence[str]], object] | None = None) -> Path:
    """The environment's Python, after whatever of it was missing is installed; a stopped installation goes on.

    Errors:
        SystemExit: pip could not, with the command that failed.
    """
    if ready(folder):
        return python_of(folder)
    print(f"Making the environment of the peers in {folder} (once, some minutes)", file=sys.stderr, flush=True)
    if not python_of(folder).exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
    for packages in steps():
        (run or _checked)([str(python_of(folder)), "-m", "pip", "install", "--quiet", *packages])
    (folder / "ready").write_text(fingerprint())
    return python_of(folder)


def _checked(command: Sequence[str]) -> None:
    if subprocess.run(command).returncode:
        raise SystemExit(
            f"The environment of the peers could not be made: `{' '.join(command)}` failed. Run it by hand to see why, "
            "then start again: what is installed stays. `--here` measures with the packages of this Python alone."
        )


def enter(folder: Path, arguments: Sequence[str]) -> None:
    """Go on in that environment; does not return, unless this process is in it already."""
    if Path(sys.prefix).resolve() == folder.resolve():
        return
    python = make(folder)
    command = [str(python), str(Path(__file__).resolve().parent), *arguments]
    if os.name == "nt":
        raise SystemExit(subprocess.run(command).returncode)
    os.execv(python, command)
