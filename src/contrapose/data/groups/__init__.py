"""Samples in groups: the code of a sample's clusters, small groups merged, and batches drawn from one group each."""

from contrapose.data.groups.codes import check_labels, group_numbers, merge_small, tuple_codes
from contrapose.data.groups.sampler import GroupSampler, InEpochsOf

__all__ = ["GroupSampler", "InEpochsOf", "check_labels", "group_numbers", "merge_small", "tuple_codes"]
