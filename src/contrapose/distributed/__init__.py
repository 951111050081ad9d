"""What crosses processes: the one differentiable `gather`, and the ring in which blocks travel where all rows together
would not fit. World size 1 is the same code path."""

from contrapose.distributed.gathering import gather, mean_count, own_rows, rank, world_size
from contrapose.distributed.ring import Ring

__all__ = ["Ring", "gather", "mean_count", "own_rows", "rank", "world_size"]
