"""A classifier as a folder: an encoder's folder with heads in it, `classifier.safetensors` and `classifier.json`.

It is whole by itself: what reads an encoder's folder reads this one, and nothing in it is ever executed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from contrapose.atomic import write_atomically
from contrapose.encoders.architecture import FORMAT, describe
from contrapose.encoders.artifact import check_tensors, read_tensors, save_encoder
from contrapose.encoders.encoder import Encoder
from contrapose.encoders.heads import Heads, Question
from contrapose.errors import ArgumentError, RunError

FOLDER = "classifier"
"""Where a run keeps its classifier."""
SHIFTED = 3
"""The format of one that was set right for another domain: who does not know of that must not read it."""
DESCRIPTION, WEIGHTS = "classifier.json", "classifier.safetensors"


@dataclass(frozen=True)
class TrainedHeads:
    """Heads, and what they are asked, in the same order."""

    heads: Heads
    questions: tuple[Question, ...]

    def logits(self, z: Any) -> list[torch.Tensor]:
        """`(N, D)` embeddings to `(N, P)` of each question, on the CPU."""
        with torch.no_grad():
            return list(self.heads.cpu()(torch.as_tensor(z).cpu().float()))


def save_classifier(
    encoder: Encoder,
    heads: Heads,
    questions: Sequence[Question],
    folder: Path,
    *,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write encoder, heads and what they are asked.

    Arguments:
        extra: anything JSON to keep with the encoder.
    """
    save_encoder(encoder, folder, extra=extra)
    state = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in heads.state_dict().items()}
    write_atomically(folder / WEIGHTS, safetensors.torch.save(state))
    description = {
        "format": SHIFTED if any(question.shift for question in questions) else FORMAT,
        "kind": "classifier",
        "contrapose": describe(encoder, {}).contrapose,
        "dimension": encoder.dimension,
        "questions": [asdict(question) for question in questions],
    }
    text = json.dumps(description, indent=2, allow_nan=False, ensure_ascii=False)
    write_atomically(folder / DESCRIPTION, (text + "\n").encode())


def classifier_folder(path: Path | str) -> Path | None:
    """Where the classifier of a run lies, or of a folder that is one; None where there is none."""
    for folder in (Path(path) / FOLDER, Path(path)):
        if (folder / DESCRIPTION).is_file():
            return folder
    return None


def load_heads(folder: Path | str) -> TrainedHeads:
    """The heads in a classifier's folder.

    Errors:
        RunError: a file is missing or damaged, or was written by a newer version.
    """
    path = Path(folder) / DESCRIPTION
    try:
        found = json.loads(path.read_bytes())
        if found["format"] > SHIFTED:
            raise RunError(
                f"{path} has format {found['format']}, written by contrapose {found.get('contrapose')}; this version "
                f"reads up to {SHIFTED}. Update contrapose."
            )
        questions = tuple(_question(one) for one in found["questions"])
        heads = Heads(int(found["dimension"]), [len(question.classes) for question in questions])
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError, ArgumentError, RecursionError) as error:
        raise RunError(f"{path} is damaged ({error}). Train or export the classifier again.") from None
    state = read_tensors(Path(folder) / WEIGHTS)
    check_tensors(heads.state_dict(), state, Path(folder) / WEIGHTS, DESCRIPTION)
    heads.load_state_dict(state)
    return TrainedHeads(heads.eval(), questions)


def _question(found: Mapping[str, Any]) -> Question:
    threshold = found["threshold"]
    return Question(
        name=str(found["name"]),
        classes=tuple(map(str, found["classes"])),
        counts=tuple(map(int, found["counts"])),
        temperature=float(found["temperature"]),
        threshold=None if threshold is None else float(threshold),
        positive=int(found["positive"]),
        chosen=dict(found["chosen"]),
        shift=float(found.get("shift", 0.0)),
    )
