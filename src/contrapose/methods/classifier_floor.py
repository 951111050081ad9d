"""The heads of a classifier on other embeddings of what it learned from: what says how much its encoder is worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from contrapose.methods.classifier import EncoderClassifier

if TYPE_CHECKING:
    from contrapose.data import Samples
    from contrapose.encoders.classifier_folder import TrainedHeads


def heads_on(config: EncoderClassifier, samples: Samples, embed: Callable[[Samples], Any]) -> TrainedHeads:
    """Heads that learn from the same samples by the same options, on embeddings that stay as they are.

    Neither temperature nor threshold is chosen: they answer the likeliest class.

    Arguments:
        samples: the run's data, as `config.read` gives them.
        embed: N samples to `(N, D)`.
    """
    import torch
    from torch import nn

    from contrapose.data.embedded_samples import EmbeddedSamples, as_they_are
    from contrapose.encoders.classifier_folder import TrainedHeads
    from contrapose.learners.class_heads import ClassHeads
    from contrapose.training.heads import questions_of
    from contrapose.training.in_memory import train_in_memory

    learned, _ = config.parts(samples)
    z = torch.as_tensor(embed(learned)).float()  # (N, D)
    learner = ClassHeads(
        nn.Identity(),
        dimension=z.shape[1],
        questions=config.questions,
        balanced=config.class_weights == "balanced",
        label_smoothing=config.label_smoothing,
    )
    learner.see_targets(learned.targets)
    learner.heads.standardise(z)
    learner.embedded = True
    fitting = replace(config, batch_size=max(2, min(config.batch_size, len(learned))))
    train_in_memory(learner, EmbeddedSamples(learned, z), as_they_are, fitting)
    return TrainedHeads(learner.heads.eval(), tuple(questions_of(learned, config.questions)))
