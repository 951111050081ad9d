"""How a graph can be steered from some of its nodes, and changes of its edges that leave that as it is."""

from contrapose.controllability.bounds import pmi_bound, zero_forcing
from contrapose.controllability.changes import ControlEdits
from contrapose.controllability.distances import UNREACHABLE, leader_distances
from contrapose.controllability.dynamics import (
    controllable_dimension,
    followers,
    inputs_at_leaders,
    laplacian,
)
from contrapose.controllability.gramian import follower_gramian, gramian
from contrapose.controllability.leaders import greedy_leaders, random_leaders

__all__ = [
    "UNREACHABLE",
    "ControlEdits",
    "controllable_dimension",
    "follower_gramian",
    "followers",
    "gramian",
    "greedy_leaders",
    "inputs_at_leaders",
    "laplacian",
    "leader_distances",
    "pmi_bound",
    "random_leaders",
    "zero_forcing",
]
