"""What the stages of CDvG are made of: the two networks of the first, and what the last one is told by those before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrapose.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    import torch
    from torch import Tensor

    from contrapose.data import Images, Samples
    from contrapose.encoders.images.translator import Translator
    from contrapose.learners import Translation


def check_labelled(samples: Samples) -> None:
    """Pass samples of which every one has a class.

    Errors:
        DataError: none has, or some have not.
    """
    labels = samples.labels
    if labels is None or int(labels.min()) < 0:
        some = "no labels" if labels is None else f"{int((labels < 0).sum()):,} {samples.noun}s without a label"
        raise DataError(f"{samples.origin} has {some}, and cdvg needs the class of each. Give class sub-folders.")


def new_translation(config: Any, images: Images, *, generator: torch.Generator) -> Translation:
    """Translator and critic with first weights, and what they are asked; the user's random stream is left alone."""
    import torch

    from contrapose.encoders.images.critic import Critic
    from contrapose.encoders.images.translator import Translator
    from contrapose.learners import GameWeights, Translation

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(generator.initial_seed())
        size = {"channels": images.channels, "image_size": images.image_size}
        names = class_names_of(images, config.classes)
        translator = Translator(**size, classes=names, width=config.translator_width, preparation=images.preparation)
        critic = Critic(**size, classes=config.classes, width=2 * config.translator_width)
    weights = GameWeights(config.class_weight, config.cycle_weight, config.penalty_weight)
    turns = config.critic_turns
    return Translation(
        translator,
        critic,
        game(),
        classes=config.classes,
        weights=weights,
        critic_turns=turns,
        generator=generator,
    )


def class_names_of(samples: Samples, classes: int) -> tuple[str, ...]:
    """The names of K classes, in the order of their numbers."""
    given = samples.class_names or ()
    return tuple(given[number] if number < len(given) else str(number) for number in range(classes))


def game() -> Any:
    from types import SimpleNamespace

    from contrapose.objectives.adversarial.translation import named_as, reconstruction
    from contrapose.objectives.adversarial.wasserstein import critic_loss, gradient_penalty, maker_loss, mixed

    return SimpleNamespace(
        critic=critic_loss,
        maker=maker_loss,
        mixed=mixed,
        penalty=gradient_penalty,
        named=named_as,
        reconstruction=reconstruction,
    )


def translates(folder: Path, say: Callable[[str], None], device: torch.device) -> Translator:
    """The frozen translator of the stage before; what was found wrong with it is said again."""
    from contrapose.encoders.generator_folder import FOLDER, described, read_translator

    verdict = described(folder / FOLDER)["extra"].get("verdict")
    if verdict:
        say(f"warning: the classifier learns from translations of a {verdict}")
    return read_translator(folder / FOLDER).to(device)


def difficulty(folder: Path, samples: Samples, device: torch.device) -> Tensor:
    """Cross-entropy of each sample by the early classifier, `(N,)` on the CPU."""
    import torch
    from torch.nn import functional

    from contrapose.encoders.artifact import load_encoder
    from contrapose.encoders.classifier_folder import FOLDER, load_heads
    from contrapose.training.heads import embeddings_of

    heads = load_heads(folder / FOLDER)
    (logits,) = heads.logits(embeddings_of(load_encoder(folder / FOLDER), samples, device))  # (N, K)
    return functional.cross_entropy(logits, torch.as_tensor(samples.labels), reduction="none")  # (N,)


def weights_of(samples: Samples) -> Tensor:
    """The numbers of the samples as weights of mean 1, `(N,)`.

    Errors:
        DataError: there are none, or some are missing, below 0, or all 0.
    """
    import torch

    numbers = samples.targets.get("number")
    found = torch.zeros(1) if numbers is None else torch.as_tensor(numbers).float()  # (N,)
    if not bool(torch.isfinite(found).all()) or bool((found < 0).any()) or not bool(found.any()):
        raise DataError(
            f"The weights of {samples.origin} must be numbers, 0 or more, of every {samples.noun}, and not all 0. Look "
            "at the column that --number-column names."
        )
    return found / found.mean()
