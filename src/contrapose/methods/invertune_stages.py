"""The three stages of `invertune`: what each is made of, from what the one before has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from contrapose.methods.repairing.found import Found
    from contrapose.methods.repairing.inversion import TriggerInversion
    from contrapose.methods.repairing.suspect import Suspect
    from contrapose.methods.repairing.target_scan import TargetScan
    from contrapose.methods.repairing.tuning import ActivationTuning
    from contrapose.training.stages import Context

TARGET, INVERT, REPAIR = "target", "invert", "repair"


def scan(context: Context) -> TargetScan:
    """Which class is suspect."""
    from contrapose.methods.repairing.target_scan import TargetScan

    config: Any = context.config
    return TargetScan(
        config.suspect(context),
        steps=config.scan_steps,
        batch=config.batch_size,
        area=config.patch_area,
        seed=config.seed,
    )


def invert(context: Context) -> TriggerInversion:
    """Which trigger makes it."""
    from contrapose.encoders import fingerprint_of
    from contrapose.encoders.perturbations import Victim
    from contrapose.methods.repairing.inversion import TriggerInversion
    from contrapose.methods.repairing.target_scan import read_suspects
    from contrapose.robustness.backdoors import Limits, Weights

    config: Any = context.config
    suspects = read_suspects(context.artifacts[TARGET])
    suspect = config.suspect(context)
    victim = Victim(str(config.init), suspect.towers.name, fingerprint_of(suspect.towers))
    return TriggerInversion(
        suspect,
        suspects,
        suspects.looked_into(config.others),
        steps=config.inversion_steps,
        batch=config.batch_size,
        rate=config.inversion_rate,
        weights=Weights(size=config.mask_weight),
        channel_masks=config.channel_masks,
        limits=Limits(
            usual=config.usual_mask,
            next=config.next_mask,
            least_gain=config.least_gain,
            largest_mask=config.largest_mask,
            sure=config.largest_loss,
        ),
        seed=config.seed,
        victim=victim,
    )


def tune(context: Context) -> ActivationTuning:
    """The towers without it."""
    from contrapose.methods.repairing.found import read_trigger
    from contrapose.methods.repairing.tuning import ActivationTuning, Tuning

    config: Any = context.config
    found = read_trigger(context.artifacts[INVERT])
    suspect = config.suspect(context)
    how = Tuning(
        steps=config.repair_steps,
        rate=config.learning_rate,
        decay=config.weight_decay,
        layers=config.repair_layers,
        pictures=config.repair_pictures,
        align=config.align_weight,
        preserve=config.preserve_weight,
        clip=config.gradient_clip,
        frozen_norms=config.frozen_norms,
    )
    return ActivationTuning(suspect, found, _change(config, found, suspect), how, describe=context.describe)


def _change(config: Any, found: Found, suspect: Suspect) -> Callable[[Tensor], Tensor]:
    """What is put on pictures for tuning."""
    import torch

    from contrapose.data import derived_generator
    from contrapose.robustness import named_trigger
    from contrapose.robustness.backdoors import overlaid

    image, device = suspect.towers.image, suspect.pictures.device
    if config.trigger not in ("inverted", "random"):
        return named_trigger(config.trigger, channels=image.channels, image_size=image.image_size)
    mask, pattern = found.mask, found.trigger  # (C, H, W) each
    if config.trigger == "random":
        generator = derived_generator(config.seed, "random trigger")
        order = torch.randperm(mask.numel(), generator=generator)
        mask = mask.flatten()[order].view_as(mask)  # as large, at other places
        pattern = torch.rand(pattern.shape, generator=generator)
    mask, pattern = mask.to(device), pattern.to(device)
    return lambda x: overlaid(x, mask, pattern)
