"""URLBERT: an encoder of URLs that guesses hidden pieces, bears perturbations, and tells URLs apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.method import About, register
from contrapose.methods.sentences import SentenceMethod

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.learners.perturbed import Search
    from contrapose.pairing import Pairing

RELEASED_ROUNDS = 2
"""Gradient steps of each view in the contrast of the published code."""


@register("urlbert")
@dataclass(frozen=True, kw_only=True)
class UrlBert(SentenceMethod):
    """Pretraining on raw URLs: hidden pieces are guessed, alike where tokens are moved a little the worst way (virtual
    adversarial training), and two perturbed passes of one URL find each other in the batch.

    For texts of any kind; its vocabulary is one of URLs, whose letters are never unknown. Then a head for phishing,
    page topic or ads: `contrapose train classifier --base RUN --data LABELLED`, several with --label-columns. With
    --views.respell 0.5 the two views are other spellings of a URL that lead to the same place.

    The published code's search gives a random direction (the metrics say so: vat_cosine is 1); here it is the one that
    changes most (--direction). Theirs, as released: --direction released --vat-reduction sum --joint false
    --learning-rate 1e-5 --schedule constant. Not taken over: labels from a second masking of tokens masked already,
    places that are added twice, padding in the divergences. Contrast is of the encoder's own embedding, which is the
    mean of the tokens unless it pools otherwise, where theirs is the first token.

    What to expect: on 2,000 URLs and domains, 4 epochs and three seeds (`contrapose reproduce urlbert`: *not resolved
    here*), a probe on frozen weights tells fraud by 81.1 % of URLs, 86.6 % after guessing alone (--vat-weight 0
    --contrast-weight 0), 78.3 % untrained; spelled otherwise by 77.0, 80.3 and 72.4 %. Two to four letters in a row,
    counted, know 85.3 and 83.5 %: look at them first. The topic of a page, of five, MiniLM, which others trained, tells
    by 59 % of domains, every arm by 28 to 31 %, no training by 35 %. Nothing speaks for perturbations and contrast at
    this scale, and a step with both costs eight times one of `simclr`.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="URLs: guess hidden pieces, alike nearby, and tell URLs apart; then heads for phishing, topics, ads",
        paper="Li et al., 2024, https://arxiv.org/abs/2402.11495",
    )
    needs: ClassVar[tuple[str, ...]] = ("tokens in context",)
    kinds_note: ClassVar[str] = "for it guesses hidden tokens"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}

    tokenizer: Literal["auto", "words", "pieces", "urls"] = "urls"
    """urls: pieces of words, all letters of addresses among them. words, pieces, auto: as for other methods."""
    projection_layers: int = 0
    """Linear maps of the projection head. 0: the authors' contrast has none."""
    temperature: float = 0.1
    """Sharpness of the softmax. 0.1: the authors'."""
    mask_share: float = 0.15
    """Share of the tokens that are hidden and guessed. 0.15: the authors', and BERT's."""
    vat_weight: float = 10.0
    """Weight of the change of guesses under perturbations. 10: the authors'; 0 leaves it out."""
    contrast_weight: float = 1.0
    """Weight of the contrast. 1: the authors'; 0 leaves it out."""
    direction: Literal["power", "released", "random"] = "power"
    """power: the direction in which guesses change most, by power iteration; in the contrast the second view's is
    random. released: as the published code has it. random: any."""
    radius: float = 0.1
    """Length of a perturbation, as a share of the mean length of the tokens' embeddings. [design] 0.1; the authors' is
    1, which is about 0.04 of theirs."""
    unit: Literal["token", "row"] = "token"
    """token: every token is moved as far. row: the tokens of a URL share the length."""
    norm: Literal["l2", "sign", "largest"] = "l2"
    """What the length is: of the vector, of each of its numbers (signs alone), or of the largest."""
    vat_reduction: Literal["mean", "sum"] = "mean"
    """mean over tokens [design]; sum: the authors', which grows with the batch."""
    vat_step: float = 1e-3
    """Of --direction released: what the gradient is times. 1e-3: the authors'."""
    first_step: float = 0.1
    """The same in the contrast, of the first view. 0.1: the authors'."""
    second_step: float = 1e-5
    """The same of the second view. 1e-5: the authors'."""
    joint: bool = True
    """One loss and one step a batch. Off: two, each with an optimiser of its own over the encoder, as the authors'."""
    contrast_rate: float = 10.0
    """What the learning rate is times in the second of two steps. 10: the authors'."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("mask_share", 0 < self.mask_share < 1, "above 0 and below 1")
        for name in ("vat_weight", "contrast_weight"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("radius", "vat_step", "first_step", "second_step", "contrast_rate"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check_choice("direction", ("power", "released", "random"))
        self._check_choice("unit", ("token", "row"))
        self._check_choice("norm", ("l2", "sign", "largest"))
        self._check_choice("vat_reduction", ("mean", "sum"))
        self._check("joint", self.joint or self.contrast_weight > 0, "on without contrast, which is the second step")

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import VirtualAdversarial
        from contrapose.objectives import OBJECTIVES, nt_xent

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return nt_xent(z, pairing, temperature=self.temperature, rows=rows)

        released = self.direction == "released"
        return VirtualAdversarial(
            encoder,
            self.sentence_head(encoder),
            objective,
            mask_share=self.mask_share,
            vat_weight=self.vat_weight,
            contrast_weight=self.contrast_weight,
            vat_search=self.search(self.direction, self.vat_step),
            contrast_searches=(
                self.search(self.direction, self.first_step, rounds=RELEASED_ROUNDS if released else 1),
                self.search(self.direction, self.second_step, rounds=RELEASED_ROUNDS)
                if released
                else self.search("random"),
            ),
            vat_mean=self.vat_reduction == "mean",
            joint=self.joint,
            contrast_rate=self.contrast_rate,
            contrast_chance=OBJECTIVES["nt_xent"].chance,
            generator=generator,
        )

    def search(self, direction: str, step: float = 1e-3, *, rounds: int = 1) -> Search:
        """How perturbations are looked for, with this radius, unit and norm."""
        from contrapose.learners.perturbed import Search

        return Search(direction=direction, radius=self.radius, unit=self.unit, norm=self.norm, rounds=rounds, step=step)
