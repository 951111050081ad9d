"""Code search: what is said of a program finds it among all others of the batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from contrapose.methods.method import About, Method, register
from contrapose.words import counted

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner
    from contrapose.objectives.engine.visiting import Exchange
    from contrapose.pairing import Pairing


@register("code-search")
@dataclass(frozen=True, kw_only=True)
class CodeSearch(Method):
    """A comment looks for its program, by dot products of embeddings as they are; programs do not look for comments.

    The fine-tuning of ContraBERT for code search, after `contrabert` (`--init RUN`): functions with docstrings, or a
    column of programs with their comments (`--text-column`, `--comment-column`). A text without a comment is left out
    as long as others, a batch at least, have one; else it is paired with itself, and a note says so. `contrapose
    evaluate RUN --data TABLE --pair-columns COMMENT CODE` measures MRR. The authors take `--learning-rate 2e-5 --epochs
    10` from weights of 125 million parameters.

    What to expect: nothing was measured yet; the authors' gain by their pretraining is small here, an MRR of 0.693
    against 0.701.
    """

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    kinds_note: ClassVar[str] = "for it pairs programs with what is said of them"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}
    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="search of programs by words: each comment finds its own function",
        paper="Liu et al., ICSE 2023, https://arxiv.org/abs/2301.09072; CodeXGLUE, https://arxiv.org/abs/2102.04664",
    )

    batch_size: int = 32
    """Pairs per process and step; each comment has all programs but its own as negatives. 32: the authors'."""
    projection_layers: int = 0
    """Linear maps of the projection head. 0: the embeddings themselves are compared, as the authors do."""

    exchange: Literal["gather", "ring"] = "gather"
    """How several processes see each other's programs: gather, each holds the embeddings of all; ring, they come by a
    block at a time, in the memory of its own share. [design] gather, which waits less; the losses are equal."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_choice("exchange", ("gather", "ring"))
        self._check("views", self.views.total() == 2, "2 of each text (--views.count 2)")

    def read(self, open: Callable[..., Samples]) -> Samples:
        import numpy as np

        from contrapose.views.texts.programs.two_sides import sides_of

        samples = open()
        texts = samples.batch(np.arange(len(samples)))
        rows = np.asarray([row for row, text in enumerate(texts) if sides_of(text) is not None], np.int64)
        if len(rows) == len(samples):
            return samples
        if len(rows) < self.batch_size:  # too few for a batch: texts without a comment stay, each beside itself
            few = counted(len(rows), "text") if len(rows) else "no text"
            note = (
                f"Of {counted(len(samples), 'text')} {few} {'has' if len(rows) < 2 else 'have'} both a comment and a "
                "program; all others are paired with themselves, which teaches no search by words. Name the columns: "
                "--text-column of the programs, --comment-column of what is said of them."
            )
            samples.notes = (*samples.notes, note)
            return samples
        found = samples.subset(rows)
        found.notes = (*samples.notes, f"{counted(len(samples) - len(rows), 'text')} without a comment left out.")
        return found

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.views.texts.programs.two_sides import TwoSides

        return TwoSides(views)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import Siamese
        from contrapose.objectives import OBJECTIVES, info_nce

        def objective(z: Tensor, pairing: Pairing, rows: Tensor | None, exchange: Exchange | None = None) -> Tensor:
            return info_nce(z[0], z[1], temperature=1.0, normalize=False, rows=rows, exchange=exchange)

        head, chance = self.head(encoder.dimension, norm=False), OBJECTIVES["info_nce"].chance
        return Siamese(encoder, head, objective, pair_by="towers", views=2, exchange=self.exchange, chance=chance)
