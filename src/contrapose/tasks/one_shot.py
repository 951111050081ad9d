"""The one-shot runs of the embedded characters: characters of alphabets never seen, from one example each."""

from __future__ import annotations

import numpy as np

from contrapose.data import Images, derived_generator, omniglot_one_shot
from contrapose.evaluation import one_shot
from contrapose.tasks.given import Given
from contrapose.tasks.setting import Identity, Setting
from contrapose.tasks.task import INTERVALS, Embed, Measurement, Metrics, Task


class _OneShotRuns(Measurement):
    """The 20 official runs."""

    data = "20 official one-shot runs of omniglot, alphabets never seen in training"
    noun = "picture"
    named = False

    def __init__(self, given: Given) -> None:
        self.seed, self.full = given.seed, given.full
        self.runs = omniglot_one_shot()
        examples = Images(self.runs.support.flatten(0, 1).numpy())  # (R·N, C, H, W)
        asked = Images(self.runs.query.flatten(0, 1).numpy(), self.runs.answer.flatten().numpy())  # (R·Q, C, H, W)
        # in the encoder's own resolution
        self.known, self.wanted = given.bring(examples.pixels), given.bring(asked.pixels)
        test = Identity.of(asked, np.asarray(asked.labels))
        self.setting = Setting(
            "one-shot runs", {"seed": given.seed}, test, Identity.of(examples, np.arange(len(examples)))
        )

    def __call__(self, embed: Embed) -> tuple[Metrics, np.ndarray]:
        count, ways = self.runs.support.shape[:2]
        support, query = embed(self.known), embed(self.wanted)  # (R·N, D), (R·Q, D)
        metric = one_shot(
            support.reshape(count, ways, -1),
            query.reshape(count, self.runs.query.shape[1], -1),
            self.runs.answer,
            generator=derived_generator(self.seed, INTERVALS),
        )
        return {metric.name: metric}, query

    @property
    def notes(self) -> tuple[str, ...]:
        more = ("the one-shot runs have no full table; give labelled pictures with --data for one",)
        return ("people reach 95.5 % (Lake et al. 2015)", *(more if self.full else ()))


class _OneShot(Task):
    name = "one-shot"
    needs = "the embedded characters (--data omniglot) and an encoder of pictures"
    modalities = ("image",)

    def fits(self, given: Given) -> bool:
        return isinstance(given.data, str) and given.data == "omniglot" and given.test_data is None

    def possible(self, given: Given) -> bool:
        return self.takes(given) and self.fits(given)

    def prepare(self, given: Given) -> Measurement:
        return _OneShotRuns(given)


ONE_SHOT = _OneShot()
