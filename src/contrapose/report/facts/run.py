"""What a run's own files say: what was trained, how far it got, with which options, in which files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from contrapose.encoders import architecture_of
from contrapose.encoders.perturbations import SavedPerturbation
from contrapose.methods import Method, name_of
from contrapose.report.page import Head, Setup
from contrapose.shell import shell_command
from contrapose.training.run_folder import RunFolder
from contrapose.words import capital, counted


def head_of(folder: RunFolder, record: Mapping[str, Any], config: Method) -> Head:
    """The head of the page, from `config.json` and `encoder.json`.

    Errors:
        RunError: the run has no encoder yet.
    """
    data, name = record["data"], name_of(config)
    architecture = architecture_of(folder.encoder)
    step, total = _progress(architecture.extra)
    about = type(config).about
    facts = [
        *_what(record, config),
        ("Encoder", f"{_encoder(record, config)}, embeddings of {architecture.dimension} dimensions"),
        *_course(folder, config, step, total, architecture.extra),
        *_stages(folder),
        ("Seed", str(config.seed)),
        *_rate(folder),
        ("Written", f"{_date(folder.encoder / 'encoder.json')} (date of the file)"),
    ]
    samples = counted(data["samples"], "sample")
    learned = "with labels" if about.needs_labels else "without labels"
    lead = f"An encoder trained {learned} on {samples} by {name}."
    if config.verb == "repair":
        lead = f"{capital(_given(record, config))}, looked into on {samples} that were taken for clean, by {name}."
    of = "" if folder.stage is None else f", stage {folder.stage}"
    title = f"{name} on {_short(config.data)}{of}"
    return Head(title, lead, step >= total, _status(folder, config, step, total), facts, _notes(data))


def attack_head_of(folder: RunFolder, record: Mapping[str, Any], config: Method, saved: SavedPerturbation) -> Head:
    """The head of the page of an attack, from `config.json` and `perturbation.json`."""
    name, data = name_of(config), record["data"]
    step, total = _progress(saved.extra)
    facts = [
        *_what(record, config),
        ("Attacked", _given(record, config)),
        *_course(folder, config, step, total, saved.extra),
        ("Seed", str(config.seed)),
        *_rate(folder),
    ]
    lead = (
        f"A {saved.kind} by {name} against {_given(record, config)}, learned on {counted(data['samples'], 'sample')}."
    )
    title = f"{name} on {_short(str(config.init or 'an encoder'))}"
    return Head(title, lead, step >= total, _status(folder, config, step, total), facts, _notes(data))


def _what(record: Mapping[str, Any], config: Method) -> list[tuple[str, str]]:
    about, data = type(config).about, record["data"]
    return [
        ("Method", f"{name_of(config)}: {about.purpose}"),
        ("Paper", about.paper),
        ("Data", str(data["origin"])),
        ("Samples", f"{data['samples']:,}"),
        *_size(data),
    ]


def _course(
    folder: RunFolder, config: Method, step: int, total: int, extra: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """How long it was; of a run of several stages epochs say nothing."""
    staged = any("stage" in row for row in folder.metrics())
    epochs = f"{config.epochs * step / total:.3g} of {config.epochs}" if total else str(config.epochs)
    return [
        *([] if staged and config.verb == "repair" else [("Epochs", epochs)]),
        ("Steps", _steps(step, total, extra)),
    ]


def _encoder(record: Mapping[str, Any], config: Method) -> str:
    """Its name; of one that was given, where it came from."""
    return str(config.encoder) if config.verb == "train" else _given(record, config)


def _given(record: Mapping[str, Any], config: Method) -> str:
    """`the encoder of runs/x (weights a1b2c3d4)`."""
    given = record.get("init") or {}
    mark = str(given.get("fingerprint", ""))[:8]
    return f"the encoder of {config.init}" + (f" (weights {mark})" if mark else "")


def _status(folder: RunFolder, config: Method, step: int, total: int) -> str:
    if step >= total:
        return "finished"
    command = shell_command(config.verb, "--resume", folder.root)
    return f"half-finished: step {step:,} of {total:,}; continue with: {command}"


def _notes(data: Mapping[str, Any]) -> list[str]:
    skipped = len(data["skipped"])
    left_out = [f"{counted(skipped, 'sample')} could not be read and left out."] if skipped else []
    return [*map(str, data["notes"]), *left_out]


def setup_of(folder: RunFolder, record: Mapping[str, Any], config: Method) -> Setup:
    """Options, environment and files."""
    options, usual = dict(flat(config)), dict(flat(type(config)()))
    changed = [(name, _shown(value)) for name, value in options.items() if value != usual[name]]
    environment = {"contrapose": record.get("contrapose", "not recorded"), **record["environment"]}
    return Setup(
        changed=changed,
        options=[(name, _shown(value)) for name, value in options.items()],
        environment=[(name, _shown(value)) for name, value in environment.items()],
        files=[
            (str(file.relative_to(folder.path)), size_in_words(file.stat().st_size)) for file in _files(folder.path)
        ],
    )


def _progress(extra: Mapping[str, Any]) -> tuple[int, int]:
    """Steps done and planned, as `encoder.json` has them; 0 and 0 where it does not say."""
    step, total = extra.get("step"), extra.get("total_steps")
    return (step, total) if isinstance(step, int) and isinstance(total, int) else (0, 0)


def _steps(step: int, total: int, extra: Mapping[str, Any]) -> str:
    of = f" of the stage {extra['stage']}" if "stage" in extra else ""
    return f"{step:,} of {total:,}{of}" if total else "not recorded"


def _stages(folder: RunFolder) -> list[tuple[str, str]]:
    """Each stage with its last loss, where the run has several."""
    losses = {row["stage"]: row.get("loss") for row in folder.metrics() if "stage" in row}
    said = [name if loss is None else f"{name} (loss {loss:.3g} at its end)" for name, loss in losses.items()]
    return [("Stages", ", ".join(said))] if said else []


def flat(config: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of a (nested) dataclass, those of groups as `group.name`."""
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from flat(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, value


def size_in_words(size: float) -> str:
    """Bytes as `1.4 MB`."""
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _files(path: Path) -> list[Path]:
    """All but files that are being written, and the page itself: it would list what it was before."""
    found = (file for file in path.rglob("*") if file.is_file() and file.suffix not in (".tmp", ".html"))
    return sorted(found)


def _size(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    if "image_size" not in data:
        return []
    return [("Working size", f"{data['channels']} x {data['image_size']} x {data['image_size']}")]


def _rate(folder: RunFolder) -> list[tuple[str, str]]:
    known = ((key, value) for row in folder.metrics() for key, value in row.items() if key.endswith("_per_second"))
    rates = [(key.removesuffix("_per_second"), value) for key, value in known if value]
    return [("Speed", f"{rates[-1][1]:,.0f} {rates[-1][0]} a second")] if rates else []


def _date(file: Path) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime).strftime("%Y-%m-%d %H:%M")


def _short(data: str) -> str:
    """The last part of a path; a name as it is."""
    return data if data.startswith("(") else Path(data.rstrip("/")).name or data


def _shown(value: Any) -> str:
    return "default" if value is None else str(value)
