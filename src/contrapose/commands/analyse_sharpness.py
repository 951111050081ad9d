"""`contrapose analyse sharpness`: how sharply a run's own loss rises around its weights, in numbers and a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from contrapose.errors import ArgumentError, RunError
from contrapose.optional import optional

if TYPE_CHECKING:
    from contrapose.commands.run_learner import RunLearner

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class AnalyseSharpnessOptions:
    """Measure how sharp the minimum is that a run has found: the top eigenvalue of the Hessian, the loss under noise on
    the weights, and the loss around them as a picture. Nothing is trained."""

    run: Positional[str]
    """The run folder."""
    data: str | None = None
    """What to compute the loss on. Default: the run's own data."""
    batches: int = 2
    """Batches of the run's size and views, the same for every number. More are steadier, and take longer."""
    blocks: bool = False
    """Also the top eigenvalue of each block of the network by itself."""
    scale: float = 0.01
    """Deviation of the noise on the weights, as a share of the norm of each filter."""
    draws: int = 10
    """Draws of that noise."""
    points: int = 15
    """Places along each side of the picture, an odd number: so many losses squared. 25 in the literature."""
    reach: float = 1.0
    """How far the picture goes; at 1 every filter has moved by its own length."""
    seed: int = 0
    """Of the directions and of the first vector."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, mps."""
    out: Path | None = None
    """Folder for sharpness.svg and sharpness.json. Default: the run folder."""


def analyse_sharpness(options: AnalyseSharpnessOptions, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure, print, write the picture and the record, and return the record.

    Errors:
        ArgumentError: an option that is out of range.
        RunError: no run, no checkpoint, or a loss that is not finite.
        DataError: the data cannot be read.
        UnwrittenError: `out` cannot be written; the record is in its `result`.
        MissingExtraError: altair or vl-convert-python is not installed (extra `report`).
    """
    _check(options)
    for module in ("altair", "vl_convert"):  # before minutes of computing, not after
        optional(module, extra="report")
    from contrapose.atomic import write_atomically
    from contrapose.commands.run_learner import learner_of
    from contrapose.commands.sharpness_chart import picture
    from contrapose.commands.unwritten import kept_if_unwritten
    from contrapose.environment import environment
    from contrapose.methods import name_of

    taken = learner_of(options.run, data=options.data)
    method = name_of(taken.config)
    say(
        f"{method} after {taken.step:,} steps, on {options.batches} x {taken.config.batch_size} of "
        f"{taken.samples.origin}, in evaluation mode"
    )
    measured = _measured(options, taken, say)
    record = {
        "format": FORMAT,
        "analysis": "sharpness",
        "method": method,
        "step": taken.step,
        "options": {name: value for name, value in asdict(options).items() if name not in ("run", "data", "out")},
        "training": {name: getattr(taken.config, name) for name in ("batch_size", "sam_radius", "sam_adaptive")},
        "samples": options.batches * taken.config.batch_size,
        **measured,
        **environment(),
    }
    out = Path(options.run) if options.out is None else options.out
    with kept_if_unwritten(record, str):  # the numbers are on the screen already
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "sharpness.json", (json.dumps(record, indent=1) + "\n").encode())
        write_atomically(out / "sharpness.svg", picture(record).encode(errors="backslashreplace"))
    say(f"Written: {out}/sharpness.svg, {out}/sharpness.json")
    return record


def _check(options: AnalyseSharpnessOptions) -> None:
    wrong = {
        "--scale must be 0 or more; 0.01 is usual": not options.scale >= 0,
        "--draws must be at least 1; 10 is usual": options.draws < 1,
        "--points must be an odd number from 3 up; 25 is usual": options.points < 3 or options.points % 2 == 0,
        "--reach must be above 0; 1 is usual": not options.reach > 0,
    }
    for sentence, found in wrong.items():
        if found:
            option = sentence.split()[0].removeprefix("--")
            raise ArgumentError(f"{sentence}. Got {getattr(options, option)}.")


def _measured(options: AnalyseSharpnessOptions, taken: RunLearner, say: Callable[[str], None]) -> dict[str, Any]:
    """Loss, curvature, flatness and landscape."""
    import torch

    from contrapose.embedder import pick_device
    from contrapose.robustness import average_flatness, blocks_of, landscape, top_eigenvalue

    def drawn() -> torch.Generator:
        return torch.Generator().manual_seed(options.seed)

    losses = taken.losses(options.batches, pick_device(options.device))
    learner = taken.learner

    def loss() -> torch.Tensor:
        return torch.stack([one() for one in losses]).mean()  # ()

    flat = average_flatness(learner, loss, generator=drawn(), scale=options.scale, draws=options.draws)
    if not math.isfinite(flat.at_weights):
        raise RunError(f"The loss of {options.run} is {flat.at_weights} on these data, so it has no curvature.")
    say(f"loss {flat.at_weights:.4g}")
    top = top_eigenvalue(learner, losses, generator=drawn())
    state = "" if top.converged else ", which had not come to rest yet"
    say(f"top eigenvalue of the Hessian: {top.value:.4g} ({top.iterations} products{state})")
    blocks = {}
    for name, parameters in blocks_of(learner).items() if options.blocks else ():
        blocks[name] = asdict(top_eigenvalue(learner, losses, generator=drawn(), parameters=parameters))
        say(f"  {name}: {blocks[name]['value']:.4g}")
    say(
        f"loss under noise of {options.scale:g} of each filter's norm: {flat.mean:.4g}, "
        f"{flat.rise:+.3g} (mean of {options.draws} draws)"
    )
    around = landscape(learner, loss, generator=drawn(), points=options.points, reach=options.reach)
    say("Compare runs at about the same low loss: while a network still learns, its curvature says little.")
    rows = [[value if math.isfinite(value) else None for value in row] for row in around.losses.tolist()]
    return {
        "loss": flat.at_weights,
        "curvature": asdict(top),
        "blocks": blocks,
        "flatness": {**asdict(flat), "rise": flat.rise},
        "landscape": {"places": around.places.tolist(), "losses": rows},
    }
