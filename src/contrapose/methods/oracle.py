"""An oracle: a classifier of pictures that is trained for a measurement, and judges pictures that another made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np

    from contrapose.data import Images
    from contrapose.evaluation import Metric
    from contrapose.evaluation.translation import TranslationRates

Oracle = Callable[["Images"], "np.ndarray"]
EPOCHS, LEAST_STEPS = 20, 300
"""Of an oracle; few samples take more epochs. [design]"""


def oracle(samples: Images, *, seed: int = 0, encoder: str = "tiny_conv", least_steps: int = LEAST_STEPS) -> Oracle:
    """A classifier of these pictures' labels, trained with small crops and shifts and without a change of colour.

    Arguments:
        samples: labelled, of 0 to K - 1, with whatever should not lead it independent of the labels.
        seed: of weights and batches.
        encoder: its backbone.
        least_steps: few samples take more epochs than 20, until there are so many steps.

    Returns pictures -> their class numbers, `(N,)` int64.

    Errors:
        RunError: the loss became not finite.
    """
    import numpy as np
    import torch

    from contrapose.encoders.heads import Heads
    from contrapose.learners.class_heads import ClassHeads
    from contrapose.methods.assemble import assemble
    from contrapose.methods.supervised import Supervised
    from contrapose.training.heads import embeddings_of
    from contrapose.training.in_memory import train_in_memory
    from contrapose.views.images.options import ImageViews

    kind = Supervised.on("image")
    size = max(2, min(64, len(samples) // 4))
    config = kind(
        epochs=max(EPOCHS, -(-least_steps // max(1, len(samples) // size))),
        batch_size=size,
        encoder=encoder,
        views=ImageViews(recipe="none", count=1, crop_scale_min=0.8),
        seed=seed,
    )
    assembled, views = assemble(config, samples)
    network = assembled.encoder
    learner = ClassHeads(network, dimension=network.dimension, frozen=False)  # type: ignore[arg-type]
    learner.see_targets(samples.targets)
    train_in_memory(learner, samples, views, config)
    learner.eval()
    heads: Heads = learner.heads

    def answers(images: Images) -> np.ndarray:
        with torch.no_grad():
            (logits,) = heads(embeddings_of(network, images))  # type: ignore[arg-type]  # (N, K)
        found: np.ndarray = logits.argmax(dim=1).numpy().astype(np.int64)  # (N,)
        return found

    return answers


@dataclass(frozen=True)
class Judged:
    """What oracles say of a translator, and how far they can be trusted.

    Arguments:
        rates: flip and keep rates of its translations.
        class_oracle, bias_oracle: accuracy of the judges on pictures that they did not learn from, none translated.
    """

    rates: TranslationRates
    class_oracle: Metric
    bias_oracle: Metric


@dataclass(frozen=True)
class Judges:
    """A judge of the class and one of the nuisance.

    Labels of the nuisance are looked at here alone, and never by the translator that is judged.

    Arguments:
        by_class, by_bias: pictures -> numbers, `(N,)`.
        learned: pictures that they learned from.
    """

    by_class: Oracle
    by_bias: Oracle
    learned: int

    @classmethod
    def trained(cls, known: Images, bias: np.ndarray, *, seed: int = 0, least_steps: int = LEAST_STEPS) -> Self:
        """Judges that learn from unbiased pictures; `bias` is the nuisance of each, `(N,)` int64."""
        by_class, by_bias = (
            oracle(one, seed=seed, least_steps=least_steps) for one in (known, known.with_labels(bias))
        )
        return cls(by_class, by_bias, len(known))

    def __call__(
        self,
        translator: Any,
        asked: Images,
        asked_bias: np.ndarray,
        tied: np.ndarray,
        *,
        real: Images,
        real_bias: np.ndarray,
    ) -> Judged:
        """What they say of a translator.

        Shapes:
            asked_bias, real_bias: `(N,)` int64, the nuisance of the pictures before them; tied: `(K,)`.

        Arguments:
            translator: a network that `translations_of` takes.
            asked: what is translated, each to every class.
            real: unbiased, what the judges are tested on.
        """
        import numpy as np

        from contrapose.evaluation import Metric
        from contrapose.evaluation.translation import translation_rates
        from contrapose.training.translation import translations_of

        count, labels = len(tied), asked.labels
        assert labels is not None, "judges are asked for known classes"
        assert real.labels is not None, "judges are tested on known classes"
        made = [replaced(asked, translations_of(translator, asked, number)) for number in range(count)]
        rates = translation_rates(
            np.tile(labels, count),
            np.tile(asked_bias, count),
            np.repeat(np.arange(count), len(asked)),
            tied,
            judged_class=np.concatenate([self.by_class(one) for one in made]),
            judged_bias=np.concatenate([self.by_bias(one) for one in made]),
            protocol=f"judged by networks trained on {self.learned:,} unbiased pictures",
        )
        told = f"{len(real):,} unbiased pictures, none translated"
        return Judged(
            rates,
            Metric.from_items("judge of the class", self.by_class(real) == real.labels, protocol=told),
            Metric.from_items("judge of the nuisance", self.by_bias(real) == real_bias, protocol=told),
        )


def replaced(images: Images, pixels: np.ndarray) -> Images:
    """Other pixels in the place of those of these pictures."""
    from contrapose.data import Images

    return Images(pixels, images.labels, class_names=images.class_names, preparation=images.preparation)
