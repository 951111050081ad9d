"""Joint embedding in which only samples of the own group are negatives."""

from __future__ import annotations

from torch import Tensor

from contrapose.data.batch import Batch
from contrapose.distributed import gather
from contrapose.learners.siamese import Siamese
from contrapose.pairing import Pairing, within_groups

GROUP = "group"
"""The target that holds the group of each sample."""


class WithinGroupSiamese(Siamese):
    """`Siamese` whose negatives are limited to the group of the anchor, where batches say groups (the target "group").

        similarity of samples of different groups: in no denominator

    In a batch of one group this is `Siamese` as it is; a sample without a group-mate in the batch has no negative, and
    of losses with the positive in the denominator a loss of log 1 = 0.

    Arguments and errors: as of `Siamese`.

    Papers: Learning the Unlearned, https://arxiv.org/abs/2402.11816.
    """

    def _pairing(self, batch: Batch, z: Tensor) -> Pairing:
        pairing = super()._pairing(batch, z)
        if GROUP not in batch.targets:
            return pairing
        return within_groups(pairing, gather(batch.targets[GROUP].long()), views=len(z))  # (W·B,) groups
