"""Saved patches, as they are put on pictures of an encoder, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from contrapose.encoders import fingerprint_of
from contrapose.encoders.perturbations import SavedPerturbation, load_perturbation
from contrapose.errors import ArgumentError
from contrapose.shell import shell_command


def patch_of(run: str | Path) -> SavedPerturbation:
    """The patch of a run of `attack`, or of a perturbation's folder.

    Errors:
        ArgumentError: it holds a perturbation that is no patch.
        RunError: it holds none, or a damaged one.
    """
    saved = load_perturbation(run)
    if saved.kind != "patch":
        looked = shell_command("analyse", "perturbation", str(run), "--on", "RUN", "--data", "DATA")
        raise ArgumentError(
            f"{run} holds a {saved.kind}, and this is about patches: give a run of `contrapose attack advclip`. What a "
            f"{saved.kind} does to encoders, `{looked}` says."
        )
    return saved


def patches_for(encoder: Any, runs: Iterable[str | Path]) -> list[SavedPerturbation]:
    """The patches of these runs, which go on pictures as the encoder takes them.

    Errors:
        ArgumentError: a patch for pictures of another size or of other channels.
        RunError: as `patch_of`.
    """
    found = [patch_of(run) for run in runs]
    image = getattr(encoder, "image", encoder)
    for run, saved in zip(runs, found, strict=True):
        size, channels = image.image_size, image.channels
        if (saved.image_size, saved.channels) != (size, channels):
            raise ArgumentError(
                f"The patch of {run} is for pictures of {saved.image_size} x {saved.image_size} pixels and "
                f"{saved.channels} channels, and this encoder takes {size} x {size} and {channels}: learn one for it "
                "with `contrapose attack advclip`."
            )
    return found


def relation(saved: SavedPerturbation, encoder: Any, begun_from: str | None = None) -> str:
    """Whose patch it is: one that was made against this encoder, against that which it was trained on from, or against
    others, of whom it is a transfer.

    Arguments:
        encoder: what it is put before.
        begun_from: the fingerprint of the encoder that this one's training began with.
    """
    victims = {victim.fingerprint: victim for victim in saved.victims}
    if fingerprint_of(encoder) in victims:
        return "made against it"
    if begun_from in victims:
        return "stale: made against the encoder that it was trained on from"
    whom = ", ".join(f"{one.encoder} of {one.source}" for one in saved.victims)
    return f"a transfer: made against {whom}"
