"""ContraBERT: programs that were written or described otherwise are the same; hidden tokens are guessed besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner

PROGRAMS = ("rename_function", "rename_variables", "dead_code", "reorder", "sampling")
COMMENTS = ("bt_offline", "delete", "switch", "copy")


@register("contrabert")
@dataclass(frozen=True, kw_only=True)
class ContraBERT(Method):
    """Vectors of programs that stay when variables are renamed: each finds its mutated self in a slow copy's queue,
    while hidden tokens are guessed.

    For functions with or without a comment: Python files and folders of them, a column of a table (`--text-column`),
    `python-functions`. Python is changed by its syntax, other languages by their tokens, and all else not at all; the
    metrics say how often (`programs_changed`, `comments_changed`). A comment stands before its function in the input,
    its first paragraph; half of the time the function stands alone. Take `--max-length 128` or more: what is cut is
    not learned from. The authors go on from CodeBERT and GraphCodeBERT (`--encoder hf:NAME --init hf:NAME`).

    Their pretraining script and operators are not published: these are rebuilt from the paper, back-translation by a
    small lexicon (`bt_offline`).

    What to expect: on 1,280 functions of Python's library, 3 epochs and four seeds from new weights (`contrapose
    reproduce contrabert`: *contrary here*), a function with 8 variables renamed is found again among 300 to 43.8 %, 4.4
    % where tokens are guessed alone. But the untrained encoder has 47.1 %, word counts 84.7 %, MiniLM, which others
    trained, 99.0 %; it is as good without the renaming of variables (42.0 %), and the gap does not grow with their
    number: guessing goes by names from the first one on. Search by words is poor in all arms (MRR 0.03 to 0.04; chance
    0.02, word counts 0.40, MiniLM 0.66). `contrapose evaluate RUN --task renaming` asks this of any encoder.
    """

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    kinds_note: ClassVar[str] = "for what it changes are programs and their comments"
    needs: ClassVar[tuple[str, ...]] = ("tokens in context",)
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}
    about: ClassVar[About] = About(
        question="who is a positive, when labels do not say?",
        purpose="vectors of programs that do not change their mind when a variable is renamed",
        paper="Liu et al., ICSE 2023, https://arxiv.org/abs/2301.09072",
    )

    batch_size: int = 32
    """Samples per process and step. 32: the authors' in fine-tuning for code search."""
    temperature: float = 0.07
    """Sharpness of the softmax. 0.07: MoCo's first."""
    queue: int = 1024
    """Keys of earlier batches kept, which are the negatives; those of the batch itself are none. [design] 1024 for
    thousands of functions; 65,536 in MoCo."""
    momentum: float = 0.99
    """Inertia of the slow copy. [design] 0.99 for runs of about a thousand steps; 0.999 in MoCo."""
    contrast: float = 1.0
    """Weight of the contrast beside the guessing of tokens. 1: the authors'; 0 guesses alone, in half the time."""
    masked: float = 0.15
    """Share of the tokens that are hidden, on both sides. 0.15: the authors'."""
    comments_seen: float = 0.5
    """Chance of a comment to be seen with its function. [design] 0.5, so that functions alone are learned too."""
    program_operators: tuple[str, ...] = PROGRAMS
    """What is done to programs, one drawn each time: rename_function, rename_variables, dead_code, reorder (two
    statements that do not depend on each other), sampling (a statement left out). All: the authors'."""
    comment_operators: tuple[str, ...] = COMMENTS
    """What is done to comments, one drawn each time: bt_offline (other words and another order), delete, switch, copy
    (of a word). All: the authors', but for the translation."""
    projection_layers: int = 0
    """Linear maps of the projection head. 0: the embeddings themselves are compared, as the authors do."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("temperature", "queue"):
            self._check(name, getattr(self, name) > 0, "above 0")
        self._check("momentum", 0 <= self.momentum <= 1, "in [0, 1]")
        self._check("contrast", self.contrast >= 0, "0 or more")
        self._check("masked", 0 < self.masked < 1, "between 0 and 1")
        self._check("comments_seen", 0 <= self.comments_seen <= 1, "in [0, 1]")
        self._check("views", self.views.total() == 2, "2 of each text (--views.count 2)")
        for name, known in (("program_operators", PROGRAMS), ("comment_operators", COMMENTS)):
            self._check(name, set(getattr(self, name)) <= set(known), f"some of {', '.join(known)}")

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        from contrapose.views.texts.programs.maker import MutatedPrograms

        return MutatedPrograms(
            views,
            cast("Texts", samples).texts,
            programs=self.program_operators,
            comments=self.comment_operators,
            keep=self.comments_seen,
        )

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from contrapose.learners import MaskedMomentum
        from contrapose.objectives import queue_info_nce

        def objective(q: Tensor, k: Tensor, queue: Tensor, ignored: Tensor, rows: Tensor | None) -> Tensor:
            return queue_info_nce(q, k, queue, ignored=ignored, temperature=self.temperature, rows=rows)

        head = self.head(encoder.dimension, norm=False)
        return MaskedMomentum(
            encoder,
            head,
            objective,
            dimension=head.output_dimension,
            queue_size=self.queue,
            momentum=self.momentum,
            weight=self.contrast,
            share=self.masked,
            generator=generator,
        )
