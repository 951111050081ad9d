"""What the others notice when a process of theirs has ended: errors of the transport, which name sockets."""

from __future__ import annotations

from contrapose.errors import ContraposeError

_WORDS = ("gloo", "connection closed by peer", "connection reset by peer", "broken pipe", "nccl")


def is_of_a_lost_process(error: BaseException) -> bool:
    """Whether this error says that another process did not answer."""
    if isinstance(error, ContraposeError):
        return False
    named = {kind.__name__ for kind in type(error).__mro__}
    if named & {"DistBackendError", "DistNetworkError", "DistStoreError"}:
        return True
    return isinstance(error, RuntimeError) and any(word in str(error).lower() for word in _WORDS)
