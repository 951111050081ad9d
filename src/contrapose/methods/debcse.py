"""DebCSE: positives that mean the same and look different, negatives that look alike and mean something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from contrapose.methods.method import About, register
from contrapose.methods.sentences import TwinMethod
from contrapose.methods.with_base import WithBase

if TYPE_CHECKING:
    import torch

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder, Frozen
    from contrapose.learners import Learner


@register("debcse")
@dataclass(frozen=True, kw_only=True)
class DebCSE(TwinMethod, WithBase):
    """SimCSE with drawn pairs: for each text a positive and hard negatives out of pools, against the bias of how they
    look.

    Twins have the same words and the same length, so that these alone tell who belongs together; texts at random have
    other words, some with the same meaning. Here positives are drawn in proportion to meaning over looks, negatives the
    other way round (inverse propensities), anew every time, and who means the same as the anchor is no negative of it.
    Meaning is what words have to do with each other in the texts themselves (latent semantic analysis): no network is
    needed; `--base RUN` asks one, `--teacher self` the encoder that learns. To an untrained network all texts mean the
    same, so that there is nothing to learn (`false_negatives` near 1): begin with trained weights (`--init`), or raise
    `--false-negative`, `--same-meaning` and `--other-meaning`. `--positives 1 --hard-negatives 0 --false-negative 1` is
    `simcse`.

    No code of the authors was found and their sampling equations were not at hand: the form of pools and weights is a
    reconstruction from the paper's abstract, and their figures are not claimed for it.

    What to expect: on 4,000 sentences, with a bag of words from new weights, 8 epochs and five seeds (`contrapose
    reproduce debcse`: *reproduced here*), Spearman on the test part of the STS benchmark was 39.7 %, with uniform
    weights 38.0 %, of `simcse` 30.8 %, of the untrained encoder 38.0 %, of word counts 65.9 %, of static vectors 75.9 %
    and MiniLM 82.0 %, which others trained: take one of these, where it knows your language. Of two pairs that looks
    order wrongly `debcse` ordered 44.1 % as people do, with uniform weights 41.8 %, `simcse` 37.0 %, the untrained
    encoder 46.8 %, word counts 64.3 %: the weights do what they are for, but training from new weights takes more of
    that than they give. No arm puts a made paraphrase without a word in common nearer than a contradiction. The metrics
    of a run say as how many candidates the pools count (`positives_drawn_from`, `negatives_drawn_from`), and which
    share of all is ignored (`false_negatives`).
    """

    about: ClassVar[About] = About(
        question="what if the data are unbalanced or biased?",
        purpose="vectors of sentences that do not go by words in common and length: pairs are drawn from pools, by "
        "meaning over looks",
        paper="Miao et al., CIKM 2023, https://arxiv.org/abs/2309.07396",
    )

    base_is_needed: ClassVar[bool] = False

    base: str | None = None
    """Who says what texts mean: any text encoder (a run, an encoder's folder, hf:NAME), which is asked once of each
    text and never changed. Default: the texts themselves."""
    teacher: Literal["latent", "self"] = "latent"
    """Who says it where there is no base. latent: latent semantic analysis of the texts. self: the encoder itself, as
    it was at the end of the last epoch, so that pools are made anew in every epoch."""
    positives: int = 8
    """Positives in a text's pool: itself, with words twice, with words left out, a piece of it, and then others that
    mean the same, as far as there are such. 1: itself, as in `simcse`. [design] 8."""
    surface_negatives: int = 16
    """Negatives in its pool that share most words with it, among those that mean something else. [design] 16."""
    random_negatives: int = 16
    """Negatives in its pool at random, among those that mean something else. [design] 16."""
    hard_negatives: int = 1
    """Negatives that are drawn for each text, beside the rest of the batch; each costs half as much again as twins do.
    [design] 1, as in the supervised form of SimCSE."""
    weighting: Literal["inverse", "uniform"] = "inverse"
    """inverse: pools are drawn from in proportion to meaning over looks. uniform: all candidates alike, to see what the
    weights are for."""
    mode: Literal["draw", "weight"] = "draw"
    """draw: one positive and the hard negatives are drawn from the pools of each text, anew every time. weight: nothing
    is drawn, and every candidate enters with its weight: less noise, and as many texts a step as pools have (41 times
    the batch, as the defaults are)."""
    surface_temperature: float = 0.1
    """Sharpness of how candidates come up by their looks. [design] 0.1."""
    meaning_temperature: float = 0.05
    """Sharpness of how they are wanted by their meaning. [design] 0.05."""
    least_propensity: float = 0.01
    """The smallest share that is divided by; from 1 on meaning alone counts. [design] 0.01."""
    same_meaning: float = 0.9
    """Similarity of meaning, (1 + cos) / 2, from which on another text is a positive. [design] 0.9."""
    other_meaning: float = 0.7
    """Similarity of meaning up to which a text is a negative in a pool. [design] 0.7."""
    false_negative: float = 0.9
    """Similarity of meaning above which a candidate in the batch is ignored; 1: none is. [design] 0.9."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("positives", self.positives >= 1, "at least 1: the text itself")
        for name in ("surface_negatives", "random_negatives", "hard_negatives"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        pool = self.surface_negatives + self.random_negatives
        self._check("hard_negatives", self.hard_negatives <= pool, f"at most {pool}, the negatives of a pool")
        self._check_choice("weighting", ("inverse", "uniform"))
        self._check_choice("mode", ("draw", "weight"))
        self._check_choice("teacher", ("latent", "self"))
        self._check(
            "teacher", self.base is None or self.teacher == "latent", "left out where base says what texts mean"
        )
        for name in ("surface_temperature", "meaning_temperature", "least_propensity"):
            self._check(name, getattr(self, name) > 0, "above 0")
        for name in ("same_meaning", "other_meaning", "false_negative"):
            self._check(name, 0 <= getattr(self, name) <= 1, "in [0, 1]")
        known = self.other_meaning < self.same_meaning
        self._check("other_meaning", known, f"below {self.same_meaning:g}, from which on texts mean the same")

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.views.texts.drawn_pairs import DrawnPairs
        from contrapose.views.texts.latent import LatentMeaning
        from contrapose.views.texts.pools import PoolOptions, Pools
        from contrapose.views.texts.weighted_pools import WeightedPools

        views = super().views_for(views, samples, encoder)
        if self.positives == 1 and self.hard_negatives == 0 and self.false_negative == 1:
            return views
        options = PoolOptions(
            positives=self.positives,
            surface_negatives=self.surface_negatives,
            random_negatives=self.random_negatives,
            least_negatives=self.hard_negatives,
            same_meaning=self.same_meaning,
            other_meaning=self.other_meaning,
            weighting=self.weighting,
            surface_temperature=self.surface_temperature,
            meaning_temperature=self.meaning_temperature,
            least_propensity=self.least_propensity,
        )
        texts = cast("Texts", samples).texts
        latent = self.base is None and self.teacher == "latent"  # else the learner's teacher says it
        pools = Pools(texts, LatentMeaning(texts) if latent else None, options, seed=self.seed)
        maker = DrawnPairs if self.mode == "draw" else WeightedPools
        return maker(pools, views, hard=self.hard_negatives)

    def learner(self, encoder: Encoder, *, generator: torch.Generator, base: Frozen | None = None) -> Learner:
        given = base or (None if self.base is None else self.frozen())  # it reads texts in its own way, not as encoder
        return self.learner_beside(given, encoder, generator=generator)

    def learner_beside(self, base: Frozen | None, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import DrawnPairs
        from contrapose.learners.meaning_teacher import MeaningTeacher
        from contrapose.objectives import OBJECTIVES

        self.check_twins(encoder)

        return DrawnPairs(
            encoder,
            self.sentence_head(encoder),
            self.objective,
            false_negative=self.false_negative,
            teacher=None if base is None and self.teacher == "latent" else MeaningTeacher(base or encoder),
            language=self.language(encoder),
            language_weight=self.mlm_weight,
            chance=OBJECTIVES["simcse"].chance if self.mode == "draw" else None,  # that of pools hangs on their weights
            generator=generator,
        )
