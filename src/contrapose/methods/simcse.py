"""SimCSE: a sentence beside itself, told apart by dropout alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from contrapose.methods.method import About, register
from contrapose.methods.sentences import SentenceMethod

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.pairing import Pairing


@register("simcse")
@dataclass(frozen=True, kw_only=True)
class SimCSE(SentenceMethod):
    """Vectors of sentences from sentences alone: each, embedded twice under dropout, finds itself in the batch.

    For texts. The authors train BERT-base with `--learning-rate 3e-5 --epochs 1` on a million sentences; their form
    with labelled pairs and hard negatives is the function `objectives.simcse`.

    What to expect: look at Spearman on scored pairs (`contrapose evaluate RUN --data PAIRS`). From new weights it may
    do harm: in a first look (1,500 sentences, a bag of words, 4 epochs, one seed) it was 20.0 % on the test part of the
    STS benchmark, 33.1 % untrained, 56.4 % of word counts. The authors' figures are of trained weights (`--init`). Those
    of a model of sentences it keeps: all-MiniLM-L6-v2 went from 81.8 % [79.5, 83.7] to 82.4 % [80.3, 84.2] by 3,000
    sentences of the benchmark's training part (`--init FOLDER --limit 3000 --max-length 32 --epochs 1 --learning-rate
    3e-5`, 3.4 minutes of one processor, one seed): up by less than these intervals say for sure. Its dropout is told
    apart at once (a loss of 0.001 after three steps), so there is little left to learn.
    """

    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="vectors of sentences: a text is its own positive, told apart by dropout, so that no word has to go",
        paper="Gao et al., EMNLP 2021, https://arxiv.org/abs/2104.08821",
    )

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import OBJECTIVES, simcse

        self.check_twins(encoder)

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None) -> Tensor:
            return simcse(z[0], z[1], temperature=self.temperature, rows=rows)

        return Siamese(
            encoder,
            self.sentence_head(encoder),
            objective,
            pair_by="towers",
            views=2,
            chance=OBJECTIVES["simcse"].chance,
        )
