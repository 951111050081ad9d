"""Clone detection: a program finds others that solve the same problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from contrapose.errors import DataError
from contrapose.methods.method import About, Method, register

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from contrapose.data import Samples
    from contrapose.data.source import MakeViews
    from contrapose.data.texts import Texts
    from contrapose.encoders import Encoder
    from contrapose.learners import Learner


@register("code-clones")
@dataclass(frozen=True, kw_only=True)
class CodeClones(Method):
    """Programs of one class (the problem that they solve) find each other, by dot products of pooled vectors.

    The fine-tuning of ContraBERT for clone detection, after `contrabert` (`--init RUN`): an anchor's clone against one
    program of another class and the rest of the batch. The pooler, a linear map with a tanh, is used in training
    alone; `contrapose.evaluation.clone_retrieval` measures MAP@R, as POJ-104 does, and `contrapose evaluate RUN --full`
    by cosine. The authors take `--learning-rate 2e-5 --epochs 2` from weights of 125 million parameters.

    What to expect: nothing was measured yet.
    """

    modality: ClassVar[str] = "text"
    kinds: ClassVar[tuple[str, ...]] = ("text",)
    kinds_note: ClassVar[str] = "for it was made for programs"
    view_defaults: ClassVar[Mapping[str, Any]] = {"crop_min": 1.0, "delete": 0.0}
    about: ClassVar[About] = About(
        question="what do labels add?",
        purpose="programs that solve the same problem, found by each other",
        paper="Liu et al., ICSE 2023, https://arxiv.org/abs/2301.09072; CodeXGLUE, https://arxiv.org/abs/2102.04664",
        needs_targets=("label",),
    )

    batch_size: int = 8
    """Anchors per process and step. 8: the authors'."""
    projection_layers: int = 1
    """Linear maps of the pooler, with a tanh behind the last. 1: the authors'; 0 compares the embeddings themselves."""
    projection_dimension: int = 128
    """D of the pooler. 128, as many as the encoders of texts have here; the authors' is their encoder's too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("views", self.views.total() == 2, "2 of each text (--views.count 2)")

    def views_seen(self) -> int:
        return 3  # the anchor, one of its class and one of another

    def views_for(self, views: MakeViews, samples: Samples, encoder: Encoder) -> MakeViews:
        """What draws clones of these texts.

        Errors:
            DataError: no labels, or one class alone.
        """
        from contrapose.views.texts.programs.two_sides import Clones

        labels = samples.labels
        classes = 0 if labels is None else len(set(labels[labels >= 0].tolist()))
        if labels is None or classes < 2:
            raise DataError(
                f"{samples.origin} has {'no labels' if labels is None else 'one class'}, and clones are told from "
                "programs of other classes. Give a table with a column of classes (--label-column)."
            )
        return Clones(views, cast("Texts", samples).texts, labels)

    def learner(self, encoder: Encoder, *, generator: torch.Generator) -> Learner:
        from torch import nn

        from contrapose.learners import ClonePairs
        from contrapose.objectives import clone_detection

        def objective(anchors: Tensor, same: Tensor, others: Tensor, labels: Tensor) -> Tensor:
            return clone_detection(anchors, same, others, labels, reduction="none")

        head = self.head(encoder.dimension, norm=False)
        pooler = nn.Sequential(head, nn.Tanh()) if self.projection_layers else head
        return ClonePairs(encoder, pooler, objective)
