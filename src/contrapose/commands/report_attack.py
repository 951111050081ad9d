"""The page of an attack: what was found, and what the encoder that was attacked answers before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contrapose.encoders.perturbations import perturbation_folder
from contrapose.errors import RunError
from contrapose.shell import shell_command

if TYPE_CHECKING:
    from contrapose.commands.reading import Reading
    from contrapose.report.attacked import AttackPage
    from contrapose.training.run_folder import RunFolder


def collect_attack(
    folder: RunFolder,
    *,
    data: Any = None,
    limit: int | None = None,
    reading: Reading | None = None,
    seed: int = 0,
    device: str = "cpu",
    quiet: bool = True,
) -> AttackPage:
    """The facts of every section; what cannot be known is `Absent` and says why. Arguments as in `report`.

    Errors:
        RunError: it stopped before it found anything, or what it found is damaged.
        DataError: `data` was given and cannot be read.
    """
    from contrapose.commands.reading import Reading
    from contrapose.commands.report_data import Shown
    from contrapose.commands.report_parts import open_shown, said, tried
    from contrapose.commands.train import config_of
    from contrapose.embedder import load
    from contrapose.perturber import load_perturber
    from contrapose.report import facts
    from contrapose.report.attacked import AttackPage
    from contrapose.report.course import Absent

    record = folder.read_record()
    config = config_of(record, where=str(folder.config_file))
    if perturbation_folder(folder.path) is None:
        command = shell_command("attack", "--resume", folder.root)
        raise RunError(f"{folder.path} has found nothing yet: it stopped before its first checkpoint. Go on: {command}")
    perturber = load_perturber(folder.path, device=device)

    victim = tried(folder.initial, lambda place: load(place, device=device))
    shown: Any = victim
    if not isinstance(victim, Absent):
        said("Opening the data", quiet)
        asked = Shown(data, None, limit, seed)
        samples = open_shown(victim, config, asked, reading or Reading.of(folder.path), quiet, folder)
        said("Asking the encoder that was attacked, before and after", quiet)
        how = {"seed": seed, "learned": data is None}
        shown = tried(
            samples, lambda samples: facts.answers_of(victim, perturber.saved, perturber.perturb, samples, **how)
        )
    return AttackPage(
        head=facts.attack_head_of(folder, record, config, perturber.saved),
        perturbed=facts.perturbed_of(perturber.saved),
        shown=shown,
        measured=facts.measured_of(folder.path),
        curves=facts.curves_of(folder.metrics(), others=True),
        setup=facts.setup_of(folder, record, config),
        stages=facts.stages_of(folder),
    )
