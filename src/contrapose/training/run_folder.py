"""A run is a folder: what was asked for, what was measured, and what was learned."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from contrapose.atomic import write_atomically, write_once
from contrapose.data.files.known_sets import MADE_BY_NAME
from contrapose.encoders.stage_folder import no_encoder_there, run_of
from contrapose.errors import RunError
from contrapose.shell import shell_command

FORMAT = 1
PROFILE = "profile.json"


class RunFolder:
    """The layout of a run on disk.

    config.json      method, configuration, data, environment
    metrics.jsonl    one line of numbers at a cadence
    checkpoints/     resumable states, see `checkpoint.py`
    initial/         the encoder as it was before the first step, of runs that start from trained weights
    encoder/         encoder.safetensors and encoder.json: what `contrapose.load` reads
    teacher/ ...     encoders trained beside it, in the same form, where the method has any: `contrapose.load` reads
                     these too, when it is given their folder
    class_gates.safetensors ...  tables that were learned beside them, where the method has any
    stages/NAME/     what each stage but the last has made, in the same form, of runs of several
    pictures/        pictures that its job leaves, and `pictures.json` with their titles and captions (`pictures.py`)
    evaluation.json  what `contrapose evaluate` measured
    evaluation_items.npz  the scores behind it, item by item: what `contrapose compare` pairs

    The folder of a stage can be read as that of a run: it has artifacts and evaluations of its own, and configuration
    and metrics are those of the run that it belongs to (`root`; of any other folder `root` is `path`).
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.root = run_of(self.path) or self.path
        self.config_file = self.root / "config.json"
        self.metrics_file = self.root / "metrics.jsonl"
        self.checkpoints = self.root / "checkpoints"
        self.initial = self.root / "initial"
        self.encoder = self.path / "encoder"
        self.evaluation_file = self.path / "evaluation.json"
        self.evaluation_items_file = self.path / "evaluation_items.npz"

    @property
    def stage(self) -> str | None:
        """The name of the stage whose folder it is; None of the folder of a run."""
        return None if self.root is self.path else self.path.resolve().name

    @classmethod
    def create(cls, path: Path | str, record: dict[str, Any]) -> RunFolder:
        """Make a new run folder and write its `config.json`.

        Errors:
            RunError: the folder exists and is not empty, or cannot be written.
        """
        run = cls(path)
        if run.path.exists() and not run._is_empty():
            raise _taken(run.path)
        try:
            run.path.mkdir(parents=True, exist_ok=True)
            if not write_once(run.config_file, _as_json(record)):  # another training was quicker
                raise _taken(run.path)
            run.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"Could not create the run folder {run.path}: {error.strerror}.") from error
        return run

    @classmethod
    def create_new(
        cls, method: str, data: str, record: Callable[[Path], dict[str, Any]], *, root: Path | str = "runs"
    ) -> RunFolder:
        """`create` under the first name of `new_run_path` that no other training takes in the same instant.

        Arguments:
            record: what `config.json` says of a run in that folder.

        Errors:
            RunError: the folder cannot be written.
        """
        while True:
            path = new_run_path(method, data, root=root)
            try:
                return cls.create(path, record(path))
            except RunError:
                if not (path / "config.json").is_file():
                    raise

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """An existing run folder, or that of a stage in one.

        Errors:
            RunError: there is none, or it was written by a newer version.
        """
        run = cls(path)
        if not run.config_file.is_file():
            if reason := no_encoder_there(path):
                raise RunError(reason)
            near = [p.name for p in sorted(run.path.parent.glob("*")) if (p / "config.json").is_file()][:8]
            hint = f" Runs beside it: {', '.join(near)}." if near else ""
            raise RunError(f"{run.path} is not a run folder (it has no config.json).{hint}")
        run.read_record()
        return run

    def _is_empty(self) -> bool:
        """Nothing is there, or nothing but what a kill in the middle of `create` leaves behind."""
        if not self.path.is_dir():
            return False
        return all(item.name.startswith(".") and item.name.endswith(".tmp") for item in self.path.iterdir())

    def write_record(self, record: dict[str, Any]) -> None:
        """Write `config.json`."""
        write_atomically(self.config_file, _as_json(record))

    def write_profile(self, name: str, profile: dict[str, Any]) -> None:
        """Add where the time of a stage's steps went to `profile.json`."""
        file = self.path / PROFILE
        try:
            stages = json.loads(file.read_bytes())["stages"] if file.is_file() else {}
        except (ValueError, KeyError):  # of a kill, or of somebody else
            stages = {}
        write_atomically(file, _as_json({"stages": {**stages, name: profile}}))

    def read_record(self) -> dict[str, Any]:
        """Read `config.json`.

        Errors:
            RunError: damaged, or of a newer format.
        """
        try:
            record = json.loads(self.config_file.read_text())
            newer = record["format"] > FORMAT
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunError(f"{self.config_file} is damaged and cannot be read ({error}).") from error
        if newer:
            raise RunError(
                f"{self.path} was written by contrapose {record.get('contrapose', '?')} (format {record['format']}); "
                f"this version reads up to format {FORMAT}. Upgrade contrapose."
            )
        return dict(record)

    def log(self, row: dict[str, float | int | str | None]) -> None:
        """Append one line to `metrics.jsonl`; a number that is not finite is written as null."""
        clean = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
        try:
            with self.metrics_file.open("a") as file:
                file.write(json.dumps(clean) + "\n")
        except OSError as error:
            raise RunError(f"Could not append to {self.metrics_file}: {error.strerror}.") from error

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The whole lines of `metrics.jsonl`, of a stage its own; a line cut off by a kill is passed over."""
        if not self.metrics_file.exists():
            return
        with self.metrics_file.open() as file:
            for line in file:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                if self.root is self.path or row.get("stage") == self.stage:
                    yield row

    def forget_after(self, step: int) -> None:
        """Drop the metrics of steps that a resumed run is going to do again."""
        kept = [row for row in self.metrics() if row.get("step", 0) <= step]
        write_atomically(self.metrics_file, "".join(json.dumps(row) + "\n" for row in kept).encode())

    def clear_leftovers(self) -> None:
        """Remove the halves of checkpoints, encoders and pictures that a kill left beside them: each may be as large as
        the whole. Files of the run folder itself are let be, for an evaluation may be writing one."""
        for left in self.root.glob("*/.*.tmp"):
            if left.is_file():
                left.unlink(missing_ok=True)


def _as_json(record: dict[str, Any]) -> bytes:
    return (json.dumps({"format": FORMAT, **record}, indent=2) + "\n").encode()


def _taken(path: Path) -> RunError:
    return RunError(
        f"{path} exists already. Continue it with: {shell_command('train', '--resume', path)}, "
        "or choose another folder with --out."
    )


def new_run_path(method: str, data: str, *, root: Path | str = "runs") -> Path:
    """`runs/METHOD-DATA`, with a number appended when that is taken."""
    data = data.partition("?")[0] if data.startswith(MADE_BY_NAME) else data  # options of what is made
    stem = Path(data.rstrip("/")).name.split(".")[0].replace(":", "-")
    stem = stem if stem and stem[0].isalnum() else "data"
    path = Path(root) / f"{method}-{stem}"
    number = 2
    while path.exists():
        path = Path(root) / f"{method}-{stem}-{number}"
        number += 1
    return path
