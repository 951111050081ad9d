"""A perturbation as a folder: `perturbation.safetensors` (a patch, a delta, or a network's weights) and
`perturbation.json` (what it does, to whom, how much at most, and what it is for).

Nothing in it is ever executed. Who reads it learns whose encoder it was made against before anything is changed by it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from contrapose.atomic import write_atomically
from contrapose.encoders.architecture import FORMAT
from contrapose.encoders.artifact import check_tensors, read_tensors
from contrapose.encoders.perturbations.generator import PerturbationGenerator
from contrapose.errors import ArgumentError, ContraposeError, RunError
from contrapose.preparation import Preparation
from contrapose.version import __version__

FOLDER = "perturbation"
"""Where a run keeps its perturbation."""
WEIGHTS, DESCRIPTION = "perturbation.safetensors", "perturbation.json"
KINDS = {"patch": ("patch", "mask"), "delta": ("delta",), "pair": ("delta", "word"), "generator": None}
"""What each is made of: tensors by name, or the weights of a `PerturbationGenerator`."""
PURPOSE = "measure and repair the encoder that it names"


@dataclass(frozen=True)
class Victim:
    """An encoder that a perturbation was made against.

    Arguments:
        source: what was given, in words.
        encoder: its name.
        fingerprint: the hash of its weights (`encoders.fingerprint_of`).
    """

    source: str
    encoder: str
    fingerprint: str


@dataclass(frozen=True, eq=False)
class SavedPerturbation:
    """What changes pictures, and what has to be known of it.

    Arguments:
        kind: "patch", "delta", "pair" (a delta and a word) or "generator".
        channels, image_size: of the pictures that it is for.
        victims: whom it was made against, one at least.
        bound: how much it may change, as JSON: `{"norm": "linf", "radius": 0.04}` or `{"area": 0.03}`.
        tensors: of a patch `patch (C, H, W)` and `mask (1, H, W)`, or one a channel, of a delta `delta (C, H, W)`, on
            the scale of [0, 1]; of a pair besides `word (E,)`, the vector that was learned; of a generator its weights.
        arguments: of a generator's network; of a pair `word`, what is put into texts.
        preparation: how the pictures that it was made on became pixels.
        purpose: a sentence's end.
        extra: anything JSON.

    Errors:
        ArgumentError: another kind, no victim, no bound, or tensors that are not those of the kind.
    """

    kind: str
    channels: int
    image_size: int
    victims: Sequence[Victim]
    bound: Mapping[str, Any]
    tensors: Mapping[str, Tensor]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    preparation: Preparation = field(default_factory=Preparation)
    purpose: str = PURPOSE
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ArgumentError(f"A perturbation is a {', a '.join(KINDS)}, and no {self.kind!r}.")
        if not self.victims or not self.bound:
            raise ArgumentError("A perturbation names whom it was made against (victims=) and its bound (bound=).")
        names = KINDS[self.kind]
        if names is None:
            return
        if set(self.tensors) != set(names):
            raise ArgumentError(f"A {self.kind} is made of {' and '.join(names)}, got {', '.join(self.tensors)}.")
        if self.kind == "pair" and not (isinstance(self.arguments.get("word"), str) and self.arguments["word"]):
            raise ArgumentError("A pair names the word that is put into texts: arguments={'word': ...}.")
        for name, tensor in self.tensors.items():
            if name == "word":
                if tensor.ndim != 1 or not bool(tensor.isfinite().all()):
                    raise ArgumentError(f"The word must be (E,), finite numbers, got {tuple(tensor.shape)}.")
                continue
            own_channels = name == "mask" and tensor.shape[:1] == (self.channels,)
            channels = 1 if name == "mask" and not own_channels else self.channels
            shape = (channels, self.image_size, self.image_size)
            if tuple(tensor.shape) != shape or not bool(tensor.isfinite().all()):
                raise ArgumentError(f"The {name} must be {shape}, finite numbers, got {tuple(tensor.shape)}.")

    def network(self) -> PerturbationGenerator:
        """The network of a generator, in evaluation mode; the global random state is left as it was."""
        with torch.random.fork_rng(devices=[]):
            made = PerturbationGenerator(**self.arguments)
        made.load_state_dict(dict(self.tensors))
        return made.eval().requires_grad_(False)


def save_perturbation(saved: SavedPerturbation, folder: Path) -> None:
    """Write it, each file whole or absent.

    Errors:
        ArgumentError: what is kept with it is not JSON.
    """
    state = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in saved.tensors.items()}
    description = {
        "format": FORMAT,
        "kind": "perturbation",
        "contrapose": __version__,
        "perturbation": saved.kind,
        "purpose": saved.purpose,
        "victims": [asdict(victim) for victim in saved.victims],
        "bound": dict(saved.bound),
        "form": {
            "modality": "image",
            "channels": saved.channels,
            "image_size": saved.image_size,
            "preparation": saved.preparation.to_json(),
        },
        "arguments": dict(saved.arguments),
        "extra": dict(saved.extra),
    }
    try:
        text = json.dumps(description, indent=2, allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"`bound` or `extra` cannot be written as JSON: {error}.") from None
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / WEIGHTS, safetensors.torch.save(state))
    write_atomically(folder / DESCRIPTION, (text + "\n").encode())


def perturbation_folder(path: Path | str) -> Path | None:
    """Where the perturbation of a run lies, or of a folder that is one; None where there is none."""
    for folder in (Path(path) / FOLDER, Path(path)):
        if (folder / DESCRIPTION).is_file():
            return folder
    return None


def found_perturbation(path: Path | str) -> Path:
    """`perturbation_folder`, where there has to be one.

    Errors:
        RunError: there is none.
    """
    folder = perturbation_folder(path)
    if folder is None:
        raise RunError(
            f"{path} holds no perturbation: give a run of `contrapose attack`, or a folder with {DESCRIPTION} and "
            f"{WEIGHTS}."
        )
    return folder


def load_perturbation(path: Path | str) -> SavedPerturbation:
    """What was written.

    Arguments:
        path: a run of `attack`, or the folder itself.

    Errors:
        RunError: a file is missing or damaged, or was written by a newer version.
    """
    folder = found_perturbation(path)
    place = folder / DESCRIPTION
    try:
        found = json.loads(place.read_bytes())
        if found["format"] > FORMAT:
            raise RunError(
                f"{place} has format {found['format']}, written by contrapose {found.get('contrapose')}; this version "
                f"reads up to {FORMAT}. Update contrapose."
            )
        if found["kind"] != "perturbation":
            raise RunError(f"{place} is damaged: it says that it is a {found['kind']!r}. Make the perturbation again.")
        form = found["form"]
        saved = SavedPerturbation(
            kind=found["perturbation"],
            channels=int(form["channels"]),
            image_size=int(form["image_size"]),
            victims=[Victim(**victim) for victim in found["victims"]],
            bound=found["bound"],
            tensors=read_tensors(folder / WEIGHTS),
            arguments=found["arguments"],
            preparation=Preparation.from_json(form["preparation"]),
            purpose=str(found["purpose"]),
            extra=found["extra"],
        )
        if saved.kind == "generator":
            with torch.random.fork_rng(devices=[]):
                expected = PerturbationGenerator(**saved.arguments).state_dict()
            check_tensors(expected, dict(saved.tensors), folder / WEIGHTS, DESCRIPTION)
    except OSError as error:
        raise RunError(f"{place} cannot be read: {error.strerror}.") from None
    except RunError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, ContraposeError) as error:
        raise RunError(f"{place} is damaged ({error}). Make or copy the perturbation again.") from None
    return saved
