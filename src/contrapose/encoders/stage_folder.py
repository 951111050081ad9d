"""The folder of a stage, `RUN/stages/NAME`: what a run of several stages has made in one of them, usable by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contrapose.encoders.architecture import DESCRIPTION

FOLDER, FACTS = "stages", "stage.json"


def run_of(path: Path | str) -> Path | None:
    """The folder of the run whose stage lies in `path`; None where it is no folder of a stage."""
    path = Path(path)
    path = path if path.name not in ("", "..") else path.resolve()
    run = path.parent.parent
    is_stage = path.parent.name == FOLDER and (path / FACTS).is_file() and (run / "config.json").is_file()
    return run if is_stage else None


def done_stages(run: Path) -> list[str]:
    """The stages of a run whose folders lie there, in their order."""
    known = _names(run)
    found = {file.parent.name for file in run.glob(f"{FOLDER}/[!.]*/{FACTS}")}
    return sorted(found, key=lambda name: (known.index(name) if name in known else len(known), name))


def all_stages(run: Path) -> list[str]:
    """All stages of a run, in their order; empty before the first one is done, and where there are not several."""
    return _names(run) or done_stages(run)


def no_encoder_there(path: Path | str) -> str:
    """Why a folder of a run, or of one of its stages, holds no encoder, and what does; empty of any other folder."""
    path = Path(path)
    run = path.parent.parent
    if path.parent.name == FOLDER and (run / "config.json").is_file():
        return _made_no_encoder(path, run) if run_of(path) else _no_such_stage(path.name, run)
    if (path.parent / FOLDER / path.name / FACTS).is_file():
        return f"The stage {path.name} of {path.parent} lies in {path.parent / FOLDER / path.name}."
    if (path / FOLDER).is_dir() and done_stages(path):
        return f"The run {path} has not come to the stage that makes its own encoder. {_usable(path, own=False)}"
    return ""


def _no_such_stage(name: str, run: Path) -> str:
    names, done = all_stages(run), done_stages(run)
    if names and name == names[-1]:
        return f"{name} is the last stage of {run}, and what it makes is the run's own. Give {run}."
    if name in names:
        return f"The stage {name} of {run} is not done. {_usable(run)}"
    if done:
        return f"{run} has no stage {name!r}; its stages are {', '.join(names)}. {_usable(run)}"
    return f"{run} has no stage {name!r}: it has one stage only, or its first one is not done. Give {run}."


def _made_no_encoder(path: Path, run: Path) -> str:
    made = sorted(file.name for file in path.iterdir() if file.name != FACTS and not file.name.startswith("."))
    return f"The stage {path.name} of {run} made no encoder (it made {', '.join(made) or 'nothing'}). {_usable(run)}"


def _usable(run: Path, *, own: bool = True) -> str:
    """Which folders of a run hold encoders."""
    found = [run / FOLDER / name for name in done_stages(run)]
    found = [folder for folder in found if (folder / "encoder" / DESCRIPTION).is_file()]
    found += [run] if own and (run / "encoder" / DESCRIPTION).is_file() else []
    return f"Encoders lie in {', '.join(map(str, found))}." if found else "No stage of it has left an encoder yet."


def _names(run: Path) -> list[str]:
    """All stages, as the first that is done has written them down; those of early runs have not."""
    for file in sorted(run.glob(f"{FOLDER}/[!.]*/{FACTS}")):
        try:
            found: Mapping[str, Any] = json.loads(file.read_bytes())
            return [str(name) for name in found["stages"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return []
